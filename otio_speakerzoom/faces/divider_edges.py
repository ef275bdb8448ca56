"""Edges in a frame that may belong to a divider: exactly upright or level steps of brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

REDUCTION = 4
"""Pixels along a divider that are averaged: noise halves, and the place across stays exact."""

MIN_STEP = 8
"""Levels of 255 by which the two sides of an edge differ: compression and noise change the mean of
four pixels by 1 or 2, and the eye sees a step of 3 %."""

PEAK_PX = 3
"""An edge is the largest step within so many pixels on each side: texture is no edge everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class DividerEdges:
    """Where a frame of W x H pixels has edges; eight of them in a byte, as NumPy packs bits."""

    size: tuple[int, int]
    """W, H in pixels."""
    upright: NDArray[np.uint8]
    """Packed (H / 4, W): edges between a pixel's left and right neighbours."""
    level: NDArray[np.uint8]
    """Packed (W / 4, H): edges between a pixel's neighbours above and below, transposed."""

    def unpack(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the (H / 4, W) upright and the (W / 4, H) level edges."""
        width, height = self.size
        return (
            np.unpackbits(self.upright, axis=1, count=width).astype(np.bool_),
            np.unpackbits(self.level, axis=1, count=height).astype(np.bool_),
        )


def divider_edges(rgb: NDArray[np.uint8]) -> DividerEdges:
    """Return the edges of a frame, (H, W, 3)."""
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = gray.shape
    upright = _edges(_resize(gray, (width, max(1, height // REDUCTION))))
    level = _edges(np.ascontiguousarray(_resize(gray, (max(1, width // REDUCTION), height)).T))
    return DividerEdges((width, height), np.packbits(upright, axis=1), np.packbits(level, axis=1))


def _resize(gray: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _edges(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1 where (L, N) lines of pixels have an edge, or a pixel beside it has one."""
    steps = np.zeros_like(lines)
    if lines.shape[1] > 2:
        steps[:, 1:-1] = cv2.absdiff(lines[:, 2:], lines[:, :-2])
    largest = cv2.dilate(steps, np.ones((1, 2 * PEAK_PX + 1), np.uint8))
    edges = ((steps == largest) & (steps >= MIN_STEP)).astype(np.uint8)
    return np.asarray(cv2.dilate(edges, np.ones((1, 3), np.uint8)), np.uint8)
