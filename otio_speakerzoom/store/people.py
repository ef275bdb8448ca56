"""people.json: the people in the source, their names, and who is ignored or preferred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, Person, Sighting
from otio_speakerzoom.store.fields import Field, check_unique, has_area
from otio_speakerzoom.store.files import (
    Cached,
    content_digest,
    json_text,
    read_json,
    report_faults,
    write_json,
)

MAX_NAME_LENGTH = 100
"""Of a person's name, in characters; a track of a timeline shows about thirty of them."""
_DIGITS = 1
"""Of the edges of sightings, in source pixels: faces are found to some pixels."""


def save_people(
    folder: Path,
    people: Sequence[Person],
    input_digest: str,
    sightings: Sequence[Sighting] = (),
    *,
    expected_digest: str | None = None,
) -> None:
    """Save the people with their sightings, for the editor to name them.

    With `expected_digest` the file must still have that `file_digest`.
    """
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "ignore": person.ignore,
            "prefer": person.prefer,
            "tracks": list(person.track_ids),
            "sightings": [sighting_to_json(s) for s in sightings if s.person == person.id],
        }
        for person in people
    ]
    content: dict[str, object] = {"people": rows}
    path = folder / "people.json"
    write_json(path, "people", input_digest, content, expected_digest=expected_digest)


def people_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of people.json as they are in the file; none if there is no file."""
    document = read_json(folder / "people.json", "people")
    return list(document.value["people"]) if document and load_people(folder) else []


def people_text(folder: Path, rows: Sequence[dict[str, Any]]) -> str:
    """Return the text of people.json with these rows, which a hand has changed.

    The file counts as edited then, until it has the rows again that a detection wrote.
    """
    path = folder / "people.json"
    document = read_json(path, "people")
    if document is None:
        raise StoreError(f"{path}: is gone; `speakerzoom analyze` writes it again")
    content = {**document.value, "people": list(rows)}
    return json_text("people", document.input_digest, content, last_written=content_digest(path))


def people_from_rows(rows: Sequence[dict[str, Any]]) -> tuple[Person, ...]:
    """Return the people of rows of people.json; ValueError where one is wrong."""
    return tuple(_person_from_json(row) for row in Field(list(rows), "people").rows())


def load_people(folder: Path) -> Cached[tuple[Person, ...]] | None:
    """Return the people of people.json; None if there is none."""
    document = read_json(folder / "people.json", "people")
    if document is None:
        return None
    with report_faults(folder / "people.json"):
        rows = list(Field(document.value).at("people").rows())
        list(_sightings(rows))
        check_unique([(row.at("id"), row.at("id").integer()) for row in rows])
        check_unique(
            [(track, track.integer()) for row in rows for track in row.at("tracks").rows()]
        )
        people = tuple(_person_from_json(row) for row in rows)
    return Cached(people, document.input_digest, document.edited)


def _person_from_json(row: Field) -> Person:
    """Return the person of a row; early files know neither `ignore` nor `prefer`."""
    ignore, prefer = (row.has(key) and row.at(key).boolean() for key in ("ignore", "prefer"))
    if ignore and prefer:
        raise row.at("prefer").error("false, since this person is to be ignored")
    return Person(
        row.at("id").integer(),
        tuple(track.integer() for track in row.at("tracks").rows()),
        _name(row.at("name")) if row.has("name") else "",
        ignore,
        prefer,
    )


def _name(field: Field) -> str:
    """Return a name, which goes into every timeline and table."""
    text = field.text().strip()
    if len(text) > MAX_NAME_LENGTH or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise field.error(f"a name of up to {MAX_NAME_LENGTH} characters")
    return text


def load_sightings(folder: Path) -> tuple[Sighting, ...]:
    """Return the sightings in people.json; none if it has none."""
    document = read_json(folder / "people.json", "people")
    if document is None:
        return ()
    with report_faults(folder / "people.json"):
        return tuple(_sightings(Field(document.value).at("people").rows()))


def _sightings(rows: Iterable[Field]) -> Iterator[Sighting]:
    for row in rows:
        for sighting in row.rows_at("sightings"):
            yield sighting_from_json(sighting, row.at("id").integer())


def sighting_to_json(sighting: Sighting) -> list[float]:
    """Return a sighting as frame, left, top, right, bottom, to a tenth of a pixel."""
    return [sighting.frame, *(round(float(edge), _DIGITS) for edge in sighting.box.edges)]


def sighting_from_json(field: Field, person: int) -> Sighting:
    """Return the sighting that `sighting_to_json` wrote."""
    frame, *edges = field.values(5, "frame, left, top, right, bottom")
    box = Box.from_edges(edge.number() for edge in edges)
    if not has_area(box, _DIGITS):
        raise field.error("frame, left, top, right, bottom, with an area")
    return Sighting(person, frame.integer(), box)
