"""Keeps each stage's result beside the source, and knows when it is stale.

JSON where a person may edit (people, shots), npz where arrays are, never pickle. Every file opens
with its schema and with what it was made from: a digest of the stage's version, its options and
its inputs' digests. Files are written under a temporary name and then renamed, so that a crash,
a full disk or an impatient user leaves either the old file or the new one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import (
    Box,
    CutList,
    Detections,
    FaceTrack,
    FrameRange,
    Media,
    Person,
    Shot,
    Sound,
    SpeechScores,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What a file held."""

    value: T
    made_from: str
    """Digest of the stage, options and inputs it was made from."""
    edited: bool = False
    """Whether somebody changed it since we wrote it (JSON only)."""


def folder_beside(source: Path, work: Path | None = None) -> Path:
    """Return the folder that holds the results for `source`, inside `work` if one is given."""
    return (work or source.parent) / f"{source.stem}.speakerzoom"


def digest(*parts: object) -> str:
    """Return a digest of JSON-able parts: a stage's name and version, options, input digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def digest_of_file(path: Path) -> str:
    """Return a digest of a source by its size and its first and last MiB.

    Recordings run to many gigabytes: hashing all of one would take longer than opening it, and
    two takes never share both their head and their tail.
    """
    size, edge = path.stat().st_size, 1 << 20
    with path.open("rb") as file:
        head = file.read(edge)
        file.seek(max(0, size - edge))
        return digest(size, hashlib.sha256(head + file.read(edge)).hexdigest())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place only if all goes well."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        remedy = "free some space" if error.errno == errno.ENOSPC else "write to another folder"
        raise StoreError(f"{path}: cannot be written ({error.strerror}); {remedy}") from error
    finally:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


# --- media.json, people.json, cutlist.json --------------------------------------------------------


def save_media(folder: Path, media: Media, made_from: str) -> None:
    """Keep the facts of the source."""
    _write_json(folder / "media.json", "media", made_from, {"media": _media_to_json(media)})


def save_people(folder: Path, people: tuple[Person, ...], made_from: str) -> None:
    """Keep who is in the picture; names are for the editor to fill in."""
    rows = [{"id": p.id, "name": p.name, "tracks": list(p.track_ids)} for p in people]
    _write_json(folder / "people.json", "people", made_from, {"people": rows})


def load_people(folder: Path) -> Kept[tuple[Person, ...]] | None:
    """Return what people.json says; None where there is none."""
    kept = _read_json(folder / "people.json", "people")
    if kept is None:
        return None
    with _understood(folder / "people.json"):
        people = tuple(
            Person(int(row["id"]), tuple(int(t) for t in row["tracks"]), str(row["name"]))
            for row in kept.value["people"]
        )
    return Kept(people, kept.made_from, kept.edited)


def save_cut_list(folder: Path, cut_list: CutList, made_from: str) -> None:
    """Keep the cut, in the form that editors may change by hand."""
    media = cut_list.media
    content = {
        "media": {
            "path": str(media.path),
            "rate": [media.rate.numerator, media.rate.denominator],
            "duration": media.duration,
            "width": media.size[0],
            "height": media.size[1],
            "start": media.start,
        },
        "canvas": list(cut_list.canvas),
        "people": [{"id": p.id, "name": p.name} for p in cut_list.people],
        "shots": [_shot_to_json(shot) for shot in cut_list.shots],
    }
    _write_json(folder / "cutlist.json", "cutlist", made_from, content)


def load_cut_list(folder: Path, media: Media, people: tuple[Person, ...]) -> Kept[CutList] | None:
    """Return the kept cut of `media`; None where there is none.

    Names come from the file, which an editor may have changed; tracks come from `people`.
    """
    path = folder / "cutlist.json"
    kept = _read_json(path, "cutlist")
    if kept is None:
        return None
    tracks = {person.id: person.track_ids for person in people}
    with _understood(path):
        written = kept.value["media"]
        if [*written["rate"], written["duration"]] != [
            *media.rate.as_integer_ratio(),
            media.duration,
        ]:
            raise ValueError("it was made for another source")
        cut_list = CutList(
            media=media,
            canvas=(int(kept.value["canvas"][0]), int(kept.value["canvas"][1])),
            shots=tuple(_shot_from_json(n, s) for n, s in enumerate(kept.value["shots"], 1)),
            people=tuple(
                Person(int(row["id"]), tracks.get(int(row["id"]), ()), str(row["name"]))
                for row in kept.value["people"]
            ),
        )
    return Kept(cut_list, kept.made_from, kept.edited)


def _shot_to_json(shot: Shot) -> dict[str, object]:
    crop = [round(float(edge), 3) for edge in _edges(shot.crop)]
    return {
        "start": shot.range.start,
        "end": shot.range.end,
        "kind": shot.kind,
        "subject": shot.subject,
        "crop": crop,
        "reason": shot.reason,
    }


def _shot_from_json(number: int, row: dict[str, Any]) -> Shot:
    subject, crop = row["subject"], row["crop"]
    if row["kind"] not in ("single", "wide") or (row["kind"] == "single") == (subject is None):
        raise ValueError(f"shot {number}: a single needs a subject, and a wide has none")
    if len(crop) != 4 or not all(isinstance(edge, int | float) for edge in crop):
        raise ValueError(f"shot {number}: crop needs four numbers: left, top, right, bottom")
    if not all(type(row[key]) is int for key in ("start", "end")):
        raise ValueError(f"shot {number}: start and end are whole frames")
    return Shot(
        FrameRange(row["start"], row["end"]),
        None if subject is None else int(subject),
        Box(*(float(edge) for edge in crop)),
        str(row.get("reason", "")),
    )


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _media_to_json(media: Media) -> dict[str, object]:
    sound = media.sound
    return {
        "path": str(media.path),
        "rate": [media.rate.numerator, media.rate.denominator],
        "duration": media.duration,
        "width": media.size[0],
        "height": media.size[1],
        "start": media.start,
        "drop_frame": media.drop_frame,
        "rotation": media.rotation,
        "variable_rate": media.variable_rate,
        "video_offset": list(media.video_offset.as_integer_ratio()),
        "sound": sound
        and {
            "rate": sound.rate,
            "channels": sound.channels,
            "delay": list(sound.delay.as_integer_ratio()),
        },
    }


def load_media(folder: Path) -> Kept[Media] | None:
    """Return the kept facts of the source; None where there are none."""
    kept = _read_json(folder / "media.json", "media")
    if kept is None:
        return None
    with _understood(folder / "media.json"):
        row = kept.value["media"]
        sound = row["sound"]
        media = Media(
            path=Path(row["path"]),
            rate=Fraction(*row["rate"]),
            duration=row["duration"],
            size=(row["width"], row["height"]),
            start=row["start"],
            drop_frame=row["drop_frame"],
            rotation=row["rotation"],
            variable_rate=row["variable_rate"],
            video_offset=Fraction(*row["video_offset"]),
            sound=sound and Sound(sound["rate"], sound["channels"], Fraction(*sound["delay"])),
        )
    return Kept(media, kept.made_from, kept.edited)


def _write_json(path: Path, kind: str, made_from: str, content: dict[str, object]) -> None:
    head = {
        "schema": f"speakerzoom.{kind}/1",
        "made_from": {"inputs": made_from, "as_written": digest(content)},
    }
    write_text(path, _pretty({**head, **content}))


def _pretty(document: dict[str, object]) -> str:
    """Return JSON with one shot or person a line, so that hand edits and diffs stay readable."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _read_json(path: Path, kind: str) -> Kept[dict[str, Any]] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); delete it to start over") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path}: line {error.lineno} is not JSON ({error.msg}); mend it, or delete the file"
        ) from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: is not a speakerzoom file; delete it to start over")
    _check_schema(path, kind, content.pop("schema", None))
    made_from = content.pop("made_from", None)
    made_from = made_from if isinstance(made_from, dict) else {}
    edited = made_from.get("as_written") != digest(content)
    return Kept(content, str(made_from.get("inputs", "")), edited)


