"""Fit the coefficients of the mouth-motion scorer, and say on other people what they are worth.

    python training/fit_mouth_motion.py --corpus ../shared/corpus

Fits on the corpus's `train` people and reports on its `val` people; `composed` people are never
read. Faces are put into conversations: each talks for a while with its own sound, then stays while
somebody else is heard, and is then held still and shaken, shown in its own pauses, or goes on
moving its mouth to the wrong voice. Five minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
from corpus import FACE, decode, index
from evaluate import area
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from otio_speakerzoom.speech.features import LOWER_FACE, crop_face, mfcc, mfcc_rows
from otio_speakerzoom.speech.mouth_motion.lips import Movement, movement
from otio_speakerzoom.speech.mouth_motion.scorer import COEFFICIENTS, Hearing, evidence, hearing
from otio_speakerzoom.speech.vad import voice_activity

S = TypeVar("S", Movement, Hearing)

PAUSE, TALK, HELD, RESTING, DUBBED, LISTENING = range(6)
KINDS = ("own pause", "talking", "held still", "resting", "dubbed", "listening")
# What one frame of each kind counts. A pause is the gate's affair. A dubbed frame counts double, or
# the fit weighs movement alone, which cannot tell two moving mouths apart.
WEIGHTS = np.array([0.3, 1, 1, 1, 2, 1])


@dataclass
class Face:
    """One track of the corpus, reduced to what the scorer looks at."""

    person: str
    sync: str
    seen: list[Movement]  # as cut, and as a shaky tracker, a coarse picture and noise would show it
    held: Movement
    resting: Movement | None
    heard: Hearing
    voice: NDArray[np.float32]


@dataclass
class Scene:
    """A stretch of sight and sound with what is true of each tick (one of KINDS)."""

    seen: Movement
    heard: Hearing
    kind: NDArray[np.int64]
    weight: NDArray[np.float64]


def crops(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(T, 112, 112) as a perfect tracker would cut them."""
    return np.stack([crop_face(p, FACE, LOWER_FACE) for p in pictures])


