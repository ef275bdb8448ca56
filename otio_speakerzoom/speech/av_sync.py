"""Estimates the A/V offset of a recording: whether its audio is early or late against the lips.

Networks tolerate a few frames of offset and then score everybody as somebody else, and viewers of
the cut notice it too. Mouths move with the loudness of speech; the lag at which both correlate best
is the offset.
"""

from __future__ import annotations

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
    """Estimates the A/V offset from pieces of faces with their audio, until it has enough."""

    def __init__(self) -> None:
        self._offsets_ticks: list[int] = []

    @property
    def done(self) -> bool:
        return len(self._offsets_ticks) >= MAX_ESTIMATES

    def push(self, clip: Clip) -> None:
        """Add a clip of lower faces of `PIECE_TICKS`; its best correlated microphone counts."""
        best = max(correlation_by_lag(clip), key=lambda by_lag: by_lag.max())
        if best.max() > MIN_CORRELATION:
            self._offsets_ticks.append(int(LAGS_TICKS[best.argmax()]))

    def offset_s(self) -> float | None:
        """Return by how many seconds the audio is late; None if estimates are few or differ."""
        if len(self._offsets_ticks) < MIN_ESTIMATES:
            return None
        median = float(np.median(self._offsets_ticks))
        near = np.abs(np.array(self._offsets_ticks) - median) <= MAX_DEVIATION_TICKS
        return median / TICKS_PER_SECOND if near.mean() >= 0.5 else None


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
