"""Crops of two-ups: each half is framed like a single of its person, in the shape of the half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import share_inside
from otio_speakerzoom.director.frame_arrays import median
from otio_speakerzoom.director.framing import frame_single, middle_of
from otio_speakerzoom.director.framing_faults import MAX_EAR_SHARE, face_extents
from otio_speakerzoom.director.panels import Walls
from otio_speakerzoom.director.planned_shot import Framing
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_shots import fits_two, frame_two
from otio_speakerzoom.model import MIN_TWO_UP_SIDE, Box, TwoUp
from otio_speakerzoom.timeline.two_up import Half

MIN_VISIBLE_SHARE = 0.9
"""Of a shot, in which both people must be visible: half a picture of an empty chair disturbs for
more than a moment, but a face in profile is not found in every frame."""

MIN_OWN_SHARE = 0.9
"""Of a face's extent, that must be in its half: as much as a head that nods may leave it."""


IN_TWO_HALVES = ", in two halves"
"""Ends the reason of a two-up."""

MIN_GAIN = 1.1
"""How much larger than in a two-shot of them both people must be: where that is as tight, it shows
the same without a seam through the picture."""


class TwoUpFraming(NamedTuple):
    """A two-up with its crops."""

    framing: Framing
    """Rows of both people, the left or upper one first."""
    crop: Box
    """Of the left or upper half."""
    two_up: TwoUp


def layout_of(style: Style, canvas: tuple[int, int]) -> str:
    """Return the layout of two-ups by a style; empty where it has none, or the canvas no room."""
    if style.two_up == "off" or min(canvas) < MIN_TWO_UP_SIDE:
        return ""
    if style.two_up == "auto":
        return "stacked" if canvas[1] > canvas[0] else "side_by_side"
    return style.two_up


def frame_two_up(
    framing: Framing,
    own: Sequence[NDArray[np.float32]],
    others: Sequence[NDArray[np.float32]],
    frames: int,
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
    walls: Sequence[Walls],
) -> TwoUpFraming | None:
    """Return the two-up of a framing, from the (T, 4) boxes of both people; None if none fits.

    `others` are those of everybody else in its `frames`, `walls` those around both. The person
    further left in the source is in the left or upper half. A half fits if its person's face is
    in it, the other one's is not, no source pixel is enlarged by more than `tightest_upscale`, and
    with the style's `auto`, it shows more than a two-shot.
    """
    layout = layout_of(style, canvas)
    if not layout or min(map(len, own)) < MIN_VISIBLE_SHARE * frames:
        return None
    order = sorted((0, 1), key=lambda n: middle_of(own[n]))
    least_scale = 0.0
    if style.two_up == "auto":
        least_scale = MIN_GAIN * _two_shot_scale(own, others, size, canvas, style)
    crops: list[Box] = []
    for half, n in zip((Half(layout, False), Half(layout, True)), order, strict=True):
        shape = half.rectangle(canvas)[2:]
        around = [own[1 - n], *others]
        crop = frame_single(own[n], around, size, shape, style, walls=walls[n])
        scale = shape[1] / crop.height
        is_soft = scale > style.tightest_upscale * (1 + 1e-9)
        if is_soft or scale < least_scale or not _shows_one(crop, own[n], own[1 - n]):
            return None
        crops.append(crop)
    people = tuple(framing[n] for n in order)
    return TwoUpFraming(people, crops[0], TwoUp(layout, crops[1]))


def _two_shot_scale(
    own: Sequence[NDArray[np.float32]],
    others: Sequence[NDArray[np.float32]],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> float:
    """Canvas pixels per source pixel in a two-shot; 0 where both do not fit into one."""
    one, other = own
    if not fits_two(one, other, size, canvas):
        return 0.0
    return canvas[1] / frame_two(one, other, size, canvas, style, others=others).height


def _shows_one(crop: Box, own: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether a crop shows one of two people and not the other; an ear at its edge is neither."""
    extent = face_extents([own])
    inside = share_inside(np.concatenate([extent, median(other)[None]]), np.array([crop.edges]))
    return bool(inside[0] >= MIN_OWN_SHARE and inside[1] <= MAX_EAR_SHARE)
