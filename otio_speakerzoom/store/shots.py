"""The shots of cutlist.json: a row each, with moving crops and covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from otio_speakerzoom.model import (
    Cover,
    CoverKey,
    CropKey,
    FrameRange,
    Media,
    Person,
    Shot,
    TwoUp,
)
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import digest
from otio_speakerzoom.store.locks import crop_to_json


def shot_to_json(shot: Shot) -> dict[str, object]:
    """Return the row of a shot."""
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
    if shot.two_up:
        second = {"layout": shot.two_up.layout, "crop": crop_to_json(shot.two_up.second_crop)}
        row["two_up"] = second
    if shot.locked:
        row["locked"] = True
    if shot.covers:
        row["covers"] = [_cover_to_json(cover) for cover in shot.covers]
    row["framed_for"] = _framed_for(row, list(shot.subjects))
    return row


def _framed_for(row: dict[str, Any], subjects: list[int]) -> str:
    """Return the people that a row's crop frames, and a digest of the crop: `1+2 1a2b3c4d`."""
    crops = [row["crop"], row.get("keys"), *([row["two_up"]] if "two_up" in row else [])]
    return f"{'+'.join(map(str, subjects))} {digest(*crops)[:8]}"


def is_misfit(row: Field) -> bool:
    """Whether somebody edited the subjects of a shot, but not the crop that we chose."""
    if not row.has("framed_for") or has_edited_crop(row):
        return False
    subjects = [id_.integer() for id_ in row.at("subjects").rows()]
    return sorted(_people_framed(row)) != sorted(subjects)


def has_edited_crop(row: Field) -> bool:
    """Whether the crop of a shot is not the one that we wrote."""
    if not row.has("framed_for"):
        return True
    return row.at("framed_for").text() != _framed_for(row.raw(), _people_framed(row))


def _people_framed(row: Field) -> list[int]:
    """Return whom the crop that we wrote framed."""
    framed_for = row.at("framed_for").text()
    return [int(id_) for id_ in framed_for.partition(" ")[0].split("+") if id_.isdecimal()]


def shot_from_row(row: object, media: Media, people: Sequence[Person]) -> Shot:
    """Return the shot of a row that `shot_to_json` returned; ValueError where it is none."""
    return shot_from_json(Field(row), media, people)


def shot_from_json(row: Field, media: Media, people: Sequence[Person]) -> Shot:
    """Return the shot of a row; `people` are those of the cut."""
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
        with_names(reason, people),
        row.at("confidence").fraction() if row.has("confidence") else 1.0,
        keys,
        row.at("locked").boolean() if row.has("locked") else False,
        tuple(_cover_from_json(cover, span) for cover in row.rows_at("covers")),
        _two_up_from_json(row, media) if row.has("two_up") else None,
    )


def _subjects_from_json(row: Field, people: Sequence[Person]) -> tuple[int, ...]:
    subjects = tuple(id_.integer() for id_ in row.at("subjects").rows())
    if len(subjects) > 2 or len(set(subjects)) != len(subjects):
        raise row.at("subjects").error("two different people at most")
    kinds = {"wide": 0, "single": 1, "two-shot": 2, "two-up": 2}
    if row.has("kind") and kinds.get(row.at("kind").text()) != len(subjects):
        kind = next(kind for kind, count in kinds.items() if count == len(subjects))
        raise row.at("kind").error(f"{kind}, which has {len(subjects)} subjects")
    if row.has("kind") and row.at("kind").text() == "two-up" and not row.has("two_up"):
        raise row.at("kind").error("two-shot, where there is no two_up")
    ids = {person.id for person in people}
    for subject in row.at("subjects").rows():
        if subject.integer() not in ids:
            choices = ", ".join(map(str, sorted(ids))) or "nobody"
            raise subject.error(f"a person of this cut ({choices})")
    return subjects


def _two_up_from_json(row: Field, media: Media) -> TwoUp:
    """Return the second half of a two-up."""
    second = row.at("two_up")
    if row.has("kind") and row.at("kind").text() != "two-up":
        raise row.at("kind").error("two-up, where there is a two_up")
    if len(list(row.at("subjects").rows())) != 2:
        raise row.at("subjects").error("the two people of a two_up")
    for name in ("keys", "covers"):
        if any(row.rows_at(name)):
            raise row.at(name).error("left out of a two_up")
    layout = second.at("layout").text()
    if layout not in ("side_by_side", "stacked"):
        raise second.at("layout").error("side_by_side or stacked")
    return TwoUp(layout, second.at("crop").crop(media.size))


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


def with_names(reason: str, people: Sequence[Person]) -> str:
    """Return a reason with people's names; the file has their ids only."""
    labels = {str(person.id): person.label for person in people}
    return re.sub(r"\bPerson (\d+)\b", lambda m: labels.get(m[1], m[0]), reason)
