"""people.json: who is in the picture, and what the editor calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from otio_speakerzoom.model import Box, Person, Sighting
from otio_speakerzoom.store.fields import Field, check_unique
from otio_speakerzoom.store.files import Cached, read_json, report_faults, write_json


def save_people(
    folder: Path,
    people: Sequence[Person],
    input_digest: str,
    seen: Sequence[Sighting] = (),
    *,
    version: str | None = None,
) -> None:
    """Keep who is in the picture, and where they were seen; names are for the editor to fill in."""
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "tracks": list(person.track_ids),
            "seen": [sighting_to_json(s) for s in seen if s.person == person.id],
        }
        for person in people
    ]
    content: dict[str, object] = {"people": rows}
    write_json(folder / "people.json", "people", input_digest, content, version=version)


def load_people(folder: Path) -> Cached[tuple[Person, ...]] | None:
    """Return what people.json says; None where there is none."""
    kept = read_json(folder / "people.json", "people")
    if kept is None:
        return None
    with report_faults(folder / "people.json"):
        rows = list(Field(kept.value).at("people").rows())
        list(_sightings(rows))
        check_unique([(row.at("id"), row.at("id").integer()) for row in rows])
        check_unique(
            [(track, track.integer()) for row in rows for track in row.at("tracks").rows()]
        )
        people = tuple(
            Person(
                row.at("id").integer(),
                tuple(track.integer() for track in row.at("tracks").rows()),
                row.at("name").text().strip() if row.has("name") else "",
            )
            for row in rows
        )
    return Cached(people, kept.input_digest, kept.edited)


def load_sightings(folder: Path) -> tuple[Sighting, ...]:
    """Return where the people of people.json were seen; none where it does not say."""
    kept = read_json(folder / "people.json", "people")
    if kept is None:
        return ()
    with report_faults(folder / "people.json"):
        return tuple(_sightings(Field(kept.value).at("people").rows()))


def _sightings(rows: Iterable[Field]) -> Iterator[Sighting]:
    for row in rows:
        for seen in row.rows_at("seen"):
            yield sighting_from_json(seen, row.at("id").integer())


def sighting_to_json(sighting: Sighting) -> list[float]:
    """Return a sighting as frame, left, top, right, bottom, to a tenth of a pixel."""
    return [sighting.frame, *(round(float(edge), 1) for edge in sighting.box.edges)]


def sighting_from_json(field: Field, person: int) -> Sighting:
    """Return what `sighting_to_json` wrote."""
    frame, *edges = field.several(5, "frame, left, top, right, bottom")
    box = Box.from_edges(edge.number() for edge in edges)
    if not (box.left < box.right and box.top < box.bottom):
        raise field.error("frame, left, top, right, bottom, with an area")
    return Sighting(person, frame.integer(), box)
