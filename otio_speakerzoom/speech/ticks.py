"""The 25 Hz grid on which networks score, and the way from it to the source's frames.

All published networks of this family were trained at exactly 25 frames and 100 MFCC rows per
second. A tick is 1/25 s, counted from the source's first frame. Source frames are converted to
ticks, and ticks to source frames, with whole numbers only: a float rate drifts.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

TICKS_PER_SECOND = 25
SAMPLE_RATE = 16000
TICK_SAMPLES = SAMPLE_RATE // TICKS_PER_SECOND


def frames_at_ticks(frames: int, rate: Fraction) -> NDArray[np.int64]:
    """Return the source frame shown at each tick, for a source of `frames` frames at `rate`.

    As many ticks as it takes to cover the source. Tick k shows the last frame that has begun by
    half a tick after k/25 s, so that rounding in the file's own timestamps changes nothing.
    """
    ticks = -(-TICKS_PER_SECOND * frames * rate.denominator // rate.numerator)
    halves = 2 * np.arange(ticks, dtype=np.int64) + 1  # of a tick: (2k + 1) / 50 s
    frame = halves * rate.numerator // (2 * TICKS_PER_SECOND * rate.denominator)
    return np.minimum(frame, frames - 1)


def to_source_frames(
    scores: NDArray[np.float32], start_tick: int, start_frame: int, frames: int, rate: Fraction
) -> NDArray[np.float32]:
    """Return (frames,) scores, one per source frame from `start_frame` on.

    `scores` are (K,), one per tick from `start_tick` on. A source frame between two ticks gets the
    linear interpolation of both; beyond either end the outermost score holds.
    """
    if not len(scores):
        raise ValueError("need at least one score to spread over the source frames")
    number = np.arange(start_frame, start_frame + frames, dtype=np.int64)
    tick, rest = np.divmod(TICKS_PER_SECOND * number * rate.denominator, rate.numerator)
    share = rest / rate.numerator  # of the later tick, 0 to 1
    before = scores[(tick - start_tick).clip(0, len(scores) - 1)]
    after = scores[(tick - start_tick + 1).clip(0, len(scores) - 1)]
    return (before + share * (after - before)).astype(np.float32)
