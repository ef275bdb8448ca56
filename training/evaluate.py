"""What a scorer is worth on people whom no network of ours was trained on.

    python training/evaluate.py --corpus CORPUS --teachers teachers.npz SCORER ...

Every track is shown with its own sound; with other people's; with its own half a track late; with
none; mixed with another voice as loud; and with another voice in its pauses. It is also shown held
still, and resting (its own pauses back and forth) while somebody else is heard. What is true
follows from the making: nothing here asks a teacher. Scorers are compared on the same pairings.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from corpus import FACE, Track, read
from numpy.typing import NDArray
from scenes import QUIET, REST, answered, loudness, resting
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize
from scipy.stats import rankdata

from otio_speakerzoom.speech.features import Clip, CropRecipe, crop_face, mfcc, mfcc_rows
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion, agreement
from otio_speakerzoom.speech.networks.flat import normalised
from otio_speakerzoom.speech.networks.light_asd import LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import (
    RECIPE,
    Member,
    SyncAsd,
    SyncAsdScorer,
    stacked,
)
from otio_speakerzoom.speech.scoring import score_clip
from otio_speakerzoom.weights import fetch

Scores = NDArray[np.floating]
TRUE = ("talking", "mixed")
"""Kinds of frame in which the face speaks and is heard; all others are negative."""
PLAIN = ("pause", "listening", "held", "resting", "muted")
"""Negative kinds in which no mouth speaks to the wrong sound."""
SPEAKS = 1 / 3
"""How often a face that is seen speaks: two or three are seen, and one of them speaks."""
WINDOWS = (1, 2, 4, 8)
"""Seconds."""


@dataclass(frozen=True)
class Judge:
    """A scorer taken apart, so that a face is looked at once for many sounds."""

    see: Callable[[NDArray[np.uint8]], Any]
    """From (T, 192, 192) pictures."""
    hear: Callable[[NDArray[np.float32]], Any]
    """From (4T, 13) rows."""
    join: Callable[[Any, Any], Scores]
    """(T,) logits from both."""
    first: Callable[[Any, int], Any]
    """So many ticks of what was seen."""


def evaluate(name: str, weights: Path | None = None) -> Judge:
    """Return the scorer called `name` with the weights that the project finds, or with these.

    `cue` is what `motion` finds of agreement alone, the mean over 2 s and 4 s.
    """
    if name in ("motion", "cue"):
        join = motion if name == "motion" else agreement
        see = partial(crops, recipe=MouthMotion.recipe)
        return Judge(see, _same, join, lambda seen, n: seen[:n])
    path = weights or fetch.need(name)
    if name == "sync-asd":
        return judge_of(SyncAsdScorer(path).network)
    asd = LrAsdScorer(path) if name == "lr-asd" else LightAsdScorer(path)
    return Judge(
        lambda pictures: asd.visual(normalised(torch.tensor(crops(pictures, asd.recipe))))[None],
        lambda rows: asd.network.encode_audio(torch.tensor(rows)[None]),
        lambda seen, heard: asd.network.combine(heard, seen)[0].numpy(),
        lambda seen, n: seen[:, :n],
    )


def judge_of(network: SyncAsd | Member) -> Judge:
    """Return our own network, or a member of it, as a judge."""
    return Judge(
        lambda pictures: network.visual(stacked(torch.tensor(crops(pictures, RECIPE))[None])),
        lambda rows: network.audio(torch.tensor(rows)[None]),
        lambda seen, heard: network.joint(seen, heard)[0].numpy(),
        lambda seen, n: seen[..., :n],
    )


def motion(crops: NDArray[np.uint8], rows: NDArray[np.float32]) -> Scores:
    """Return (T,) logits by mouth motion."""
    return score_clip(MouthMotion(), Clip(crops, rows[None]))[0]


def _same(x: Any) -> Any:
    return x


@dataclass
class Outcome:
    """Logits by kind of frame, and of two moving mouths how much higher the right one scored."""

    logits: dict[str, Scores]
    margins: dict[int, Scores]
    """By the length of the window, in seconds; means over it."""

    def plus(self, other: Outcome, share: float) -> Outcome:
        """Return the outcome of adding `share` of the other's scores, on the same pairings."""
        return Outcome(
            {kind: z + share * other.logits[kind] for kind, z in self.logits.items()},
            {seconds: m + share * other.margins[seconds] for seconds, m in self.margins.items()},
        )


