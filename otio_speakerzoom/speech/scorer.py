"""What every scorer is: a network, or the mouth-motion measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import CropRecipe
from otio_speakerzoom.speech.row_buffer import FileSource, RowBuffer, temporary_file


class Scorer(Protocol):
    """Scores faces: a network, or the mouth-motion measure that needs no weights."""

    name: str
    licence: str
    """Of its weights, or of itself if it has none."""
    recipe: CropRecipe
    """How its crops are cut around a face box."""
    window: int
    """Ticks of 1/25 s that one clip is scored for."""
    context: int
    """Extra ticks that a clip contains on each side, as far as there are any, so that splitting a
    track into windows changes no score."""
    gated_by_vad: bool
    """Whether it cannot detect voices by itself, so that its scores must be gated by the VAD."""
    calibration: Calibration
    """Turns its raw logits into log odds."""

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return (T, D) for each clip: what its decider needs of every tick."""
        ...

    def decider(self, new_file: FileSource, /) -> Decider:
        """Return the decider of one track; encodings that it must store go to a `new_file`."""
        ...


class Decider(Protocol):
    """Turns the encodings of one track into raw logits for each of M microphones."""

    def push(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Add the (T, D) encodings that follow; return the next (M, T) logits that are final."""
        ...

    def finish(self) -> list[NDArray[np.float32]]:
        """Return the rest of the logits, at the end of the track."""
        ...


class LogitDecider:
    """For scorers whose encodings are (T, M) logits already."""

    def push(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [rows.T]

    def finish(self) -> list[NDArray[np.float32]]:
        return []


class WholeTrackDecider:
    """For networks that read a track from end to end: stores its encodings until it ends."""

    def __init__(
        self, decide: Callable[[RowBuffer], NDArray[np.float32]], new_file: FileSource
    ) -> None:
        """`decide` returns (M, T) logits from the (T, D) encodings of a whole track."""
        self._decide, self._new_file = decide, new_file
        self._rows: RowBuffer | None = None

    def push(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        if self._rows is None:
            self._rows = RowBuffer(rows.shape[1], self._new_file)
        self._rows.add(rows)
        return []

    def finish(self) -> list[NDArray[np.float32]]:
        return [] if self._rows is None else [self._decide(self._rows)]


def decide(scorer: Scorer, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (M, T) raw logits from the (T, D) encodings of a whole track."""
    decider = scorer.decider(temporary_file)
    return np.concatenate([*decider.push(rows), *decider.finish()], axis=1)


def score_clip(scorer: Scorer, clip: Clip) -> NDArray[np.float32]:
    """Return the (M, T) raw logits of a clip that is a whole track, in one piece."""
    (rows,) = scorer.encode([clip])
    return decide(scorer, rows)


def best_microphone(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (T,) logits of a face from its (M, T) logits with each of M microphones."""
    return logits.max(axis=0)


def gate_by_vad(logits: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logit of "this face speaks, and there is a voice", the two as independent.

    P = sigmoid(logit) * voice, for calibrated logits, converted back to a logit; a voice
    probability above 0.999 changes nothing that matters.
    """
    clipped = np.clip(voice, 1e-3, 1 - 1e-3).astype(np.float64)
    odds_face, odds_voice = np.exp(-logits.astype(np.float64)), (1 - clipped) / clipped
    return -np.log(odds_face + odds_voice + odds_face * odds_voice).astype(np.float32)
