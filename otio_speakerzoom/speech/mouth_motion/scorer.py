"""Scores a face by how well the motion of its mouth correlates with the audio.

A mouth that speaks moves with the loudness of the audio, and with its spectral change; one that
listens is still, or moves to a rhythm of its own. Correlating the two is as old as the subject
(Hershey and Movellan, NIPS 1999; Slaney and Covell, NIPS 2000). It works here because the head's
own motion is estimated around the mouth and subtracted first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import LOWER_FACE
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
from otio_speakerzoom.speech.row_buffer import FileSource
from otio_speakerzoom.speech.scorer import LogitDecider

WINDOWS_TICKS = (25, 51, 101)
"""Windows over which motion and audio are correlated: 1 s follows a change of turn, 4 s detects a
wrong voice. 7 s (175) was tried and gained no weight."""

LAGS_TICKS = np.arange(-4, 5)
"""By how much audio may lag the lips. Encoders and microphones shift it by two or three, and lips
open 100 to 300 ms before they are audible (Chandrasekaran et al., PLoS Comput. Biol. 2009)."""

PEAK_TICKS = 161
"""Window (6.4 s) whose loudest and liveliest moments are the reference for the rest."""

MAX_LOG_SPEED = float(np.log(0.07))
"""A mouth that moves this much may be talking; moving more does not make it likelier. Without this
cap a lively listener beats a mumbling talker: right in 79 of 100 choices over 4 s without, in 85
with (validation part of the corpus, n = 169)."""

COEFFICIENTS = {
    "correlation, 1 s": 0.61,
    "correlation, 2 s": 0.76,
    "correlation, 4 s": 0.65,
    "mouth speed, 2 s": 0.29,
    "mouth speed, 0.4 s": 1.55,
    "head speed, 2 s": -0.63,
    "loudness below its peak": 0.18,
    "mouth speed below its peak": 0.41,
    "bias": 2.59,
}
"""Logistic regression by `training/fit_mouth_motion.py` on 271 face tracks of 202 people; the
units are those of `regression_features`. On 20 other people it picks the talker of two moving
mouths in 80, 81, 87 and 93 of 100 windows of 1, 2, 4 and 8 s (n = 861, 413, 165, 76), puts 76 of
100 talking frames above 0 and 2 of 100 of faces held still; ROC area 0.84 against held and resting
faces."""


class MouthMotion:
    """Scores a face by how well its mouth moves with the audio, without a network."""

    name = "motion"
    licence = "MIT"
    recipe = LOWER_FACE
    window = 1500
    context = 140
    """Reach of the longest chain of filters and windows: with it, windowing changes no score."""
    gated_by_vad = True
    """It compares motion with loudness, and cannot distinguish speech from a slammed door."""
    calibration = Calibration(1.0, 0.0)
    """A logistic regression gives log odds already; the VAD gate lowers them without a voice."""

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return the (T, M) logits of each clip.

        Above 0 the face rather speaks than not, given that somebody does; sigmoid(logit) is about
        the share of such frames in which it really did (as many talking as not in the fit).
        """
        weights = np.array(list(COEFFICIENTS.values()))
        logits = []
        for clip in clips:
            mouth = mouth_features(clip.crops)
            by_microphone = [
                regression_features(mouth, audio_features(mfcc)) @ weights for mfcc in clip.mfcc
            ]
            logits.append(np.stack(by_microphone, axis=1).astype(np.float32))
        return logits

    def decider(self, _: FileSource) -> LogitDecider:
        """Return the decider of one track; encodings are logits already."""
        return LogitDecider()


def lip_sync(
    crops: NDArray[np.uint8], mfcc: NDArray[np.float32], windows: Sequence[int] = WINDOWS_TICKS[1:]
) -> NDArray[np.float64]:
    """Return the (T,) correlation of the mouth in (T, 112, 112) crops with (4T, 13) MFCC rows.

    The sum of four correlations, averaged over windows of 2 s and 4 s: a measure of lip sync that
    `training/evaluate.py --cue` can add to any scorer's.
    """
    mouth, audio = mouth_features(crops), audio_features(mfcc)
    speed = smooth(np.log(mouth.mouth_speed + NOISE))
    loudness = smooth(np.maximum(audio.log_energy, _peak(audio.log_energy) - RANGE_NATS))
    return np.mean(_correlations(mouth, audio, speed, loudness, windows), axis=0)


