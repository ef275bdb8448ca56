"""Where faces are in a range of the source: those of people, and tracks of nobody."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import slices_in
from otio_speakerzoom.director.planned_shot import Framing
from otio_speakerzoom.model import FaceTrack, FrameRange, Person


class _TracksByTime:
    """Face tracks that can be found by when they are visible."""

    def __init__(self, tracks: Sequence[FaceTrack]) -> None:
        self._tracks = tracks
        starts = np.array([track.start for track in tracks], np.int64)
        ends = np.array([track.range.end for track in tracks], np.int64)
        self._by_start = np.argsort(starts, kind="stable")
        self._starts: list[int] = starts[self._by_start].tolist()
        self._ends = ends[self._by_start]
        self._latest_end: list[int] = np.maximum.accumulate(self._ends).tolist()

    def within(self, span: FrameRange) -> list[FaceTrack]:
        """Return the tracks that are visible in any frame of `span`, in their order."""
        first = bisect_right(self._latest_end, span.start)
        last = bisect_left(self._starts, span.end)
        visible = self._by_start[first:last][self._ends[first:last] > span.start]
        return [self._tracks[n] for n in sorted(visible.tolist())]


class VisibleFaces:
    """The face tracks of a source, by the people they belong to."""

    def __init__(self, tracks: Sequence[FaceTrack], people: Sequence[Person]) -> None:
        self.people = people
        self._ids = [frozenset(person.track_ids) for person in people]
        self._tracks = _TracksByTime(tracks)
        self._of_person = [_TracksByTime([t for t in tracks if t.id in ids]) for ids in self._ids]
        self._row_of = {track_id: n for n, ids in enumerate(self._ids) for track_id in ids}
        self._of_nobody = _TracksByTime([track for track in tracks if track.id not in self._row_of])

    def tracks(self, span: FrameRange) -> list[FaceTrack]:
        """Return all tracks that are visible in `span`."""
        return self._tracks.within(span)

    def boxes(
        self, framing: Framing, span: FrameRange
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return (n, 4) boxes in `span`: of each person of the framing, and of everybody else.

        Somebody who is lost and found again has several tracks, and is one of the others all the
        same. A track that belongs to nobody is one by itself.
        """
        own = {n: [np.empty((0, 4), np.float32)] for n in framing}
        others: dict[tuple[str, int], list[NDArray[np.float32]]] = {}
        for track in self._tracks.within(span):
            rows, _ = slices_in(span, track.start, len(track.boxes))
            boxes = track.boxes[rows]
            owners = [n for n in framing if track.id in self._ids[n]]
            if owners:
                own[owners[-1]].append(boxes)
            else:
                others.setdefault(self._owner(track.id), []).append(boxes)
        return [np.concatenate(own[n]) for n in framing], [*map(np.concatenate, others.values())]

    def _owner(self, track_id: int) -> tuple[str, int]:
        """Return whom a track belongs to: a person, or nobody but itself."""
        row = self._row_of.get(track_id)
        return ("track", track_id) if row is None else ("person", row)

    def other_tracks(self, person_id: int, span: FrameRange) -> list[FaceTrack]:
        """Return the tracks in `span` that do not belong to a person."""
        row = next(n for n, person in enumerate(self.people) if person.id == person_id)
        return [track for track in self._tracks.within(span) if track.id not in self._ids[row]]

    def at(self, frames: NDArray[np.int64], person: int) -> NDArray[np.float32]:
        """Return the (T, 4) boxes of a person in T source frames that ascend; NaN for none."""
        span = FrameRange(int(frames[0]), int(frames[-1]) + 1)
        return _boxes_at(self._of_person[person].within(span), frames)

    def of_nobody_at(
        self, frames: NDArray[np.int64], span: FrameRange
    ) -> list[NDArray[np.float32]]:
        """Return the same for each track in `span` that belongs to nobody."""
        return [_boxes_at([track], frames) for track in self._of_nobody.within(span)]

    def centres(self, person: int, span: FrameRange) -> NDArray[np.float64]:
        """Return the (T, 2) centres of a face; where it is not visible, the next one.

        After it was last visible, its last centre; zeros if it is never visible.
        """
        out = np.full((span.duration, 2), np.nan)
        for track in self._of_person[person].within(span):
            rows, columns = slices_in(span, track.start, len(track.boxes))
            part = track.boxes[rows]
            out[columns] = (part[:, :2] + part[:, 2:]) / 2
        visible = np.flatnonzero(~np.isnan(out[:, 0]))
        if not len(visible):
            return np.zeros((span.duration, 2))
        next_visible = np.searchsorted(visible, np.arange(span.duration))
        return out[visible[np.minimum(next_visible, len(visible) - 1)]]


def _boxes_at(tracks: Sequence[FaceTrack], frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the (T, 4) boxes of the tracks in T source frames that ascend; NaN for none."""
    out = np.full((len(frames), 4), np.nan, np.float32)
    for track in tracks:
        first, last = np.searchsorted(frames, (track.start, track.range.end))
        out[first:last] = track.boxes[frames[first:last] - track.start]
    return out
