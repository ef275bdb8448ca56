"""Where faces are in a range of the source: those of people, and tracks of nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import slices_in
from otio_speakerzoom.director.planned_shot import Framing
from otio_speakerzoom.model import FaceTrack, FrameRange, Person


class VisibleFaces:
    """The face tracks of a source, by the people they belong to."""

    def __init__(self, tracks: Sequence[FaceTrack], people: Sequence[Person]) -> None:
        self.tracks, self.people = tracks, people
        self._of_person = [[t for t in tracks if t.id in set(p.track_ids)] for p in people]
        owned = {track.id for own in self._of_person for track in own}
        self._of_nobody = [track for track in tracks if track.id not in owned]

    def boxes(
        self, framing: Framing, span: FrameRange
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return (n, 4) boxes in `span`: of each person of the framing, of each other track."""
        owner = {id_: n for n in framing for id_ in self.people[n].track_ids}
        own = {n: [np.empty((0, 4), np.float32)] for n in framing}
        others: list[NDArray[np.float32]] = []
        for track in self.tracks:
            rows, _ = slices_in(span, track.start, len(track.boxes))
            boxes = track.boxes[rows]
            if not len(boxes):
                continue
            if track.id in owner:
                own[owner[track.id]].append(boxes)
            else:
                others.append(boxes)
        return [np.concatenate(own[n]) for n in framing], others

    def other_tracks(self, person_id: int) -> list[FaceTrack]:
        """Return the tracks that do not belong to a person."""
        owner = next(person for person in self.people if person.id == person_id)
        return [track for track in self.tracks if track.id not in owner.track_ids]

    def at(self, frames: NDArray[np.int64], person: int) -> NDArray[np.float32]:
        """Return the (T, 4) boxes of a person in T source frames; NaN where not visible."""
        return _boxes_at(self._of_person[person], frames)

    def of_nobody_at(
        self, frames: NDArray[np.int64], span: FrameRange
    ) -> list[NDArray[np.float32]]:
        """Return the same for each track in `span` that belongs to nobody."""
        return [
            _boxes_at([track], frames)
            for track in self._of_nobody
            if track.start < span.end and span.start < track.range.end
        ]

    def centres(self, person: int, span: FrameRange) -> NDArray[np.float64]:
        """Return the (T, 2) centres of a face; where it is not visible, the next one.

        After it was last visible, its last centre; zeros if it is never visible.
        """
        out = np.full((span.duration, 2), np.nan)
        for track in self._of_person[person]:
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
        if track.start > frames[-1] or track.range.end <= frames[0]:
            continue
        inside = (frames >= track.start) & (frames < track.range.end)
        out[inside] = track.boxes[frames[inside] - track.start]
    return out
