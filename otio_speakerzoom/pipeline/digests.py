"""What each stage's result is made from, as digests that chain from the source on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.faces.detectors.choose import WEIGHTS as DETECTOR_WEIGHTS
from otio_speakerzoom.model import FrameRange, Lock
from otio_speakerzoom.weights import catalogue
from otio_speakerzoom.weights.names import EMBEDDER

# Raise a stage's number whenever its result changes for the same input and options.
VERSIONS = {
    "media": 4,
    "detections": 3,
    "tracks": 4,
    "people": 4,
    "voice": 1,
    "scores": 4,
    "cut": 3,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds one analysis, and the part of the source that it is of."""

    folder: Path
    range: FrameRange


@dataclass(frozen=True, slots=True)
class Expected:
    """What each result would be made from, by the options of today."""

    detections: str
    tracks: str
    voice: str
    scores: dict[str, str]
    """Of each scorer."""


def digest(stage: str, *inputs: object) -> str:
    """Return the digest of a stage's result."""
    return store.digest(stage, VERSIONS[stage], *inputs)


def people_digests(tracks: str) -> tuple[str, str]:
    """Return the digests of people told apart by place, and by looks."""
    return digest("people", tracks), digest("people", sha256(EMBEDDER), tracks)


def scores_digest(scorer: str, tracks: str, voice: str) -> str:
    """Return the digest of the scores of tracks and a voice with those digests."""
    return digest("scores", scorer, sha256(scorer), store.digest(tracks, voice))


def locks_digest(locks: Sequence[Lock]) -> str:
    """Return a digest of what locks ask for; what their numbers mean is left out."""
    return store.digest(
        [
            (lock.range.start, lock.range.end, lock.subjects, lock.crop and str(lock.crop))
            for lock in locks
        ]
    )


def detections_digest(
    detector: str, every: int, tracker: str, within: FrameRange, facts: str
) -> str:
    """Return the digest of what a detector finds; `every` is 0 for as often as faces move."""
    with_weights = [sha256(name) for name in DETECTOR_WEIGHTS[detector]]
    looks = (every or None, tracker)
    options = (detector, with_weights, *looks, within.start, within.end)
    return digest("detections", options, facts)


def sha256(name: str) -> str:
    """Return the sha256 of the weights called `name`; nothing for what needs none."""
    return next((item.sha256 for item in catalogue.read_catalogue() if item.name == name), "")