def regression_features(mouth: MouthFeatures, audio: AudioFeatures) -> NDArray[np.float64]:
    """Return the (T, 9) inputs of the regression, in the order of `COEFFICIENTS`.

    Correlations are sums of four; speeds are logarithms of units of contrast; values below a peak
    are 0 at the peak and negative elsewhere, in nats.
    """
    speed, head = (smooth(np.log(s + NOISE)) for s in (mouth.mouth_speed, mouth.head_speed))
    peak = _peak(audio.log_energy)
    loudness = smooth(np.maximum(audio.log_energy, peak - RANGE_NATS))
    brief = smooth(speed, 9)
    columns = [
        *_correlations(mouth, audio, speed, loudness, WINDOWS_TICKS),
        np.minimum(smooth(speed, 51), MAX_LOG_SPEED),
        np.minimum(brief, MAX_LOG_SPEED),
        smooth(head, 51),
        smooth(loudness - peak, 9),
        brief - _peak(brief),
        np.ones(len(speed)),
    ]
    return np.stack(columns, axis=1)


def _correlations(
    mouth: MouthFeatures,
    audio: AudioFeatures,
    speed: Signal,
    loudness: Signal,
    windows: Sequence[int],
) -> list[Signal]:
    """Sum of four correlations, once for each of `windows`.

    Speed with loudness and with spectral change, opening with loudness, darkening with growing
    loudness: alone they pick the talker of two moving mouths in 70 to 78 of 100 windows of 4 s
    (training part of the corpus, n = 970), summed in 89 (n = 584). The number after each
    signal is its usual variance there, against which that of a window is judged.
    """
    growth = np.gradient(loudness) if len(loudness) > 1 else np.zeros(1)
    flux = smooth(audio.flux)
    opening, darkening = smooth(mouth.opening), smooth(mouth.darkening)
    pairs = [
        (speed, 0.2, loudness, 2.0),
        (speed, 0.2, flux, 1.0),
        (opening, 0.4, loudness, 2.0),
        (darkening, 0.002, growth, 0.3),
    ]
    return [
        np.sum([_correlation(x, vx, y, vy, window) for x, vx, y, vy in pairs], axis=0)
        for window in windows
    ]


def _correlation(
    motion: Signal, motion_variance: float, audio: Signal, audio_variance: float, window: int
) -> Signal:
    """Best correlation in the `window` ticks around each tick, over all lags of the audio.

    The usual variance of 8 ticks is added to that of either signal, so that a still mouth, silence
    and a window cut short by the track's end correlate with nothing.
    """
    ticks = np.arange(len(motion))
    count = _sliding_sum(np.ones((1, len(motion))), window)
    x = (motion - motion.mean())[None]
    y = (audio - audio.mean())[(ticks + LAGS_TICKS[:, None]).clip(0, len(audio) - 1)]  # (9, T)
    sum_x, sum_y = _sliding_sum(x, window), _sliding_sum(y, window)
    spread_x = (_sliding_sum(x * x, window) - sum_x**2 / count).clip(0) + 8 * motion_variance
    spread_y = (_sliding_sum(y * y, window) - sum_y**2 / count).clip(0) + 8 * audio_variance
    together = _sliding_sum(x * y, window) - sum_x * sum_y / count
    return (together / np.sqrt(spread_x * spread_y)).max(axis=0)


def _sliding_sum(rows: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Sum of the `window` ticks around each tick of (N, T) `rows`, of fewer at the ends."""
    length, half = rows.shape[1], window // 2
    until = np.pad(np.cumsum(rows, axis=1), ((0, 0), (1, 0)))
    ticks = np.arange(length)
    return until[:, (ticks + half + 1).clip(max=length)] - until[:, (ticks - half).clip(0)]


def _peak(signal: Signal) -> Signal:
    """Running maximum over `PEAK_TICKS`."""
    return np.asarray(maximum_filter1d(signal, PEAK_TICKS, mode="nearest"))
