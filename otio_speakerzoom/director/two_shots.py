"""Crops of two-shots: both heads whole, and nobody else where the place of the others allows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.crop_geometry import (
    frame_box,
    largest_crop_in,
    largest_crop_size,
    widest_if_nearly,
)
from otio_speakerzoom.director.framing_faults import face_extents, head_of
from otio_speakerzoom.director.panels import Walls
from otio_speakerzoom.director.single_candidates import EYES_BELOW_TOP
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box

TWO_SHOT_MARGIN = 0.7
"""Room outside the two faces of a two-shot, in face heights: their shoulders."""


def frame_two(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
    *,
    others: Sequence[NDArray[np.float32]] = (),
    walls: Walls | None = None,
) -> Box:
    """Return the crop of a two-shot, from the (T, 4) boxes of both people in it.

    It is tighter, or moved aside, where that keeps the `others` out with both heads still whole,
    and so for other panels; it stays in the panel of the `walls` if both heads fit.
    """
    extents = face_extents([one, other])
    heads = np.array([head_of(extent) for extent in extents])
    pair = np.concatenate([heads[:, :2].min(axis=0), heads[:, 2:].max(axis=0)])
    whole = frame_box(size)
    walls = walls or Walls(whole)
    bounds = walls.panel if _fits(pair, walls.panel, canvas, style) else whole
    ideal = _ideal_height(extents, bounds, canvas, style)
    shape = canvas[0] / canvas[1]
    least = max((pair[2] - pair[0]) / shape, pair[3] - pair[1], canvas[1] / style.tightest_upscale)
    height, gap_left, gap_right = ideal, bounds.left, bounds.right
    for left, right in _gaps(pair, face_extents(others), walls.to_avoid(size), bounds):
        if least * shape <= right - left:
            height = max(min(least, ideal), min(ideal, (right - left) / shape))
            gap_left, gap_right = left, right
            break
    width = height * shape
    eyes = float(np.mean(extents[:, 1] + EYES_BELOW_TOP * (extents[:, 3] - extents[:, 1])))
    middle = (extents[:, 0].min() + extents[:, 2].max()) / 2
    left = _within(float(middle) - width / 2, width, pair[0], pair[2], gap_left, gap_right)
    top = _within(
        eyes - style.eye_line * height, height, pair[1], pair[3], bounds.top, bounds.bottom
    )
    crop = Box(left, top, left + width, top + height)
    wider = widest_if_nearly(crop, bounds, canvas)
    return wider if height >= ideal else crop


def fits_two(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> bool:
    """Whether the widest crop has room for two people, from their (T, 4) boxes."""
    extents = face_extents([one, other])
    needed = extents[:, 2:].max(axis=0) - extents[:, :2].min(axis=0)
    return bool((needed <= largest_crop_size(size, canvas)).all())


def _ideal_height(
    extents: NDArray[np.float64], bounds: Box, canvas: tuple[int, int], style: Style
) -> float:
    """Return the height of a two-shot where nobody else is near: with their shoulders."""
    face_height = float((extents[:, 3] - extents[:, 1]).max())
    faces_width = float(extents[:, 2].max() - extents[:, 0].min())
    width = faces_width + 2 * TWO_SHOT_MARGIN * face_height
    max_height = largest_crop_in(bounds, canvas)[1]
    min_height = min(max_height, canvas[1] / style.max_upscale)
    height = max(width * canvas[1] / canvas[0], style.face_heights * face_height)
    return min(max(height, min_height), max_height)


def _fits(pair: NDArray[np.float64], panel: Box, canvas: tuple[int, int], style: Style) -> bool:
    """Whether both heads fit into a crop in a panel that is not softer than the style allows."""
    width, height = largest_crop_in(panel, canvas)
    return bool(
        height >= canvas[1] / style.tightest_upscale
        and pair[2] - pair[0] <= width
        and pair[3] - pair[1] <= height
    )


def _gaps(
    pair: NDArray[np.float64], others: NDArray[np.float64], panels: Sequence[Box], bounds: Box
) -> Iterator[tuple[float, float]]:
    """Yield the ends of the room between the heads and panels beside a pair, then of the heads."""
    heads = [head_of(other).tolist() for other in others]
    for boxes in ([*heads, *(panel.edges for panel in panels)], heads):
        beside = [box for box in boxes if box[1] < pair[3] and pair[1] < box[3]]
        yield (
            max([bounds.left, *(box[2] for box in beside if box[2] <= pair[0])]),
            min([bounds.right, *(box[0] for box in beside if box[0] >= pair[2])]),
        )


def _within(start: float, side: float, low: float, high: float, first: float, last: float) -> float:
    """Return the start of a stretch of length `side`, moved as little as possible.

    It contains `low` to `high` if they fit, and lies between `first` and `last` above all.
    """
    if high - low <= side:
        start = min(max(start, high - side), low)
    return float(max(first, min(start, last - side)))
