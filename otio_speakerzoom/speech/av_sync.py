"""Estimates the A/V offset of a recording: whether its audio is early or late against the lips.

Networks tolerate a few frames of offset and then score everybody as somebody else, and viewers of
the cut notice it too. Mouths move with the loudness of speech; the lag at which both correlate best
is the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.mouth_motion.audio_features import (
    RANGE_NATS,
    AudioFeatures,
    audio_features,
)
from otio_speakerzoom.speech.mouth_motion.mouth_features import (
    NOISE,
    MouthFeatures,
    mouth_features,
)
from otio_speakerzoom.speech.mouth_motion.signals import Signal, smooth
from otio_speakerzoom.speech.ticks import TICKS_PER_SECOND

LAGS_TICKS = np.arange(-12, 13)
"""By how much the audio may be late: half a second either way."""
PIECE_TICKS = 500
"""Length of a piece, 20 s; each piece gives one estimate."""
MIN_ESTIMATES, MAX_ESTIMATES = 3, 9
"""How many are required, and how many are enough: 1 and 3 minutes of faces."""
MIN_CORRELATION = 0.2
"""Below this a piece gives no estimate: its face listens, or is not audible. Of 46 pieces (single
talkers of the training corpus) 33 gave one, 31 of these within two ticks of no offset; of the other
13 only seven would have been that close."""
MAX_DEVIATION_TICKS = 2
"""At least half of the estimates must lie so close to their median."""


class AvSyncEstimator:
    """Estimates the A/V offset from those of pieces of faces, until it has enough."""

    def __init__(self) -> None:
        self._offsets_ticks: list[int] = []

    @property
    def done(self) -> bool:
        return len(self._offsets_ticks) >= MAX_ESTIMATES

    def push(self, offset_ticks: int | None) -> None:
        """Add the offset of a piece; None, where the piece gives no estimate, changes nothing."""
        if offset_ticks is not None:
            self._offsets_ticks.append(offset_ticks)

    def offset_s(self) -> float | None:
        """Return by how many seconds the audio is late; None if estimates are few or differ."""
        if len(self._offsets_ticks) < MIN_ESTIMATES:
            return None
        median = float(np.median(self._offsets_ticks))
        near = np.abs(np.array(self._offsets_ticks) - median) <= MAX_DEVIATION_TICKS
        return median / TICKS_PER_SECOND if near.mean() >= 0.5 else None


@dataclass(frozen=True, slots=True)
class SyncPiece:
    """What a piece of a track says about the A/V offset."""

    key: int
    """Of the track under construction."""
    end: int
    """Tick after its last."""
    offset_ticks: int | None
    """By how many ticks the audio is late; None if the piece gives no estimate."""


def as_array(pieces: Sequence[SyncPiece]) -> NDArray[np.int64]:
    """Return (N, 4) of N pieces: key, end, 1 if there is an estimate else 0, and the estimate."""
    rows = [(p.key, p.end, p.offset_ticks is not None, p.offset_ticks or 0) for p in pieces]
    return np.array(rows, np.int64).reshape(-1, 4)


def from_array(rows: NDArray[np.int64]) -> list[SyncPiece]:
    """Return the pieces of `as_array`."""
    return [
        SyncPiece(key, end, offset if has_estimate else None)
        for key, end, has_estimate, offset in rows.tolist()
    ]


class PieceCollector:
    """Collects the lower faces of one track in pieces, until it alone has given enough estimates.

    Which tracks count, and so which pieces of the whole film, is known at the film's end only.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        """First tick of the piece."""
        self.crops: list[NDArray[np.uint8] | None] = []
        """From `start` on; None before the first frame that is read."""
        self._estimates = 0

    @property
    def end(self) -> int:
        """Tick after the last one of the piece."""
        return self.start + PIECE_TICKS

    @property
    def done(self) -> bool:
        return self._estimates >= MAX_ESTIMATES

    def start_next(self, offset_ticks: int | None) -> None:
        """Start the next piece, given the estimate of this one."""
        self._estimates += offset_ticks is not None
        self.start, self.crops = self.end, []


def offset_of_piece(clip: Clip) -> int | None:
    """Return by how many ticks the audio of a clip of lower faces is late, if it can be heard.

    The clip has `PIECE_TICKS`; its best correlated microphone counts.
    """
    best = max(correlation_by_lag(clip), key=lambda by_lag: by_lag.max())
    return int(LAGS_TICKS[best.argmax()]) if best.max() > MIN_CORRELATION else None


def correlation_by_lag(clip: Clip) -> NDArray[np.float64]:
    """Return the (M, 25) correlation of mouth and each microphone, from 12 ticks early to 12 late.

    The mean of four correlations: of the mouth's speed with loudness and with spectral change, of
    its opening with loudness, of its darkening with growing loudness; slow changes are removed.
    """
    mouth = mouth_features(clip.crops)
    return np.stack([_mean_correlation(mouth, audio_features(mfcc)) for mfcc in clip.mfcc])


def _mean_correlation(mouth: MouthFeatures, audio: AudioFeatures) -> NDArray[np.float64]:
    speed = np.log(mouth.mouth_speed + NOISE)
    loudness = smooth(np.maximum(audio.log_energy, audio.log_energy.max() - RANGE_NATS))
    flux = smooth(audio.flux)
    pairs = (
        (smooth(speed), loudness),
        (smooth(speed), flux),
        (smooth(mouth.opening), loudness),
        (smooth(mouth.darkening), np.gradient(loudness)),
    )
    return np.mean([_correlations(_high_pass(x), _high_pass(y)) for x, y in pairs], axis=0)


def _correlations(motion: Signal, audio: Signal) -> NDArray[np.float64]:
    """One for each lag."""
    ticks = len(motion)
    spread = motion.std() * audio.std() * ticks + 1e-9
    correlations = []
    for lag in LAGS_TICKS:
        x = motion[max(0, -lag) : ticks - max(0, lag)]
        y = audio[max(0, lag) : ticks - max(0, -lag)]
        correlations.append(np.sum((x - x.mean()) * (y - y.mean())) / spread)
    return np.array(correlations)


def _high_pass(signal: Signal) -> Signal:
    """What changes within 2 s."""
    return signal - smooth(signal, 51)
