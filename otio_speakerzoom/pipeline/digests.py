"""Input digests of all stages: each covers the digests of its inputs, from the source on.

The digests of a folder that version 1 wrote must stay the same, or everything in it would be
computed again: so they hash the names that options and style values had then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.faces.detectors.choose import WEIGHTS as DETECTOR_WEIGHTS
from otio_speakerzoom.model import AudioSelection, FrameRange, Lock, Panel, Person
from otio_speakerzoom.store.version_1 import STYLE_NAMES
from otio_speakerzoom.weights import catalogue
from otio_speakerzoom.weights.names import EMBEDDERS

# Raise a stage's number whenever its result changes for the same input and options.
VERSIONS = {
    "media": 4,
    "detections": 7,
    "panels": 1,
    "tracks": 4,
    "people": 6,
    "voice": 1,
    "scores": 4,
    "cut": 7,
}


LATER_STYLE_VALUES = {
    "wide_frequency": "normal", "open_wide_seconds": 0.0, "close_wide_seconds": 0.0,
    "push_in_per_second": 0.01, "two_up": "off",
}  # fmt: skip
"""Style values that an earlier version did not have, with the one that stands for what it did: that
does not count in the digest of a cut."""

BY_PLACE = ""
"""In place of an embedder: people are grouped by where their faces are."""


@dataclass(frozen=True, slots=True)
class AnalysisFolder:
    """A folder that holds one analysis, and the part of the source that it covers."""

    path: Path
    range: FrameRange


@dataclass(frozen=True, slots=True)
class ExpectedDigests:
    """The input digests that results would have with the options of a session."""

    detections: str
    panels: str
    tracks: str
    voice: str
    scores: dict[str, str]
    """By scorer."""


def digest(stage: str, *inputs: object) -> str:
    """Return the input digest of a stage."""
    return store.digest(stage, VERSIONS[stage], *inputs)


def detections_digest(
    detector: str, every: int, tracker: str, within: FrameRange, media_digest: str
) -> str:
    """Return the digest of detections; `every` is 0 for the default rate."""
    weights = [weights_sha256(name) for name in DETECTOR_WEIGHTS[detector]]
    options = (detector, weights, every or None, tracker, within.start, within.end)
    return digest("detections", options, media_digest)


def people_digests(tracks: str) -> dict[str, str]:
    """Return the digests of people grouped by face, by embedder, best first; the last by place."""
    by_face = {name: digest("people", weights_sha256(name), tracks) for name in EMBEDDERS}
    return {**by_face, BY_PLACE: digest("people", tracks)}


def voice_digest(selection: AudioSelection, within: FrameRange, media_digest: str) -> str:
    """Return the digest of voice activity."""
    options = {
        "stream": selection.stream,
        "channel": selection.channel,
        "mixed": selection.mixed,
    }
    return digest("voice", (options, within.start, within.end), media_digest)


def scores_digest(scorer: str, tracks: str, voice: str) -> str:
    """Return the digest of the scores of tracks and voice activity with those digests."""
    return digest("scores", scorer, weights_sha256(scorer), store.digest(tracks, voice))


def no_audio_digest(tracks: str) -> str:
    """Return the digest that stands for scores where the source has no audio."""
    return store.digest("no sound", tracks)


def analysis_digest(scores: str, people: str, groups: Sequence[tuple[int, tuple[int, ...]]]) -> str:
    """Return the digest of an analysis; `groups` are ids of people with their tracks, no names."""
    return store.digest(scores, store.digest(people, groups))


def locks_digest(locks: Sequence[Lock]) -> str:
    """Return a digest of the locks, without their sightings."""
    return store.digest(
        [
            (lock.range.start, lock.range.end, lock.subjects, lock.crop and str(lock.crop))
            for lock in locks
        ]
    )


def preferences_digest(people: Sequence[Person]) -> str:
    """Return a digest of who is ignored and who is preferred; "" where nobody is."""
    ignored = [person.id for person in people if person.ignore]
    preferred = [person.id for person in people if person.prefer]
    return store.digest(ignored, preferred) if ignored or preferred else ""


def cut_digest(
    style: Style,
    canvas: tuple[int, int],
    stacked: bool,
    locks: Sequence[Lock],
    people: Sequence[Person],
    analysis: str,
    panels: Sequence[Panel],
) -> str:
    """Return the digest of a cut; of the people only what they are to the cut counts here.

    It is the same whether a search found no panels, or there was no search.
    """
    old_names = {new: old for old, new in STYLE_NAMES.items()}
    values = {
        old_names.get(name, name): value
        for name, value in asdict(style).items()
        if value != LATER_STYLE_VALUES.get(name)
    }
    preferences = preferences_digest(people)
    inputs = [values, canvas, stacked, locks_digest(locks), *([preferences] if preferences else [])]
    moves = style.follow == "smooth" or style.break_long_singles_with == "push-in"
    if moves and any(lock.crop is None for lock in locks):
        inputs.append("locks move")  # an earlier version let them stand still
    if panels:
        rows = [(panel.range.start, panel.range.end, panel.box.edges) for panel in panels]
        analysis = store.digest("panels", rows, analysis)
    return digest("cut", inputs, analysis)


def weights_sha256(name: str) -> str:
    """Return the sha256 of the weights called `name`; "" for a stage that needs none."""
    return next((item.sha256 for item in catalogue.read_catalogue() if item.name == name), "")
