"""What several detectors need: a checked picture, a smaller one, a network, one box a face."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import WeightsError

Found = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(N, 4) boxes, left, top, right, bottom in pixels, and (N,) confidences from 0 to 1."""

REMEDY = "move it away, and it is fetched again, or choose another --detector"
"""What to do about a file of weights that is damaged or cannot be read."""


class InMemory:
    """A detector that holds nothing but memory, so that closing it is left to Python."""

    def close(self) -> None:
        """Do nothing; here so that every detector can be closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check(picture: NDArray[np.uint8]) -> None:
    """ValueError unless `picture` is an (H, W, 3) picture of bytes."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"need (H, W, 3) uint8, got {picture.shape} {picture.dtype}")


def shrunk(
    picture: NDArray[np.uint8], long_side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the (H, W, 3) picture no longer than `long_side`, and what takes its boxes back.

    That is a factor for each of left, top, right and bottom, (4,).
    """
    height, width, _ = picture.shape
    shrink = min(1.0, long_side / max(height, width))
    small_width, small_height = (max(1, round(side * shrink)) for side in (width, height))
    small = cv2.resize(picture, (small_width, small_height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), np.array([width / small_width, height / small_height] * 2)


def read(weights: Path) -> bytes:
    """Return what the file of weights holds; WeightsError where it cannot be read."""
    try:
        return weights.read_bytes()
    except OSError as error:
        raise WeightsError(f"{weights}: cannot be read ({error.strerror}); {REMEDY}") from error


def network_of(content: bytes, source: Path) -> cv2.dnn.Net:
    """Return the network in an ONNX file's `content`; WeightsError, naming `source`, if none is."""
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    except cv2.error as error:
        raise cannot_use(source) from error


def cannot_use(weights: Path) -> WeightsError:
    """Return what to tell a user whose file of weights OpenCV refuses."""
    return WeightsError(
        f"{weights}: OpenCV {cv2.__version__} cannot find faces with it; update OpenCV, or choose "
        "another --detector"
    )


def outputs_of(network: cv2.dnn.Net, pictures: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return all that the network says of its input, by name; OpenCV 5 gives all or one only."""
    network.setInput(pictures)
    names = network.getUnconnectedOutLayersNames()
    return {
        name: np.asarray(said) for name, said in zip(names, network.forward(names), strict=True)
    }


def one_each(boxes: NDArray[np.floating], sureness: NDArray[np.floating], iou: float) -> list[int]:
    """Return which of (N, 4) `boxes` remain, surest first, if none may share more than `iou`."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    corners = np.concatenate([boxes[:, :2], sizes], axis=1).tolist()
    return [int(i) for i in cv2.dnn.NMSBoxes(corners, sureness.tolist(), 0.0, iou)]
