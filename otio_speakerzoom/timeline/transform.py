"""A crop as zoom and position, in units any host can be given.

Every editor scales a picture about its own centre and then moves it. So a crop is three numbers:
how large a source pixel becomes on the canvas, and where the picture's centre lands. Each host's
own unit is a relabelling of these three, and stands in that host's adapter.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from otio_speakerzoom.model import Box, Cover, CoverKey, CropKey, FrameRange, Shot


@dataclass(frozen=True, slots=True)
class Transform:
    """What to do with the whole source picture so that its crop fills the canvas."""

    scale: float
    """Canvas pixels for one source pixel."""
    dx: float
    """Canvas pixels from the canvas's centre to the picture's centre, to the right."""
    dy: float
    """The same, down."""


def transform_of(crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Transform:
    """Return the scale and move that show `crop` of a picture of `size` on the whole `canvas`.

    A crop of another shape than the canvas covers it: the axis that is too long loses its ends,
    its centre stays. The larger of the two ratios, because a bar of black at the border shows
    and a lost half pixel does not; for a crop of the canvas's shape the two are one.
    """
    scale = max(canvas[0] / crop.width, canvas[1] / crop.height)
    x, y = crop.centre
    return Transform(scale, (size[0] / 2 - x) * scale, (size[1] / 2 - y) * scale)


def crop_of(transform: Transform, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the part of a picture of `size` that `reframe` shows: the inverse of `reframe`.

    For a crop that had another shape than the canvas it is what stayed in sight of it.
    """
    x = size[0] / 2 - transform.dx / transform.scale
    y = size[1] / 2 - transform.dy / transform.scale
    half_width = canvas[0] / transform.scale / 2
    half_height = canvas[1] / transform.scale / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def transform_at(
    shot: Shot, frame: int, size: tuple[int, int], canvas: tuple[int, int]
) -> Transform:
    """Return how `shot` is framed at a frame of the source.

    Scale and move change evenly from key to key, which is how editors and MLT go from one to the
    next; the crop's own edges then do not (a width is one over a scale). Before the first key and
    after the last the picture stands still.
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
    """Return the part of `shot` that lies in `span`, moving there as the whole shot does."""
    covers = tuple(part for cover in shot.covers if (part := _part_of_cover(cover, span)))
    if not shot.keys:
        return replace(shot, range=span, covers=covers)
    known = {key.frame: key for key in shot.keys if span.start <= key.frame < span.end}
    ends = (span.start, span.end - 1) if shot.keys[-1].frame >= span.end else (span.start,)
    for frame in ends:
        if frame not in known:
            crop = crop_of(transform_at(shot, frame, size, canvas), size, canvas)
            known[frame] = CropKey(frame, crop)
    keys = tuple(known[frame] for frame in sorted(known))
    return replace(shot, range=span, crop=keys[0].crop, keys=keys, covers=covers)


def cover_at(cover: Cover, frame: int) -> Box | None:
    """Return what `cover` hides at a frame of the source; None where it is not there."""
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


def _part_of_cover(cover: Cover, span: FrameRange) -> Cover | None:
    """Return the part of `cover` in `span`; None where it is not there."""
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
    """Return the scale at which a picture of `size` is wholly seen on `canvas`."""
    return min(canvas[0] / size[0], canvas[1] / size[1])


def fill(size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return the scale at which a picture of `size` leaves nothing of `canvas` empty."""
    return max(canvas[0] / size[0], canvas[1] / size[1])


def rounded(value: float) -> float:
    """Return a scale or position to nine places, without a -0.

    At nine places no crop moves by a thousandth of a pixel, in any of the units we write.
    """
    return round(value, 9) + 0.0


def decimal(value: float) -> str:
    """Return a scale or position as text formats take it: `rounded`, without an exponent."""
    return f"{rounded(value):.9f}".rstrip("0").rstrip(".")
