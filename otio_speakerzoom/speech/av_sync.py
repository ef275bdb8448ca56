"""Whether the sound fits the lips, or comes early or late: a fault of the recording.

Networks forgive a few frames and then take everybody for somebody else, and a viewer of the cut
sees it too. Mouths move with the loudness of what they say; where both agree best tells the offset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from otio_speakerzoom.speech.features import TICKS_PER_SECOND, Clip
from otio_speakerzoom.speech.mouth_motion.lips import Movement, Signal, movement
from otio_speakerzoom.speech.mouth_motion.scorer import NOISE, RANGE, Hearing, hearing

LAGS = np.arange(-12, 13)
"""Ticks by which the sound may come late, half a second either way."""
PIECE = 500
"""Ticks, 20 s, from which one opinion is formed."""
ENOUGH, PLENTY = 3, 9
"""Opinions that are asked for, and after which no more are: 1 and 3 minutes of faces."""
AGREES = 0.2
"""Correlation below which a piece has no opinion: its face listens, or is not heard. Of 46 pieces
(single talkers of the training corpus) 33 had one, 31 of these within two ticks of no offset; of
the other 13 seven would have been."""
AGREED = 2
"""Ticks within which at least half of the opinions must lie around their median."""


class AvSyncEstimator:
    """Forms an opinion of every piece of a face with its sound, until there are plenty."""

    def __init__(self) -> None:
        self._opinions: list[int] = []

    @property
    def done(self) -> bool:
        return len(self._opinions) >= PLENTY

    def push(self, clip: Clip) -> None:
        """Take in a clip of lower faces of `PIECE` ticks; the sound that fits it best counts."""
        agreed = max(agreement_by_lag(clip), key=lambda by_lag: by_lag.max())
        if agreed.max() > AGREES:
            self._opinions.append(int(LAGS[agreed.argmax()]))

    def late(self) -> float | None:
        """Return by how many seconds the sound is late; None where opinions are few or differ."""
        if len(self._opinions) < ENOUGH:
            return None
        median = float(np.median(self._opinions))
        near = np.abs(np.array(self._opinions) - median) <= AGREED
        return median / TICKS_PER_SECOND if near.mean() >= 0.5 else None


def agreement_by_lag(clip: Clip) -> NDArray[np.float64]:
    """Return (M, 25) how well mouth and each sound agree, from 12 ticks early to 12 late.

    The mean of four correlations: of the mouth's speed with loudness and with spectral change, of
    its opening with loudness, of its darkening with growing loudness; slow changes taken out.
    """
    seen = movement(clip.crops)
    return np.stack([_agreement(seen, hearing(sound)) for sound in clip.mfcc])


def _agreement(seen: Movement, heard: Hearing) -> NDArray[np.float64]:
    speed = np.log(seen.mouth + NOISE)
    level = _smooth(np.maximum(heard.level, heard.level.max() - RANGE))
    flux = _smooth(heard.flux)
    pairs = (
        (_smooth(speed), level),
        (_smooth(speed), flux),
        (_smooth(seen.opening), level),
        (_smooth(seen.darkening), np.gradient(level)),
    )
    return np.mean([_correlations(_quick(x), _quick(y)) for x, y in pairs], axis=0)


def _correlations(sight: Signal, sound: Signal) -> NDArray[np.float64]:
    ticks = len(sight)
    spread = sight.std() * sound.std() * ticks + 1e-9
    made = []
    for lag in LAGS:
        x = sight[max(0, -lag) : ticks - max(0, lag)]
        y = sound[max(0, lag) : ticks - max(0, -lag)]
        made.append(np.sum((x - x.mean()) * (y - y.mean())) / spread)
    return np.array(made)


def _smooth(signal: Signal) -> Signal:
    return np.asarray(uniform_filter1d(signal, 3, mode="nearest"))


def _quick(signal: Signal) -> Signal:
    """What changes within 2 s."""
    return signal - np.asarray(uniform_filter1d(signal, 51, mode="nearest"))
