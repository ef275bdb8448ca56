"""The taste of a cut: thresholds, pace, framing; named presets, and a file of the user's own."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError

CHOICES = {
    "overlap": ("highest", "longest", "wide", "two-shot"),
    "off_screen": ("wide", "listener"),
    "relief": ("wide", "listener"),
    "follow": ("still", "reframe", "smooth"),
    "hide": ("no", "blur", "dim"),
}
"""What the words of a style may be; every other value of it is a number."""


@dataclass(frozen=True, slots=True)
class Style:
    """Every constant of the director; a larger or smaller value does what its sentence says."""

    enter: float = 0.0
    """Calibrated log odds from which a face counts as speaking, whichever the scorer; higher asks
    for surer speech (0 is P = .5)."""
    smooth_seconds: float = 0.2
    """What a score says within this long it says once: the five frames of TalkNet's own display."""
    turn_seconds: float = 2.5
    """How long people speak before somebody else does, roughly; longer changes speakers less
    readily (turns in conversation mostly last one to a few seconds)."""
    off_screen_share: float = 0.1
    """How many turns are of a voice off screen, roughly: few, where people film themselves."""
    overlap_share: float = 0.2
    """How many changes lead to two speaking at once, roughly (a tenth to a fifth of talk is)."""
    min_pause_seconds: float = 0.5
    """Shorter pauses belong to the sentence: breaths and hesitations mostly last less."""
    min_speech_seconds: float = 0.7
    """Shorter bursts (a cough, a laugh, "mhm") take no shot."""
    min_overlap_seconds: float = 0.7
    """Shorter overlaps are the leader's: people start a little before the other ends."""
    overlap: str = "highest"
    """Who is shown while several speak: the surest (highest), whose turn is longest, all (wide),
    or a two-shot of two who sit side by side."""
    tie: float = 0.5
    """Log odds by which the surest must lead to be shown in an overlap, else it is wide (0.5 is the
    way from P = .5 to P = .62)."""
    off_screen: str = "wide"
    """What is shown while somebody is heard whom nobody is seen to be: the wide, or a listener."""
    min_shot_seconds: float = 2.0
    """No shot is shorter; an audience needs about this long to read a new picture."""
    max_shot_seconds: float = 25.0
    """A longer single is broken up by another picture, since eyes tire of one; 0 for never. Three
    shots of the minimum must fit into it."""
    relief: str = "wide"
    """What breaks up a long single: the wide, or a listener."""
    reactions_per_minute: float = 0.0
    """Most listeners shown in a minute of singles that are long enough for one; 0 for none."""
    hold_seconds: float = 1.0
    """How long a shot outlasts its speaker before it may go wide."""
    anticipation_seconds: float = 0.25
    """How early a shot comes before the first word."""
    caution: float = 6.0
    """How bad a single of somebody else is while one speaks, where the right one is 1 good; higher
    meets a turn too short for a shot with the wide, lower with a shot that comes late or stays."""
    cut_cost_seconds: float = 0.3
    """What a cut must gain, in seconds of the right picture; higher makes fewer cuts."""
    cut_in_speech: float = 1.0
    """By how much more of that a cut costs while somebody is heard; higher keeps cuts to pauses."""
    camera_cut_seconds: float = 0.5
    """No cut comes nearer to one of the source's own, since two so close look like a mistake."""
    face_heights: float = 3.6
    """Height of a single in heights of the face, forehead to chin: head and shoulders."""
    tightest_face_heights: float = 1.4
    """How far a single may tighten to keep another face out: a close-up that trims the hair."""
    eye_line: float = 1 / 3
    """Where the eyes lie, as a share of the crop's height from the top (rule of thirds). With 3.6
    face heights it leaves 12 % of the height above the hair."""
    lead_room: float = 0.06
    """Room given on the side of the partner, as a share of the crop's width."""
    max_upscale: float = 2.0
    """Most that a source pixel is enlarged on the canvas; more looks soft."""
    tightest_upscale: float = 2.5
    """The same where only that keeps another face out: softness disturbs less than half a face."""
    hide: str = "no"
    """What happens, in the film, to another face that no framing keeps out of a single: nothing, or
    it is blurred or dimmed. Timelines carry no such effect."""
    follow: str = "still"
    """What happens when a face moves out of its place in a single: nothing (still), a new framing
    at a quiet moment (reframe), or a slow move with it (smooth)."""
    safe_area: float = 0.12
    """How far a face may move before it is followed, as a share of the crop on each side."""
    move_seconds: float = 1.5
    """How long a moving crop takes for the width of its safe area, at the least."""

    def __post_init__(self) -> None:
        above_0 = ("face_heights", "tightest_face_heights", "max_upscale", "tightest_upscale")
        shares = ("off_screen_share", "overlap_share")
        for name in ("min_shot_seconds", "move_seconds", *shares, *above_0):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in CHOICES:
                if value not in CHOICES[field.name]:
                    words = ", ".join(CHOICES[field.name])
                    raise ValueError(f"{field.name} is one of {words}, not {value!r}")
            elif field.name != "enter" and not 0 <= value < float("inf"):
                raise ValueError(f"{field.name} must be 0 or more, got {value}")


PRESETS = {
    "standard": Style(),
    "calm": Style(
        min_shot_seconds=4.0, max_shot_seconds=40.0, hold_seconds=2.0, cut_cost_seconds=0.8,
        face_heights=4.4,
    ),
    "lively": Style(
        min_shot_seconds=1.2, max_shot_seconds=12.0, hold_seconds=0.6, cut_cost_seconds=0.1,
        face_heights=3.0, relief="listener", caution=3.0,
    ),
}  # fmt: skip


def read_style(name: str, changes: dict[str, float | str] | None = None) -> Style:
    """Return the preset called `name`, or the style in the TOML file of that name, with `changes`.

    A file holds any of `Style`'s fields, and `base = "calm"` to start from another preset.
    """
    changes = changes or {}
    try:
        return replace(_named(name), **changes)  # type: ignore[arg-type]
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error


def _named(name: str) -> Style:
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
    for key, value in table.items():
        if key not in CHOICES and type(value) not in (int, float):
            raise SpeakerZoomError(f"{name}: {key} is a number, not {value!r}")
    values = {k: v if k in CHOICES else float(v) for k, v in table.items()}
    return replace(PRESETS[base], **values)
