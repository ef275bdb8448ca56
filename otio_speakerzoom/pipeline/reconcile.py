"""Who of the people found now is who of those known before: by where they were seen.

Numbers are given anew whenever faces are found anew. So that names, and locks that show a number,
keep their meaning, people get back the number and the name of whoever was seen where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Person, Sighting
from otio_speakerzoom.pipeline.digests import people_digests

SIGHTINGS = 5
"""Of a person that are kept, spread over the time they are seen: one that goes astray is outvoted,
and a part of the source holds one."""

MOST_SIGHTINGS = 60
"""Of a person where their tracks are still there: they may share a short time with those of now."""

SAME_FACE = 0.2
"""Least overlap (intersection over union) of two boxes of one face: detectors differ in how much of
a head they take, a neighbour's box has no overlap at all."""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody who was known before."""

    person: Person
    seen: tuple[Sighting, ...]
    own: bool
    """Whether they stand in the people.json that is to be written."""


def known_people(folders: Sequence[Path], within: FrameRange) -> list[KnownPerson]:
    """Return who is known in these folders, those of the first one first.

    They are to be met in a part of the source, so where they were seen in that counts.
    """
    found: list[KnownPerson] = []
    for n, folder in enumerate(folders):
        people = store.load_people(folder)
        if people is None:
            continue
        seen = store.load_sightings(folder)
        tracks = store.load_tracks(folder)
        if tracks and people.input_digest in people_digests(tracks.input_digest):
            seen = sightings(people.value, tracks.value, MOST_SIGHTINGS, within)
        for person in people.value:
            own = tuple(s for s in seen if s.person == person.id)
            found.append(KnownPerson(person, own, n == 0))
    return found


def meet(
    people: Sequence[Person], tracks: Sequence[FaceTrack], before: Sequence[KnownPerson]
) -> tuple[Person, ...]:
    """Return `people` with the numbers and names of those known before, in order of number.

    Somebody with a name who is not found again keeps it, without tracks, if `own`. Nobody gets the
    number of somebody else who was known.
    """
    owner = {track: m for m, person in enumerate(people) for track in person.track_ids}
    votes = Counter(
        (n, owner[track.id])
        for n, known in enumerate(before)
        for seen in known.seen
        for track in tracks
        if track.start <= seen.frame < track.range.end and track.id in owner
        if overlap(seen.box, box_of(track, seen.frame)) >= SAME_FACE
    )
    pairs = [(count, -n, m) for (n, m), count in votes.items()]
    numbers: dict[int, int] = {}
    names: dict[int, str] = {}
    for _, minus_n, m in sorted(pairs, reverse=True):
        known = before[-minus_n].person
        if m not in numbers and known.id not in numbers.values():
            numbers[m] = known.id
        names[m] = names.get(m) or known.name
    lost = _lost(before, set(names.values()))
    taken = {known.person.id for known in before}  # a kept cut may call who is gone by theirs
    free = (n for n in count(1) if n not in taken)
    met = [
        replace(p, id=numbers[m] if m in numbers else next(free), name=names.get(m, p.name))
        for m, p in enumerate(people)
    ]
    ids = {person.id for person in met}
    lost = [person if person.id not in ids else replace(person, id=next(free)) for person in lost]
    return tuple(sorted([*met, *lost], key=lambda person: person.id))


def sightings(
    people: Sequence[Person],
    tracks: Sequence[FaceTrack],
    most: int = SIGHTINGS,
    within: FrameRange | None = None,
) -> tuple[Sighting, ...]:
    """Return where each person was seen, at most so many times, spread over the time they are."""
    by_id = {track.id: track for track in tracks}
    found: list[Sighting] = []
    for person in people:
        own = sorted(
            (by_id[id_] for id_ in person.track_ids if id_ in by_id), key=lambda track: track.start
        )
        rows = [(track, frame) for track in own for frame in _frames(track, within)]
        count = min(most, len(rows))
        for n in range(count):
            track, frame = rows[(2 * n + 1) * len(rows) // (2 * count)]
            found.append(Sighting(person.id, frame, box_of(track, frame)))
    return tuple(found)


def _frames(track: FaceTrack, within: FrameRange | None) -> list[int]:
    """Return the frames in which a track was detected; all of them where it never was."""
    frames = (
        np.flatnonzero(track.has_detection)
        if track.has_detection.any()
        else np.arange(len(track.boxes))
    )
    frames = frames + track.start
    if within:
        frames = frames[(frames >= within.start) & (frames < within.end)]
    return frames.tolist()


def box_of(track: FaceTrack, frame: int) -> Box:
    """Return where a track is at a frame of the source, as it is kept in JSON."""
    return Box.from_edges(round(float(edge), 1) for edge in track.boxes[frame - track.start])


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (a.width * a.height + b.width * b.height - both)


def _lost(before: Sequence[KnownPerson], names: set[str]) -> list[Person]:
    """Return who had a name that nobody has now."""
    return [
        replace(known.person, track_ids=())
        for known in before
        if known.own and known.person.name and known.person.name not in names
    ]
