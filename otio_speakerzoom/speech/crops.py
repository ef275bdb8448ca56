"""Face crops for the networks: a smooth path of boxes, and 112 x 112 gray cut along it."""

from __future__ import annotations

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
"""Boxes that are smoothed at a time, 10 s: the windows of their medians take 100 kB."""


class BoxSmoother:
    """Smooths the boxes of a track that comes in pieces, with the values of `smooth_boxes`."""

    def __init__(self, kernel: int = SMOOTHING_TICKS) -> None:
        self._reach = kernel // 2
        self._rows: NDArray[np.float64] | None = None  # (n, 4) centres and sizes still needed

    def push(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add (N, 4) boxes; return those that are smooth now, up to half a kernel behind."""
        wide = boxes.astype(np.float64)
        rows = np.hstack([(wide[:, :2] + wide[:, 2:]) / 2, wide[:, 2:] - wide[:, :2]])
        if self._rows is not None:
            rows = np.concatenate([self._rows, rows])
        elif len(rows):
            rows = np.concatenate([rows[:1].repeat(self._reach, axis=0), rows])
        self._rows = rows[max(0, len(rows) - 2 * self._reach) :] if len(rows) else None
        return self._medians(rows)

    def finish(self) -> NDArray[np.float32]:
        """Return the rest of the smooth boxes, at the end of the track."""
        if self._rows is None:
            return np.empty((0, 4), np.float32)
        rows = np.concatenate([self._rows, self._rows[-1:].repeat(self._reach, axis=0)])
        self._rows = None
        return self._medians(rows)

    def _medians(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n - 2 reach, 4) boxes of the running medians of (n, 4) centres and sizes."""
        kernel = 2 * self._reach + 1
        if len(rows) < kernel:
            return np.empty((0, 4), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(rows, kernel, axis=0)  # (n', 4, kernel)
        median = np.partition(windows, self._reach, axis=2)[:, :, self._reach]
        centre, size = median[:, :2], median[:, 2:]
        return np.hstack([centre - size / 2, centre + size / 2]).astype(np.float32)


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