def _check_schema(path: Path, kind: str, schema: object) -> None:
    if schema == f"speakerzoom.{kind}/1":
        return
    if isinstance(schema, str) and schema.startswith(f"speakerzoom.{kind}/"):
        raise StoreError(f"{path}: is {schema}, from a newer speakerzoom; update, or delete it")
    raise StoreError(f"{path}: is no {kind} of speakerzoom; move it away, or delete it")


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Turn what a wrong value does to our records into one line that names the file."""
    try:
        yield
    except KeyError as error:
        raise StoreError(f"{path}: {error} is missing; mend it, or delete the file") from error
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise StoreError(f"{path}: {error}; mend it, or delete the file") from error


# --- detections.npz, tracks.npz, scores.npz -------------------------------------------------------


def save_detections(folder: Path, detections: Detections, made_from: str) -> None:
    """Keep every face that was seen, and the source's own cuts."""
    names = ("frames", "boxes", "confidences", "looked_at", "camera_cuts")
    arrays = {name: getattr(detections, name) for name in names}
    _write_arrays(folder / "detections.npz", "detections", made_from, arrays)


def load_detections(folder: Path) -> Kept[Detections] | None:
    """Return the kept detections; None where there are none."""
    path = folder / "detections.npz"
    kept = _read_arrays(path, "detections")
    if kept is None:
        return None
    with _understood(path):
        return Kept(Detections(**kept.value), kept.made_from)


