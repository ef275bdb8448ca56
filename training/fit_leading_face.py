"""Fit how far the face that leads all others is believed while a voice is heard.

    python training/fit_leading_face.py --corpus ../shared/corpus ../shared/corpus/conversations

A scorer's log odds are right on average, but not for each face: small, dark and turned faces get
lower scores, all the time. While a voice is heard, the scores of the other faces tell more. This
fits, on the corpora's `train` people, the log odds that the face with the highest score speaks,
given that a voice is heard, from that score and its lead over the next face; and reports on `val`
people. Nothing that is reported about real or composed clips is read.

Scenes have one to four faces, of different people. In half of them one of the faces speaks, in
half the voice is somebody else's, off screen. The faces that do not speak come to rest, or are
silent in the corpus; one in four talks, as somebody does who laughs, chews, or was filmed
without this audio. Fifteen minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from corpus import QUIET, decode, read_index
from fit_mouth_motion import fit_logistic
from numpy.typing import NDArray
from pair_scorers import PairScorer, load_scorer
from resting import longest_pause

from otio_speakerzoom.director.style import Style
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.scorers import NETWORKS
from otio_speakerzoom.speech.vad import voice_activity

SCORERS = ("sync-asd", "lr-asd")
"""One fit for both: the director does not know which scorer its scores are from. The last one is
the teacher, who says which tracks talk."""
MIN_TICKS, MAX_TICKS = 50, 200
WINDOW = 25
"""Ticks that make one observation: neighbours share what is wrong with their scores."""
VOICED = 0.8
"""Mean probability of voice from which a window counts."""
MOVING_LISTENERS = 0.25
MOST_FACES = 4
SCENES_PER_TALKER = 6
MOST_SCORE = 8.0
"""Higher and lower scores count as these."""
MOST_LEAD = 4.0
"""A larger lead counts as this one: the next face is then surely silent."""


@dataclass
class Face:
    """One face of the corpus, encoded by every scorer."""

    person: str
    encoded: dict[str, Any]
    ticks: int


@dataclass
class Voice:
    """The audio of a talker, encoded by every scorer."""

    person: str
    encoded: dict[str, Any]
    voice: NDArray[np.float32]


@dataclass
class Cast:
    """Who may appear in scenes."""

    talkers: list[tuple[Face, Voice]]
    silent: list[Face]


@dataclass(frozen=True)
class Windows:
    """N observations of one second."""

    highest: NDArray[np.float64]
    """(N,) mean log odds of the face that leads."""
    lead: NDArray[np.float64]
    """(N,) over the next face; NaN where the face is alone."""
    right: NDArray[np.bool_]
    """(N,) whether the face that leads is the one that speaks."""
    on_screen: NDArray[np.bool_]
    """(N,) whether any face speaks."""


def seen_from_afar(frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return (T, 192, 192) frames of a small face in dim light, seven in ten; else as they are."""
    if rng.random() < 0.3:
        return frames
    side = int(rng.uniform(24, 80) * 1.4)  # the face is 1 / 1.4 of the picture
    gain, grain = rng.uniform(0.25, 1.1), rng.uniform(0, 5)
    small = np.stack([cv2.resize(f, (side, side), interpolation=cv2.INTER_AREA) for f in frames])
    small = np.clip(gain * small + grain * rng.normal(size=small.shape), 0, 255).astype(np.uint8)
    return np.stack([cv2.resize(f, (192, 192), interpolation=cv2.INTER_LINEAR) for f in small])


def logits_of(name: str, scorer: PairScorer, face: Any, audio: Any, ticks: int) -> NDArray:
    """Return (ticks,) calibrated log odds of a face and an audio."""
    logits = scorer.score_pair(scorer.first_ticks(face, ticks), audio)
    return NETWORKS[name].calibration(np.asarray(logits, np.float32))


def read_cast(
    corpora: Sequence[Path], split: str, scorers: dict[str, PairScorer], rng: np.random.Generator
) -> Cast:
    """Return the people of `split`: talkers with their own audio, and silent faces."""
    cast = Cast([], [])
    for corpus in corpora:
        for row in read_index(corpus):
            if row["split"] != split or int(row["frames"]) < MIN_TICKS:
                continue
            frames, pcm = decode(corpus / "tracks" / row["track"])
            frames, pcm = frames[:MAX_TICKS], pcm[: 640 * MAX_TICKS]
            _add(cast, row["person"], frames, pcm, scorers, rng)
    return cast


