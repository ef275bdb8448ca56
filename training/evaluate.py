"""Measure scorers on people whom no network of ours was trained on.

    python training/evaluate.py --corpus CORPUS --teachers teachers.npz SCORER ...

Every track is scored with its own audio; with other people's; with its own half a track late; with
none; mixed with another voice of the same level; and with another voice in its pauses. It is also
scored frozen, and resting (its own pauses back and forth) while somebody else is heard. The labels
follow from how each pair is put together: no teacher network is used. All scorers get the same
pairs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from corpus import QUIET, Track, describe, read_tracks
from mixing import answer, loudness
from numpy.typing import NDArray
from pair_scorers import PairScorer, Scores, load_scorer
from resting import REST_TICKS, resting_frames
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize
from scipy.stats import rankdata

from otio_speakerzoom.speech.metrics import average_precision
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks

SPEAKING = ("talking", "mixed")
"""Kinds of frame in which the face speaks and is heard; all others are negative."""
PLAIN = ("pause", "listening", "held", "resting", "muted")
"""Negative kinds in which no mouth speaks to the wrong audio."""
STILL = ("held", "resting")
"""Kinds in which the mouth is silent while somebody else is heard; a talking mouth that does not
fit the voice should score above them, and below one that fits."""
SPEAKING_SHARE = 1 / 3
"""How often a visible face speaks: two or three are visible, and one of them speaks."""
WINDOWS_S = (1, 2, 4, 8)
MIN_SHIFTED_TICKS = 100
"""Shorter tracks are not scored with their own audio half a track late."""


@dataclass
class Outcome:
    """Logits by kind of frame, and how much higher the right one of two moving mouths scored."""

    logits: dict[str, Scores]
    margins: dict[int, Scores]
    """By the length of the window, in seconds; means over it."""

    def plus(self, other: Outcome, share: float) -> Outcome:
        """Return the outcome of adding `share` of the other's scores, on the same pairs."""
        return Outcome(
            {kind: z + share * other.logits[kind] for kind, z in self.logits.items()},
            {seconds: m + share * other.margins[seconds] for seconds, m in self.margins.items()},
        )


