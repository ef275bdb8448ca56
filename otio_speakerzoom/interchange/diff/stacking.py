"""Which clips of several stacked video tracks are visible: in each frame, the uppermost one."""

from __future__ import annotations

from collections.abc import Sequence
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


def visible_ranges(tracks: Sequence[Sequence[EditedClip]]) -> list[VisibleRange]:
    """Return what is visible of `tracks`, the lowest first, in order of the programme.

    Of two clips that overlap on one track the later is visible. Disabled clips are left out, and
    those that are not opaque, which hide nothing.
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
            _append(ranges, FrameRange(at, following), active[0][2])
    return ranges


def _append(ranges: list[VisibleRange], record: FrameRange, clip: EditedClip) -> None:
    """Add a stretch of `clip`, to the last range where it continues that."""
    last = ranges[-1] if ranges else None
    if last and last.clip is clip and last.record.end == record.start:
        ranges[-1] = VisibleRange(FrameRange(last.record.start, record.end), clip)
    else:
        ranges.append(VisibleRange(record, clip))
