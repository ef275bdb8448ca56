"""cutlist.json: the cut, one shot per line, for people to read and edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import CutList, Media, Person
from otio_speakerzoom.store.fields import Field, check_unique
from otio_speakerzoom.store.files import (
    file_digest,
    json_text,
    read_json,
    report_faults,
    write_json,
)
from otio_speakerzoom.store.media import media_to_json
from otio_speakerzoom.store.people import load_people
from otio_speakerzoom.store.ranges import check_part_name
from otio_speakerzoom.store.shots import has_edited_crop, is_misfit, shot_from_json, shot_to_json


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
    preferences_digest: str = ""
    """Of who was ignored and preferred in the cut; empty where nobody was."""
    people_folder: str = ""
    """Folder, inside the work folder, of the people.json that its ids refer to."""
    style: dict[str, Any] = field(default_factory=dict)
    """Style values that the cut was planned with."""
    misfits: tuple[int, ...] = ()
    """Indices of shots whose subjects were edited, but not the crop that we chose for others."""
    edited_crops: tuple[int, ...] = ()
    """Indices of shots whose crop is not the one that we wrote."""
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
    preferences_digest: str = "",
    people_folder: str = "",
    source_digest: str = "",
    expected_digest: str | None = None,
) -> CachedCut:
    """Save the cut and its style in a form that editors can change by hand.

    With `expected_digest` the file must still have that `file_digest`. Returns what
    `load_cut_list` will return: crops are rounded for people to read.
    """
    path = folder / "cutlist.json"
    cached = CachedCut(
        stored_form(cut_list), input_digest, people_folder=people_folder, style=dict(style or {}),
        analysis_digest=analysis_digest, locks_digest=locks_digest,
        preferences_digest=preferences_digest,
    )  # fmt: skip
    write_json(
        path, "cutlist", input_digest, _cut_list_to_json(cut_list, style, source_digest),
        provenance=_provenance(cached), expected_digest=expected_digest,
    )  # fmt: skip
    return replace(cached, file_digest=file_digest(path))


def cut_list_text(cached: CachedCut, source_digest: str) -> str:
    """Return the text of cutlist.json for a cut that we wrote, not edited."""
    document = _cut_list_to_json(cached.value, cached.style, source_digest)
    return json_text("cutlist", cached.input_digest, document, provenance=_provenance(cached))


def _provenance(cached: CachedCut) -> dict[str, str]:
    provenance = {
        "analysis_digest": cached.analysis_digest,
        "locks_digest": cached.locks_digest,
        "people_folder": cached.people_folder,
    }
    if cached.preferences_digest:
        provenance["preferences_digest"] = cached.preferences_digest
    return provenance


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
        "shots": [shot_to_json(shot) for shot in cut_list.shots],
    }
    if cut_list.angles:
        document["angles"] = [shot_to_json(shot) for shot in cut_list.angles]
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
    with report_faults(path):
        check_part_name(people_folder)
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
        rows = list(root.at("shots").rows()) if document.edited else []
        misfits = tuple(n for n, row in enumerate(rows) if is_misfit(row))
        edited_crops = tuple(n for n, row in enumerate(rows) if has_edited_crop(row))
    style, provenance = document.value.get("style"), document.provenance.get
    return CachedCut(
        cut_list, document.input_digest, document.edited, provenance("analysis_digest", ""),
        provenance("locks_digest", ""), provenance("preferences_digest", ""),
        people_folder, style if isinstance(style, dict) else {}, misfits, edited_crops, digest_now,
    )  # fmt: skip


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
    shots = tuple(shot_from_json(row, media, cast) for row in document.at("shots").rows())
    if not shots:
        raise document.at("shots").error("a shot at least")
    for n, (before, after) in enumerate(pairwise(shots), 1):
        if before.range.end != after.range.start:
            raise ValueError(
                f"shots[{n}].start: is {after.range.start}, but the shot before it ends at "
                f"{before.range.end}: shots must follow one another"
            )
    angles = tuple(shot_from_json(row, media, cast) for row in document.rows_at("angles"))
    return CutList(media, (width, height), shots, cast, angles)


def _person_from_json(row: Field, people_now: dict[int, Person]) -> Person:
    """Return a person of the cut; an early version 1 stored names here too."""
    id_ = row.at("id").integer()
    person = people_now.get(id_, Person(id_, ()))
    name = row.at("name").text() if row.has("name") else ""
    return replace(person, name=person.name or name)
