"""Fit the coefficients of the mouth-motion scorer, and measure them on other people.

    python training/fit_mouth_motion.py --corpus ../shared/corpus

Fits on the corpus's `train` people and reports on its `val` people; `composed` people are never
read. Faces are put into conversations: each talks for a while with its own audio, then stays while
somebody else is heard, and is then held still and shaken, shown in its own pauses, or goes on
moving its mouth to the wrong voice. Five minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
from corpus import FACE, QUIET, decode, read_index
from evaluate import roc_area
from numpy.typing import NDArray
from pair_scorers import crop_faces
from resting import REST_TICKS, longest_pause
from scipy.ndimage import gaussian_filter1d

from otio_speakerzoom.speech.crops import LOWER_FACE, crop_face
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.mouth_motion.audio_features import AudioFeatures, audio_features
from otio_speakerzoom.speech.mouth_motion.mouth_features import MouthFeatures, mouth_features
from otio_speakerzoom.speech.mouth_motion.scorer import COEFFICIENTS, regression_features
from otio_speakerzoom.speech.vad import voice_activity

S = TypeVar("S", MouthFeatures, AudioFeatures)

PAUSE, TALK, HELD, RESTING, DUBBED, LISTENING = range(6)
KINDS = ("own pause", "talking", "held still", "resting", "dubbed", "listening")
WEIGHTS = np.array([0.3, 1, 1, 1, 2, 1])
"""Of a frame of each kind. The VAD gate handles pauses. A dubbed frame counts double, or the
fit weighs movement alone, which cannot distinguish two moving mouths."""
CONVERSATION_TICKS = 900
WINDOWS_S = (1, 2, 4, 8)
SYNCED = ("ok", "no_pauses_to_tell", "not_speaking")
"""Tracks whose audio is surely the face's own."""


@dataclass
class Face:
    """One track of the corpus, reduced to what the scorer measures."""

    person: str
    sync: str
    moving: list[MouthFeatures]
    """As cut, and as a shaky tracker, a coarse frame and noise would show it."""
    still: MouthFeatures
    resting: MouthFeatures | None
    audio: AudioFeatures
    voice: NDArray[np.float32]


@dataclass
class Scene:
    """A stretch of movement and audio with what is true of each tick (one of KINDS)."""

    mouth: MouthFeatures
    audio: AudioFeatures
    kind: NDArray[np.int64]
    weight: NDArray[np.float64]


