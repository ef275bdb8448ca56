"""locks.json: what the editor decided, and what must stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from otio_speakerzoom.model import Box, Lock, Media
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import file_digest, read_json, report_faults, write_json
from otio_speakerzoom.store.people import sighting_from_json, sighting_to_json


def save_locks(folder: Path, locks: Sequence[Lock], *, version: str | None = None) -> None:
    """Keep what the editor decided, for people to read and change.

    A lock that is in the file already stays as somebody wrote it, and so does what else it says.
    """
    path = folder / "locks.json"
    kept = read_json(path, "locks")
    content: dict[str, object] = dict(kept.value) if kept else {}
    content["locks"] = [_lock_to_json(lock, content.get("locks")) for lock in locks]
    write_json(path, "locks", "", content, version=version)


def _lock_to_json(lock: Lock, rows: object) -> dict[str, object]:
    """Return a lock as JSON has it: the row of `rows` that asks for the same, if one does."""
    written: dict[str, object] = {
        "start": lock.range.start,
        "end": lock.range.end,
        "show": list(lock.subjects) or "wide",
        **({"crop": crop_to_json(lock.crop)} if lock.crop else {}),
        **_seen_to_json(lock),
    }
    for row in rows if isinstance(rows, list) else ():
        try:
            same = replace(_lock_from_json(Field(row), None), sightings=()) == replace(
                lock, sightings=()
            )
        except ValueError:
            continue
        if same:
            return {**row, **_seen_to_json(lock)}
    return written


def load_locks(folder: Path, media: Media | None = None) -> tuple[Lock, ...]:
    """Return the editor's decisions in order of time; none where there is no locks.json.

    A stretch is told by `start` and `end`, whole frames of the source; `show` is "wide", a
    person's id, or a list of one or two ids; `crop` may be left out. `people` says where the
    people were seen when the lock was written. With `media` each lock must lie in the source, and
    its crop in the picture.
    """
    path = folder / "locks.json"
    kept = read_json(path, "locks")
    if kept is None:
        return ()
    with report_faults(path):
        rows = list(Field(kept.value).at("locks").rows())
        locks = [_lock_from_json(row, media) for row in rows]
        numbers = sorted(range(len(locks)), key=lambda n: locks[n].range.start)
        for before, after in pairwise(numbers):
            if locks[after].range.start < locks[before].range.end:
                raise ValueError(
                    f"locks[{before}] and locks[{after}] both cover frame "
                    f"{locks[after].range.start}"
                )
    return tuple(locks[n] for n in numbers)


def add_sightings(folder: Path, locks: Sequence[Lock]) -> None:
    """Write into locks.json what the numbers in it mean, where it does not say; the rest stays.

    `locks` are those of the file. It may be edited before and after: nothing else is touched.
    """
    path = folder / "locks.json"
    version, kept = file_digest(path), read_json(path, "locks")
    if kept is None:
        return
    known = {(lock.range.start, lock.range.end): lock for lock in locks}
    for row in kept.value["locks"]:
        lock = known.get((row["start"], row["end"]))
        if lock and lock.sightings:
            row.update(_seen_to_json(lock))
    write_json(path, "locks", kept.input_digest, kept.value, version=version)


def _seen_to_json(lock: Lock) -> dict[str, object]:
    seen = [{"id": s.person, "seen": sighting_to_json(s)} for s in lock.sightings]
    return {"people": seen} if seen else {}


def _lock_from_json(row: Field, media: Media | None) -> Lock:
    lock = Lock(
        row.frames(),
        _subjects_from_json(row.at("show")),
        _crop_from_json(row.at("crop"), media) if row.has("crop") else None,
        tuple(
            sighting_from_json(p.at("seen"), p.at("id").integer()) for p in row.rows_at("people")
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
    """Return the edges of a crop to a thousandth of a pixel."""
    return [round(float(edge), 3) for edge in crop.edges]