def _add(
    cast: Cast,
    person: str,
    frames: NDArray[np.uint8],
    pcm: NDArray[np.int16],
    scorers: dict[str, PairScorer],
    rng: np.random.Generator,
) -> None:
    """Add a track to the cast: as a talker or a silent face by the teacher, and at rest."""
    voice = voice_activity(pcm)
    rows = mfcc_at_ticks(compute_mfcc(pcm), len(frames))
    teacher = list(scorers)[-1]
    audio = {name: scorer.encode_audio(rows) for name, scorer in scorers.items()}
    clean = scorers[teacher].encode_face(frames)
    taught = logits_of(teacher, scorers[teacher], clean, audio[teacher], len(frames))
    voiced_ticks = voice[: len(frames)] > 0.5
    if voiced_ticks.sum() < WINDOW:
        return
    face = _encode(person, seen_from_afar(frames, rng), scorers)
    # over a whole track: single seconds with low scores are what we are here to measure
    if taught[voiced_ticks].mean() > 0:
        cast.talkers.append((face, Voice(person, audio, voice)))
    elif taught[voiced_ticks].mean() < -2:
        cast.silent.append(face)
    pause = longest_pause(np.flatnonzero(voice[: len(frames)] < QUIET))
    if pause is not None:
        cast.silent.append(_encode(person, seen_from_afar(frames[pause], rng), scorers))


def _encode(person: str, frames: NDArray[np.uint8], scorers: dict[str, PairScorer]) -> Face:
    encoded = {name: scorer.encode_face(frames) for name, scorer in scorers.items()}
    return Face(person, encoded, len(frames))


def scenes(
    cast: Cast, name: str, scorer: PairScorer, rng: np.random.Generator
) -> Iterator[tuple[NDArray, NDArray, bool]]:
    """Yield (faces, T) log odds, (T,) probability of voice, and whether the first face speaks."""
    everybody = {face.person for face in (*cast.silent, *(face for face, _ in cast.talkers))}
    for speaker, own in cast.talkers:
        for number in range(SCENES_PER_TALKER):
            on_screen, count = number % 2 == 0, int(rng.integers(1, MOST_FACES + 1))
            faces = [speaker] if on_screen else []
            count = min(count, len(everybody) - 1 + len(faces))
            people = {own.person}
            while len(faces) < count:
                face = _listener(cast, rng)
                if face.person not in people:
                    faces.append(face)
                    people.add(face.person)
            ticks = min(len(own.voice), *(face.ticks for face in faces))
            audio = _first_ticks_of_audio(own.encoded[name], len(own.voice), ticks)
            logits = [logits_of(name, scorer, f.encoded[name], audio, ticks) for f in faces]
            yield np.array(logits), own.voice[:ticks], on_screen


def _listener(cast: Cast, rng: np.random.Generator) -> Face:
    if rng.random() < MOVING_LISTENERS or not cast.silent:
        return cast.talkers[rng.integers(len(cast.talkers))][0]
    return cast.silent[rng.integers(len(cast.silent))]


def _first_ticks_of_audio(audio: Any, ticks: int, count: int) -> Any:
    """Return the first ticks of an encoded audio, along whichever axis has `ticks`."""
    axis = max(n for n, size in enumerate(audio.shape) if size == ticks)
    return audio.narrow(axis, 0, count)


def observe(cast: Cast, name: str, scorer: PairScorer, rng: np.random.Generator) -> Windows:
    """Return the voiced seconds of scenes."""
    rows: list[tuple[float, float, bool, bool]] = []
    for logits, voice, on_screen in scenes(cast, name, scorer, rng):
        for start in range(0, len(voice) - WINDOW + 1, WINDOW):
            part = slice(start, start + WINDOW)
            if voice[part].mean() < VOICED:
                continue
            means = logits[:, part].mean(axis=1)
            order = np.argsort(-means)
            lead = means[order[0]] - means[order[1]] if len(means) > 1 else np.nan
            right = on_screen and order[0] == 0
            rows.append((float(means[order[0]]), float(lead), bool(right), on_screen))
    highest, lead, right, on_screen = np.array(rows, float).reshape(-1, 4).T
    return Windows(highest, lead, right > 0, on_screen > 0)