def shaken(frames: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Crops whose box wanders by 2 % of the face and trembles by 0.6 % at the most, with noise."""
    count, level = len(frames), rng.choice([0.3, 1, 1.5])
    slow = gaussian_filter1d(rng.normal(size=(count + 60, 3)), 6, axis=0)[30:-30]
    fast = gaussian_filter1d(rng.normal(size=(count, 3)), 1, axis=0)
    path = level * 137 * (0.012 * slow / slow.std(axis=0) + 0.004 * fast / fast.std(axis=0))
    sides = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [-0.35, -0.35, 0.35, 0.35]])
    boxes = (FACE + path @ sides).astype(np.float32)
    coarse, noise = rng.choice([1, 1, 2]), rng.choice([0.5, 2, 4])
    small = frames[:, ::coarse, ::coarse]
    cut = np.stack(
        [crop_face(f, b / coarse, LOWER_FACE) for f, b in zip(small, boxes, strict=True)]
    )
    return np.clip(cut + noise * rng.normal(size=cut.shape), 0, 255).astype(np.uint8)


def read_faces(corpus: Path, split: str, rng: np.random.Generator) -> list[Face]:
    """Return the tracks of `split` that last at least 2 s and whose audio is the face's own."""
    faces = []
    for row in read_index(corpus):
        if row["split"] != split or row["sync"] not in SYNCED or int(row["frames"]) < 50:
            continue
        frames, pcm = decode(corpus / "tracks" / row["track"])
        voice = voice_activity(pcm)
        still = np.repeat(frames[[rng.integers(len(frames))]], REST_TICKS, axis=0)
        pause = longest_pause(np.flatnonzero(voice < QUIET), shortest=9)
        faces.append(
            Face(
                row["person"],
                row["sync"],
                [
                    mouth_features(crop_faces(frames, LOWER_FACE)),
                    mouth_features(shaken(frames, rng)),
                ],
                mouth_features(shaken(still, rng)),
                None if pause is None else mouth_features(shaken(frames[pause], rng)),
                audio_features(mfcc_at_ticks(compute_mfcc(pcm), len(frames))),
                voice,
            )
        )
    return faces


def join(parts: Sequence[tuple[S, int, int]]) -> S:
    """Return ticks [start, end) of each part end to end."""
    first = parts[0][0]
    names = [field.name for field in fields(first)]
    return type(first)(
        *(np.concatenate([getattr(part, n)[a:b] for part, a, b in parts]) for n in names)
    )


def alone(face: Face, rng: np.random.Generator) -> Scene:
    """Return the track as it is."""
    count = len(face.voice)
    kind = np.where(face.voice > 0.5, TALK, PAUSE)
    if face.sync == "not_speaking":
        kind = np.full(count, LISTENING)
    weight = 0.3 * WEIGHTS[kind] * ((face.voice > 0.5) | (face.voice < QUIET))
    return Scene(face.moving[rng.integers(2)], face.audio, kind, weight)


def conversation(face: Face, faces: Sequence[Face], rng: np.random.Generator) -> Scene:
    """Return 36 s in which `face` talks and does not talk in turns of 0.8 to 8 s."""
    talkers = [f for f in faces if f.sync != "not_speaking" and f.person != face.person]
    moving = face.moving[rng.integers(2)]
    otherwise = int(rng.choice([HELD, RESTING, DUBBED], p=[0.25, 0.45, 0.3]))
    idle = idle_movement(face, faces, moving, otherwise, rng)
    movements, audio, kinds, weights = [], [], [], []
    speaks, total = bool(rng.integers(2)), 0
    while total < CONVERSATION_TICKS:
        other = face if speaks else talkers[rng.integers(len(talkers))]
        mouth = moving if speaks else idle
        length = min(int(rng.integers(20, 200)), len(mouth.mouth_speed), len(other.voice))
        at = int(rng.integers(len(other.voice) - length + 1))
        mouth_at = at if speaks else int(rng.integers(len(mouth.mouth_speed) - length + 1))
        gain = 0 if speaks else rng.normal(0, 0.7)  # nats of energy: 3 dB
        sound = AudioFeatures(other.audio.log_energy + gain, other.audio.flux)
        voice = other.voice[at : at + length]
        kind = np.where(voice > 0.5, TALK, PAUSE) if speaks else np.full(length, otherwise)
        movements.append((mouth, mouth_at, mouth_at + length))
        audio.append((sound, at, at + length))
        kinds.append(kind)
        weights.append(WEIGHTS[kind] * ((voice > 0.5) | (voice < QUIET) | (not speaks)))
        total += length
        speaks = not speaks if rng.random() < 0.85 else speaks
    return Scene(join(movements), join(audio), np.concatenate(kinds), np.concatenate(weights))


def idle_movement(
    face: Face, faces: Sequence[Face], moving: MouthFeatures, kind: int, rng: np.random.Generator
) -> MouthFeatures:
    """Return what the mouth does while it does not talk; a resting one may be another person's."""
    own = {HELD: face.still, DUBBED: moving}.get(kind) or face.resting
    if own:
        return own
    resting = [f.resting for f in faces if f.resting]
    resting += [f.moving[1] for f in faces if f.sync == "not_speaking"]
    return resting[rng.integers(len(resting))]


def scenes(faces: Sequence[Face], repeats: int, rng: np.random.Generator) -> Iterator[Scene]:
    """Yield every track as it is and, where it talks, in a conversation, `repeats` times."""
    for _ in range(repeats):
        for face in faces:
            yield alone(face, rng)
            if face.sync != "not_speaking":
                yield conversation(face, faces, rng)


def collect(scenes: Iterable[Scene], step: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return features, kind and weight of every `step`-th tick."""
    parts = [
        (regression_features(s.mouth, s.audio)[::step], s.kind[::step], s.weight[::step])
        for s in scenes
    ]
    x, kind, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    weight = weight.copy()
    weight[kind == TALK] *= weight[kind != TALK].sum() / weight[kind == TALK].sum()
    return x, kind, weight


def fit_logistic(x: NDArray, y: NDArray, weight: NDArray) -> NDArray:
    """Return coefficients by Newton's method with a small ridge; the last column of `x` is 1."""
    mean, spread = x[:, :-1].mean(axis=0), x[:, :-1].std(axis=0)
    z = np.column_stack([(x[:, :-1] - mean) / spread, np.ones(len(x))])
    ridge = np.diag([1e-3] * len(mean) + [0.0])
    b, weight = np.zeros(z.shape[1]), weight / weight.sum()
    for _ in range(20):
        p = 1 / (1 + np.exp(-z @ b))
        hessian = (z * (weight * p * (1 - p))[:, None]).T @ z + ridge
        b -= np.linalg.solve(hessian, z.T @ (weight * (p - y)) + ridge @ b)
    slopes = b[:-1] / spread
    return np.append(slopes, b[-1] - slopes @ mean)


def picks(faces: Sequence[Face], b: NDArray, rng: np.random.Generator) -> dict[int, list[bool]]:
    """Return, per window, whether the voice's own of two moving mouths scores higher."""
    talkers = [face for face in faces if face.sync != "not_speaking"]
    right: dict[int, list[bool]] = {seconds: [] for seconds in WINDOWS_S}
    for face in talkers:
        others = [other for other in talkers if other.person != face.person]
        for other in rng.permutation(np.array(others, object))[:8]:
            n = min(len(face.voice), len(other.voice))
            audio = join([(face.audio, 0, n)])
            own, wrong = (
                regression_features(join([(f.moving[0], 0, n)]), audio) @ b for f in (face, other)
            )
            for seconds, outcomes in right.items():
                for i in range(0, n - 25 * seconds + 1, 25 * seconds):
                    window = slice(i, i + 25 * seconds)
                    if face.voice[window].mean() > 0.6:
                        outcomes.append(bool(own[window].mean() > wrong[window].mean()))
    return right


def report(faces: Sequence[Face], b: NDArray, rng: np.random.Generator) -> None:
    """Print how well coefficients `b` do on `faces`."""
    x, kind, weight = collect(scenes(faces, 8, rng), 4)
    score, clear = x @ b, weight > 0
    for number, name in enumerate(KINDS):
        these = clear & (kind == number)
        print(f"  {name:12} above 0: {(score[these] > 0).mean():.3f}  n {these.sum()}")
    for name, against in {
        "pause": (PAUSE,), "held or resting": (HELD, RESTING), "listening": (LISTENING,),
        "dubbed": (DUBBED,), "all": (PAUSE, HELD, RESTING, LISTENING, DUBBED),
    }.items():  # fmt: skip
        area = roc_area(score[clear & (kind == TALK)], score[clear & np.isin(kind, against)])
        print(f"  AUC talking against {name}: {area:.3f}")
    for seconds, right in picks(faces, b, rng).items():
        share = np.mean(right) if right else np.nan
        print(f"  picks the talker of two moving mouths, {seconds} s: {share:.3f}  n {len(right)}")
    for low in np.arange(-3, 3):
        these = clear & (score >= low) & (score < low + 1)
        if weight[these].sum():
            share = np.average(kind[these] == TALK, weights=weight[these])
            expected = 1 / (1 + np.exp(-score[these].mean()))
            print(f"  logit {low:+} to {low + 1:+}: talking {share:.2f}, predicted {expected:.2f}")


def main() -> None:
    """Fit, print the coefficients, and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    corpus = parser.parse_args().corpus
    rng = np.random.default_rng(0)
    train = read_faces(corpus, "train", rng)
    x, kind, weight = collect(scenes(train, 8, rng), 6)
    b = fit_logistic(x, kind == TALK, weight)
    people = len({face.person for face in train})
    print(f"fitted on {len(train)} tracks of {people} people, {len(x)} frames")
    for name, value in zip(COEFFICIENTS, b, strict=True):
        print(f'    "{name}": {value:.2f},')
    print("training people")
    report(train[::4], b, rng)
    val = read_faces(corpus, "val", rng)
    print(f"val: {len(val)} tracks of {len({f.person for f in val})} people")
    report(val, b, rng)


if __name__ == "__main__":
    main()
