"""The scorer that needs no trained weights: does this mouth move as the sound says it should?

A mouth that speaks moves with the loudness of what is heard, and with its spectral change; one
that listens is still, or moves to a rhythm of its own. Correlating the two is as old as the
subject (Hershey and Movellan, NIPS 1999; Slaney and Covell, NIPS 2000). What makes it usable here
is that the head's own movement is estimated around the mouth and taken out of it first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import LOWER_FACE, ROWS_PER_TICK, Clip
from otio_speakerzoom.speech.mouth_motion.lips import Movement, Signal, movement
from otio_speakerzoom.speech.row_buffer import RowBuffer

WINDOWS = (25, 51, 101)
"""Ticks over which sight and sound are compared: 1 s follows a change of turn, 4 s tells a wrong
voice. 7 s (175) was tried and earned no weight."""

LAGS = np.arange(-4, 5)
"""Ticks by which sound may lag the lips. Encoders and microphones shift it by two or three, and
lips open 100 to 300 ms before they are heard (Chandrasekaran et al., PLoS Comput. Biol. 2009)."""

MEMORY = 161
"""Ticks (6.4 s) within which the loudest and the liveliest moment are the measure of the rest."""

RANGE = 7.0
"""Nats of energy (30 dB) below the loudest moment that count; what is softer is room tone."""

NOISE = 0.01
"""Added to a speed before its logarithm, in units of the crop's contrast. A still face reads 0.007
from noise and tracking alone (held still and shaken, median), a talking one 0.064."""

LIVELY = float(np.log(0.07))
"""A mouth that moves this much may be talking; moving more does not make it likelier. Without this
cap a lively listener beats a mumbling talker: right in 79 of 100 choices over 4 s without, in 85
with (validation part of the corpus, n = 169)."""

COEFFICIENTS = {
    "agreement 1 s": 0.61,
    "agreement 2 s": 0.76,
    "agreement 4 s": 0.65,
    "mouth moved, 2 s": 0.29,
    "mouth moved, 0.4 s": 1.55,
    "head moved, 2 s": -0.63,
    "loudness below its peak": 0.18,
    "mouth below its peak": 0.41,
    "bias": 2.59,
}
"""Logistic regression by `training/fit_mouth_motion.py` on 271 face tracks of 202 people; the
units are those of `evidence`. On 20 other people it picks the talker of two moving mouths in 80,
81, 87 and 93 of 100 windows of 1, 2, 4 and 8 s (n = 861, 413, 165, 76), puts 76 of 100 talking
frames above 0 and 2 of 100 of faces held still; ROC area 0.84 against held and resting faces."""


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What the sound does; (T,) each."""

    level: Signal
    """Natural logarithm of the energy of int16 samples in 25 ms."""
    flux: Signal
    """Mean absolute change of the cepstrum per 10 ms, its energy left out."""


class MouthMotion:
    """Scores a face by how well its mouth moves with the sound, by arithmetic alone."""

    name = "motion"
    licence = "MIT"
    recipe = LOWER_FACE
    window = 1500
    context = 140
    """Reach of the longest chain of filters and windows: with it, windowing changes no score."""
    gated = True
    """It compares movement with loudness, and cannot tell speech from a slammed door."""
    calibration = Calibration(1.0, 0.0)
    """A logistic regression gives log odds already; the gate lowers them where nobody is heard."""

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return the (T, M) logits of each clip.

        Above 0 the face rather speaks than not, given that somebody does; sigmoid(logit) is about
        the share of such frames in which it really did (as many talking as not in the fit).
        """
        weights = np.array(list(COEFFICIENTS.values()))
        made = []
        for clip in clips:
            seen = movement(clip.crops)
            sounds = [evidence(seen, hearing(sound)) @ weights for sound in clip.mfcc]
            made.append(np.stack(sounds, axis=1).astype(np.float32))
        return made

    def decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) logits from what `encode` made of a whole track."""
        return track.read(0, len(track)).T


def agreement(
    crops: NDArray[np.uint8], mfcc: NDArray[np.float32], windows: Sequence[int] = WINDOWS[1:]
) -> NDArray[np.float64]:
    """Return (T,) how well the mouth in (T, 112, 112) crops moves with (4T, 13) cepstra.

    The sum of four correlations, averaged over windows of 2 s and 4 s: a measure of lip sync that
    `training/evaluate.py --cue` can add to any scorer's.
    """
    seen, heard = movement(crops), hearing(mfcc)
    mouth = _smooth(np.log(seen.mouth + NOISE))
    level = _smooth(np.maximum(heard.level, _peak(heard.level) - RANGE))
    return np.mean(_agreements(seen, heard, mouth, level, windows), axis=0)


