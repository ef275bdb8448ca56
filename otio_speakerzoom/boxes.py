"""Geometry of boxes in arrays: areas, IoU, share inside, and non-maximum suppression (NMS).

Boxes are (..., 4) left, top, right, bottom. Two arrays of boxes broadcast against each other, so
(T, 4) and (T, 4) are compared row by row; `pairwise_iou` compares each with each. Results have the
type of the input; NaN gives NaN.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Box

Float = TypeVar("Float", bound=np.floating[Any])

MIN_AREA = 1e-9
"""Square pixels; replaces the area of an empty box as a divisor."""


def sizes(boxes: NDArray[Float]) -> NDArray[Float]:
    """Return (..., 2) widths and heights."""
    return np.subtract(boxes[..., 2:], boxes[..., :2])


def areas(boxes: NDArray[Float]) -> NDArray[Float]:
    """Return (...) areas."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return np.multiply(width, height)


def centres(boxes: NDArray[Float]) -> NDArray[Float]:
    """Return (..., 2) x and y of the centres."""
    return np.divide(np.add(boxes[..., :2], boxes[..., 2:]), 2)


def intersection_sizes(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return (..., 2) widths and heights of the intersections; negative across a gap."""
    return np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])


def intersection_areas(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return (...) areas of the intersections."""
    # side by side: an array of pairs is several times as slow
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    return np.multiply(np.maximum(width, 0), np.maximum(height, 0))


def iou(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return (...) intersection over union."""
    common = intersection_areas(a, b)
    return np.divide(common, np.maximum(areas(a) + areas(b) - common, MIN_AREA))


def box_iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two single boxes."""
    return float(iou(np.array(a.edges), np.array(b.edges)))


def pairwise_iou(a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return (..., N, M) intersection over union of (..., N, 4) and (..., M, 4) boxes."""
    return iou(a[..., :, None, :], b[..., None, :, :])


def share_inside(boxes: NDArray[Float], regions: NDArray[Float]) -> NDArray[Float]:
    """Return (...) the share of each box's area that lies inside its region."""
    return np.divide(intersection_areas(boxes, regions), np.maximum(areas(boxes), MIN_AREA))


def nms(
    boxes: NDArray[Float],
    order: NDArray[np.intp],
    *,
    max_iou: float = 1.0,
    max_share_of_smaller: float = 1.0,
) -> list[int]:
    """Return the indices of the (N, 4) `boxes` that remain, best first, as `order` ranks them.

    Greedy: a box is dropped if it overlaps a better one that remains by more than `max_iou`, or by
    more than `max_share_of_smaller` of the smaller of the two areas.
    """
    area = areas(boxes)
    remaining: list[int] = []
    for n in order.tolist():
        common = intersection_areas(boxes[remaining], boxes[n])
        union = area[remaining] + area[n] - common
        smaller = np.minimum(area[remaining], area[n])
        overlaps = (common > max_iou * union) | (common > max_share_of_smaller * smaller)
        if not overlaps.any():
            remaining.append(n)
    return remaining
