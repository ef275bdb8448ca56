"""Reads version 1 of the documents, which earlier releases wrote, under the keys of version 2.

Nothing is rewritten for this: a file becomes version 2 when a result in it changes. Whether
somebody edited a document is decided by the digest over its keys of version 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

STYLE_NAMES = {
    "caution": "wrong_speaker_penalty",
    "relief": "break_long_singles_with",
    "enter": "speech_threshold",
    "hide": "obscure_others",
    "off_screen_share": "off_screen_prior",
    "turn_seconds": "expected_turn_seconds",
}
"""Style values under their names of version 1, and the names they have now."""

ARRAY_NAMES = {
    "detections": {"looked_at": "detected_frames"},
    "tracks": {"seen": "has_detection"},
    "scores": {"late": "av_offset_s"},
}
"""Arrays that have new names, by kind of document."""

_PROVENANCE_NAMES = {
    "analysis": "analysis_digest",
    "locks": "locks_digest",
    "people_in": "people_folder",
}
_MEDIA_NAMES = {
    "sounds": "audio_streams",
    "picture": "video_stream",
    "fields": "field_order",
    "stamped": "has_timestamps",
}


def pop_header(document: dict[str, Any]) -> tuple[str, str | None, dict[str, str]]:
    """Take the header out; return its input digest, content digest and provenance."""
    header = texts(document.pop("made_from", None))
    content_digest = header.pop("as_written", None)
    return header.pop("inputs", ""), content_digest, rename(header, _PROVENANCE_NAMES)


def input_digest_of(document: dict[str, Any]) -> str:
    """Return the input digest of a whole document of either version; KeyError where it has none."""
    if "made_from" in document:
        return str(document["made_from"]["inputs"])
    return str(document["input_digest"])


def texts(header: object) -> dict[str, str]:
    """Return the texts of a JSON object, without its other values; none for anything else."""
    items = header.items() if isinstance(header, dict) else ()
    return {key: value for key, value in items if isinstance(value, str)}


def upgrade(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a document under the keys of version 2, whichever it has.

    Values that are not what they should be stay as they are, for the reader to report. ValueError
    where a value is there under both its names.
    """
    return _UPGRADES[kind](content) if kind in _UPGRADES else content


class RenamedObject(dict[str, Any]):
    """A JSON object under the keys of version 2, which also knows those in its file."""

    keys_in_file: Mapping[str, str]
    """The old names that the file has, by the new ones."""


def key_in_file(values: object, key: str) -> str:
    """Return the name that a key has in the file that `values` were read from, for messages."""
    return values.keys_in_file.get(key, key) if isinstance(values, RenamedObject) else key


def rename(values: object, names: Mapping[str, str]) -> Any:
    """Return an object with new names for some of its keys, and anything else as it is."""
    if not isinstance(values, dict):
        return values
    keys_in_file = {new: old for old, new in names.items() if old in values}
    for new, old in keys_in_file.items():
        if new in values:
            raise ValueError(f"{old} is the old name of {new}; keep only one of them")
    result = RenamedObject({names.get(key, key): value for key, value in values.items()})
    result.keys_in_file = keys_in_file
    return result


def _upgrade_media(content: dict[str, Any]) -> dict[str, Any]:
    return _change(content, "media", lambda media: rename(media, _MEDIA_NAMES))


def _upgrade_options(content: dict[str, Any]) -> dict[str, Any]:
    return _change(
        content,
        "options",
        lambda options: _change(options, "style_values", lambda v: rename(v, STYLE_NAMES)),
    )


def _upgrade_people(content: dict[str, Any]) -> dict[str, Any]:
    return _change_rows(content, "people", lambda row: rename(row, {"seen": "sightings"}))


def _upgrade_locks(content: dict[str, Any]) -> dict[str, Any]:
    def upgrade_person(row: object) -> Any:
        return rename(row, {"seen": "sighting"})

    return _change_rows(content, "locks", lambda row: _change_rows(row, "people", upgrade_person))


def _upgrade_cut_list(content: dict[str, Any]) -> dict[str, Any]:
    def upgrade_shot(row: object) -> Any:
        return rename(row, {"framed": "framed_for"})

    content = _change(content, "style", lambda style: rename(style, STYLE_NAMES))
    for key in ("shots", "angles"):
        content = _change_rows(content, key, upgrade_shot)
    return content


_UPGRADES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "media": _upgrade_media,
    "options": _upgrade_options,
    "people": _upgrade_people,
    "locks": _upgrade_locks,
    "cutlist": _upgrade_cut_list,
}


def _change(values: Any, key: str, change: Callable[[Any], Any]) -> Any:
    """Return an object with one of its values changed, if it has that key."""
    if not isinstance(values, dict) or key not in values:
        return values
    try:
        return {**values, key: change(values[key])}
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _change_rows(values: Any, key: str, change: Callable[[Any], Any]) -> Any:
    """Return an object with every row of one of its lists changed."""
    return _change(
        values, key, lambda rows: [change(r) for r in rows] if isinstance(rows, list) else rows
    )
