"""The taste of a cut: thresholds, pace, framing; named presets, and a file of the user's own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError


@dataclass(frozen=True, slots=True)
class Style:
    """Every constant of the director; a larger or smaller value does what its sentence says."""

    enter: float = 0.5
    """Calibrated log odds above which speech starts, whichever the scorer; higher waits for surer
    speech (0.5 is P = .62)."""
    leave: float = -0.5
    """Calibrated log odds below which speech ends; lower keeps the floor through mumbling
    (-0.5 is P = .38)."""
    smooth_seconds: float = 0.2
    """Scores are averaged over this long, the five frames of TalkNet's own display."""
    min_pause_seconds: float = 0.5
    """Shorter pauses belong to the sentence: breaths and hesitations mostly last less."""
    min_speech_seconds: float = 0.7
    """Shorter bursts (a cough, a laugh, "mhm") take no shot."""
    min_shot_seconds: float = 2.0
    """No shot is shorter; an audience needs about this long to read a new picture."""
    hold_seconds: float = 1.0
    """How long a shot outlasts its speaker before it may go wide."""
    anticipation_seconds: float = 0.25
    """How early a shot comes before the first word."""
    cut_cost_seconds: float = 0.3
    """What a cut must gain, in seconds of the right picture; higher makes fewer cuts."""
    face_heights: float = 3.6
    """Height of a single in heights of the face, forehead to chin: head and shoulders."""
    tightest_face_heights: float = 1.6
    """How far a single may tighten to keep another face out: a close-up that trims the hair."""
    eye_line: float = 1 / 3
    """Where the eyes lie, as a share of the crop's height from the top (rule of thirds)."""
    max_upscale: float = 2.0
    """Most that a source pixel is enlarged on the canvas; more looks soft."""
    tightest_upscale: float = 2.5
    """The same where only that keeps another face out: softness disturbs less than half a face."""

    def __post_init__(self) -> None:
        if self.leave > self.enter:
            raise ValueError(f"leave ({self.leave}) must not be above enter ({self.enter})")
        above_0 = ("face_heights", "tightest_face_heights", "max_upscale", "tightest_upscale")
        for name in ("min_shot_seconds", *above_0):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("enter", "leave") and not 0 <= value < float("inf"):
                raise ValueError(f"{field.name} must be 0 or more, got {value}")


PRESETS = {
    "standard": Style(),
    "calm": Style(min_shot_seconds=4.0, hold_seconds=2.0, cut_cost_seconds=0.8, face_heights=4.4),
    "lively": Style(min_shot_seconds=1.2, hold_seconds=0.6, cut_cost_seconds=0.1, face_heights=3.0),
}


def read_style(name: str) -> Style:
    """Return the preset called `name`, or the style in the TOML file of that name.

    A file holds any of `Style`'s fields, and `base = "calm"` to start from another preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    try:
        table = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(PRESETS)
        raise SpeakerZoomError(f"{name}: no such style; take {known}, or a TOML file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpeakerZoomError(f"{name}: not a TOML file: {error}") from error
    base = str(table.pop("base", "standard"))
    known = {field.name for field in fields(Style)}
    unknown = [repr(key) for key in sorted(table.keys() - known)]
    if base not in PRESETS:
        unknown.insert(0, f"base {base!r}")
    if unknown:
        raise SpeakerZoomError(
            f"{name}: {unknown[0]} is unknown; known are {', '.join(sorted(known))}"
        )
    if not all(type(value) in (int, float) for value in table.values()):
        raise SpeakerZoomError(f"{name}: every value of a style is a number")
    try:
        return replace(PRESETS[base], **{key: float(value) for key, value in table.items()})
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error
