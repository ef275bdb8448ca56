"""Tracks faces visually from a detection through the next frames, with OpenCV's trackers.

A tracker learns the content of a box and searches for it in the next frame. Which trackers are
available depends on the build of OpenCV: CSRT and KCF are in its contrib packages only.
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
from otio_speakerzoom.weights.names import NO_TRACKER

_CLASSES = {"csrt": "TrackerCSRT", "kcf": "TrackerKCF", "mil": "TrackerMIL"}
"""OpenCV's trackers that need no weights, by the names that the user gives."""

# A tracker cannot learn from less (KCF shrinks to cells of 4 pixels, and MIL's smallest features
# need as many); the detector detects no face as small either.
_MIN_SIDE_PX = 8


def _factories() -> dict[str, Callable[[], Any]]:
    """Return the factory of each tracker in this OpenCV; some builds keep them in `cv2.legacy`."""
    modules = (cv2, getattr(cv2, "legacy", None))
    return {
        name: getattr(module, class_name).create
        for name, class_name in _CLASSES.items()
        for module in reversed(modules)
        if hasattr(module, class_name)
    }


AVAILABLE_TRACKERS = (NO_TRACKER, *_factories())
"""The trackers in the installed OpenCV."""


def check_tracker(name: str) -> None:
    """Raise a ToolError unless this OpenCV has the tracker `name`."""
    if name not in AVAILABLE_TRACKERS:
        available = ", ".join(AVAILABLE_TRACKERS)
        raise ToolError(
            f"OpenCV {cv2.__version__} has no tracker {name!r}; choose one of {available}"
        )


def track_boxes(
    name: str, frames: Sequence[NDArray[np.uint8]], boxes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (T, N, 4) where the tracker `name` finds the (N, 4) `boxes` of the first frame.

    There are T + 1 (H, W, 3) RGB `frames`; row t is for frame t + 1. NaN once a face is lost. All
    boxes are in pixels of the frames.
    """
    check_tracker(name)
    tracked = np.full((len(frames) - 1, len(boxes), 4), np.nan, np.float32)
    if name == NO_TRACKER or not tracked.size:
        return tracked
    bgr = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), np.uint8) for frame in frames]
    for n, box in enumerate(boxes):
        _track_box(_factories()[name](), bgr, box, tracked[:, n])
    return tracked


def _track_box(
    tracker: Any,
    frames: Sequence[NDArray[np.uint8]],
    box: NDArray[np.float32],
    rows: NDArray[np.float32],
) -> None:
    """Fill (T, 4) `rows` with `box`, moved as the tracker's own box moves.

    Trackers need whole pixels inside the frame; the part of a box beyond that moves along.
    """
    height, width = frames[0].shape[:2]
    low = np.clip(np.round(box[:2]), 0, (width, height)).astype(int)
    high = np.clip(np.round(box[2:]), 0, (width, height)).astype(int)
    if (high - low).min() < _MIN_SIDE_PX:
        return
    start = (*low.tolist(), *(high - low).tolist())
    _seed()
    tracker.init(frames[0], start)
    for row, frame in zip(rows, frames[1:], strict=True):
        success, (left, top, width, height) = tracker.update(frame)
        if not success:
            return
        row[:] = box + np.array((left, top, left + width, top + height)) - (*low, *high)


def _seed() -> None:
    """Seed the C library's random numbers, so that the same source gives the same boxes.

    MIL draws its samples by `rand` and ignores OpenCV's own seed. On Windows each library may have
    a `rand` of its own, out of reach from here.
    """
    if sys.platform != "win32":
        ctypes.CDLL(None).srand(1)  # 1: C's initial seed
