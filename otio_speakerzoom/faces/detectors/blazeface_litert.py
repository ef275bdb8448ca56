"""BlazeFace's network in LiteRT, MediaPipe's own runtime, without MediaPipe's graph around it.

The same weights, input and arithmetic as in MediaPipe, and the same boxes, at less than nine tenths
of the CPU time. But MediaPipe moves a box that reaches past the upper or left edge of the image to
that edge, and here it stays where it is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

INPUT_SIDE_PX = 192
"""The network's input is a square; the rest of an image that is not one is black."""

_CELLS = 48
"""Along each side of the input: one per four pixels (face_detection_full_range.pbtxt)."""

_COORDINATES = 16
"""Of a box: its middle, width, height, and six points, each x then y."""

_MAX_LOGIT = 100.0
"""MediaPipe's score_clipping_thresh."""

_SAME_FACE_IOU = 0.3
"""Boxes with more in common are averaged (MediaPipe's min_suppression_threshold)."""

_EARS = slice(12, 16, 2)
"""The x of the last two points."""


class LiteRtNetwork:
    """Detects the faces with more than `min_confidence` in one image at a time.

    ValueError for a model that it cannot run.
    """

    def __init__(self, model: bytes, min_confidence: float) -> None:
        self._interpreter: Any = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        outputs = {
            tuple(details["shape"].tolist()): details["index"]
            for details in self._interpreter.get_output_details()
        }
        count = _CELLS * _CELLS
        if not {(1, count, _COORDINATES), (1, count, 1)} <= outputs.keys():
            raise ValueError(
                f"its outputs are {sorted(outputs)}, not those of BlazeFace full range"
            )
        self._boxes, self._logits = outputs[1, count, _COORDINATES], outputs[1, count, 1]
        self._min_confidence = np.float32(min_confidence)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return (N, 6) of an (H, W, 3) RGB image, best first, in its pixels.

        Left, top, right, bottom, x of the middle between the ears, confidence.
        """
        height, width, _ = image.shape
        side = max(width, height)
        self._interpreter.set_tensor(self._input, _network_input(image))
        self._interpreter.invoke()
        boxes = self._interpreter.get_tensor(self._boxes)[0]
        logits = self._interpreter.get_tensor(self._logits)[0, :, 0]
        faces = _distinct_boxes(*_sure_boxes(boxes, logits, self._min_confidence))
        faces[:, :5] *= side
        faces[:, :5] -= np.array([side - width, side - height] * 2 + [side - width]) / 2
        size = np.floor(faces[:, 2:4] - faces[:, :2])
        faces[:, :2] = np.floor(faces[:, :2])  # whole pixels, as MediaPipe returns them
        faces[:, 2:4] = faces[:, :2] + size
        return faces

    def close(self) -> None:
        """Free the network."""
        self._interpreter = None


def _network_input(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (1, 192, 192, 3) from -1 to 1: the image in the middle of a black square."""
    small = cv2.remap(
        image, *_sample_places(*image.shape[:2]), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=0,
    )  # fmt: skip
    return small[np.newaxis] * np.float32(1 / 127.5) - np.float32(1)


@lru_cache(maxsize=8)  # views of two or three sizes
def _sample_places(height: int, width: int) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """Return where the network's pixels lie in an image, for `cv2.remap`.

    They are samples, not means, at the corner of each pixel and to 1/32 of one, as in MediaPipe.
    """
    side = max(width, height)
    offsets = np.arange(INPUT_SIDE_PX) * (side / INPUT_SIDE_PX)
    left, top = np.meshgrid(offsets + (width - side) / 2, offsets + (height - side) / 2)
    return cv2.convertMaps(left.astype(np.float32), top.astype(np.float32), cv2.CV_16SC2)  # pyright: ignore


def _sure_boxes(
    boxes: NDArray[np.float32], logits: NDArray[np.float32], min_confidence: np.float32
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (N, 5) edges and x between the ears in sides of the square, and (N,) confidences."""
    confidences = 1 / (1 + np.exp(-np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT)))
    sure = np.flatnonzero(confidences >= min_confidence)
    sure = sure[np.argsort(-confidences[sure], kind="stable")]
    rows = boxes[sure] / np.float32(INPUT_SIDE_PX)
    middle = (np.stack([sure % _CELLS, sure // _CELLS], axis=1) + 0.5) / _CELLS
    middle = middle.astype(np.float32)
    centre, half = rows[:, :2] + middle, rows[:, 2:4] / 2
    ears = rows[:, _EARS].mean(axis=1) + middle[:, 0]
    edges = np.column_stack([centre - half, centre + half, ears]).astype(np.float32)
    return edges, confidences[sure].astype(np.float32)


def _distinct_boxes(
    boxes: NDArray[np.float32], confidences: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return (M, 6) with the mean of the boxes that are one face, weighted by confidence.

    This is MediaPipe's WEIGHTED suppression: the confidence is that of the best box.
    """
    faces: list[NDArray[np.float64]] = []
    areas = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    remaining = np.arange(len(boxes))
    while len(remaining):
        best = remaining[0]
        top_left = np.maximum(boxes[remaining, :2], boxes[best, :2])
        bottom_right = np.minimum(boxes[remaining, 2:4], boxes[best, 2:4])
        shared = np.maximum(bottom_right - top_left, 0).prod(axis=1)
        is_same = shared > _SAME_FACE_IOU * (areas[remaining] + areas[best] - shared)
        is_same[0] = True
        same, remaining = remaining[is_same], remaining[~is_same]
        mean = np.average(boxes[same].astype(np.float64), axis=0, weights=confidences[same])
        faces.append(np.append(mean, np.float64(confidences[best])))
    return np.array(faces).reshape(-1, 6)
