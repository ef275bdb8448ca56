"""Crops as transforms: the scale and position with which an editor shows a crop.

Every editor scales a frame about its centre and then moves it. So a crop is three numbers: the size
of a source pixel on the canvas, and the position of the frame's centre. Each editor's own units are
a conversion of these three, in its adapter.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from otio_speakerzoom.model import Box, Cover, CoverKey, CropKey, FrameRange, Shot


@dataclass(frozen=True, slots=True)
class Transform:
    """How to scale and move the whole source frame so that its crop fills the canvas."""

    scale: float
    """Canvas pixels per source pixel."""
    dx: float
    """Canvas pixels from the centre of the canvas to the centre of the frame, to the right."""
    dy: float
    """The same, down."""


def transform_of(crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Transform:
    """Return the transform that fills `canvas` with `crop` of a frame of `size`.

    A crop of another aspect ratio than the canvas is centred and loses its ends on the longer axis.
    The scale is the larger of the two ratios, because a black bar at the border is visible and a
    lost half pixel is not.
    """
    scale = max(canvas[0] / crop.width, canvas[1] / crop.height)
    x, y = crop.centre
    return Transform(scale, (size[0] / 2 - x) * scale, (size[1] / 2 - y) * scale)


def crop_of(transform: Transform, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the part of a frame of `size` that `transform` shows: the inverse of `transform_of`.

    For a crop of another aspect ratio than the canvas, this is the visible part of that crop.
    """
    x = size[0] / 2 - transform.dx / transform.scale
    y = size[1] / 2 - transform.dy / transform.scale
    half_width = canvas[0] / transform.scale / 2
    half_height = canvas[1] / transform.scale / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def transform_at(
    shot: Shot, frame: int, size: tuple[int, int], canvas: tuple[int, int]
) -> Transform:
    """Return the transform of `shot` at a source frame.

    Scale and position are linear between keyframes, as in editors and MLT; so the edges of the crop
    are not (its width is one over the scale). Before the first keyframe and after the last one they
    are constant.
    """
    keys = shot.keys or (CropKey(shot.range.start, shot.crop),)
    at = bisect_right(keys, frame, key=lambda key: key.frame)
    before, after = keys[max(0, at - 1)], keys[min(at, len(keys) - 1)]
    a, b = (transform_of(key.crop, size, canvas) for key in (before, after))
    if after is before:
        return a
    part = (frame - before.frame) / (after.frame - before.frame)
    return Transform(
        a.scale + part * (b.scale - a.scale),
        a.dx + part * (b.dx - a.dx),
        a.dy + part * (b.dy - a.dy),
    )


def trim_shot(shot: Shot, span: FrameRange, size: tuple[int, int], canvas: tuple[int, int]) -> Shot:
    """Return the part of `shot` in `span`, with the same motion as the whole shot."""
    covers = tuple(part for cover in shot.covers if (part := _trim_cover(cover, span)))
    if not shot.keys:
        return replace(shot, range=span, covers=covers)
    inside = {key.frame: key for key in shot.keys if span.start <= key.frame < span.end}
    ends = (span.start, span.end - 1) if shot.keys[-1].frame >= span.end else (span.start,)
    for frame in ends:
        if frame not in inside:
            crop = crop_of(transform_at(shot, frame, size, canvas), size, canvas)
            inside[frame] = CropKey(frame, crop)
    keys = tuple(inside[frame] for frame in sorted(inside))
    return replace(shot, range=span, crop=keys[0].crop, keys=keys, covers=covers)


def cover_at(cover: Cover, frame: int) -> Box | None:
    """Return the area that `cover` hides at a source frame; None outside its range."""
    keys = cover.keys
    if not keys:
        return cover.box
    if not keys[0].frame <= frame <= keys[-1].frame:
        return None
    at = bisect_right(keys, frame, key=lambda key: key.frame)
    before, after = keys[at - 1], keys[min(at, len(keys) - 1)]
    if after is before:
        return before.box
    part = (frame - before.frame) / (after.frame - before.frame)
    a, b = before.box, after.box
    return Box(
        a.left + part * (b.left - a.left),
        a.top + part * (b.top - a.top),
        a.right + part * (b.right - a.right),
        a.bottom + part * (b.bottom - a.bottom),
    )


def _trim_cover(cover: Cover, span: FrameRange) -> Cover | None:
    """Return the part of `cover` in `span`; None if they do not overlap."""
    if not cover.keys:
        return cover
    first = max(cover.keys[0].frame, span.start)
    last = min(cover.keys[-1].frame, span.end - 1)
    if first > last:
        return None
    inside = {key.frame for key in cover.keys if first < key.frame < last}
    frames = sorted(inside | {first, last})
    keys = tuple(CoverKey(f, box) for f in frames if (box := cover_at(cover, f)))
    return replace(cover, box=keys[0].box, keys=keys)


def fit(size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return the largest scale at which all of a frame of `size` is visible on `canvas`."""
    return min(canvas[0] / size[0], canvas[1] / size[1])


def fill(size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return the smallest scale at which a frame of `size` covers all of `canvas`."""
    return max(canvas[0] / size[0], canvas[1] / size[1])


def round_number(value: float) -> float:
    """Return a scale or position rounded to nine decimal places, never -0.

    At nine places no crop moves by a thousandth of a pixel in any of the units we write.
    """
    return round(value, 9) + 0.0


def format_number(value: float) -> str:
    """Return a scale or position as text: rounded to nine places, without an exponent."""
    return f"{round_number(value):.9f}".rstrip("0").rstrip(".")
