"""Audio of a scene: a face's own voice, mixed with another one, instead by it, answered, muted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

TICK = 640
"""Samples of a tick of 1/25 s."""

Random = np.random.Generator
Audio = NDArray[np.floating]
"""Samples at 16 kHz, in the range of 16 bit."""
AudioWithFeatures = tuple[Audio, NDArray[np.float16]]
"""(640 T,) audio, and (T, 256) the teachers' features of it; NaN where they did not hear it."""


def random_span(ticks: int, rng: Random) -> tuple[int, int]:
    """Return [start, end) of at least a fifth of the scene; in half of all cases to its end."""
    start = int(rng.integers(0, ticks * 4 // 5))
    end = ticks if rng.random() < 0.5 else int(rng.integers(start + ticks // 5, ticks + 1))
    return start, end


def mix_voices(
    own: AudioWithFeatures,
    other: Audio,
    turns: NDArray[np.bool_],
    answer_chance: float,
    rng: Random,
) -> tuple[AudioWithFeatures, NDArray[np.float32], NDArray[np.float32]]:
    """Return audio and, per tick, whether the face's own voice is in it, or the other instead.

    With the chance `answer_chance` the other voice is heard in its `turns`, and nowhere else.
    """
    audio, features = own
    ticks = len(features)
    voiced, instead = np.ones(ticks, np.float32), np.zeros(ticks, np.float32)
    if rng.random() < answer_chance:
        gain = 10 ** (rng.uniform(-6, 6) / 20)
        mixed = answer(audio, other, turns, gain)
        changed = (mixed != audio).reshape(ticks, -1).any(axis=1)
        features = np.where(changed[:, None], np.float16(np.nan), features)
        return (mixed, features), voiced * ~turns, voiced * turns
    kind = rng.choice(["own", "mixed", "swapped", "muted"], p=[0.5, 0.25, 0.17, 0.08])
    if kind == "own":
        return own, voiced, instead
    start, end = random_span(ticks, rng)
    if kind == "mixed" and rng.random() < 0.5:
        start, end = 0, ticks
    audio, features, there = audio.copy(), features.copy(), slice(TICK * start, TICK * end)
    features[start:end] = np.nan
    other = other * loudness(audio) / loudness(other)
    if kind == "mixed":
        audio[there] += 10 ** (rng.uniform(-10, 10) / 20) * other[there]
    else:
        audio[there] = 0 if kind == "muted" else other[there]
        voiced[start:end], instead[start:end] = 0, kind == "swapped"
    return (audio, features), voiced, instead


def uneven_delay(ticks: int, rng: Random) -> NDArray[np.float32]:
    """(T,) by how many ticks the voice is late, as of an actor who dubs a film: it wanders."""
    path = gaussian_filter1d(rng.normal(size=ticks + 200), 25)[100:-100]  # changes within a second
    return (path / path.std() * rng.uniform(0.5, 3)).astype(np.float32)


def delay_unevenly(audio: Audio, delay: NDArray[np.float32]) -> Audio:
    """Return (640 T,) `audio` with each tick late by its (T,) delay in ticks."""
    samples, middles = np.arange(len(audio)), TICK * (np.arange(len(delay)) + 0.5)
    return np.interp(samples - TICK * np.interp(samples, middles, delay), samples, audio)


def answer(audio: NDArray, other: NDArray, turns: NDArray[np.bool_], gain: float = 1) -> Audio:
    """Return `audio` with the other in its place in those of the (T,) ticks, faded over 20 ms.

    The other is as loud as `audio` is on average, times `gain`.
    """
    share = uniform_filter1d(np.repeat(turns, TICK).astype(np.float32), 320)
    return audio + share * (other * gain * loudness(audio) / loudness(other) - audio)


def loudness(audio: NDArray) -> float:
    """Return the root mean square, with an amplitude of 1 as the floor."""
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)) + 1))
