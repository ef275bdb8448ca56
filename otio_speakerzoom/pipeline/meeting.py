"""Who of the people found now is who of those known before: by where they were seen.

Numbers are given anew whenever faces are found anew. So that names, and locks that show a number,
keep their meaning, people get back the number and the name of whoever was seen where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.model import Box, FaceTrack, Person, Sighting
from otio_speakerzoom.pipeline.digests import people_digests

SIGHTINGS = 3
"""Of a person that are kept: of their longest tracks, so that one that goes astray is outvoted."""

SAME_FACE = 0.2
"""Least overlap (intersection over union) of two boxes of one face: detectors differ in how much of
a head they take, a neighbour's box has no overlap at all."""


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Somebody who was known before."""

    person: Person
    seen: tuple[Sighting, ...]
    own: bool
    """Whether they stand in the people.json that is to be written."""


def acquaintances(folders: Sequence[Path]) -> list[Acquaintance]:
    """Return who is known in these folders, those of the first one first."""
    found: list[Acquaintance] = []
    for n, folder in enumerate(folders):
        people = store.load_people(folder)
        if people is None:
            continue
        seen = store.load_sightings(folder)
        tracks = store.load_tracks(folder)
        if not seen and tracks and people.made_from in people_digests(tracks.made_from):
            seen = sightings(people.value, tracks.value)  # an older version did not write them
        for person in people.value:
            own = tuple(s for s in seen if s.person == person.id)
            found.append(Acquaintance(person, own, n == 0))
    return found


def meet(
    people: Sequence[Person], tracks: Sequence[FaceTrack], before: Sequence[Acquaintance]
) -> tuple[Person, ...]:
    """Return `people` with the numbers and names of those known before, in order of number.

    Somebody with a name who is not found again keeps it, without tracks, if `own`.
    """
    pairs = [
        (votes, -n, m)
        for n, known in enumerate(before)
        for m, person in enumerate(people)
        if (votes := sum(_is_there(s, person, tracks) for s in known.seen))
    ]
    numbers: dict[int, int] = {}
    names: dict[int, str] = {}
    for _, minus_n, m in sorted(pairs, reverse=True):
        known = before[-minus_n].person
        if m not in numbers and known.id not in numbers.values():
            numbers[m] = known.id
        names[m] = names.get(m) or known.name
    lost = _lost(before, set(names.values()))
    taken = {*numbers.values(), *(person.id for person in lost)}
    free = (n for n in count(1) if n not in taken)
    met = [
        replace(p, id=numbers[m] if m in numbers else next(free), name=names.get(m, p.name))
        for m, p in enumerate(people)
    ]
    ids = {person.id for person in met}
    lost = [person if person.id not in ids else replace(person, id=next(free)) for person in lost]
    return tuple(sorted([*met, *lost], key=lambda person: person.id))


def sightings(people: Sequence[Person], tracks: Sequence[FaceTrack]) -> tuple[Sighting, ...]:
    """Return where each person was seen: in the middle of each of their longest tracks."""
    by_id = {track.id: track for track in tracks}
    found: list[Sighting] = []
    for person in people:
        own = [by_id[id_] for id_ in person.track_ids if id_ in by_id]
        own.sort(key=lambda track: (-len(track.boxes), track.start))
        for track in own[:SIGHTINGS]:
            seen = track.seen.nonzero()[0]
            row = int(seen[len(seen) // 2]) if len(seen) else len(track.boxes) // 2
            found.append(Sighting(person.id, track.start + row, box_of(track, track.start + row)))
    return tuple(found)


def box_of(track: FaceTrack, frame: int) -> Box:
    """Return where a track is at a frame of the source, as it is kept in JSON."""
    return Box(*(round(float(edge), 1) for edge in track.boxes[frame - track.start]))


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (a.width * a.height + b.width * b.height - both)


def _is_there(seen: Sighting, person: Person, tracks: Sequence[FaceTrack]) -> bool:
    mine = set(person.track_ids)
    return any(
        overlap(seen.box, box_of(track, seen.frame)) >= SAME_FACE
        for track in tracks
        if track.id in mine and track.start <= seen.frame < track.range.end
    )


def _lost(before: Sequence[Acquaintance], names: set[str]) -> list[Person]:
    """Return who had a name that nobody has now."""
    return [
        replace(known.person, track_ids=())
        for known in before
        if known.own and known.person.name and known.person.name not in names
    ]