@torch.inference_mode()
def trial(evaluate: Judge, tracks: Sequence[Track], *, seed: int = 0, others: int = 3) -> Outcome:
    """Show every track to `evaluate` in every way; `others` is how many wrong voices each gets."""
    rng = np.random.default_rng(seed)
    talkers = [t for t in tracks if t.sync not in ("not_speaking", "sync_doubtful")]
    rows = {t.name: mfcc_rows(mfcc(t.pcm), len(t.pictures)) for t in tracks}
    seen = {t.name: evaluate.see(t.pictures) for t in tracks}
    logits: dict[str, list[Scores]] = defaultdict(list)
    margins: dict[int, list[float]] = {seconds: [] for seconds in WINDOWS}

    def ask(face: Any, sound: NDArray[np.float32]) -> Scores:
        span = len(sound) // 4
        return evaluate.join(evaluate.first(face, span), evaluate.hear(sound))

    for track in tracks:
        face, sound, count = seen[track.name], rows[track.name], len(track.pictures)
        if track.sync == "not_speaking":
            logits["listening"].append(ask(face, sound))
        if track not in talkers:
            continue
        own, speech = ask(face, sound), track.voice > 0.5
        logits["talking"].append(own[speech])
        logits["pause"].append(own[track.voice < QUIET])
        hiss = mfcc_rows(mfcc(rng.normal(0, 2, 640 * count).astype(np.int16)), count)
        logits["muted"].append(ask(face, hiss)[speech])
        if count >= 100:
            late = np.roll(sound, 4 * (count // 2), axis=0)
            logits["shifted"].append(ask(face, late)[speech & np.roll(speech, count // 2)])
        held = evaluate.see(shaken(track.pictures[[count // 2] * REST], rng))
        rest = resting(track)
        rested = None if rest is None else evaluate.see(shaken(rest, rng))
        strangers = [t for t in talkers if t.person != track.person]
        for n in rng.permutation(len(strangers))[:others]:
            other = strangers[n]
            span = min(count, len(other.pictures))
            theirs, heard = rows[other.name][: 4 * span], other.voice[:span] > 0.5
            wrong, right = ask(face, theirs), ask(seen[other.name], theirs)
            logits["dubbed"].append(wrong[heard & speech[:span]])
            for still, kind in ((held, "held"), (rested, "resting")):
                if still is not None:
                    short = min(span, REST)
                    logits[kind].append(ask(still, theirs[: 4 * short])[heard[:short]])
            gain = loudness(track.pcm) / loudness(other.pcm)
            two = track.pcm[: 640 * span] + gain * other.pcm[: 640 * span]
            mixed = mfcc_rows(mfcc(two.clip(-32768, 32767).astype(np.int16)), span)
            logits["mixed"].append(ask(face, mixed)[speech[:span]])
            turns = track.voice[:span] < QUIET
            two = answered(track.pcm[: 640 * span], other.pcm[: 640 * span], turns)
            answers = mfcc_rows(mfcc(two.clip(-32768, 32767).astype(np.int16)), span)
            logits["answered"].append(ask(face, answers)[turns & heard])
            for seconds, found in margins.items():
                w = 25 * seconds
                for i in range(0, span - w + 1, w):
                    if min(heard[i : i + w].mean(), speech[i : i + w].mean()) > 0.6:
                        found.append(float(np.mean(right[i : i + w] - wrong[i : i + w])))
    return Outcome(
        {kind: np.concatenate(parts) for kind, parts in logits.items()},
        {seconds: np.array(found) for seconds, found in margins.items()},
    )


def crops(pictures: NDArray[np.uint8], recipe: CropRecipe) -> NDArray[np.uint8]:
    """(T, 112, 112) of (T, 192, 192), as a perfect tracker would cut them."""
    return np.stack([crop_face(picture, FACE, recipe) for picture in pictures])


def shaken(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The whole picture wandering by some per cent, as the box of a resting face does."""
    path = gaussian_filter1d(rng.normal(size=(len(pictures) + 60, 2)), 6, axis=0)[30:-30]
    moves = path / path.std(axis=0) * rng.choice([0.3, 1, 1.5])  # pixels of 192
    edge = cv2.BORDER_REPLICATE
    shown = [
        cv2.warpAffine(p, np.array([[1, 0, x], [0, 1, y]]), p.shape, borderMode=edge)
        for p, (x, y) in zip(pictures, moves, strict=True)
    ]  # fmt: skip
    return np.stack(shown).astype(np.uint8)


def precision(positive: Scores, negative: Scores) -> float:
    """Average precision: area under the stepped precision-recall curve, ties taken together."""
    scores = np.concatenate([positive, negative])
    true = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    order = np.argsort(-scores, kind="stable")
    scores, true = scores[order], true[order]
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # of each group of equals
    hits = np.cumsum(true)[last]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (last + 1)) / len(positive))


def area(positive: Scores, negative: Scores) -> float:
    """Area under the ROC curve."""
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    p, n = len(positive), len(negative)
    return float((ranks.sum() - p * (p + 1) / 2) / (p * n))


def summary(outcome: Outcome) -> dict[str, float]:
    """The figures that tell one network from another."""
    negative = {k: v for k, v in outcome.logits.items() if k not in TRUE}
    talking = outcome.logits["talking"]
    plain = np.concatenate([v for k, v in negative.items() if k in PLAIN])
    figures = {
        "AP": precision(talking, plain),
        "AP with wrong voices": precision(talking, np.concatenate(list(negative.values()))),
        **{
            f"AUC {kind}": area(talking, scores) for kind, scores in negative.items() if len(scores)
        },
        **{f"pick {s} s": float(np.mean(m > 0)) for s, m in outcome.margins.items() if len(m)},
    }
    return {name: round(value, 3) for name, value in figures.items()}


def calibration(outcome: Outcome) -> tuple[float, float]:
    """Slope and offset of P = sigmoid(slope * logit + offset), by maximum likelihood (Platt).

    As for the field: a face speaks a third of the time that it is seen, and a voice that is dubbed
    or late is too rare to count. Otherwise every kind of frame counts the same.
    """
    true = [outcome.logits[kind] for kind in TRUE if kind in outcome.logits]
    false = [outcome.logits[kind] for kind in PLAIN if kind in outcome.logits]

    def loss(ab: NDArray) -> float:
        speaks = np.mean([np.logaddexp(0, -ab[0] * z - ab[1]).mean() for z in true])
        does_not = np.mean([np.logaddexp(0, ab[0] * z + ab[1]).mean() for z in false])
        return float(SPEAKS * speaks + (1 - SPEAKS) * does_not)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x  # the loss is convex
    return float(slope), float(offset)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--people", choices=("val", "strangers", "train"), default="val")
    parser.add_argument("--limit", type=int, help="look at so many tracks only")
    parser.add_argument("--own", type=Path, help="weights of sync-asd to look at")
    parser.add_argument(
        "--cue", action="store_true", help="add the motion cue, more and more of it"
    )
    parser.add_argument("scorers", nargs="+")
    arguments = parser.parse_args()
    tracks = read(arguments.corpus, arguments.teachers, arguments.people)[: arguments.limit]
    people, minutes = len({t.person for t in tracks}), sum(len(t.pictures) for t in tracks) / 1500
    print(f"{arguments.people}: {len(tracks)} tracks, {people} people, {minutes:.1f} minutes")
    cue = trial(evaluate("cue"), tracks) if arguments.cue else None
    for name in arguments.scorers:
        outcome = trial(evaluate(name, arguments.own if name == "sync-asd" else None), tracks)
        slope, offset = calibration(outcome)
        print(f"\n{name}: calibration {slope:.3f} {offset:+.3f}")
        for figure, value in summary(outcome).items():
            print(f"  {figure:24} {value:.3f}")
        for kind, z in outcome.logits.items():
            print(
                f"  {kind:10} P > 0.5 in {(slope * z + offset > 0).mean():.3f} of {len(z)} frames"
            )
        for share in (0.25, 0.5, 1.0, 2.0) if cue else ():
            both = outcome.plus(cue, share)
            print(f"  with {share} of the cue: {calibration(both)} {summary(both)}")
        print("  windows:", {seconds: len(m) for seconds, m in outcome.margins.items()})


if __name__ == "__main__":
    main()
