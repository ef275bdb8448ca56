"""Follow faces from a look of the detector through the pictures after it, by OpenCV's trackers.

A tracker learns what is in a box and searches for it in the next picture. Which trackers there are
depends on how OpenCV was built: CSRT and KCF are in its contrib packages only.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError

_CLASSES = {"csrt": "TrackerCSRT", "kcf": "TrackerKCF", "mil": "TrackerMIL"}
"""OpenCV's trackers that need no weights, by the names that a user gives them."""

NO_TRACKER = "iou"
"""Nothing is followed: `track` joins boxes that overlap, and interpolates between them."""

# A tracker cannot learn from less than this many pixels across (KCF shrinks to cells of 4, and
# MIL's smallest features need as many); the detector finds no face as small either.
_LEAST_SIDE = 8


def _makers() -> dict[str, Callable[[], Any]]:
    """What makes each tracker of this OpenCV; some builds keep them in `cv2.legacy`."""
    rooms = (cv2, getattr(cv2, "legacy", None))
    return {
        name: getattr(room, kind).create
        for name, kind in _CLASSES.items()
        for room in reversed(rooms)
        if hasattr(room, kind)
    }


TRACKERS = (NO_TRACKER, *_makers())
"""What `follow` may be with the OpenCV that is installed."""


def check_tracker(name: str) -> None:
    """Raise a ToolError unless this OpenCV has the tracker `name`."""
    if name not in TRACKERS:
        there = ", ".join(TRACKERS)
        raise ToolError(f"OpenCV {cv2.__version__} has no tracker {name!r}; choose one of {there}")


def follow_faces(
    name: str, pictures: Sequence[NDArray[np.uint8]], boxes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (T, N, 4) where the tracker `name` sees the (N, 4) `boxes` of the first picture.

    There are T + 1 (H, W, 3) RGB `pictures`; row t belongs to picture t + 1. NaN from where a face
    is lost on. All boxes are in pixels of the pictures.
    """
    check_tracker(name)
    followed = np.full((len(pictures) - 1, len(boxes), 4), np.nan, np.float32)
    if name == NO_TRACKER or not followed.size:
        return followed
    bgr = [np.asarray(cv2.cvtColor(p, cv2.COLOR_RGB2BGR), np.uint8) for p in pictures]
    for face, box in enumerate(boxes):
        _follow(_makers()[name](), bgr, box, followed[:, face])
    return followed


def _follow(
    tracker: Any,
    pictures: Sequence[NDArray[np.uint8]],
    box: NDArray[np.float32],
    rows: NDArray[np.float32],
) -> None:
    """Fill (T, 4) `rows` with `box`, moved as the tracker's own box moves.

    Trackers want whole pixels inside the picture; what a box has beyond that stays with it.
    """
    height, width = pictures[0].shape[:2]
    low = np.clip(np.round(box[:2]), 0, (width, height)).astype(int)
    high = np.clip(np.round(box[2:]), 0, (width, height)).astype(int)
    if (high - low).min() < _LEAST_SIDE:
        return
    start = (*low.tolist(), *(high - low).tolist())
    _seed()
    tracker.init(pictures[0], start)
    for row, picture in zip(rows, pictures[1:], strict=True):
        held, (left, top, across, down) = tracker.update(picture)
        if not held:
            return
        row[:] = box + np.array((left, top, left + across, top + down)) - (*low, *high)


def _seed() -> None:
    """Start the C library's random numbers anew, so that the same source gives the same boxes.

    MIL draws its samples by `rand` and ignores OpenCV's own seed. On Windows each library may have
    a `rand` of its own, out of reach from here.
    """
    if sys.platform != "win32":
        ctypes.CDLL(None).srand(1)  # 1: what C starts from
