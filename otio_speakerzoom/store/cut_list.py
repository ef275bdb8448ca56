"""cutlist.json: the cut, a line a shot, for people to read and to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import (
    Cover,
    CoverKey,
    CropKey,
    CutList,
    FrameRange,
    Media,
    Person,
    Shot,
)
from otio_speakerzoom.store.fields import Field, check_unique
from otio_speakerzoom.store.files import digest, file_digest, read_json, report_faults, write_json
from otio_speakerzoom.store.locks import crop_to_json
from otio_speakerzoom.store.media import media_to_json
from otio_speakerzoom.store.people import load_people


@dataclass(frozen=True, slots=True)
class CachedCut:
    """What cutlist.json holds."""

    value: CutList
    input_digest: str
    edited: bool = False
    """Whether somebody changed it since we wrote it."""
    analysis: str = ""
    """Digest of the analysis that it was planned from; empty where it does not say."""
    locks: str = ""
    """Digest of the locks that it was planned with."""
    style: dict[str, Any] = field(default_factory=dict)
    """Values of the style that it was planned in."""
    misfits: tuple[int, ...] = ()
    """Numbers, from 0, of shots whose crop we made for others than are its subjects now."""
    version: str = ""
    """Of the file, to see later whether somebody changed it."""
    people_folder: str = ""
    """Folder, inside the source's, of the people.json that its numbers are of."""


def save_cut_list(
    folder: Path,
    cut_list: CutList,
    input_digest: str,
    style: dict[str, object] | None = None,
    *,
    analysis: str = "",
    locks: str = "",
    people_folder: str = "",
    content: str = "",
    version: str | None = None,
) -> CachedCut:
    """Keep the cut, in the form that editors may change by hand, and the style it was made in.

    `content` is the digest of the source's file; with `version` the file must still be that one.
    Returns what `load_cut_list` will: crops are rounded for people to read.
    """
    document = _cut_list_to_json(cut_list, style, content)
    path = folder / "cutlist.json"
    notes = {"analysis": analysis, "locks": locks, "people_in": people_folder}
    write_json(path, "cutlist", input_digest, document, notes=notes, version=version)
    return CachedCut(
        stored_form(cut_list), input_digest, False, analysis, locks, document["style"], (),
        file_digest(path), people_folder,
    )  # fmt: skip


def stored_form(cut_list: CutList) -> CutList:
    """Return a cut as it will be read back: crops rounded, people called by their names."""
    document = _cut_list_to_json(cut_list, None, "")
    return _cut_list_from_json(Field(document), cut_list.media, cut_list.people)


def _cut_list_to_json(
    cut_list: CutList, style: dict[str, object] | None, content: str
) -> dict[str, Any]:
    facts = media_to_json(cut_list.media)
    named = ("path", "rate", "duration", "width", "height", "start")
    document: dict[str, Any] = {
        "media": {**{name: facts[name] for name in named}, "digest": content},
        "canvas": list(cut_list.canvas),
        "style": style or {},
        "people": [{"id": person.id} for person in cut_list.people],
        "shots": [_shot_to_json(shot) for shot in cut_list.shots],
    }
    if cut_list.angles:
        document["angles"] = [_shot_to_json(shot) for shot in cut_list.angles]
    return document


