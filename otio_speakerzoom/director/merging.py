"""Where shots begin and end after the search: splits of a wide, and cuts that change nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from otio_speakerzoom.director.planned_shot import WIDE, PlannedShot
from otio_speakerzoom.model import Box, CropKey, FrameRange, Shot
from otio_speakerzoom.timeline.transform import crop_of, transform_at

MAX_EQUAL_PX = 1.0
"""Two framings are equal if no edge differs by this many source pixels: the film's own rounding."""

MergeShots = Callable[[Shot, Shot, tuple[int, ...], tuple[CropKey, ...]], Shot]
"""Returns one shot for two neighbours, with these subjects and keys."""


def split_wides_at_camera_cuts(
    shots: Sequence[PlannedShot], camera_cuts: Sequence[int], min_frames: int
) -> list[PlannedShot]:
    """Return the shots with each wide split at the source's own cuts, for a new framing there.

    That makes nothing shorter on screen, since the source's cut shows anyway. Parts under
    `min_frames` stay with the part before: a flash of light is detected as a cut now and then.
    """
    out: list[PlannedShot] = []
    cuts = sorted(camera_cuts)
    for shot in shots:
        if shot.framing != WIDE or shot.lock is not None:
            out.append(shot)
            continue
        edges = [shot.range.start]
        latest = shot.range.end - min_frames
        for cut in cuts[bisect_left(cuts, edges[0] + min_frames) : bisect_right(cuts, latest)]:
            if edges[-1] + min_frames <= cut:
                edges.append(cut)
        parts = pairwise([*edges, shot.range.end])
        out += [PlannedShot(FrameRange(a, b), shot.framing) for a, b in parts]
    return out


def merge_equal(
    shots: Sequence[Shot],
    camera_cuts: Collection[int],
    size: tuple[int, int],
    canvas: tuple[int, int],
    merge: MergeShots,
) -> list[Shot]:
    """Return `shots` without cuts between equal framings; locks and the source's own cuts stay.

    A wide continues across the source's own cuts. Of two different framings with equal crops the
    wide gives the subjects, else the longer shot.
    """
    out: list[Shot] = []
    cuts = frozenset(camera_cuts)
    for shot in shots:
        last = out[-1] if out else None
        at_cut = shot.range.start in cuts and (shot.subjects or (last and last.subjects))
        if last and not at_cut and _are_equal(last, shot, size, canvas):
            out[-1] = merge(last, shot, _subjects(last, shot), _keys(last, shot))
        else:
            out.append(shot)
    return out


def _are_equal(last: Shot, shot: Shot, size: tuple[int, int], canvas: tuple[int, int]) -> bool:
    """Whether the cut between two shots changes nothing, and no lock demands it."""
    if last.locked or shot.locked:
        return False
    if (last.covers or shot.covers) and last.subjects != shot.subjects:
        return False
    if last.two_up or shot.two_up:
        return _are_equal_two_ups(last, shot)
    a, b = (
        crop_of(transform_at(side, frame, size, canvas), size, canvas)
        for side, frame in ((last, last.range.end - 1), (shot, shot.range.start))
    )
    return _are_close(a, b)


def _are_equal_two_ups(last: Shot, shot: Shot) -> bool:
    if last.two_up is None or shot.two_up is None or last.subjects != shot.subjects:
        return False
    same_layout = last.two_up.layout == shot.two_up.layout
    return same_layout and all(map(_are_close, last.crops, shot.crops))


def _are_close(a: Box, b: Box) -> bool:
    return max(abs(x - y) for x, y in zip(a.edges, b.edges, strict=True)) < MAX_EQUAL_PX


def _subjects(last: Shot, shot: Shot) -> tuple[int, ...]:
    if not last.subjects or not shot.subjects:
        return ()
    return max(last, shot, key=lambda side: side.range.duration).subjects


def _keys(last: Shot, shot: Shot) -> tuple[CropKey, ...]:
    """Return the keys of both shots as one; none where both stand still."""
    if not last.keys and not shot.keys:
        return ()
    before = last.keys or (CropKey(last.range.start, last.crop),)
    end = last.range.end - 1
    if before[-1].frame < end:
        before = (*before, CropKey(end, before[-1].crop))
    return (*before, *(shot.keys or (CropKey(shot.range.start, shot.crop),)))
