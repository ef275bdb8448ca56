"""What is seen of several picture tracks: in each frame, the uppermost clip that is enabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise

from otio_speakerzoom.interchange.read import EditedClip
from otio_speakerzoom.model import FrameRange


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of one clip that is seen."""

    record: FrameRange
    clip: EditedClip


def uppermost(tracks: Sequence[Sequence[EditedClip]]) -> list[Piece]:
    """Return what is seen of `tracks`, the lowest first, in order of the programme.

    Of two clips that overlap on one track the later is seen. What is not opaque hides nothing, and
    is left out.
    """
    clips = sorted(
        ((clip.record.start, lane, clip) for lane, t in enumerate(tracks) for clip in t
         if clip.enabled and clip.opaque),
        key=lambda row: row[:2],
    )  # fmt: skip
    edges = sorted({edge for _, _, c in clips for edge in (c.record.start, c.record.end)})
    active: list[tuple[int, int, EditedClip]] = []  # the uppermost and latest first
    pieces: list[Piece] = []
    number = 0
    for at, following in pairwise(edges):
        while number < len(clips) and clips[number][0] == at:
            _, lane, clip = clips[number]
            heappush(active, (-lane, -number, clip))
            number += 1
        while active and active[0][2].record.end <= at:
            heappop(active)
        if active:
            _append(pieces, FrameRange(at, following), active[0][2])
    return pieces


def _append(pieces: list[Piece], record: FrameRange, clip: EditedClip) -> None:
    """Add a stretch of `clip`, to the last piece where it goes on from there."""
    last = pieces[-1] if pieces else None
    if last and last.clip is clip and last.record.end == record.start:
        pieces[-1] = Piece(FrameRange(last.record.start, record.end), clip)
    else:
        pieces.append(Piece(record, clip))
