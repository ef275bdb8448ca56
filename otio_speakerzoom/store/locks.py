"""locks.json: what the editor wants to be shown, and when."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import Box, Lock, Media
from otio_speakerzoom.store.fields import CROP_DIGITS, Field
from otio_speakerzoom.store.files import (
    file_digest,
    json_text,
    read_json,
    report_faults,
    write_json,
)
from otio_speakerzoom.store.people import sighting_from_json, sighting_to_json


def save_locks(folder: Path, locks: Sequence[Lock], *, expected_digest: str | None = None) -> None:
    """Save the locks in a form that people can read and edit.

    The rows of locks that are in the file already stay as the editor wrote them, and so does
    everything else in the file. With `expected_digest` it must still have that `file_digest`.
    """
    path = folder / "locks.json"
    write_json(path, "locks", "", _with_locks(folder, locks), expected_digest=expected_digest)


def locks_text(folder: Path, locks: Sequence[Lock], rows: Sequence[dict[str, Any]] = ()) -> str:
    """Return the text of locks.json as `save_locks` would write it.

    `rows` are further rows as the editor wrote them, of locks that are not in the file any more.
    """
    return json_text("locks", "", _with_locks(folder, locks, rows))


def lock_rows(folder: Path) -> list[Any]:
    """Return the rows of locks.json as they are in the file; none if there is no file."""
    document = read_json(folder / "locks.json", "locks")
    rows = document.value.get("locks") if document else ()
    return list(rows) if isinstance(rows, list) else []


def _with_locks(
    folder: Path, locks: Sequence[Lock], rows: Sequence[dict[str, Any]] = ()
) -> dict[str, object]:
    """Return the content of locks.json, with these locks."""
    document = read_json(folder / "locks.json", "locks")
    content: dict[str, object] = dict(document.value) if document else {}
    rows_now = content.get("locks")
    old_rows = [*(rows_now if isinstance(rows_now, list) else ()), *rows]
    content["locks"] = lock_rows_of(locks, old_rows)
    return content


def lock_rows_of(locks: Sequence[Lock], old_rows: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return a row for each lock: the one of `old_rows` that stands for the same, or a new one."""
    by_lock: dict[Lock, dict[str, Any]] = {}
    spans = {(lock.range.start, lock.range.end) for lock in locks}
    for row in old_rows:
        with suppress(ValueError, KeyError, TypeError):  # what stands for no lock
            if (row["start"], row["end"]) not in spans:
                continue
            by_lock.setdefault(replace(lock_from_json(row), sightings=()), row)
    return [
        {**row, **_sightings_to_json(lock)} if row else _lock_to_json(lock)
        for lock in locks
        for row in [by_lock.get(replace(lock, sightings=()))]
    ]


def _lock_to_json(lock: Lock) -> dict[str, Any]:
    return {
        "start": lock.range.start,
        "end": lock.range.end,
        "show": list(lock.subjects) or "wide",
        **({"crop": crop_to_json(lock.crop)} if lock.crop else {}),
        **_sightings_to_json(lock),
    }


def load_locks(folder: Path, media: Media | None = None) -> tuple[Lock, ...]:
    """Return the editor's locks in order of time; none if there is no locks.json.

    Each has a `start` and an `end`, whole frames of the source, and a `show`: "wide", a person's
    id, or a list of one or two ids. `crop` is optional. `people` holds a sighting of each person
    shown, from when the lock was written. With `media` each lock must lie inside the source, and
    its crop inside the frame.
    """
    path = folder / "locks.json"
    document = read_json(path, "locks")
    if document is None:
        return ()
    with report_faults(path):
        rows = list(Field(document.value).at("locks").rows())
        locks = [_lock_from_json(row, media) for row in rows]
        numbers = sorted(range(len(locks)), key=lambda n: locks[n].range.start)
        for before, after in pairwise(numbers):
            if locks[after].range.start < locks[before].range.end:
                raise ValueError(
                    f"locks[{before}] and locks[{after}] both cover frame "
                    f"{locks[after].range.start}"
                )
    return tuple(locks[n] for n in numbers)


def write_sightings(folder: Path, locks: Sequence[Lock]) -> None:
    """Add the sightings of `locks`, which are those of locks.json, to the rows that have none.

    The file may be edited before and after; everything else in it stays.
    """
    path = folder / "locks.json"
    expected_digest, document = file_digest(path), read_json(path, "locks")
    if document is None:
        return
    by_range = {(lock.range.start, lock.range.end): lock for lock in locks}
    for row in document.value["locks"]:
        lock = by_range.get((row["start"], row["end"]))
        if lock and lock.sightings:
            row.update(_sightings_to_json(lock))
    write_json(
        path, "locks", document.input_digest, document.value, expected_digest=expected_digest
    )


def _sightings_to_json(lock: Lock) -> dict[str, object]:
    rows = [{"id": s.person, "sighting": sighting_to_json(s)} for s in lock.sightings]
    return {"people": rows} if rows else {}


def lock_from_json(row: object, media: Media | None = None) -> Lock:
    """Return the lock of a row; ValueError where it is none, or not one of that source."""
    return _lock_from_json(Field(row), media)


def _lock_from_json(row: Field, media: Media | None) -> Lock:
    lock = Lock(
        row.frames(),
        _subjects_from_json(row.at("show")),
        _crop_from_json(row.at("crop"), media) if row.has("crop") else None,
        tuple(
            sighting_from_json(person.at("sighting"), person.at("id").integer())
            for person in row.rows_at("people")
        ),
    )
    if media and lock.range.end > media.duration:
        raise row.at("end").error(f"{media.duration} at most, where the source ends")
    return lock


def _subjects_from_json(show: Field) -> tuple[int, ...]:
    if show.is_text():
        if show.text() != "wide":
            raise show.error('"wide", a person\'s id, or a list of one or two ids')
        return ()
    ids = tuple(i.integer() for i in show.rows()) if show.is_list() else (show.integer(),)
    if len(ids) > 2 or len(set(ids)) != len(ids):
        raise show.error("one or two people, by their ids")
    return ids


def _crop_from_json(field: Field, media: Media | None) -> Box:
    return field.crop(media.size) if media else field.box()


def crop_to_json(crop: Box) -> list[float]:
    """Return left, top, right, bottom to a thousandth of a pixel."""
    return [round(float(edge), CROP_DIGITS) for edge in crop.edges]
