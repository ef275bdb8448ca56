"""Pieces of takes: stretches of a track, played at a speed and end to end, with their audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from corpus import QUIET, Track
from mixing import TICK, Audio, AudioWithFeatures
from numpy.typing import NDArray

PAUSE_WEIGHT = 3
"""Weight of a tick in a pause: they are few, and cuts are timed by them."""

Random = np.random.Generator


@dataclass(frozen=True)
class Piece:
    """A stretch of a take, played at a speed."""

    take: Track
    start: float
    """In ticks of the take."""
    ticks: int
    """As played."""
    speed: float

    def take_ticks(self, shift: int = 0) -> NDArray[np.int64]:
        """(ticks,) the tick of the take that each one plays, with `shift` samples of delay."""
        ticks = self.start + self.speed * np.arange(self.ticks) - shift / TICK
        return np.floor(ticks).astype(int)

    def audio(self, shift: int = 0) -> Audio:
        """(640 ticks,) the take's audio, `shift` samples late."""
        samples = TICK * self.start + self.speed * np.arange(TICK * self.ticks) - shift
        pcm = self.take.pcm
        return np.interp(samples, np.arange(len(pcm)), pcm, left=0, right=0).astype(np.float32)

    def audio_features(self, shift: int = 0) -> NDArray[np.float16]:
        """(ticks, 256) the teachers' features of that audio; NaN before the take and after."""
        features, ticks = self.take.audio_features, self.take_ticks(shift)
        there = (ticks >= 0) & (ticks < len(features))
        return np.where(
            there[:, None], features[ticks.clip(0, len(features) - 1)], np.float16(np.nan)
        )

    def quiet(self, shift: int = 0) -> NDArray[np.bool_]:
        """(ticks,) where nobody is heard, `shift` samples late."""
        return self.take.voice[self.take_ticks(shift).clip(0, len(self.take.voice) - 1)] < QUIET

    def talking(self, shift: int = 0) -> NDArray[np.float32]:
        """(ticks,) probability that the face speaks; with `shift`, as its late audio has it."""
        talking = self.take.talking * np.float32(self.take.sync != "not_speaking")
        return talking[self.take_ticks(shift).clip(0, len(talking) - 1)]

    def voice(self) -> NDArray[np.float32]:
        """(ticks,) probability that the take's audio has a voice; 0 before the take and after."""
        voice, ticks = self.take.voice, self.take_ticks()
        there = (ticks >= 0) & (ticks < len(voice))
        return np.where(there, voice[ticks.clip(0, len(voice) - 1)], np.float32(0))

    def weight(self, shift: int = 0) -> NDArray[np.float32]:
        """(ticks,) the weight of each tick in the loss: more in a pause."""
        weight = np.where(self.quiet(shift), PAUSE_WEIGHT, 1).astype(np.float32)
        if self.take.sync == "sync_doubtful":
            weight *= 0.3
        return weight


def join_audio(pieces: Sequence[Piece], shift: int = 0) -> AudioWithFeatures:
    """Return the pieces' audio end to end, `shift` samples late."""
    audio = np.concatenate([piece.audio(shift) for piece in pieces])
    return audio, np.concatenate([piece.audio_features(shift) for piece in pieces])


def join_voice(pieces: Sequence[Piece]) -> NDArray[np.float32]:
    """Return the pieces' voice activity end to end."""
    return np.concatenate([piece.voice() for piece in pieces])


def random_pieces(takes: Sequence[Track], ticks: int, rng: Random) -> list[Piece]:
    """Return `ticks` of a person in one piece, or in several where the takes are short."""
    lengths = np.array([len(take.frames) for take in takes])
    speed = rng.uniform(0.9, 1.1) if rng.random() < 0.5 else 1.0
    pieces: list[Piece] = []
    while ticks:
        take = takes[rng.choice(len(takes), p=lengths / lengths.sum())]
        length = min(ticks, int(len(take.frames) / speed))
        start = rng.uniform(0, len(take.frames) - speed * length)
        pieces.append(Piece(take, start, length, speed))
        ticks -= length
    return pieces


def scene_weight(pieces: Sequence[Piece], shift: int) -> NDArray[np.float32]:
    """(T,) the weight of each tick of a scene: none where two pieces meet."""
    weights = [piece.weight(shift) for piece in pieces]
    if len(pieces) > 1:
        for weight in weights:
            weight[:3] = weight[-3:] = 0
    return np.concatenate(weights)
