"""Locks, as they are to be kept today: what their numbers mean is looked up, and checked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Lock, Person, Sighting
from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.reconcile import SAME_FACE, box_of, overlap

log = logging.getLogger("otio_speakerzoom.pipeline")


def resolve_locks(
    locks: Sequence[Lock], analysis: Analysis, *, of_shots: bool = False
) -> tuple[Lock, ...]:
    """Return the locks that lie in an analysis, each with the numbers that its people have now.

    Raises where somebody is not there any more, or never was. With `of_shots` the locks stand for
    the shots of cutlist.json, which the error names then.
    """
    inside = [lock for lock in locks if _meets(lock.range, analysis.within)]
    return tuple(
        replace(lock, subjects=tuple(_now(lock, id_, analysis, of_shots) for id_ in lock.subjects))
        for lock in inside
    )


def with_sightings(locks: Sequence[Lock], analysis: Analysis) -> tuple[Lock, ...]:
    """Return the locks, each saying where the people were seen whom it shows."""
    return tuple(_explained(lock, analysis) for lock in locks)


def _meets(a: FrameRange, b: FrameRange) -> bool:
    return a.start < b.end and b.start < a.end


def _now(lock: Lock, id_: int, analysis: Analysis, of_shots: bool) -> int:
    """Return the number that the person has now whom a lock calls `id_`."""
    row = "cutlist.json: the shot" if of_shots else "locks.json: the lock"
    where = f"{row} from frame {lock.range.start} to {lock.range.end}"
    ids = [person.id for person in analysis.people]
    seen = next((s for s in lock.sightings if s.person == id_), None)
    if seen is None or not analysis.within.start <= seen.frame < analysis.within.end:
        if id_ not in ids:
            remedy = "correct its subjects" if of_shots else "correct the lock, or remove it"
            raise StoreError(
                f"{where} shows person {id_}, but the people are "
                f"{', '.join(map(str, ids)) or 'nobody'}; {remedy}"
            )
        return id_
    there = [(overlap(seen.box, box), person.id) for person, box in _faces(analysis, seen.frame)]
    best, now = max(there, default=(0.0, 0))
    if best < SAME_FACE:
        raise StoreError(
            f"{where} shows person {id_}, who was at {_edges(seen)} in frame {seen.frame}, where "
            "nobody is detected now; correct the lock and remove its `people`, or remove it"
        )
    if now != id_:
        log.info("%s: person %d is now person %d", where, id_, now)
    return now


def _faces(analysis: Analysis, frame: int) -> Iterator[tuple[Person, Box]]:
    """Yield each person who is seen in a frame, and where."""
    owner = {track: person for person in analysis.people for track in person.track_ids}
    for track in analysis.tracks:
        if track.id in owner and track.start <= frame < track.range.end:
            yield owner[track.id], box_of(track, frame)


def _edges(seen: Sighting) -> str:
    return ", ".join(f"{edge:.0f}" for edge in seen.box.edges)


def _explained(lock: Lock, analysis: Analysis) -> Lock:
    known = {seen.person: seen for seen in lock.sightings}
    people = {person.id: person for person in analysis.people}
    seen = []
    for id_ in lock.subjects:
        found = known.get(id_)
        if not found and id_ in people:
            found = _sighting(people[id_], analysis.tracks, lock.range)
        if found:
            seen.append(found)
    return replace(lock, sightings=tuple(seen))


def _sighting(person: Person, tracks: Sequence[FaceTrack], span: FrameRange) -> Sighting | None:
    """Return where a person is seen nearest to the middle of a lock."""
    middle = (span.start + span.end) // 2
    frames = [
        (abs(frame - middle), frame, track.id, track)
        for track in tracks
        if track.id in person.track_ids
        for frame in [min(max(middle, track.start), track.range.end - 1)]
    ]
    if not frames:
        return None
    _, frame, _, track = min(frames, key=lambda row: row[:3])
    return Sighting(person.id, frame, box_of(track, frame))
