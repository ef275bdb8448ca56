"""Resolves locks against an analysis: the current ids of the people that they show."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from otio_speakerzoom.boxes import box_iou
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Lock, Person, Sighting
from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.reconcile import MIN_SAME_FACE_IOU, track_box

log = logging.getLogger("otio_speakerzoom.pipeline")


def resolve_locks(
    locks: Sequence[Lock], analysis: Analysis, *, of_shots: bool = False
) -> tuple[Lock, ...]:
    """Return the locks in the range of an analysis, with the ids that their people have in it.

    Raises StoreError if a person does not exist, or not any more. With `of_shots` the locks stand
    for the shots of cutlist.json, and the error names that file.
    """
    return tuple(
        replace(
            lock, subjects=tuple(_resolve(lock, id_, analysis, of_shots) for id_ in lock.subjects)
        )
        for lock in locks
        if _overlap(lock.range, analysis.within)
    )


def with_sightings(locks: Sequence[Lock], analysis: Analysis) -> tuple[Lock, ...]:
    """Return the locks, each with sightings of the people that it shows."""
    return tuple(_with_sightings(lock, analysis) for lock in locks)


def _overlap(a: FrameRange, b: FrameRange) -> bool:
    return a.start < b.end and b.start < a.end


def _resolve(lock: Lock, id_: int, analysis: Analysis, of_shots: bool) -> int:
    """Return the current id of the person who has `id_` in a lock."""
    row = "cutlist.json: the shot" if of_shots else "locks.json: the lock"
    where = f"{row} from frame {lock.range.start} to {lock.range.end}"
    ids = [person.id for person in analysis.people]
    sighting = next((s for s in lock.sightings if s.person == id_), None)
    if sighting is None or not analysis.within.start <= sighting.frame < analysis.within.end:
        if id_ not in ids:
            remedy = "correct its subjects" if of_shots else "correct the lock, or remove it"
            raise StoreError(
                f"{where} shows person {id_}, but the people are "
                f"{', '.join(map(str, ids)) or 'nobody'}; {remedy}"
            )
        return id_
    overlaps = [
        (box_iou(sighting.box, box), person.id) for person, box in _faces(analysis, sighting.frame)
    ]
    best, id_now = max(overlaps, default=(0.0, 0))
    if best < MIN_SAME_FACE_IOU:
        edges = ", ".join(f"{edge:.0f}" for edge in sighting.box.edges)
        raise StoreError(
            f"{where} shows person {id_}, who was at {edges} in frame {sighting.frame}, where "
            "nobody is detected now; correct the lock and remove its `people`, or remove it"
        )
    if id_now != id_:
        log.info("%s: person %d is now person %d", where, id_, id_now)
    return id_now


def _faces(analysis: Analysis, frame: int) -> Iterator[tuple[Person, Box]]:
    """Yield each person in a frame, and the box of their face."""
    owners = {track: person for person in analysis.people for track in person.track_ids}
    for track in analysis.tracks:
        if track.id in owners and track.start <= frame < track.range.end:
            yield owners[track.id], track_box(track, frame)


def _with_sightings(lock: Lock, analysis: Analysis) -> Lock:
    by_person = {sighting.person: sighting for sighting in lock.sightings}
    people = {person.id: person for person in analysis.people}
    sightings = []
    for id_ in lock.subjects:
        sighting = by_person.get(id_)
        if not sighting and id_ in people:
            sighting = _sighting(people[id_], analysis.tracks, lock.range)
        if sighting:
            sightings.append(sighting)
    return replace(lock, sightings=tuple(sightings))


def _sighting(person: Person, tracks: Sequence[FaceTrack], span: FrameRange) -> Sighting | None:
    """Return where a person is nearest to the middle of a lock."""
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
    return Sighting(person.id, frame, track_box(track, frame))
