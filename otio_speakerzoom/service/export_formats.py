"""The formats that an export can have, as the page lists them."""

from __future__ import annotations

from otio_speakerzoom.timeline.formats import FORMATS

EDITORS = {
    "resolve": "DaVinci Resolve",
    "premiere": "Premiere Pro",
    "fcp": "Final Cut Pro",
    "shotcut": "Shotcut",
    "kdenlive": "Kdenlive",
    "plain": "Any program that reads OTIO",
    "edl": "A list of cuts",
    "markers": "Markers for Resolve",
}
"""Editor -> its name on the page."""


def formats_to_json() -> list[dict[str, str]]:
    """Return every format that an export can have."""
    return [
        {"editor": editor, "suffix": suffix, "label": EDITORS[editor]}
        for suffix, editors in FORMATS.items() for editor in editors
    ]  # fmt: skip