def load_cut_list(
    folder: Path, media: Media, people: Sequence[Person] | None = None, content: str = ""
) -> CachedCut | None:
    """Return the kept cut of `media`; None where there is none, or one of another source.

    Names and tracks come from `people`, else from people.json; `content` is the digest of the
    source's file.
    """
    path = folder / "cutlist.json"
    version, kept = file_digest(path), read_json(path, "cutlist")
    if kept is None:
        return None
    people_folder = kept.notes.get("people_in", "")
    if people is None:
        known = load_people(folder / people_folder) or load_people(folder)
        people = known.value if known else ()
    with report_faults(path):
        document = Field(kept.value)
        if not kept.edited and any(row.has("subject") for row in document.at("shots").rows()):
            return None  # by a version that knew singles and wides only: it is made anew
        if not _is_of(document.at("media"), media, content):
            if kept.edited:
                name = Path(document.at("media").at("path").text()).name
                raise ValueError(f"it was made for another source, {name}, and edited")
            return None
        cut_list = _cut_list_from_json(document, media, people)
        misfits = tuple(n for n, row in enumerate(document.at("shots").rows()) if _is_misfit(row))
    style = kept.value.get("style")
    return CachedCut(
        cut_list, kept.input_digest, kept.edited, kept.notes.get("analysis", ""),
        kept.notes.get("locks", ""), style if isinstance(style, dict) else {}, misfits, version,
        people_folder,
    )  # fmt: skip


def _is_of(written: Field, media: Media, content: str) -> bool:
    """Whether a cut was made for this source; by its content, where both sides tell it."""
    digest_then = written.at("digest").text() if written.has("digest") else ""
    if content and digest_then and content != digest_then:
        return False
    made_for = (written.at("rate").ratio(), written.at("duration").integer())
    return made_for == (media.rate.as_integer_ratio(), media.duration)


def _cut_list_from_json(document: Field, media: Media, people: Sequence[Person]) -> CutList:
    width, height = (side.integer(2) for side in document.at("canvas").several(2, "width, height"))
    rows = list(document.at("people").rows())
    check_unique([(row.at("id"), row.at("id").integer()) for row in rows])
    now = {person.id: person for person in people}
    cast = tuple(_person_from_json(row, now) for row in rows)
    shots = tuple(_shot_from_json(row, media, cast) for row in document.at("shots").rows())
    if not shots:
        raise document.at("shots").error("a shot at least")
    for n, (before, after) in enumerate(pairwise(shots), 1):
        if before.range.end != after.range.start:
            raise ValueError(
                f"shots[{n}].start: is {after.range.start}, but the shot before it ends at "
                f"{before.range.end}: shots must follow one another"
            )
    angles = tuple(_shot_from_json(row, media, cast) for row in document.rows_at("angles"))
    return CutList(media, (width, height), shots, cast, angles)


def _person_from_json(row: Field, now: dict[int, Person]) -> Person:
    """Return a person of the cut; an older version kept names here too."""
    id_ = row.at("id").integer()
    known = now.get(id_, Person(id_, ()))
    name = row.at("name").text() if row.has("name") else ""
    return Person(id_, known.track_ids, known.name or name)


def _shot_to_json(shot: Shot) -> dict[str, object]:
    row: dict[str, object] = {
        "start": shot.range.start,
        "end": shot.range.end,
        "kind": shot.kind,
        "subjects": list(shot.subjects),
        "crop": crop_to_json(shot.crop),
        "reason": shot.reason,
        "confidence": round(shot.confidence, 3),
    }
    if shot.keys:
        row["keys"] = [[key.frame, *crop_to_json(key.crop)] for key in shot.keys]
    if shot.locked:
        row["locked"] = True
    if shot.covers:
        row["covers"] = [_cover_to_json(cover) for cover in shot.covers]
    row["framed"] = _framed(row, list(shot.subjects))
    return row


def _framed(row: dict[str, Any], subjects: list[int]) -> str:
    """Return whom a row's crop was made for, and a digest of the crop: `1+2 1a2b3c4d`."""
    return f"{'+'.join(map(str, subjects))} {digest(row['crop'], row.get('keys'))[:8]}"


def _is_misfit(row: Field) -> bool:
    """Whether a shot's subjects were edited, and its crop is still the one that we made."""
    if not row.has("framed"):
        return False
    framed = row.at("framed").text()
    made_for = [int(id_) for id_ in framed.partition(" ")[0].split("+") if id_.isdecimal()]
    subjects = [id_.integer() for id_ in row.at("subjects").rows()]
    as_written = framed == _framed(row.raw(), made_for)
    return as_written and sorted(made_for) != sorted(subjects)


