"""Networks that OpenCV runs: load weights, run them, and suppress duplicate boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import WeightsError

REMEDY = "move it away to download it again, or choose another --detector"
"""What to do about a weights file that is damaged or cannot be read."""


def read_weights(path: Path) -> bytes:
    """Return the content of a weights file; WeightsError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error


def load_network(onnx: bytes, path: Path) -> cv2.dnn.Net:
    """Return the network in an ONNX file's content; WeightsError, naming `path`, if it is none."""
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(onnx, np.uint8))
    except cv2.error as error:
        raise unusable_weights(path) from error


def unusable_weights(path: Path) -> WeightsError:
    """Return the error for a weights file that OpenCV cannot use."""
    return WeightsError(
        f"{path}: OpenCV {cv2.__version__} cannot detect faces with it; update OpenCV, or choose "
        "another --detector"
    )


def run_network(network: cv2.dnn.Net, frames: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return all outputs of the network by name; OpenCV 5 gives either all of them or one."""
    network.setInput(frames)
    names = network.getUnconnectedOutLayersNames()
    outputs = zip(names, network.forward(names), strict=True)
    return {name: np.asarray(output) for name, output in outputs}


def nms_indices(
    boxes: NDArray[np.floating], confidences: NDArray[np.floating], max_iou: float
) -> list[int]:
    """Return the indices of the (N, 4) `boxes` that remain after NMS, most confident first.

    By OpenCV, which is fast with the thousands of boxes of a first stage, and rounds IoU to
    float32: boxes on a grid may overlap by `max_iou` exactly, and then both remain.
    """
    sizes = boxes[:, 2:] - boxes[:, :2]
    corners = np.concatenate([boxes[:, :2], sizes], axis=1).tolist()
    return [int(i) for i in cv2.dnn.NMSBoxes(corners, confidences.tolist(), 0.0, max_iou)]
