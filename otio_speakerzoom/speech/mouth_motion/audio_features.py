"""Loudness and spectral change of the audio at each tick, from its MFCC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.mfcc import ROWS_PER_TICK
from otio_speakerzoom.speech.mouth_motion.signals import Signal

RANGE_NATS = 7.0
"""Energy (30 dB) below the loudest moment that counts; what is softer is room tone."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioFeatures:
    """Features of the audio; (T,) each."""

    log_energy: Signal
    """Natural logarithm of the energy of int16 samples in 25 ms."""
    flux: Signal
    """Spectral flux: mean absolute change of the cepstrum per 10 ms, its energy left out."""


def audio_features(mfcc: NDArray[np.float32]) -> AudioFeatures:
    """Return the features of (4T, 13) MFCC rows.

    Energies under 5 (an amplitude of 1) are digital silence, whose logarithm would drown the rest.
    """
    rows = mfcc.astype(np.float64)
    energy = np.exp(rows[:, 0].clip(max=40)).reshape(-1, ROWS_PER_TICK).mean(axis=1)
    change = np.abs(np.diff(rows[:, 1:], axis=0, prepend=rows[:1, 1:])).mean(axis=1)
    return AudioFeatures(
        log_energy=np.log(energy.clip(np.exp(5))),
        flux=change.reshape(-1, ROWS_PER_TICK).mean(axis=1),
    )
