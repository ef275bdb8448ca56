"""No cut without a change: shots that show the same at the cut between them become one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from otio_speakerzoom.director.plan import PlannedShot
from otio_speakerzoom.director.shot_search import WIDE
from otio_speakerzoom.model import CropKey, Shot
from otio_speakerzoom.timeline.transform import crop_of, transform_at

SAME = 1.0
"""Pixels of the source by which no edge of two equal framings differs: the film's own rounding."""

Joined = Callable[[Shot, Shot, tuple[int, ...], tuple[CropKey, ...]], Shot]
"""Make one shot of two neighbours, of these subjects and with these keys."""


def at_camera_cuts(
    shots: Sequence[PlannedShot], cuts: Sequence[int], least: int
) -> list[PlannedShot]:
    """Return the shots with each wide cut where the source is cut: another picture begins there.

    That shortens nothing on screen, where the source's cut is seen anyway. Parts under `least`
    frames stay with the one before: a flash of light is taken for a cut now and then.
    """
    out: list[PlannedShot] = []
    for shot in shots:
        edges = [shot.start]
        for cut in sorted(cuts):
            if shot.framing == WIDE and shot.lock is None and edges[-1] + least <= cut:
                edges += [cut] * (cut + least <= shot.end)
        out += [PlannedShot(a, b, shot.framing, shot.lock) for a, b in pairwise([*edges, shot.end])]
    return out


def join_equal(
    shots: Sequence[Shot],
    camera_cuts: Collection[int],
    size: tuple[int, int],
    canvas: tuple[int, int],
    join: Joined,
) -> list[Shot]:
    """Return `shots` without cuts between equal framings, but for locks and the source's own cuts.

    A wide goes on over the source's own cuts. Of two pictures that are framed alike the wide gives
    its name, else the longer one.
    """
    out: list[Shot] = []
    for shot in shots:
        last = out[-1] if out else None
        new = shot.range.start in camera_cuts and (shot.subjects or (last and last.subjects))
        if last and not new and _equal(last, shot, size, canvas):
            out[-1] = join(last, shot, _subjects(last, shot), _keys(last, shot, size, canvas))
        else:
            out.append(shot)
    return out


def _equal(last: Shot, shot: Shot, size: tuple[int, int], canvas: tuple[int, int]) -> bool:
    """Whether nothing changes at the cut from one shot to the next, and no lock asks for it."""
    if last.locked or shot.locked:
        return False
    if (last.covers or shot.covers) and last.subjects != shot.subjects:
        return False
    a, b = (
        crop_of(transform_at(side, frame, size, canvas), size, canvas)
        for side, frame in ((last, last.range.end - 1), (shot, shot.range.start))
    )
    return max(abs(x - y) for x, y in zip(a.edges, b.edges, strict=True)) < SAME


def _subjects(last: Shot, shot: Shot) -> tuple[int, ...]:
    if not last.subjects or not shot.subjects:
        return ()
    return max(last, shot, key=lambda side: side.range.duration).subjects


def _keys(
    last: Shot, shot: Shot, size: tuple[int, int], canvas: tuple[int, int]
) -> tuple[CropKey, ...]:
    """Return the keys of both shots as one; none where both stand still."""
    if not last.keys and not shot.keys:
        return ()
    before = last.keys or (CropKey(last.range.start, last.crop),)
    end = last.range.end - 1
    if before[-1].frame < end:
        before = (*before, CropKey(end, before[-1].crop))
    return (*before, *(shot.keys or (CropKey(shot.range.start, shot.crop),)))