def _shot_from_json(row: Field, media: Media, people: Sequence[Person]) -> Shot:
    subjects = _subjects_from_json(row, people)
    span = row.frames()
    if span.end > media.duration:
        raise row.at("end").error(f"{media.duration} at most, where the source ends")
    crop = row.at("crop").crop(media.size)
    keys = tuple(_key_from_json(key, media) for key in row.rows_at("keys"))
    frames = [key.frame for key in keys]
    if keys and (
        frames != sorted(set(frames)) or frames[0] != span.start or frames[-1] >= span.end
    ):
        raise row.at("keys").error(f"frames that rise from {span.start} and stay below {span.end}")
    if keys and keys[0].crop != crop:
        raise row.at("crop").error("the crop of the first of the keys")
    reason = row.at("reason").text() if row.has("reason") else ""
    return Shot(
        span,
        subjects,
        crop,
        _named(reason, people),
        row.at("confidence").share() if row.has("confidence") else 1.0,
        keys,
        row.at("locked").flag() if row.has("locked") else False,
        tuple(_cover_from_json(cover, span) for cover in row.rows_at("covers")),
    )


def _subjects_from_json(row: Field, people: Sequence[Person]) -> tuple[int, ...]:
    subjects = tuple(id_.integer() for id_ in row.at("subjects").rows())
    if len(subjects) > 2 or len(set(subjects)) != len(subjects):
        raise row.at("subjects").error("two different people at most")
    kinds = {"wide": 0, "single": 1, "two-shot": 2}
    if row.has("kind") and kinds.get(row.at("kind").text()) != len(subjects):
        fitting = next(kind for kind, count in kinds.items() if count == len(subjects))
        raise row.at("kind").error(f"{fitting}, which has {len(subjects)} subjects")
    known = {person.id for person in people}
    for field_ in row.at("subjects").rows():
        if field_.integer() not in known:
            ids = ", ".join(map(str, sorted(known))) or "nobody"
            raise field_.error(f"a person of this cut ({ids})")
    return subjects


def _key_from_json(row: Field, media: Media) -> CropKey:
    frame, *_ = row.several(5, "frame, left, top, right, bottom")
    return CropKey(frame.integer(), row.rest(1).crop(media.size))


def _cover_to_json(cover: Cover) -> list[object]:
    """Return how and where; of a cover that moves, a list of frame and edges for each key."""
    if not cover.keys:
        return [cover.effect, *crop_to_json(cover.box)]
    return [cover.effect, *([key.frame, *crop_to_json(key.box)] for key in cover.keys)]


def _cover_from_json(row: Field, span: FrameRange) -> Cover:
    need = "blur or dim, then left, top, right, bottom or a list of keys"
    how, *rest = list(row.rows()) or [row]
    if how.text() not in ("blur", "dim"):
        raise how.error("blur or dim")
    if not rest:
        raise row.error(need)
    if not all(key.is_list() for key in rest):
        return Cover(row.rest(1).box(), how.text())
    keys = tuple(_cover_key_from_json(key) for key in rest)
    frames = [key.frame for key in keys]
    if frames != sorted(set(frames)) or not span.start <= frames[0] <= frames[-1] < span.end:
        raise row.error(f"frames that rise from {span.start} and stay below {span.end}")
    return Cover(keys[0].box, how.text(), keys)


def _cover_key_from_json(row: Field) -> CoverKey:
    frame, *_ = row.several(5, "frame, left, top, right, bottom")
    return CoverKey(frame.integer(), row.rest(1).box())


def _named(reason: str, people: Sequence[Person]) -> str:
    """Return a reason with people's names in place of their numbers, which are what is kept."""
    labels = {str(person.id): person.label for person in people}
    return re.sub(r"\bPerson (\d+)\b", lambda m: labels.get(m[1], m[0]), reason)
