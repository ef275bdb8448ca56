"""The taste of a cut: thresholds, pace, framing; named presets, and a file of the user's own."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from otio_speakerzoom.errors import SpeakerZoomError

log = logging.getLogger(__name__)

T = TypeVar("T")

NEW_NAMES = {
    "caution": "wrong_speaker_penalty",
    "relief": "break_long_singles_with",
    "enter": "speech_threshold",
    "hide": "obscure_others",
    "off_screen_share": "off_screen_prior",
    "turn_seconds": "expected_turn_seconds",
}
"""Old names of style values, in files of earlier versions, and the names they have now."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a number of a style means, and which ones make sense."""

    text: str
    """What it does, in a sentence or two; a larger or smaller value does what they say."""
    unit: str
    """`s`, `share` (of 1; in percent on the command line), or what is counted."""
    least: float
    most: float
    above: bool = False
    """Whether the least itself is too little."""

    @property
    def span(self) -> str:
        """The range in words: `0 to 60 s`, `more than 0, up to 600 s`."""
        unit = "" if self.unit == "share" else f" {self.unit}"
        begin = f"more than {self.least:g}, up to" if self.above else f"{self.least:g} to"
        return f"{begin} {self.most:g}{unit}"

    def fault(self, value: object) -> str:
        """Return what is wrong with a value, to follow its name; nothing where it may be."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is a number, {self.span}; not {value!r}"
        if self.least <= value <= self.most and not (self.above and value == self.least):
            return ""
        return f"must be {self.span}; not {value!r:.20}"


@dataclass(frozen=True, slots=True)
class Words:
    """What a word of a style means, and which ones there are."""

    text: str
    """What it does."""
    words: tuple[str, ...]

    @property
    def span(self) -> str:
        """The words, with commas."""
        return ", ".join(self.words)

    def fault(self, value: object) -> str:
        """Return what is wrong with a value, to follow its name; nothing where it may be."""
        return "" if value in self.words else f"is one of {self.span}; not {value!r}"


def _number(
    default: float, unit: str, least: float, most: float, text: str, *, above: bool = False
) -> float:
    meaning = Quantity(" ".join(text.split()), unit, least, most, above)
    return field(default=default, metadata={"meaning": meaning})


def _word(words: tuple[str, ...], text: str) -> str:
    meaning = Words(" ".join(text.split()), words)
    return field(default=words[0], metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Style:
    """Every constant of the director, each with its unit, its range and what it does.

    Ranges end where a value would be a mistake of the unit (percent for seconds), not of taste.
    ValueError, in one line that begins with the field, where a value lies outside.
    """

    speech_threshold: float = _number(
        0.0, "log odds", -10, 10,
        "Calibrated log odds from which a face counts as speaking, whichever the scorer; higher "
        "asks for surer speech (0 is P = .5).",
    )  # fmt: skip
    smooth_seconds: float = _number(
        0.2, "s", 0, 10,
        "All scores within this long count as one observation; the default is the five "
        "frames of TalkNet's own display.",
    )  # fmt: skip
    expected_turn_seconds: float = _number(
        2.5, "s", 0.1, 600,
        "How long people speak before somebody else does, roughly; longer changes speakers less "
        "readily (turns in conversation mostly last one to a few seconds).",
    )  # fmt: skip
    off_screen_prior: float = _number(
        0.1, "share", 0, 1,
        "How many turns are of a voice off screen, roughly: few, where people film themselves.",
        above=True,
    )  # fmt: skip
    overlap_share: float = _number(
        0.2, "share", 0, 1,
        "How many changes lead to two speaking at once, roughly (a tenth to a fifth of talk is).",
        above=True,
    )  # fmt: skip
    min_pause_seconds: float = _number(
        0.5, "s", 0, 60,
        "Shorter pauses belong to the sentence: breaths and hesitations mostly last less.",
    )  # fmt: skip
    min_speech_seconds: float = _number(
        0.7, "s", 0, 60,
        'Shorter bursts (a cough, a laugh, "mhm") take no shot.',
    )  # fmt: skip
    min_overlap_seconds: float = _number(
        0.7, "s", 0, 60,
        "Shorter overlaps count as the leader's speech: people often start a little "
        "before the other ends.",
    )  # fmt: skip
    overlap: str = _word(
        ("highest", "longest", "wide", "two-shot"),
        "Who is shown while several speak: the surest (highest), whose turn is longest, all "
        "(wide), or a two-shot of two who sit side by side.",
    )
    tie: float = _number(
        0.5, "log odds", 0, 10,
        "Log odds by which the surest must lead to be shown in an overlap, else it is wide (0.5 "
        "is the way from P = .5 to P = .62).",
    )  # fmt: skip
    off_screen: str = _word(
        ("wide", "listener"),
        "What is shown while a voice is heard but nobody is seen speaking: the wide, or a "
        "listener.",
    )
    min_shot_seconds: float = _number(
        2.0, "s", 0, 600,
        "No shot is shorter; an audience needs about this long to read a new picture.",
        above=True,
    )  # fmt: skip
    max_shot_seconds: float = _number(
        25.0, "s", 0, 36000,
        "A longer single is broken up by another picture, since eyes tire of one; 0 for never. "
        "Three shots of the minimum must fit into it.",
    )  # fmt: skip
    break_long_singles_with: str = _word(
        ("wide", "listener"),
        "What breaks up a long single: the wide, or a listener.",
    )
    reactions_per_minute: float = _number(
        0.0, "a minute", 0, 60,
        "Most listeners shown in a minute of singles that are long enough for one; 0 for none.",
    )  # fmt: skip
    hold_seconds: float = _number(
        1.0, "s", 0, 60,
        "How long a shot outlasts its speaker before it may go wide.",
    )  # fmt: skip
    anticipation_seconds: float = _number(
        0.25, "s", 0, 10,
        "How early a shot comes before the first word.",
    )  # fmt: skip
    wrong_speaker_penalty: float = _number(
        6.0, "times", 0, 1000,
        "How much a single of the wrong person costs, where one of the speaker is worth "
        "1. For a turn too short for a shot, a higher value shows the wide; a lower one "
        "changes late or stays on a single.",
    )  # fmt: skip
    cut_cost_seconds: float = _number(
        0.3, "s", 0, 600,
        "What a cut must gain, in seconds of the right picture; higher makes fewer cuts.",
    )  # fmt: skip
    cut_in_speech: float = _number(
        1.0, "times", 0, 1000,
        "How much extra a cut costs while somebody is heard, as a multiple of the cost of "
        "a cut; higher keeps cuts to pauses.",
    )  # fmt: skip
    camera_cut_seconds: float = _number(
        0.5, "s", 0, 60,
        "No cut comes closer than this, or than the shortest shot, to one of the source's "
        "own cuts: two cuts so close look like a mistake.",
    )  # fmt: skip
    face_heights: float = _number(
        3.6, "face heights", 1, 20,
        "Height of a single in heights of the face, forehead to chin: head and shoulders.",
    )  # fmt: skip
    tightest_face_heights: float = _number(
        1.4, "face heights", 1, 20,
        "How far a single may tighten to keep another face out: a close-up that trims the hair.",
    )  # fmt: skip
    eye_line: float = _number(
        1 / 3, "share", 0, 1,
        "Where the eyes lie, as a share of the crop's height from the top (rule of thirds). With "
        "3.6 face heights it leaves 12 % of the height above the hair.",
    )  # fmt: skip
    lead_room: float = _number(
        0.06, "share", 0, 0.5,
        "Room given on the side of the partner, as a share of the crop's width.",
    )  # fmt: skip
    max_upscale: float = _number(
        2.0, "times", 0.1, 20,
        "Most that a source pixel is enlarged on the canvas; more looks soft.",
    )  # fmt: skip
    tightest_upscale: float = _number(
        2.5, "times", 0.1, 20,
        "The same limit where only a tighter crop keeps another face out: softness "
        "disturbs less than half a face.",
    )  # fmt: skip
    obscure_others: str = _word(
        ("no", "blur", "dim"),
        "What happens, in the film, to another face that no framing keeps out of a single: "
        "nothing, or it is blurred or dimmed. Timelines carry no such effect.",
    )
    follow: str = _word(
        ("still", "reframe", "smooth"),
        "What happens when a face moves out of its place in a single: nothing (still), a new "
        "framing at a quiet moment (reframe), or a slow move with it (smooth).",
    )
    safe_area: float = _number(
        0.12, "share", 0, 0.5,
        "How far a face may move before it is followed, as a share of the crop on each side.",
    )  # fmt: skip
    move_seconds: float = _number(
        1.5, "s", 0, 60,
        "The shortest time in which a moving crop crosses the width of its safe area.",
        above=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, meaning in meanings().items():
            if fault := meaning.fault(getattr(self, name)):
                raise ValueError(f"{name}: {fault}")
        longest, shortest = self.max_shot_seconds, self.min_shot_seconds
        if 0 < longest < 3 * shortest:
            raise ValueError(
                f"max_shot_seconds: {longest:g} s is too short for three shots of min_shot_seconds,"
                f" {shortest:g} s; take {3 * shortest:g} or more (--max-shot), or 0 for no limit"
            )


def meanings() -> dict[str, Quantity | Words]:
    """Return what each value of a style means, by its name."""
    return {item.name: item.metadata["meaning"] for item in fields(Style)}


def with_new_names(values: Mapping[str, T]) -> dict[str, T]:
    """Return the values of a style from a file, each under the name it has now.

    ValueError, in one line, where a value is there under both its names.
    """
    for old, new in NEW_NAMES.items():
        if old in values and new in values:
            raise ValueError(f"{old} is the old name of {new}; keep only one of them")
    return {NEW_NAMES.get(name, name): value for name, value in values.items()}


CHOICES = {name: m.words for name, m in meanings().items() if isinstance(m, Words)}
"""What the words of a style may be; every other value of it is a number."""

PRESETS = {
    "standard": Style(),
    "calm": Style(
        min_shot_seconds=4.0, max_shot_seconds=40.0, hold_seconds=2.0, cut_cost_seconds=0.8,
        face_heights=4.4,
    ),
    "lively": Style(
        min_shot_seconds=1.2, max_shot_seconds=12.0, hold_seconds=0.6, cut_cost_seconds=0.1,
        face_heights=3.0, break_long_singles_with="listener", wrong_speaker_penalty=3.0,
    ),
}  # fmt: skip


def read_style(name: str, changes: dict[str, float | str] | None = None) -> Style:
    """Return the preset called `name`, or the style in the TOML file of that name, with `changes`.

    A file holds any of `Style`'s fields, and `base = "calm"` to start from another preset. What
    only fits once the changes are in is taken: they win over the file.
    """
    base, values = (PRESETS[name], {}) if name in PRESETS else _in_file(name)
    try:
        return replace(base, **{**values, **(changes or {})})
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error


def _in_file(name: str) -> tuple[Style, dict[str, Any]]:
    """Return the preset that a file starts from, and the values that it gives."""
    presets = ", ".join(PRESETS)
    try:
        Path(name).stat()
    except FileNotFoundError as error:
        raise SpeakerZoomError(f"{name}: no such style; take {presets}, or a TOML file") from error
    except OSError:
        pass  # which reading it tells
    try:
        from otio_speakerzoom.store.user_files import read_user_text  # NumPy comes with the store

        table = tomllib.loads(read_user_text(Path(name), "a TOML file"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpeakerZoomError(f"{name}: is not TOML: {error}; see docs/style.md") from error
    base = table.pop("base", "standard")
    if not isinstance(base, str) or base not in PRESETS:
        raise SpeakerZoomError(f"{name}: base: {base!r} is no preset; there are {presets}")
    try:
        values = with_new_names(table)
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error
    if old := [key for key in table if key in NEW_NAMES]:
        renamed = ", ".join(f"{NEW_NAMES[key]} instead of {key}" for key in old)
        log.warning("%s: has old names of values, which still work; write %s", name, renamed)
    known = meanings()
    for key, value in values.items():
        if key not in known:
            raise SpeakerZoomError(
                f"{name}: {key} is unknown; known are base, {', '.join(sorted(known))}"
            )
        if fault := known[key].fault(value):
            raise SpeakerZoomError(f"{name}: {key}: {fault}")
    return PRESETS[base], {k: float(v) if k not in CHOICES else v for k, v in values.items()}
