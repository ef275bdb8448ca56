"""Which clips of several stacked video tracks are visible: in each frame, the uppermost one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from otio_speakerzoom.interchange.read import EditedClip
from otio_speakerzoom.model import FrameRange


@dataclass(frozen=True, slots=True, eq=False)
class VisibleRange:
    """A stretch of the programme in which one clip is visible."""

    record: FrameRange
    clip: EditedClip
    below: EditedClip | None = None
    """The next lower clip, where `clip` does not hide all of it: as in a two-up."""


def visible_ranges(
    tracks: Sequence[Sequence[EditedClip]],
    is_open: Callable[[EditedClip], bool] = lambda clip: clip.rest is not None,
) -> list[VisibleRange]:
    """Return what is visible of `tracks`, the lowest first, in order of the programme.

    Of two clips that overlap on one track the later is visible. Disabled clips are left out, and
    those that are not opaque, which hide nothing. `is_open` says whether a clip leaves a part of
    the canvas to what lies below.
    """
    clips = sorted(
        ((clip.record.start, level, clip) for level, track in enumerate(tracks) for clip in track
         if clip.enabled and clip.opaque),
        key=lambda row: row[:2],
    )  # fmt: skip
    edges = sorted({edge for _, _, c in clips for edge in (c.record.start, c.record.end)})
    active: list[tuple[int, int, EditedClip]] = []  # the uppermost and latest first
    ranges: list[VisibleRange] = []
    number = 0
    for at, following in pairwise(edges):
        while number < len(clips) and clips[number][0] == at:
            _, level, clip = clips[number]
            heappush(active, (-level, -number, clip))
            number += 1
        while active and active[0][2].record.end <= at:
            heappop(active)
        if active:
            below = _below(active, at) if is_open(active[0][2]) else None
            _append(ranges, FrameRange(at, following), active[0][2], below)
    return ranges


def _below(active: Sequence[tuple[int, int, EditedClip]], at: int) -> EditedClip | None:
    """Return the clip right below the uppermost one at a frame of the programme."""
    rows = [row for row in active[1:] if row[2].record.end > at]
    return min(rows, key=lambda row: row[:2])[2] if rows else None


def _append(
    ranges: list[VisibleRange], record: FrameRange, clip: EditedClip, below: EditedClip | None
) -> None:
    """Add a stretch of `clip`, to the last range where it continues that."""
    last = ranges[-1] if ranges else None
    continues = last and last.clip is clip and last.below is below
    if last and continues and last.record.end == record.start:
        ranges[-1] = VisibleRange(FrameRange(last.record.start, record.end), clip, below)
    else:
        ranges.append(VisibleRange(record, clip, below))
