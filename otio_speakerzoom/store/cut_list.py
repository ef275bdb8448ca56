"""cutlist.json: the cut, one shot per line, for people to read and edit."""

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
    """The content of cutlist.json."""

    value: CutList
    input_digest: str
    edited: bool = False
    """Whether somebody changed the file since we wrote it."""
    analysis_digest: str = ""
    """Of the analysis that the cut was planned from; empty in early files."""
    locks_digest: str = ""
    """Of the locks that the cut was planned with; empty in early files."""
    people_folder: str = ""
    """Folder, inside the work folder, of the people.json that its ids refer to."""
    style: dict[str, Any] = field(default_factory=dict)
    """Style values that the cut was planned with."""
    misfits: tuple[int, ...] = ()
    """Indices of shots whose subjects were edited, but not the crop that we chose for others."""
    file_digest: str = ""
    """Of the whole file, to detect later changes."""


def save_cut_list(
    folder: Path,
    cut_list: CutList,
    input_digest: str,
    style: dict[str, object] | None = None,
    *,
    analysis_digest: str = "",
    locks_digest: str = "",
    people_folder: str = "",
    source_digest: str = "",
    expected_digest: str | None = None,
) -> CachedCut:
    """Save the cut and its style in a form that editors can change by hand.

    With `expected_digest` the file must still have that `file_digest`. Returns what
    `load_cut_list` will return: crops are rounded for people to read.
    """
    document = _cut_list_to_json(cut_list, style, source_digest)
    path = folder / "cutlist.json"
    provenance = {
        "analysis_digest": analysis_digest,
        "locks_digest": locks_digest,
        "people_folder": people_folder,
    }
    write_json(
        path,
        "cutlist",
        input_digest,
        document,
        provenance=provenance,
        expected_digest=expected_digest,
    )
    return CachedCut(
        stored_form(cut_list),
        input_digest,
        analysis_digest=analysis_digest,
        locks_digest=locks_digest,
        people_folder=people_folder,
        style=document["style"],
        file_digest=file_digest(path),
    )


def stored_form(cut_list: CutList) -> CutList:
    """Return a cut as it is read back: crops rounded, names in the reasons of shots."""
    document = _cut_list_to_json(cut_list, None, "")
    return _cut_list_from_json(Field(document), cut_list.media, cut_list.people)


def _cut_list_to_json(
    cut_list: CutList, style: dict[str, object] | None, source_digest: str
) -> dict[str, Any]:
    media = media_to_json(cut_list.media)
    names = ("path", "rate", "duration", "width", "height", "start")
    document: dict[str, Any] = {
        "media": {**{name: media[name] for name in names}, "digest": source_digest},
        "canvas": list(cut_list.canvas),
        "style": style or {},
        "people": [{"id": person.id} for person in cut_list.people],
        "shots": [_shot_to_json(shot) for shot in cut_list.shots],
    }
    if cut_list.angles:
        document["angles"] = [_shot_to_json(shot) for shot in cut_list.angles]
    return document


def load_cut_list(
    folder: Path, media: Media, people: Sequence[Person] | None = None, source_digest: str = ""
) -> CachedCut | None:
    """Return the cached cut of `media`; None if there is none, or only one of another source.

    Names and tracks come from `people`, by default those of people.json. `source_digest` is that
    of the source's file now.
    """
    path = folder / "cutlist.json"
    digest_now, document = file_digest(path), read_json(path, "cutlist")
    if document is None:
        return None
    people_folder = document.provenance.get("people_folder", "")
    if people is None:
        cached_people = load_people(folder / people_folder) or load_people(folder)
        people = cached_people.value if cached_people else ()
    with report_faults(path):
        root = Field(document.value)
        if not document.edited and any(row.has("subject") for row in root.at("shots").rows()):
            return None  # an early version 1, with singles and wides only: it is planned again
        if not _is_cut_of(root.at("media"), media, source_digest):
            if document.edited:
                name = Path(root.at("media").at("path").text()).name
                raise ValueError(f"it is the cut of another source, {name}, and was edited")
            return None
        cut_list = _cut_list_from_json(root, media, people)
        misfits = tuple(n for n, row in enumerate(root.at("shots").rows()) if _is_misfit(row))
    style = document.value.get("style")
    return CachedCut(
        cut_list,
        document.input_digest,
        document.edited,
        document.provenance.get("analysis_digest", ""),
        document.provenance.get("locks_digest", ""),
        people_folder,
        style if isinstance(style, dict) else {},
        misfits,
        digest_now,
    )


def _is_cut_of(row: Field, media: Media, source_digest: str) -> bool:
    """Whether the `media` of a cut is this source; compares the digests if both are known."""
    digest_then = row.at("digest").text() if row.has("digest") else ""
    if source_digest and digest_then and source_digest != digest_then:
        return False
    properties = (row.at("rate").ratio(), row.at("duration").integer())
    return properties == (media.rate.as_integer_ratio(), media.duration)