def join(parts: Sequence[Windows]) -> Windows:
    """Return the observations of several scorers as one."""
    return Windows(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in Windows.__dataclass_fields__)
    )


def fit(windows: Windows) -> tuple[NDArray, NDArray]:
    """Return the coefficients of a lone face (slope, offset), and of the one that leads several.

    Those are of its score, of its lead, and the offset. Both kinds of scenes weigh the same, so
    that the result is a likelihood ratio: the director adds how often voices are off screen.
    """
    right = windows.right.astype(float)
    weight = np.where(
        windows.on_screen, 1 / windows.on_screen.mean(), 1 / (~windows.on_screen).mean()
    )
    lone = np.isnan(windows.lead)
    ones = np.ones(len(right))
    score = np.clip(windows.highest, -MOST_SCORE, MOST_SCORE)
    lead = np.minimum(windows.lead, MOST_LEAD)
    alone = np.column_stack([score, ones])[lone]
    several = np.column_stack([score, lead, ones])[~lone]
    return (
        fit_logistic(alone, right[lone], weight[lone]),
        fit_logistic(several, right[~lone], weight[~lone]),
    )


def evidence(windows: Windows, lone: NDArray, several: NDArray) -> NDArray[np.float64]:
    """Return (N,) the fitted log odds that the face that leads is the one that speaks."""
    score = np.clip(windows.highest, -MOST_SCORE, MOST_SCORE)
    lead = np.minimum(windows.lead, MOST_LEAD)
    alone = lone[0] * score + lone[1]
    return np.where(np.isnan(lead), alone, several[0] * score + several[1] * lead + several[2])


def report(windows: Windows, lone: NDArray, several: NDArray, prior: float) -> None:
    """Print how often the leader is believed where it speaks, and where it does not."""
    believed = evidence(windows, lone, several) + np.log((1 - prior) / prior) > 0
    by_score, is_lone = windows.highest > 0, np.isnan(windows.lead)
    for name, faces in (("lone face", is_lone), ("several", ~is_lone)):
        for what, rows in (
            ("leader speaks", faces & windows.right),
            ("another face speaks", faces & ~windows.right & windows.on_screen),
            ("voice off screen", faces & ~windows.on_screen),
        ):
            if rows.any():
                shares = f"{believed[rows].mean():.3f}, by its score {by_score[rows].mean():.3f}"
                print(f"  {name}, {what}: leader believed {shares}, n {rows.sum()}")


@torch.inference_mode()
def main() -> None:
    """Fit, print the coefficients, and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--scorers", nargs="+", default=SCORERS, choices=NETWORKS)
    arguments = parser.parse_args()
    corpora, rng = arguments.corpus, np.random.default_rng(0)
    scorers = {name: load_scorer(name) for name in arguments.scorers}
    parts: dict[str, dict[str, Windows]] = {}
    for split in ("train", "val"):
        cast = read_cast(corpora, split, scorers, rng)
        people = len({voice.person for _, voice in cast.talkers})
        if people < 2:
            parser.error(f"fewer than two {split} people talk in {', '.join(map(str, corpora))}")
        print(f"{split}: {len(cast.talkers)} talkers, {people} people; {len(cast.silent)} silent")
        parts[split] = {name: observe(cast, name, s, rng) for name, s in scorers.items()}
    lone, several = fit(join(list(parts["train"].values())))
    print(f"LONE = ({lone[0]:.2f}, {lone[1]:.2f})")
    print(f"SEVERAL = ({several[0]:.2f}, {several[1]:.2f}, {several[2]:.2f})")
    for split, by_scorer in parts.items():
        for name, windows in by_scorer.items():
            print(f"{split}, {name}, prior {Style().off_screen_prior}")
            report(windows, lone, several, Style().off_screen_prior)


if __name__ == "__main__":
    main()