def save_tracks(folder: Path, tracks: tuple[FaceTrack, ...], made_from: str) -> None:
    """Keep the face tracks, laid end to end."""
    arrays = {
        "ids": np.array([track.id for track in tracks], np.int32),
        "starts": np.array([track.start for track in tracks], np.int32),
        "lengths": np.array([len(track.boxes) for track in tracks], np.int32),
        "boxes": np.concatenate([np.empty((0, 4), np.float32), *(t.boxes for t in tracks)]),
        "seen": np.concatenate([np.empty(0, np.bool_), *(t.seen for t in tracks)]),
    }
    _write_arrays(folder / "tracks.npz", "tracks", made_from, arrays)


def load_tracks(folder: Path) -> Kept[tuple[FaceTrack, ...]] | None:
    """Return the kept face tracks; None where there are none."""
    path = folder / "tracks.npz"
    kept = _read_arrays(path, "tracks")
    if kept is None:
        return None
    with _understood(path):
        a = kept.value
        spans = _spans(a["lengths"])
        tracks = tuple(
            FaceTrack(int(i), int(s), a["boxes"][span], a["seen"][span])
            for i, s, span in zip(a["ids"], a["starts"], spans, strict=True)
        )
    return Kept(tracks, kept.made_from)


def save_scores(folder: Path, scores: tuple[SpeechScores, ...], made_from: str) -> None:
    """Keep the speech scores, laid end to end."""
    arrays = {
        "track_ids": np.array([score.track_id for score in scores], np.int32),
        "starts": np.array([score.start for score in scores], np.int32),
        "lengths": np.array([len(score.logits) for score in scores], np.int32),
        "logits": np.concatenate([np.empty(0, np.float32), *(s.logits for s in scores)]),
    }
    _write_arrays(folder / "scores.npz", "scores", made_from, arrays)


def load_scores(folder: Path) -> Kept[tuple[SpeechScores, ...]] | None:
    """Return the kept scores; None where there are none."""
    path = folder / "scores.npz"
    kept = _read_arrays(path, "scores")
    if kept is None:
        return None
    with _understood(path):
        a = kept.value
        scores = tuple(
            SpeechScores(int(i), int(s), a["logits"][span])
            for i, s, span in zip(a["track_ids"], a["starts"], _spans(a["lengths"]), strict=True)
        )
    return Kept(scores, kept.made_from)


def _spans(lengths: NDArray[np.int32]) -> list[slice]:
    ends = np.cumsum(lengths)
    return [slice(int(end - length), int(end)) for end, length in zip(ends, lengths, strict=True)]


def _write_arrays(path: Path, kind: str, made_from: str, arrays: dict[str, Any]) -> None:
    head = {"schema": np.array(f"speakerzoom.{kind}/1"), "made_from": np.array(made_from)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **head, **arrays)


def _read_arrays(path: Path, kind: str) -> Kept[dict[str, Any]] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path}: is damaged; delete it, and it is made again") from error
    _check_schema(path, kind, str(arrays.pop("schema", None)))
    return Kept(arrays, str(arrays.pop("made_from", "")))
