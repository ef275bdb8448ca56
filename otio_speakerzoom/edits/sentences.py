"""What an edit did, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otio_speakerzoom import store
from otio_speakerzoom.edits.content import Content
from otio_speakerzoom.model import Media
from otio_speakerzoom.timecode import frame_to_timecode


def sentence(operations: Sequence[dict[str, Any]], content: Content, media: Media) -> str:
    """Return what operations did: `show Ann at 00:00:04:05`."""
    labels = {person.id: person.label for person in store.people_from_rows(content.people)}

    def label(id_: int) -> str:
        return labels.get(id_, f"Person {id_}")

    def at(frame: int) -> str:
        base = round(media.rate)
        return frame_to_timecode(media.start + frame, base, drop=media.drop_frame)

    if not operations:
        return ""
    first = _sentence(operations[0], label, at)
    more = len(operations) - 1
    return f"{first}, and {more} more" if more else first


def _sentence(operation: dict[str, Any], label: Any, at: Any) -> str:
    match operation:
        case {"name": "assign", "shot": shot, "subjects": subjects}:
            who = " and ".join(map(label, subjects)) or "the wide"
            return f"show {who} at {at(shot['start'])}"
        case {"name": "set_edge", "frame": frame, "to": to}:
            return f"move the cut at {at(frame)} to {at(to)}"
        case {"name": "split", "frame": frame}:
            return f"cut at {at(frame)}"
        case {"name": "join", "frame": frame}:
            return f"remove the cut at {at(frame)}"
        case {"name": ("crop" | "lock" | "unlock") as name, "shot": shot}:
            return f"{name} the shot at {at(shot['start'])}"
        case {"name": "rename", "person": person, "to": to}:
            return f"call person {person} {to}" if to else f"call person {person} by the number"
        case {"name": "merge", "person": person, "into": into}:
            return f"merge {label(person)} into {label(into)}"
        case {"name": ("ignore" | "prefer") as name, "person": person, "value": value}:
            return f"{name} {label(person)}" if value else f"do not {name} {label(person)}"
        case {"name": "set_style", "style": style, "values": values}:
            return ", ".join(filter(None, [f"style {style}" if style else "", *sorted(values)]))
    return str(operation.get("name", ""))