@torch.inference_mode()
def evaluate_scorer(
    scorer: PairScorer, tracks: Sequence[Track], *, seed: int = 0, others: int = 3
) -> Outcome:
    """Score every track in every way; `others` is the number of wrong voices for each."""
    rng = np.random.default_rng(seed)
    evaluation = _Evaluation(scorer, tracks)
    for track in tracks:
        if track.listens.any():
            face, rows = evaluation.faces[track.name], evaluation.rows[track.name]
            evaluation.add("listening", face, rows, track.listens)
        if track not in evaluation.talkers:
            continue
        evaluation.add_own_audio(track, rng)
        middle = track.frames[[len(track.frames) // 2] * REST_TICKS]
        still = {"held": scorer.encode_face(shaken(middle, rng))}
        rest = resting_frames(track)
        if rest is not None:
            still["resting"] = scorer.encode_face(shaken(rest, rng))
        strangers = [t for t in evaluation.talkers if t.person != track.person]
        for n in rng.permutation(len(strangers))[:others]:
            evaluation.add_other_voice(track, strangers[n], still)
            evaluation.add_two_voices(track, strangers[n])
    return evaluation.outcome()


class _Evaluation:
    """The scores of one scorer so far."""

    def __init__(self, scorer: PairScorer, tracks: Sequence[Track]) -> None:
        self.scorer = scorer
        self.talkers = [t for t in tracks if talks(t)]
        self.rows = {t.name: mfcc_at_ticks(compute_mfcc(t.pcm), len(t.frames)) for t in tracks}
        self.faces = {t.name: scorer.encode_face(t.frames) for t in tracks}
        self._logits: dict[str, list[Scores]] = defaultdict(list)
        self._margins: dict[int, list[float]] = {seconds: [] for seconds in WINDOWS_S}

    def outcome(self) -> Outcome:
        """Return all scores."""
        return Outcome(
            {kind: np.concatenate(parts) for kind, parts in self._logits.items()},
            {seconds: np.array(margins) for seconds, margins in self._margins.items()},
        )

    def add(
        self,
        kind: str,
        face: Any,
        rows: NDArray[np.float32],
        where: NDArray[np.bool_] | slice = slice(None),
    ) -> None:
        """Score an encoded face with (4T, 13) `rows`; count the ticks `where` as `kind`."""
        self._logits[kind].append(self.scorer.score(face, rows)[where])

    def add_own_audio(self, track: Track, rng: np.random.Generator) -> None:
        """Score a talker with its own audio, with none, and with its own half a track late."""
        face, rows, count = self.faces[track.name], self.rows[track.name], len(track.frames)
        speech, quiet = track.speech, track.voice < QUIET
        own = self.scorer.score(face, rows)
        self._logits["talking"].append(own[speech])
        self._logits["pause"].append(own[quiet])
        hiss = rng.normal(0, 2, 640 * count).astype(np.int16)
        self.add("muted", face, mfcc_at_ticks(compute_mfcc(hiss), count), speech)
        if count >= MIN_SHIFTED_TICKS:
            late = np.roll(rows, 4 * (count // 2), axis=0)
            self.add("shifted", face, late, speech & np.roll(speech, count // 2))

    def add_other_voice(self, track: Track, other: Track, still: dict[str, Any]) -> None:
        """Score a talker, and the same face `still`, with another voice; compare the two mouths."""
        span = min(len(track.frames), len(other.frames))
        rows = self.rows[other.name][: 4 * span]
        speech, voiced = track.speech[:span], other.speech[:span]
        wrong = self.scorer.score(self.faces[track.name], rows)
        right = self.scorer.score(self.faces[other.name], rows)
        self._logits["dubbed"].append(wrong[voiced & speech])
        short = min(span, REST_TICKS)
        for kind, face in still.items():
            self.add(kind, face, rows[: 4 * short], voiced[:short])
        for seconds, margins in self._margins.items():
            for i in range(0, span - 25 * seconds + 1, 25 * seconds):
                window = slice(i, i + 25 * seconds)
                if min(voiced[window].mean(), speech[window].mean()) > 0.6:
                    margins.append(float(np.mean(right[window] - wrong[window])))

    def add_two_voices(self, track: Track, other: Track) -> None:
        """Score a talker with another voice on top of its own, and with one in its pauses."""
        span = min(len(track.frames), len(other.frames))
        face = self.faces[track.name]
        own, theirs = track.pcm[: 640 * span], other.pcm[: 640 * span]
        speech, turns = track.speech[:span], track.voice[:span] < QUIET
        mixed = own + loudness(track.pcm) / loudness(other.pcm) * theirs
        self.add("mixed", face, _rows_of(mixed), speech)
        voiced = other.voice[:span] > 0.5
        self.add("answered", face, _rows_of(answer(own, theirs, turns)), turns & voiced)


def talks(track: Track) -> bool:
    """Whether the face is one to put other voices to: it speaks, mostly when somebody is heard."""
    if track.converses:
        return track.speech.sum() > 0.6 * (track.voice > 0.5).sum()
    return track.sync not in ("not_speaking", "sync_doubtful")


def _rows_of(audio: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the (4T, 13) MFCC rows of (640 T,) samples."""
    pcm = audio.clip(-32768, 32767).astype(np.int16)
    return mfcc_at_ticks(compute_mfcc(pcm), len(pcm) // 640)


def shaken(frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return frames that wander by some per cent, as the box of a resting face does."""
    path = gaussian_filter1d(rng.normal(size=(len(frames) + 60, 2)), 6, axis=0)[30:-30]
    moves = path / path.std(axis=0) * rng.choice([0.3, 1, 1.5])  # pixels of 192
    edge = cv2.BORDER_REPLICATE
    moved = [
        cv2.warpAffine(f, np.array([[1, 0, x], [0, 1, y]]), f.shape, borderMode=edge)
        for f, (x, y) in zip(frames, moves, strict=True)
    ]  # fmt: skip
    return np.stack(moved).astype(np.uint8)


def roc_area(positive: Scores, negative: Scores) -> float:
    """Return the area under the ROC curve (AUC)."""
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    p, n = len(positive), len(negative)
    return float((ranks.sum() - p * (p + 1) / 2) / (p * n))


def precision(positive: Scores, negative: Scores) -> float:
    """Return the average precision of `positive` scores among `negative` ones."""
    labels = np.concatenate([np.ones(len(positive), bool), np.zeros(len(negative), bool)])
    return average_precision(np.concatenate([positive, negative]), labels)


def summary(outcome: Outcome) -> dict[str, float]:
    """Return the figures by which networks are compared."""
    negative = {k: v for k, v in outcome.logits.items() if k not in SPEAKING}
    talking = outcome.logits["talking"]
    plain = np.concatenate([v for k, v in negative.items() if k in PLAIN])
    areas = {f"AUC {kind}": roc_area(talking, z) for kind, z in negative.items() if len(z)}
    still = [outcome.logits[kind] for kind in STILL if kind in outcome.logits]
    other_voice = outcome.logits.get("dubbed", np.empty(0))
    silent = (
        {"AUC dubbed over silent": roc_area(other_voice, np.concatenate(still))}
        if len(other_voice) and still
        else {}
    )
    picks = {f"pick {s} s": float(np.mean(m > 0)) for s, m in outcome.margins.items() if len(m)}
    figures = {
        "AP": precision(talking, plain),
        "AP with wrong voices": precision(talking, np.concatenate(list(negative.values()))),
        **areas,
        **silent,
        **picks,
    }
    return {name: round(value, 3) for name, value in figures.items()}


def calibration(outcome: Outcome) -> tuple[float, float]:
    """Return slope and offset of P = sigmoid(slope * logit + offset), by Platt scaling.

    The likelihood weighs frames as in the field: a visible face speaks a third of the time, and
    dubbed or late audio is too rare to count. Otherwise every kind of frame counts the same.
    """
    true = [outcome.logits[kind] for kind in SPEAKING if kind in outcome.logits]
    false = [outcome.logits[kind] for kind in PLAIN if kind in outcome.logits]

    def loss(ab: NDArray) -> float:
        speaks = np.mean([np.logaddexp(0, -ab[0] * z - ab[1]).mean() for z in true])
        does_not = np.mean([np.logaddexp(0, ab[0] * z + ab[1]).mean() for z in false])
        return float(SPEAKING_SHARE * speaks + (1 - SPEAKING_SHARE) * does_not)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x  # the loss is convex
    return float(slope), float(offset)


def print_outcome(name: str, outcome: Outcome, cue: Outcome | None) -> None:
    """Print the figures of a scorer, and those with more and more of the cue added."""
    slope, offset = calibration(outcome)
    print(f"\n{name}: calibration {slope:.3f} {offset:+.3f}")
    for figure, value in summary(outcome).items():
        print(f"  {figure:24} {value:.3f}")
    for kind, z in outcome.logits.items():
        share = (slope * z + offset > 0).mean()
        print(f"  {kind:10} P > 0.5 in {share:.3f} of {len(z)} frames")
    if cue is not None:
        for share in (0.25, 0.5, 1.0, 2.0):
            both = outcome.plus(cue, share)
            print(f"  with {share} of the cue: {calibration(both)} {summary(both)}")
    print("  windows:", {seconds: len(m) for seconds, m in outcome.margins.items()})


def main() -> None:
    """Print a table for each scorer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--people", choices=("val", "strangers", "train"), default="val")
    parser.add_argument("--limit", type=int, help="evaluate only the first N tracks")
    parser.add_argument("--own", type=Path, help="weights for sync-asd")
    parser.add_argument(
        "--cue", action="store_true", help="also add the motion cue, in four shares"
    )
    parser.add_argument("scorers", nargs="+")
    arguments = parser.parse_args()
    tracks = read_tracks(arguments.corpus, arguments.teachers, arguments.people)[: arguments.limit]
    print(f"{arguments.people}: {describe(tracks)}")
    cue = evaluate_scorer(load_scorer("cue"), tracks) if arguments.cue else None
    for name in arguments.scorers:
        weights = arguments.own if name == "sync-asd" else None
        print_outcome(name, evaluate_scorer(load_scorer(name, weights), tracks), cue)


if __name__ == "__main__":
    main()
