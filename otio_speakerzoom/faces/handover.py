"""Decides whether a new tracklet takes over the head of an earlier one.

A head that jumps out of its tracklet's reach begins a second one, while detections of low
confidence keep the first alive for a few frames. What became of both is seen only later, so a new
tracklet stays undecided for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, median_iou
from otio_speakerzoom.faces.tracklet import Tracklet


@dataclass(slots=True, eq=False)
class Handover:
    """The open question of which track a new tracklet continues, or whether it begins one."""

    tracklet: Tracklet
    candidates: Sequence[Tracklet]
    """Earlier tracklets whose head it may still prove to have taken over."""
    max_common_frames: Fraction | float

    def exclude(self) -> None:
        """Drop the candidates whose head it has not taken over, whatever follows."""
        self.candidates = [
            candidate
            for candidate in self.candidates
            if not candidate.is_replaced
            and not (candidate.track.key is not None and candidate.track.start >= self._start)
            and _takes_over(self.tracklet, candidate, self.max_common_frames) is not False
        ]

    def is_open(self) -> bool:
        """Whether the decision still depends on what follows. All earlier ones are made."""
        first = self._first_candidate()
        return first is not None and not _takes_over(self.tracklet, first, self.max_common_frames)

    def decide(self) -> Tracklet | None:
        """Return the tracklet whose head it took over; None if none. The question is not open."""
        return self._first_candidate()

    @property
    def settled_end(self) -> int:
        """The first frame that depends on the decision.

        A track that it continues is interpolated from the last detection before it to its first.
        """
        tracks = [c.track for c in self.candidates if c.track.key is not None]
        ends = [track.detections.last_before(self._start) + 1 for track in tracks]
        return min([*ends, self._start])

    @property
    def _start(self) -> int:
        return self.tracklet.start

    def _first_candidate(self) -> Tracklet | None:
        """Return the candidate whose track began first."""
        return min(self.candidates, key=lambda c: c.track.key or 0, default=None)


def _takes_over(
    new: Tracklet, earlier: Tracklet, max_common_frames: Fraction | float
) -> bool | None:
    """Whether `new` begins on the head of `earlier` shortly before that ends, and outlasts it.

    None if that depends on what follows.
    """
    longest = max_common_frames
    if new.end is not None:
        longest = min(longest, new.end - new.start - 1)
    if earlier.definite_end - new.start > longest:
        return False
    if earlier.end is None:
        return False if _are_mostly_apart(new, earlier, int(longest)) else None
    if earlier.end <= new.start:
        return False
    if new.end is None and new.last_frame < earlier.end:
        return None
    boxes = [t.track.detections.interpolate(new.start, earlier.end)[0] for t in (earlier, new)]
    return median_iou(*boxes) >= SAME_HEAD_IOU


def _are_mostly_apart(new: Tracklet, earlier: Tracklet, longest: int) -> bool:
    """Whether the median IoU of at most `longest` common frames is too small whatever follows."""
    end = min(new.definite_end, earlier.definite_end)
    if end - new.start <= longest // 2:
        return False
    boxes = [t.track.detections.interpolate(new.start, end)[0] for t in (earlier, new)]
    return int(np.count_nonzero(~(iou(*boxes) >= SAME_HEAD_IOU))) > longest // 2
