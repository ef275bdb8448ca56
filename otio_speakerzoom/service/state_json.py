"""The state of a source as the page reads it: JSON values, times in source frames."""

from __future__ import annotations

from dataclasses import asdict, fields

from otio_speakerzoom.director.style import PRESETS, STYLE_FIELDS, Style
from otio_speakerzoom.director.style_fields import NumberField
from otio_speakerzoom.model import Cover, CutList, Lock, Media, Person, Shot
from otio_speakerzoom.service.curves import Curves
from otio_speakerzoom.store.locks import crop_to_json

DOUBTFUL = 0.5
"""Confidence below which a shot is doubtful, as in `inspect --report`."""


def media_to_json(media: Media) -> dict[str, object]:
    """Return what the page must know of a source to play it frame by frame."""
    return {
        "name": media.path.name,
        "media": "media/source",
        "rate": list(media.rate.as_integer_ratio()),
        "duration": media.duration,
        "size": list(media.size),
        "start": media.start,
        "drop_frame": media.drop_frame,
        "variable_rate": media.variable_rate,
        "has_audio": media.first_audio is not None,
        "hdr": media.transfer != "sdr",
    }


def people_to_json(
    people: tuple[Person, ...], cut_list: CutList, curves: Curves
) -> list[dict[str, object]]:
    """Return the people of a cut with how long each is visible, speaks, and is shown."""
    rate, speaks = float(cut_list.media.rate), curves.activity.speaks
    rows = {person.id: n for n, person in enumerate(curves.analysis.people)}
    result: list[dict[str, object]] = []
    for person in people:
        speaking = int(speaks[rows[person.id]].sum()) if person.id in rows else 0
        framed = sum(s.range.duration for s in cut_list.shots if person.id in s.subjects)
        result.append({
            "id": person.id, "name": person.name, "label": person.label,
            "ignore": person.ignore, "prefer": person.prefer,
            "seen_seconds": round(curves.visible_frames(person) / rate, 3),
            "heard_seconds": round(speaking / rate, 3),
            "shown_seconds": round(framed / rate, 3),
            "picture": f"api/people/{person.id}/picture",
        })  # fmt: skip
    return result


def shot_to_json(
    shot: Shot, locks: dict[tuple[int, int], Lock], curves: Curves | None
) -> dict[str, object]:
    """Return a shot; `locks` are by their ranges. Without curves it has no doubt."""
    lock = locks.get((shot.range.start, shot.range.end))
    return {
        "start": shot.range.start,
        "end": shot.range.end,
        "subjects": list(shot.subjects),
        "crop": crop_to_json(shot.crop),
        "keys": [[key.frame, *crop_to_json(key.crop)] for key in shot.keys],
        "reason": shot.reason,
        "confidence": round(shot.confidence, 3),
        "locked": shot.locked,
        "crop_locked": lock is not None and lock.crop is not None,
        "doubt": _doubt(shot, curves) if curves else None,
        "covers": [_cover_to_json(cover) for cover in shot.covers],
    }


def _cover_to_json(cover: Cover) -> dict[str, object]:
    keys = [[key.frame, *crop_to_json(key.box)] for key in cover.keys]
    return {"effect": cover.effect, "box": crop_to_json(cover.box), "keys": keys}


def _doubt(shot: Shot, curves: Curves) -> dict[str, object] | None:
    """Return why a shot is doubtful, and who else speaks in it, most of the time first."""
    if shot.locked or shot.confidence >= DOUBTFUL:
        return None
    frames_of = curves.activity.speaks[:, shot.range.start : shot.range.end].sum(axis=1).tolist()
    others = [
        (-frames, person.id)
        for frames, person in zip(frames_of, curves.analysis.people, strict=True)
        if frames and person.id not in shot.subjects
    ]
    return {"why": shot.reason, "others": [id_ for _, id_ in sorted(others)]}


def style_to_json() -> dict[str, object]:
    """Return the presets, and what each value of a style means."""
    return {
        "presets": {name: asdict(style) for name, style in PRESETS.items()},
        "fields": [_field_to_json(name) for name in STYLE_FIELDS],
    }


def _field_to_json(name: str) -> dict[str, object]:
    field = STYLE_FIELDS[name]
    default = next(item.default for item in fields(Style) if item.name == name)
    common = {"name": name, "group": STYLE_GROUPS.get(name, "framing"), "default": default,
              "description": field.description}  # fmt: skip
    if isinstance(field, NumberField):
        return {
            **common, "kind": "number", "unit": field.unit, "minimum": field.minimum,
            "maximum": field.maximum, "excludes_minimum": field.excludes_minimum, "choices": [],
        }  # fmt: skip
    return {**common, "kind": "choice", "unit": "", "minimum": None, "maximum": None,
            "excludes_minimum": False, "choices": list(field.choices)}  # fmt: skip


STYLE_GROUPS = {
    **dict.fromkeys(
        ("speech_threshold", "smooth_seconds", "expected_turn_seconds", "off_screen_prior",
         "overlap_share", "min_pause_seconds", "min_speech_seconds", "min_overlap_seconds"),
        "speech",
    ),
    **dict.fromkeys(
        ("overlap", "tie", "off_screen", "wide_frequency", "open_wide_seconds",
         "close_wide_seconds", "reactions_per_minute", "break_long_singles_with",
         "push_in_per_second", "wrong_speaker_penalty"),
        "who is shown",
    ),
    **dict.fromkeys(
        ("min_shot_seconds", "max_shot_seconds", "hold_seconds", "anticipation_seconds",
         "cut_cost_seconds", "cut_in_speech", "camera_cut_seconds"),
        "pace",
    ),
}  # fmt: skip
"""Under which heading the page lists a style value; all others are about the framing."""
