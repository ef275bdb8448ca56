"""Face crops for the networks: a smooth path of boxes, and 112 x 112 gray cut along it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

CROP_SIZE = 112
"""Width and height of a crop, in pixels."""


@dataclass(frozen=True, slots=True)
class CropRecipe:
    """How to cut the crops that a network was trained on from face boxes."""

    scale: float
    """Size of the region: of the box's longer side if `square`, else of each side."""
    shift: float
    """Distance of the region's centre below the box's, in units of the box's longer side."""
    square: bool
    """Whether the region is a square; otherwise it has the box's shape, squeezed to a square."""
    border: int = 110
    """Gray value outside the frame, 0 to 255; TalkNet pads with 110."""


WHOLE_BOX = CropRecipe(scale=1.2, shift=0.0, square=False)
"""For weights trained on AVA, whose crops are whole face boxes. A fifth wider than the box,
because detectors box more tightly than AVA does: picks the talker of two moving mouths 83 times in
100, against 81 with x1.0 and 71 with the lower face (LR-ASD, 4 s windows, n = 126)."""

LOWER_FACE = CropRecipe(scale=0.7, shift=0.2, square=True)
"""For TalkNet's TalkSet weights: from above the nose to below the chin. The published demo pads the
box, resizes it to 224 and takes the central 112, which is this square."""


SMOOTHING_TICKS = 13
"""Boxes of which each smooth one is the median, as in TalkNet's demo."""
CHUNK_BOXES = 250
"""Boxes that are smoothed at a time, 10 s: 250 bytes each while they are numbers of Python."""


_Row = tuple[float, float, float, float]
"""Centre, width and height of a box; or its edges."""


class BoxSmoother:
    """Smooths the boxes of a track that comes in pieces, with the values of `smooth_boxes`.

    Pieces are mostly of one or two boxes, so there is no array that is worth its calls: the values
    of each window are numbers in order.
    """

    def __init__(self, kernel: int = SMOOTHING_TICKS) -> None:
        self._reach = kernel // 2
        self._rows = deque[_Row]()
        """Of the last window."""
        self._sorted: tuple[list[float], ...] = ([], [], [], [])
        """The same, each of the four in ascending order."""

    def push(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add (N, 4) boxes; return those that are smooth now, up to half a kernel behind."""
        smooth: list[_Row] = []
        for left, top, right, bottom in boxes.tolist():
            row = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
            for _ in range(1 if self._rows else self._reach + 1):  # the ends repeat
                self._add(row, smooth)
        return np.array(smooth, np.float32).reshape(-1, 4)

    def finish(self) -> NDArray[np.float32]:
        """Return the rest of the smooth boxes, at the end of the track."""
        smooth: list[_Row] = []
        for _ in range(self._reach if self._rows else 0):
            self._add(self._rows[-1], smooth)
        self._rows.clear()
        return np.array(smooth, np.float32).reshape(-1, 4)

    def _add(self, row: _Row, smooth: list[_Row]) -> None:
        """Add a row, and append the box of the window that it completes, if any."""
        if len(self._rows) > 2 * self._reach:
            for values, old in zip(self._sorted, self._rows.popleft(), strict=True):
                del values[bisect_left(values, old)]
        self._rows.append(row)
        for values, new in zip(self._sorted, row, strict=True):
            insort(values, new)
        if len(self._rows) > 2 * self._reach:
            x, y, width, height = (values[self._reach] for values in self._sorted)
            box = x - width / 2, y - height / 2, x + width / 2, y + height / 2
            smooth.append(box)


def smooth_boxes(boxes: NDArray[np.float32], kernel: int = SMOOTHING_TICKS) -> NDArray[np.float32]:
    """Return (T, 4) boxes whose centre and size are running medians over `kernel` ticks.

    The ends repeat the outermost box. TalkNet's demo pads with zeros instead, which pull the first
    and last six crops towards the smallest value in the window, so that on a moving face those
    crops lag.
    """
    smoother = BoxSmoother(kernel)
    starts = range(0, len(boxes), CHUNK_BOXES)
    smooth = [smoother.push(boxes[start : start + CHUNK_BOXES]) for start in starts]
    return np.concatenate([*smooth, smoother.finish()])


def crop_face(
    frame: NDArray[np.uint8], box: NDArray[np.float32], recipe: CropRecipe
) -> NDArray[np.uint8]:
    """Return the (112, 112) gray crop of one face from an (H, W) gray frame.

    `box` is left, top, right, bottom in pixels of that frame; it may extend outside. A region
    larger than the crop is sampled about once per source pixel, then averaged: an affine warp alone
    skips pixels, which changes the sign of up to 1.3 % of the scores.
    """
    left, top, width, height = _region(box, recipe)
    across, down = (max(1, round(side / CROP_SIZE)) for side in (width, height))
    x_step, y_step = width / (CROP_SIZE * across), height / (CROP_SIZE * down)
    # OpenCV counts from the first pixel's centre, a box from its outer corner: hence the halves.
    back = np.array([[x_step, 0, left + (x_step - 1) / 2], [0, y_step, top + (y_step - 1) / 2]])
    sampled = cv2.warpAffine(
        frame,
        back,
        (CROP_SIZE * across, CROP_SIZE * down),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(recipe.border,),
    )
    crop = cv2.resize(sampled, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, dtype=np.uint8)


def crop_region(box: NDArray[np.float32], recipe: CropRecipe) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels that `crop_face` reads, in whole pixels."""
    left, top, width, height = _region(box, recipe)
    # the outermost samples lie half a step inside, and are between two pixels
    return floor(left) - 1, floor(top) - 1, ceil(left + width) + 1, ceil(top + height) + 1


def _region(box: NDArray[np.float32], recipe: CropRecipe) -> tuple[float, float, float, float]:
    """Left, top, width and height of the region that `recipe` cuts around `box`, in pixels."""
    x0, y0, x1, y1 = (float(side) for side in box)
    longer = max(x1 - x0, y1 - y0)
    width, height = (longer, longer) if recipe.square else (x1 - x0, y1 - y0)
    width, height = recipe.scale * width, recipe.scale * height
    return (x0 + x1 - width) / 2, (y0 + y1 - height) / 2 + recipe.shift * longer, width, height
