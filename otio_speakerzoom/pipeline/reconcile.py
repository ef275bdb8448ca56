"""Reconciles newly detected people with earlier ones by where both were seen.

Every new detection numbers people from scratch. So that names, and locks with an id in them, stay
valid, each person gets back the id and the name of the earlier person in the same place, and is
ignored or preferred if that one was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.boxes import box_iou
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Person, Sighting
from otio_speakerzoom.pipeline.digests import people_digests

SIGHTINGS_PER_PERSON = 5
"""In people.json, spread over the time a person is visible: a wrong one is outvoted, and a part of
the source contains one."""

MAX_SIGHTINGS_PER_PERSON = 60
"""Where the earlier tracks still exist: the new ones may share only a short time with them."""

MIN_SAME_FACE_IOU = 0.2
"""Of two boxes of one face: detectors differ in how much of a head they include, while a
neighbour's box does not overlap at all."""


@dataclass(frozen=True, slots=True)
class EarlierPerson:
    """A person of an earlier analysis."""

    person: Person
    sightings: tuple[Sighting, ...]
    own: bool
    """Whether the person is in the people.json that is about to be written."""


def load_earlier_people(folders: Sequence[Path], within: FrameRange) -> list[EarlierPerson]:
    """Return the people in these folders, in their order; the first one is to be written.

    Where the tracks of a folder still exist, the sightings come from them, in `within` only.
    """
    earlier: list[EarlierPerson] = []
    for n, folder in enumerate(folders):
        people = store.load_people(folder)
        if people is None:
            continue
        sightings = store.load_sightings(folder)
        tracks = store.load_tracks(folder)
        if tracks and people.input_digest in people_digests(tracks.input_digest).values():
            sightings = sample_sightings(
                people.value, tracks.value, MAX_SIGHTINGS_PER_PERSON, within
            )
        for person in people.value:
            own = tuple(s for s in sightings if s.person == person.id)
            earlier.append(EarlierPerson(person, own, n == 0))
    return earlier


def reconcile_people(
    people: Sequence[Person], tracks: Sequence[FaceTrack], earlier: Sequence[EarlierPerson]
) -> tuple[Person, ...]:
    """Return `people` with the ids, names and preferences of the earlier ones, in order of id.

    An `own` earlier person of whom the editor wrote something, and who is not detected again,
    stays, without tracks. Nobody gets the id of a different earlier person.
    """
    votes = _votes(people, tracks, earlier)
    ids, names, models = _match(votes, earlier)
    missing = _missing(earlier, {n for n, _ in votes}, set(names.values()))
    reserved = {
        candidate.person.id for candidate in earlier
    }  # a cached cut may refer to any of them
    free = (n for n in count(1) if n not in reserved)
    reconciled = [
        replace(
            p, id=ids[m] if m in ids else next(free), name=names.get(m, p.name),
            ignore=m in models and models[m].ignore, prefer=m in models and models[m].prefer,
        )
        for m, p in enumerate(people)
    ]  # fmt: skip
    used = {person.id for person in reconciled}
    missing = [p if p.id not in used else replace(p, id=next(free)) for p in missing]
    return tuple(sorted([*reconciled, *missing], key=lambda person: person.id))


def _votes(
    people: Sequence[Person], tracks: Sequence[FaceTrack], earlier: Sequence[EarlierPerson]
) -> Counter[tuple[int, int]]:
    """Return how many sightings of an earlier person are of a person, by index of both."""
    owners = {track: m for m, person in enumerate(people) for track in person.track_ids}
    return Counter(
        (n, owners[track.id])
        for n, candidate in enumerate(earlier)
        for sighting in candidate.sightings
        for track in tracks
        if track.start <= sighting.frame < track.range.end and track.id in owners
        if box_iou(sighting.box, track_box(track, sighting.frame)) >= MIN_SAME_FACE_IOU
    )


def _match(
    votes: Counter[tuple[int, int]], earlier: Sequence[EarlierPerson]
) -> tuple[dict[int, int], dict[int, str], dict[int, Person]]:
    """Return ids, names, and whose preferences hold, by index of the person; most votes first.

    Preferences are those of one earlier person, from the people.json to be written if it has one:
    if somebody ignored was a part of somebody else by mistake, both must not be ignored.
    """
    ids: dict[int, int] = {}
    names: dict[int, str] = {}
    models: dict[int, EarlierPerson] = {}
    pairs = [(vote_count, -n, m) for (n, m), vote_count in votes.items()]
    for _, minus_n, m in sorted(pairs, reverse=True):
        candidate = earlier[-minus_n]
        person = candidate.person
        if m not in ids and person.id not in ids.values():
            ids[m] = person.id
        names[m] = names.get(m) or person.name
        if m not in models or (candidate.own and not models[m].own):
            models[m] = candidate
    return ids, names, {m: candidate.person for m, candidate in models.items()}


def _missing(
    earlier: Sequence[EarlierPerson], matched: Collection[int], names: Collection[str]
) -> list[Person]:
    """Return the earlier people whom the editor wrote something of, and who are not here now.

    Somebody with a name is not if nobody has it now, somebody without one if nobody matches.
    """
    return [
        replace(candidate.person, track_ids=())
        for n, candidate in enumerate(earlier)
        if candidate.own
        and (
            candidate.person.name not in names
            if candidate.person.name
            else n not in matched and (candidate.person.ignore or candidate.person.prefer)
        )
    ]


def sample_sightings(
    people: Sequence[Person],
    tracks: Sequence[FaceTrack],
    limit: int = SIGHTINGS_PER_PERSON,
    within: FrameRange | None = None,
) -> tuple[Sighting, ...]:
    """Return up to `limit` sightings of each person, spread over the time they are visible."""
    by_id = {track.id: track for track in tracks}
    sightings: list[Sighting] = []
    for person in people:
        own = sorted(
            (by_id[id_] for id_ in person.track_ids if id_ in by_id), key=lambda track: track.start
        )
        rows = [(track, frame) for track in own for frame in _detected_frames(track, within)]
        size = min(limit, len(rows))
        for n in range(size):
            track, frame = rows[(2 * n + 1) * len(rows) // (2 * size)]
            sightings.append(Sighting(person.id, frame, track_box(track, frame)))
    return tuple(sightings)


def _detected_frames(track: FaceTrack, within: FrameRange | None) -> list[int]:
    """Return the frames of a track that have a detection, or all of them if none has."""
    frames = (
        np.flatnonzero(track.has_detection)
        if track.has_detection.any()
        else np.arange(len(track.boxes))
    )
    frames = frames + track.start
    if within:
        frames = frames[(frames >= within.start) & (frames < within.end)]
    return frames.tolist()


def track_box(track: FaceTrack, frame: int) -> Box:
    """Return the box of a track at a source frame, to a tenth of a pixel as in JSON."""
    return Box.from_edges(round(float(edge), 1) for edge in track.boxes[frame - track.start])