def _cut_list_from_json(document: Field, media: Media, people: Sequence[Person]) -> CutList:
    width, height = (s.integer(2) for s in document.at("canvas").values(2, "width, height"))
    rows = list(document.at("people").rows())
    check_unique([(row.at("id"), row.at("id").integer()) for row in rows])
    people_now = {person.id: person for person in people}
    cast = tuple(_person_from_json(row, people_now) for row in rows)
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


def _person_from_json(row: Field, people_now: dict[int, Person]) -> Person:
    """Return a person of the cut; an early version 1 stored names here too."""
    id_ = row.at("id").integer()
    person = people_now.get(id_, Person(id_, ()))
    name = row.at("name").text() if row.has("name") else ""
    return Person(id_, person.track_ids, person.name or name)


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
    row["framed_for"] = _framed_for(row, list(shot.subjects))
    return row


def _framed_for(row: dict[str, Any], subjects: list[int]) -> str:
    """Return the people that a row's crop frames, and a digest of the crop: `1+2 1a2b3c4d`."""
    return f"{'+'.join(map(str, subjects))} {digest(row['crop'], row.get('keys'))[:8]}"


def _is_misfit(row: Field) -> bool:
    """Whether somebody edited the subjects of a shot, but not the crop that we chose."""
    if not row.has("framed_for"):
        return False
    framed_for = row.at("framed_for").text()
    people = [int(id_) for id_ in framed_for.partition(" ")[0].split("+") if id_.isdecimal()]
    subjects = [id_.integer() for id_ in row.at("subjects").rows()]
    crop_unchanged = framed_for == _framed_for(row.raw(), people)
    return crop_unchanged and sorted(people) != sorted(subjects)


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
        _with_names(reason, people),
        row.at("confidence").fraction() if row.has("confidence") else 1.0,
        keys,
        row.at("locked").boolean() if row.has("locked") else False,
        tuple(_cover_from_json(cover, span) for cover in row.rows_at("covers")),
    )


def _subjects_from_json(row: Field, people: Sequence[Person]) -> tuple[int, ...]:
    subjects = tuple(id_.integer() for id_ in row.at("subjects").rows())
    if len(subjects) > 2 or len(set(subjects)) != len(subjects):
        raise row.at("subjects").error("two different people at most")
    kinds = {"wide": 0, "single": 1, "two-shot": 2}
    if row.has("kind") and kinds.get(row.at("kind").text()) != len(subjects):
        kind = next(kind for kind, count in kinds.items() if count == len(subjects))
        raise row.at("kind").error(f"{kind}, which has {len(subjects)} subjects")
    ids = {person.id for person in people}
    for subject in row.at("subjects").rows():
        if subject.integer() not in ids:
            choices = ", ".join(map(str, sorted(ids))) or "nobody"
            raise subject.error(f"a person of this cut ({choices})")
    return subjects


def _key_from_json(row: Field, media: Media) -> CropKey:
    frame, *_ = row.values(5, "frame, left, top, right, bottom")
    return CropKey(frame.integer(), row.tail(1).crop(media.size))


def _cover_to_json(cover: Cover) -> list[object]:
    """Return effect and edges; for a moving cover, a list of frame and edges for each key."""
    if not cover.keys:
        return [cover.effect, *crop_to_json(cover.box)]
    return [cover.effect, *([key.frame, *crop_to_json(key.box)] for key in cover.keys)]


def _cover_from_json(row: Field, span: FrameRange) -> Cover:
    effect, *rest = list(row.rows()) or [row]
    if effect.text() not in ("blur", "dim"):
        raise effect.error("blur or dim")
    if not rest:
        raise row.error("blur or dim, then left, top, right, bottom or a list of keys")
    if not all(key.is_list() for key in rest):
        return Cover(row.tail(1).box(), effect.text())
    keys = tuple(_cover_key_from_json(key) for key in rest)
    frames = [key.frame for key in keys]
    if frames != sorted(set(frames)) or not span.start <= frames[0] <= frames[-1] < span.end:
        raise row.error(f"frames that rise from {span.start} and stay below {span.end}")
    return Cover(keys[0].box, effect.text(), keys)


def _cover_key_from_json(row: Field) -> CoverKey:
    frame, *_ = row.values(5, "frame, left, top, right, bottom")
    return CoverKey(frame.integer(), row.tail(1).box())


def _with_names(reason: str, people: Sequence[Person]) -> str:
    """Return a reason with people's names; the file has their ids only."""
    labels = {str(person.id): person.label for person in people}
    return re.sub(r"\bPerson (\d+)\b", lambda m: labels.get(m[1], m[0]), reason)
