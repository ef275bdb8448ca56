"""What a style is made of, as the page reads it: presets, and each value with its sentence."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from otio_speakerzoom.director.style import PRESETS, STYLE_FIELDS, Style
from otio_speakerzoom.director.style_fields import ChoiceField

GROUPS = {
    "who speaks": (
        "speech_threshold", "smooth_seconds", "expected_turn_seconds", "off_screen_prior",
        "overlap_share", "min_pause_seconds", "min_speech_seconds", "min_overlap_seconds",
    ),
    "who is shown": (
        "overlap", "tie", "off_screen", "wide_frequency", "open_wide_seconds",
        "close_wide_seconds", "break_long_singles_with", "push_in_per_second",
        "reactions_per_minute", "wrong_speaker_penalty",
    ),
    "when to cut": (
        "min_shot_seconds", "max_shot_seconds", "hold_seconds", "anticipation_seconds",
        "cut_cost_seconds", "cut_in_speech", "camera_cut_seconds",
    ),
}  # fmt: skip
"""Heading on the page -> style values under it; all others are under `OTHER`."""
OTHER = "framing"


def style_to_json() -> dict[str, Any]:
    """Return the presets, and what each value of a style means."""
    return {
        "presets": {name: asdict(style) for name, style in PRESETS.items()},
        "fields": [_field_to_json(name) for name in STYLE_FIELDS],
    }


def _field_to_json(name: str) -> dict[str, Any]:
    field = STYLE_FIELDS[name]
    row: dict[str, Any] = {
        "name": name,
        "group": next((group for group, names in GROUPS.items() if name in names), OTHER),
        "description": field.description,
        "default": getattr(Style(), name),
    }
    if isinstance(field, ChoiceField):
        return {**row, "kind": "choice", "choices": list(field.choices)}
    return {
        **row, "kind": "number", "unit": field.unit, "minimum": field.minimum,
        "maximum": field.maximum, "excludes_minimum": field.excludes_minimum,
    }  # fmt: skip