def shaken(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Crops whose box wanders by 2 % of the face and trembles by 0.6 % at the most, with noise."""
    count, level = len(pictures), rng.choice([0.3, 1, 1.5])
    slow = gaussian_filter1d(rng.normal(size=(count + 60, 3)), 6, axis=0)[30:-30]
    fast = gaussian_filter1d(rng.normal(size=(count, 3)), 1, axis=0)
    path = level * 137 * (0.012 * slow / slow.std(axis=0) + 0.004 * fast / fast.std(axis=0))
    sides = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [-0.35, -0.35, 0.35, 0.35]])
    boxes = (FACE + path @ sides).astype(np.float32)
    coarse, noise = rng.choice([1, 1, 2]), rng.choice([0.5, 2, 4])
    small = pictures[:, ::coarse, ::coarse]
    cut = np.stack(
        [crop_face(p, b / coarse, LOWER_FACE) for p, b in zip(small, boxes, strict=True)]
    )
    return np.clip(cut + noise * rng.normal(size=cut.shape), 0, 255).astype(np.uint8)


def pause_pictures(voice: NDArray[np.float32]) -> NDArray[np.int64] | None:
    """150 ticks back and forth through the longest pause, if one lasts half a second."""
    no_progress = np.flatnonzero(voice < 0.15)
    if not len(no_progress):
        return None
    longest = max(np.split(no_progress, np.flatnonzero(np.diff(no_progress) > 1) + 1), key=len)[
        3:-3
    ]
    return np.resize(np.concatenate([longest, longest[::-1]]), 150) if len(longest) > 8 else None


def read(corpus: Path, split: str, rng: np.random.Generator) -> list[Face]:
    """Return the tracks of `split` that last at least 2 s and whose sound is the face's own."""
    wanted = ("ok", "no_pauses_to_tell", "not_speaking")
    faces = []
    for row in index(corpus):
        if row["split"] != split or row["sync"] not in wanted or int(row["frames"]) < 50:
            continue
        pictures, pcm = decode(corpus / "tracks" / row["track"])
        voice = voice_activity(pcm)
        still = np.repeat(pictures[[rng.integers(len(pictures))]], 150, axis=0)
        pause = pause_pictures(voice)
        faces.append(
            Face(
                row["person"],
                row["sync"],
                [movement(crops(pictures)), movement(shaken(pictures, rng))],
                movement(shaken(still, rng)),
                None if pause is None else movement(shaken(pictures[pause], rng)),
                hearing(mfcc_rows(mfcc(pcm), len(pictures))),
                voice,
            )
        )
    return faces


def joined(parts: Sequence[tuple[S, int, int]]) -> S:
    """Put ticks [start, end) of each part one behind the other."""
    first = parts[0][0]
    names = [field.name for field in fields(first)]
    return type(first)(
        *(np.concatenate([getattr(part, n)[a:b] for part, a, b in parts]) for n in names)
    )


def own(face: Face, rng: np.random.Generator) -> Scene:
    """The track as it is."""
    count = len(face.voice)
    kind = np.where(face.voice > 0.5, TALK, PAUSE)
    if face.sync == "not_speaking":
        kind = np.full(count, LISTENING)
    weight = 0.3 * WEIGHTS[kind] * ((face.voice > 0.5) | (face.voice < 0.15))
    return Scene(face.seen[rng.integers(2)], face.heard, kind, weight)


def conversation(face: Face, faces: Sequence[Face], rng: np.random.Generator) -> Scene:
    """36 s in which `face` talks and does not talk by turns of 0.8 to 8 s."""
    talkers = [f for f in faces if f.sync != "not_speaking" and f.person != face.person]
    resters = [f.resting for f in faces if f.resting] + [
        f.seen[1] for f in faces if f.sync == "not_speaking"
    ]
    moving = face.seen[rng.integers(2)]
    otherwise = int(rng.choice([HELD, RESTING, DUBBED], p=[0.25, 0.45, 0.3]))
    idle = {HELD: face.held, DUBBED: moving}.get(otherwise) or face.resting
    idle = idle or resters[rng.integers(len(resters))]
    seen, heard, kinds, weights = [], [], [], []
    speaks, total = bool(rng.integers(2)), 0
    while total < 900:
        other = face if speaks else talkers[rng.integers(len(talkers))]
        sight = moving if speaks else idle
        length = min(int(rng.integers(20, 200)), len(sight.mouth), len(other.voice))
        at = int(rng.integers(len(other.voice) - length + 1))
        look = at if speaks else int(rng.integers(len(sight.mouth) - length + 1))
        gain = 0 if speaks else rng.normal(0, 0.7)  # nats of energy: 3 dB
        sound = Hearing(other.heard.level + gain, other.heard.flux)
        voice = other.voice[at : at + length]
        kind = np.where(voice > 0.5, TALK, PAUSE) if speaks else np.full(length, otherwise)
        seen.append((sight, look, look + length))
        heard.append((sound, at, at + length))
        kinds.append(kind)
        weights.append(WEIGHTS[kind] * ((voice > 0.5) | (voice < 0.15) | (not speaks)))
        total += length
        speaks = not speaks if rng.random() < 0.85 else speaks
    return Scene(joined(seen), joined(heard), np.concatenate(kinds), np.concatenate(weights))


def scenes(faces: Sequence[Face], repeats: int, rng: np.random.Generator) -> Iterator[Scene]:
    """Every track as it is and, where it talks, in a conversation, `repeats` times."""
    for _ in range(repeats):
        for face in faces:
            yield own(face, rng)
            if face.sync != "not_speaking":
                yield conversation(face, faces, rng)


def gathered(made: Iterator[Scene], step: int) -> tuple[NDArray, NDArray, NDArray]:
    """Evidence, kind and weight of every `step`-th tick."""
    parts = [(evidence(s.seen, s.heard)[::step], s.kind[::step], s.weight[::step]) for s in made]
    x, kind, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    weight = weight.copy()
    weight[kind == TALK] *= weight[kind != TALK].sum() / weight[kind == TALK].sum()
    return x, kind, weight


def regression(x: NDArray, y: NDArray, weight: NDArray) -> NDArray:
    """Coefficients by Newton's method; the last column of `x` is 1. A small ridge keeps it calm."""
    mean, spread = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0)
    z = np.column_stack([(x[:, :-1] - mean) / spread, np.ones(len(x))])
    ridge = np.diag([1e-3] * len(mean) + [0.0])
    b, weight = np.zeros(z.shape[1]), weight / weight.sum()
    for _ in range(20):
        p = 1 / (1 + np.exp(-z @ b))
        bend = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge
        b -= np.linalg.solve(bend, z.T @ (weight * (p - y)) + ridge @ b)
    slopes = b[:-1] / spread
    return np.append(slopes, b[-1] - slopes @ mean)


