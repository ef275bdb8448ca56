"""Style: pacing and framing preferences, with named presets."""

from __future__ import annotations

from dataclasses import dataclass, fields

from otio_speakerzoom.director.style_fields import (
    METADATA_KEY,
    ChoiceField,
    StyleField,
    choice,
    number,
)


@dataclass(frozen=True, slots=True)
class Style:
    """Every preference of the director, each with its default, its unit, its range and its effect.

    Ranges exclude mistakes of the unit (percent for seconds), not matters of taste. ValueError, in
    one line that begins with the field, for a value outside its range.
    """

    speech_threshold: float = number(
        0.0, "log odds", -10, 10,
        "Calibrated log odds from which a face counts as speaking, for every scorer; higher "
        "requires more certain speech (0 is P = .5).",
    )  # fmt: skip
    smooth_seconds: float = number(
        0.2, "s", 0, 10,
        "All scores within this time count as one observation; the default is the five frames that "
        "TalkNet's demo averages.",
    )  # fmt: skip
    expected_turn_seconds: float = number(
        2.5, "s", 0.1, 600,
        "Typical time that one person speaks before somebody else does; longer makes changes of "
        "the speaker less likely (most turns in a conversation last one to a few seconds).",
    )  # fmt: skip
    off_screen_prior: float = number(
        0.1, "share", 0, 1,
        "Expected share of turns by a voice off screen: small where people film themselves.",
        excludes_minimum=True,
    )  # fmt: skip
    overlap_share: float = number(
        0.2, "share", 0, 1,
        "Expected share of changes after which two people speak at once (a tenth to a fifth of "
        "talk is overlap).",
        excludes_minimum=True,
    )  # fmt: skip
    min_pause_seconds: float = number(
        0.5, "s", 0, 60,
        "Shorter pauses belong to the sentence: most breaths and hesitations are shorter.",
    )  # fmt: skip
    min_speech_seconds: float = number(
        0.7, "s", 0, 60,
        'Shorter bursts (a cough, a laugh, "mhm") get no shot.',
    )  # fmt: skip
    min_overlap_seconds: float = number(
        0.7, "s", 0, 60,
        "Shorter overlaps count as the leader's speech: people often start a little before the "
        "other ends.",
    )  # fmt: skip
    overlap: str = choice(
        ("highest", "longest", "wide", "two-shot"),
        "What to show while several people speak: the one with the highest score, the one with the "
        "longest turn, everybody (wide), or a two-shot of two who sit side by side.",
    )
    two_up: str = choice(
        ("off", "side_by_side", "stacked", "auto"),
        "Whether two people who talk at once or in quick turns are shown in two halves of the "
        "picture: side by side, stacked, or by the canvas (auto: stacked where it is upright). "
        "Overlaps then count as with overlap two-shot, and two whom no such picture fits are shown "
        "as there.",
    )
    tie: float = number(
        0.5, "log odds", 0, 10,
        "How far the highest score must lead for a single during an overlap; otherwise the overlap "
        "is wide (0.5 is the step from P = .5 to P = .62).",
    )  # fmt: skip
    off_screen: str = choice(
        ("wide", "listener"),
        "What to show while a voice is off screen: the wide, or a listener.",
    )
    wide_frequency: str = choice(
        ("normal", "rare", "often"),
        "How often the wide is shown: rare only where a single would show the wrong person, often "
        "also in overlaps, in all pauses, and for turns of a few seconds.",
    )
    open_wide_seconds: float = number(
        0.0, "s", 0, 60,
        "How long the wide opens the cut, the shortest shot at least, so that the audience sees "
        "who sits where; 0 for no such wide.",
    )  # fmt: skip
    close_wide_seconds: float = number(
        0.0, "s", 0, 60,
        "How long the wide closes the cut, the shortest shot at least; 0 for no such wide.",
    )  # fmt: skip
    min_shot_seconds: float = number(
        2.0, "s", 0, 600,
        "Minimum length of a shot; an audience needs about this long to read a new framing. Only "
        "a whole shot between two of the source's own cuts may be shorter.",
        excludes_minimum=True,
    )  # fmt: skip
    max_shot_seconds: float = number(
        25.0, "s", 0, 36000,
        "A longer single is broken up by another framing, since eyes tire of one; 0 for never. "
        "Three shots of the minimum must fit into it.",
    )  # fmt: skip
    break_long_singles_with: str = choice(
        ("wide", "listener", "push-in"),
        "What breaks up a long single: the wide, or a listener; or nothing, and the crop slowly "
        "closes in on the face instead (push-in).",
    )
    push_in_per_second: float = number(
        0.01, "share", 0, 0.05,
        "How fast a push-in gets closer at most, as a share of the size a second; it ends at 20 % "
        "closer, earlier where the picture would be softer than max_upscale.",
        excludes_minimum=True,
    )  # fmt: skip
    reactions_per_minute: float = number(
        0.0, "a minute", 0, 60,
        "Maximum number of listeners per minute of singles, in singles that are long enough; 0 for "
        "none.",
    )  # fmt: skip
    hold_seconds: float = number(
        1.0, "s", 0, 60,
        "How long a shot stays on a speaker who has stopped before it may go wide.",
    )  # fmt: skip
    anticipation_seconds: float = number(
        0.25, "s", 0, 10,
        "How long before the first word a shot starts.",
    )  # fmt: skip
    wrong_speaker_penalty: float = number(
        6.0, "times", 0, 1000,
        "Penalty for a single of the wrong person, where a single of the speaker has a reward of "
        "1. For a turn too short for a shot, a higher value shows the wide; a lower one changes "
        "late or stays on a single.",
    )  # fmt: skip
    cut_cost_seconds: float = number(
        0.3, "s", 0, 600,
        "Minimum gain of a cut, in seconds of the right framing; higher makes fewer cuts.",
    )  # fmt: skip
    cut_in_speech: float = number(
        1.0, "times", 0, 1000,
        "Extra cost of a cut while somebody speaks, as a multiple of the cost of a cut; higher "
        "keeps cuts in pauses.",
    )  # fmt: skip
    camera_cut_seconds: float = number(
        0.5, "s", 0, 60,
        "No cut is closer than this, or than the shortest shot, to one of the source's own cuts: "
        "two cuts so close seem a mistake. Of two of the source's that are closer, one is ignored: "
        "it may be a flash of light.",
    )  # fmt: skip
    face_heights: float = number(
        3.6, "face heights", 1, 20,
        "Height of a single, in heights of the face from forehead to chin: head and shoulders.",
    )  # fmt: skip
    tightest_face_heights: float = number(
        1.4, "face heights", 1, 20,
        "Tightest single that keeps another face out: a close-up that trims the hair.",
    )  # fmt: skip
    eye_line: float = number(
        1 / 3, "share", 0, 1,
        "Where the eyes are, as a share of the crop's height from the top (rule of thirds). With "
        "3.6 face heights this leaves 12 % of the height above the hair.",
    )  # fmt: skip
    lead_room: float = number(
        0.06, "share", 0, 0.5,
        "Room on the side of the partner, as a share of the crop's width.",
    )  # fmt: skip
    max_upscale: float = number(
        2.0, "times", 0.1, 20,
        "Maximum enlargement of a source pixel on the canvas; more is visibly soft.",
    )  # fmt: skip
    tightest_upscale: float = number(
        2.5, "times", 0.1, 20,
        "Maximum enlargement where only a tighter crop keeps another face out: softness disturbs "
        "less than half a face does.",
    )  # fmt: skip
    obscure_others: str = choice(
        ("no", "blur", "dim"),
        "What to do with another face that no framing keeps out of a single: nothing, blur it, or "
        "dim it. In the film only; timelines cannot carry it.",
    )
    follow: str = choice(
        ("still", "reframe", "smooth"),
        "What to do when a face moves out of position in a single: nothing (still), cut to a new "
        "framing at a quiet moment (reframe), or follow it slowly (smooth).",
    )
    safe_area: float = number(
        0.12, "share", 0, 0.5,
        "How far a face may move before the crop follows, as a share of the crop on each side.",
    )  # fmt: skip
    move_seconds: float = number(
        1.5, "s", 0, 60,
        "Minimum time in which a moving crop crosses the width of its safe area.",
        excludes_minimum=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, about in STYLE_FIELDS.items():
            if fault := about.fault(getattr(self, name)):
                raise ValueError(f"{name}: {fault}")
        longest, shortest = self.max_shot_seconds, self.min_shot_seconds
        if 0 < longest < 3 * shortest:
            raise ValueError(
                f"max_shot_seconds: {longest:g} s is too short for three shots of min_shot_seconds,"
                f" {shortest:g} s; take {3 * shortest:g} or more (--max-shot), or 0 for no limit"
            )


STYLE_FIELDS: dict[str, StyleField] = {
    item.name: item.metadata[METADATA_KEY] for item in fields(Style)
}
"""What each value of a style means, by its name."""

CHOICES = {name: f.choices for name, f in STYLE_FIELDS.items() if isinstance(f, ChoiceField)}
"""The words that a style value may be; every other value is a number."""

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

NEW_NAMES = {
    "caution": "wrong_speaker_penalty",
    "relief": "break_long_singles_with",
    "enter": "speech_threshold",
    "hide": "obscure_others",
    "off_screen_share": "off_screen_prior",
    "turn_seconds": "expected_turn_seconds",
}
"""Old names of style values, in files of earlier versions, and the names they have now."""
