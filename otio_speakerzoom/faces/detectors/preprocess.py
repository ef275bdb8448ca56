"""Checks and downscales the frame that a detector gets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def check_frame(frame: NDArray[np.uint8]) -> None:
    """Raise ValueError unless `frame` is (H, W, 3) uint8."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise ValueError(f"need (H, W, 3) uint8, got {frame.shape} {frame.dtype}")


def downscale(
    frame: NDArray[np.uint8], long_side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the (H, W, 3) frame with a longer side of at most `long_side`, and a scale.

    Boxes in the small frame times the scale, (4,), are boxes in the original one.
    """
    height, width, _ = frame.shape
    factor = min(1.0, long_side / max(height, width))
    small_width, small_height = (max(1, round(side * factor)) for side in (width, height))
    small = cv2.resize(frame, (small_width, small_height), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8), np.array([width / small_width, height / small_height] * 2)
