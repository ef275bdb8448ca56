"""Whether two face tracks are on the same head at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.model import FaceTrack

SAME_HEAD_IOU = 0.2
"""Boxes with at least this IoU are of one head: heads of one size would be two thirds of a face
apart. Side by side they are more than a whole one, and boxes of neighbours cheek to cheek
overlapped by 0.06 at most."""


def median_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the median IoU of (T, 4) boxes, frame by frame."""
    return float(np.median(iou(a, b)))


def common_iou(one: FaceTrack, other: FaceTrack) -> float | None:
    """Return the median IoU of two tracks in their common frames; None if they have none."""
    first, end = max(one.start, other.start), min(one.range.end, other.range.end)
    if first >= end:
        return None
    boxes = [track.boxes[first - track.start : end - track.start] for track in (one, other)]
    return median_iou(*boxes)


def are_on_same_head(one: FaceTrack, other: FaceTrack) -> bool:
    """Whether two tracks have frames in common, and the same place in them."""
    common = common_iou(one, other)
    return common is not None and common >= SAME_HEAD_IOU