def picks(faces: Sequence[Face], b: NDArray, rng: np.random.Generator) -> dict[int, list[bool]]:
    """Whether the voice's own of two moving mouths scores higher, over windows of 1 to 8 s."""
    talkers = [face for face in faces if face.sync != "not_speaking"]
    right: dict[int, list[bool]] = {1: [], 2: [], 4: [], 8: []}
    for face in talkers:
        others = [other for other in talkers if other.person != face.person]
        for other in rng.permutation(np.array(others, object))[:8]:
            n = min(len(face.voice), len(other.voice))
            heard = joined([(face.heard, 0, n)])
            mine, theirs = (evidence(joined([(f.seen[0], 0, n)]), heard) @ b for f in (face, other))
            for seconds, found in right.items():
                w = 25 * seconds
                for i in range(0, n - w + 1, w):
                    if face.voice[i : i + w].mean() > 0.6:
                        found.append(bool(mine[i : i + w].mean() > theirs[i : i + w].mean()))
    return right


def report(faces: Sequence[Face], b: NDArray, rng: np.random.Generator) -> None:
    """Print what coefficients `b` are worth on `faces`."""
    x, kind, weight = gathered(scenes(faces, 8, rng), 4)
    score, clear = x @ b, weight > 0
    for number, name in enumerate(KINDS):
        these = clear & (kind == number)
        print(f"  {name:12} above 0: {(score[these] > 0).mean():.3f}  n {these.sum()}")
    for name, against in {
        "pause": (PAUSE,), "held or resting": (HELD, RESTING), "listening": (LISTENING,),
        "dubbed": (DUBBED,), "all": (PAUSE, HELD, RESTING, LISTENING, DUBBED),
    }.items():  # fmt: skip
        of = area(score[clear & (kind == TALK)], score[clear & np.isin(kind, against)])
        print(f"  AUC talking against {name}: {of:.3f}")
    for seconds, right in picks(faces, b, rng).items():
        print(f"  picks the talker of two moving mouths, {seconds} s: "
              f"{np.mean(right):.3f}  n {len(right)}")  # fmt: skip
    for low in np.arange(-3, 3):
        these = clear & (score >= low) & (score < low + 1)
        if weight[these].sum():
            share = np.average(kind[these] == TALK, weights=weight[these])
            meant = 1 / (1 + np.exp(-score[these].mean()))
            print(f"  logit {low:+} to {low + 1:+}: talking {share:.2f}, said {meant:.2f}")


def main() -> None:
    """Fit, print the coefficients, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    corpus = parser.parse_args().corpus
    rng = np.random.default_rng(0)
    train = read(corpus, "train", rng)
    x, kind, weight = gathered(scenes(train, 8, rng), 6)
    b = regression(x, kind == TALK, weight)
    print(
        f"fitted on {len(train)} tracks of {len({f.person for f in train})} people, {len(x)} frames"
    )
    for name, value in zip(COEFFICIENTS, b, strict=True):
        print(f'    "{name}": {value:.2f},')
    print("training people")
    report(train[::4], b, rng)
    val = read(corpus, "val", rng)
    print(f"val: {len(val)} tracks of {len({f.person for f in val})} people")
    report(val, b, rng)


if __name__ == "__main__":
    main()
