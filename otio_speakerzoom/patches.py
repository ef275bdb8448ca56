"""Faces covered in the film: which piece of the picture is blurred or dimmed, when and where.

ffmpeg lays pieces of a fixed size over the picture and is told, frame by frame, where. A piece
serves covers of about its own size only, so that no small face is hidden under a large piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import ffmpeg

from otio_speakerzoom.model import Box, Cover, Shot
from otio_speakerzoom.reframe import cover_at

CLASSES_PER_OCTAVE = 4
"""A piece is at most 1.19 times as large as what it covers; one a cover would be too many."""

ROUNDING = 2
"""Pixels that a piece is larger: its corner is a whole pixel, and so up to half a pixel off."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One of the pieces laid over the picture: of one size, moved from frame to frame."""

    how: str
    """blur or dim"""
    width: int
    """Pixels of the source, even."""
    height: int

    def corner(self, box: Box, size: tuple[int, int]) -> tuple[int, int]:
        """Return left and top of the patch, whole pixels, around `box` inside the picture."""
        x, y = box.centre
        left = min(max(0, round(x - self.width / 2)), size[0] - self.width)
        return left, min(max(0, round(y - self.height / 2)), size[1] - self.height)


_Slot = tuple[str, int, int]
"""How, the class of size, and which of a shot's covers of both it is for."""


def patches_of(shots: Sequence[Shot], size: tuple[int, int]) -> list[Patch]:
    """Return as many patches as any shot needs at once, for a picture of `size`."""
    largest: dict[_Slot, tuple[float, float]] = {}
    for shot in shots:
        for slot, cover in _slots(shot.covers).items():
            width, height = largest.get(slot, (0.0, 0.0))
            now = _extent(cover)
            largest[slot] = max(width, now[0]), max(height, now[1])
    return [
        Patch(slot[0], _even(width, size[0]), _even(height, size[1]))
        for slot, (width, height) in sorted(largest.items())
    ]


def corners_of(
    shots: Sequence[Shot], size: tuple[int, int]
) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    """Yield (frame, number of the patch, its corner) wherever a patch goes somewhere else.

    The corner is None where the patch covers nothing from that frame on.
    """
    patches = patches_of(shots, size)
    slots = sorted({slot for shot in shots for slot in _slots(shot.covers)})
    for n, (slot, patch) in enumerate(zip(slots, patches, strict=True)):
        last = None
        for shot in shots:
            cover = _slots(shot.covers).get(slot)
            moving = bool(cover and cover.keys)
            frames = range(shot.range.start, shot.range.end if moving else shot.range.start + 1)
            for frame in frames:
                box = cover_at(cover, frame) if cover else None
                corner = patch.corner(box, size) if box else None
                if corner != last:
                    yield frame, n, corner
                last = corner


def covered(picture: Any, patches: Sequence[Patch]) -> Any:
    """Return the picture with each patch laid over it, out of sight until it is told where.

    Patch n is cut out by the filter `crop@n` and laid by `overlay@n`.
    """
    for n, patch in enumerate(patches):
        halves = picture.split()
        part = halves[1].filter(f"crop@{n}", patch.width, patch.height, 0, 0, exact=1)
        if patch.how == "blur":
            # an eighth of a face wide: no feature is left of it
            part = part.filter("gblur", sigma=max(2, patch.width // 8))
        else:
            part = part.filter("lutyuv", y="val*0.15")
        picture = ffmpeg.filter([halves[0], part], f"overlay@{n}", x=-patch.width, y=0)
    return picture


def _slots(covers: Sequence[Cover]) -> dict[_Slot, Cover]:
    """Return the covers of one shot by the patch that each needs."""
    slots: dict[_Slot, Cover] = {}
    for cover in covers:
        octave = ceil(CLASSES_PER_OCTAVE * log2(max(1.0, *_extent(cover))))
        nth = sum(slot[:2] == (cover.how, octave) for slot in slots)
        slots[cover.how, octave, nth] = cover
    return slots


def _extent(cover: Cover) -> tuple[float, float]:
    """Return the largest width and height of a cover."""
    boxes = [key.box for key in cover.keys] or [cover.box]
    return max(box.width for box in boxes), max(box.height for box in boxes)


def _even(side: float, most: int) -> int:
    """Return the side of a patch, even as 4:2:0 wants it, inside the picture if that is smaller."""
    return min(most, 2 * ceil((side + ROUNDING) / 2))