def evidence(seen: Movement, heard: Hearing) -> NDArray[np.float64]:
    """Return (T, 9) what the regression weighs, in the order of `COEFFICIENTS`.

    Agreements are sums of four correlations; movements are logarithms of units of contrast;
    what lies below its peak is 0 at the peak and negative elsewhere, in nats.
    """
    mouth, head = (_smooth(np.log(speed + NOISE)) for speed in (seen.mouth, seen.head))
    peak = _peak(heard.level)
    level = _smooth(np.maximum(heard.level, peak - RANGE))
    brief = _smooth(mouth, 9)
    columns = [
        *_agreements(seen, heard, mouth, level, WINDOWS),
        np.minimum(_smooth(mouth, 51), LIVELY),
        np.minimum(brief, LIVELY),
        _smooth(head, 51),
        _smooth(level - peak, 9),
        brief - _peak(brief),
        np.ones(len(mouth)),
    ]
    return np.stack(columns, axis=1)


def _agreements(
    seen: Movement, heard: Hearing, mouth: Signal, level: Signal, windows: Sequence[int]
) -> list[Signal]:
    """Sum of four kinds of agreement, once for each of `windows`.

    Speed with loudness and with spectral change, opening with loudness, darkening with growing
    loudness: alone they pick the talker of two moving mouths in 70 to 78 of 100 windows of 4 s
    (training part of the corpus, n = 970), summed in 89 (n = 584). The number after each
    signal is its usual variance there, against which that of a window is judged.
    """
    growth = np.gradient(level) if len(level) > 1 else np.zeros(1)
    flux = _smooth(heard.flux)
    opening, darkening = _smooth(seen.opening), _smooth(seen.darkening)
    pairs = [
        (mouth, 0.2, level, 2.0),
        (mouth, 0.2, flux, 1.0),
        (opening, 0.4, level, 2.0),
        (darkening, 0.002, growth, 0.3),
    ]
    return [
        np.sum([_correlation(x, vx, y, vy, window) for x, vx, y, vy in pairs], axis=0)
        for window in windows
    ]


def _correlation(
    sight: Signal, sight_variance: float, sound: Signal, sound_variance: float, window: int
) -> Signal:
    """Best correlation in the `window` ticks around each tick, over all `LAGS` of the sound.

    8 ticks' worth of the usual variance is added to that of either signal, so that a still mouth,
    a silence and a window cut short by the track's end correlate with nothing.
    """
    ticks = np.arange(len(sight))
    count = _sliding_sum(np.ones((1, len(sight))), window)
    x = (sight - sight.mean())[None]
    y = (sound - sound.mean())[(ticks + LAGS[:, None]).clip(0, len(sound) - 1)]  # (9, T)
    sum_x, sum_y = _sliding_sum(x, window), _sliding_sum(y, window)
    spread_x = (_sliding_sum(x * x, window) - sum_x**2 / count).clip(0) + 8 * sight_variance
    spread_y = (_sliding_sum(y * y, window) - sum_y**2 / count).clip(0) + 8 * sound_variance
    together = _sliding_sum(x * y, window) - sum_x * sum_y / count
    return (together / np.sqrt(spread_x * spread_y)).max(axis=0)


def _sliding_sum(rows: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Sum of the `window` ticks around each tick of (N, T) `rows`, of fewer at the ends."""
    length, half = rows.shape[1], window // 2
    until = np.pad(np.cumsum(rows, axis=1), ((0, 0), (1, 0)))
    ticks = np.arange(length)
    return until[:, (ticks + half + 1).clip(max=length)] - until[:, (ticks - half).clip(0)]


def _smooth(signal: Signal, window: int = 3) -> Signal:
    """Running mean; 3 ticks bridge the doubled picture a second of 24 fps footage at 25 Hz."""
    return np.asarray(uniform_filter1d(signal, window, mode="nearest"))


def _peak(signal: Signal) -> Signal:
    """Running maximum over `MEMORY`."""
    return np.asarray(maximum_filter1d(signal, MEMORY, mode="nearest"))


def hearing(mfcc: NDArray[np.float32]) -> Hearing:
    """Return what (4T, 13) cepstra say of loudness and articulation.

    Levels under 5 (an amplitude of 1) are digital silence, whose logarithm would drown the rest.
    """
    rows = mfcc.astype(np.float64)
    energy = np.exp(rows[:, 0].clip(max=40)).reshape(-1, ROWS_PER_TICK).mean(axis=1)
    change = np.abs(np.diff(rows[:, 1:], axis=0, prepend=rows[:1, 1:])).mean(axis=1)
    return Hearing(
        level=np.log(energy.clip(np.exp(5))),
        flux=change.reshape(-1, ROWS_PER_TICK).mean(axis=1),
    )
