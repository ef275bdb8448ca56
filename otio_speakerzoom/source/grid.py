"""The frame grid of a source: the constant frame rate that fits its timestamps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)),
)
MAX_FPS = 240
"""Frames per second of the fastest cameras for talks; above, libav has taken a clock's ticks for
frames."""
_TOLERANCE = 1e-6
"""Share of a frame for rounding errors, enough for more than a day of frames."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Frames at a constant rate."""

    rate: Fraction
    duration: int
    variable: bool = False
    """Whether the timestamps are too uneven for a constant rate."""
    begin: Fraction = Fraction(0)
    """Seconds from the first timestamp to the time of frame 0: timestamps may be early or late."""
    too_fast: bool = False
    """Whether its frames follow each other faster than at `MAX_FPS`."""


def fit_grid(ticks: NDArray[np.int64], tick: Fraction, base: Fraction, average: Fraction) -> Grid:
    """Return the grid of frames presented at `ticks` of `tick` seconds, in ascending order.

    `base` and `average` are rates from libav, 0 if unknown: the slowest rate on which it can place
    every timestamp, and the number of frames divided by their time. The file's own rate is the
    slowest that fits all timestamps, because libav takes fields or the ticks of a finer clock for
    frames. At most one place in a hundred, or two, may be empty (damaged or dropped frames). Any
    other file has a variable rate: it is conformed to the rate that it declares, if most frames
    follow each other at that rate, otherwise to the slowest standard rate that is not slower than
    its average, so that few frames are lost and editors have a timebase for it.
    """
    if len(ticks) == 1:
        return Grid(base or average or Fraction(25), 1)
    steps = np.sort(np.diff(ticks))
    span = int(ticks[-1] - ticks[0]) * tick
    step = int(steps[len(steps) // 2]) * tick or span / len(steps)
    own: Grid | None = None
    for rate in _candidates(base, average, 1 / step):
        # only the file can distinguish rates that differ by less, such as 30 and 30000/1001
        if not 0 < rate <= MAX_FPS or (own and rate >= own.rate * Fraction(99, 100)):
            continue
        if own and own.duration == len(ticks):
            break  # a frame at every place: a slower rate fits too only because the file is short
        places = _places(ticks, tick, rate)
        if places:
            phase, duration = places
            holes = duration - len(ticks)
            own = Grid(rate, duration, holes > max(2, duration / 100), phase / rate)
    # a quarter of the frames must follow the previous one directly, or these are ticks, not frames
    if own and own.rate * int(steps[len(steps) // 4]) * tick < Fraction(3, 2):
        return own
    if base in STANDARD_RATES and abs(base * step - 1) < Fraction(1, 50):
        return Grid(base, round(span * base) + 1, True)
    rate = _standard(len(steps) / span, base)
    return Grid(rate, round(span * rate) + 1, True, too_fast=step * MAX_FPS < 1)


def _candidates(base: Fraction, average: Fraction, usual: Fraction) -> list[Fraction]:
    """Return rates to try, those that the file declares first; `usual` is that of the median step.

    A file may declare 2398/100 and mean 24000/1001, and an average is exact to one frame only, so
    the nearest standard rates come before each.
    """
    whole = base / max(1, round(base / average)) if average else base
    rates: list[Fraction] = []
    for rate, slack in ((base, 2_000), (whole, 2_000), (average, 1_000), (usual, 100)):
        near = [r for r in STANDARD_RATES if abs(r - rate) < r / slack]
        rates += [*sorted(near, key=lambda r, rate=rate: abs(r - rate)), _exact(rate)]
    return rates


def _exact(rate: Fraction) -> Fraction:
    """Return n * 1000/1001 for a rate that differs from it by rounding only.

    Matroska stores the duration of a frame in whole nanoseconds: 120000/1001 becomes 29011/242.
    """
    ntsc = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return ntsc if abs(ntsc - rate) < rate / 1_000_000 else rate


def _places(
    ticks: NDArray[np.int64], tick: Fraction, rate: Fraction
) -> tuple[Fraction, int] | None:
    """Return the phase and duration of the timestamps on a grid of `rate`, None if they do not fit.

    They fit if each is within a quarter of a frame of a place of its own. The phase is the share of
    a frame by which the first is early, so that the others are not late; the duration is in frames.
    """
    places = (ticks - ticks[0]) * float(tick * rate)
    for frames in (np.floor(places + 0.5), np.ceil(places - 0.5)):
        off = places - frames
        low, high = float(off.min()), float(off.max())
        if high - low <= 0.5 + _TOLERANCE and bool((np.diff(frames) > 0).all()):
            return Fraction(low + high).limit_denominator(10_000) / 2, int(frames[-1]) + 1
    return None


def _standard(rate: Fraction, base: Fraction) -> Fraction:
    """Return the slowest standard rate that is at most half a percent slower than `rate`.

    Of 30 and 30000/1001 it is the one that divides the rate that the file declares.
    """
    fast = [r for r in STANDARD_RATES if r >= rate * Fraction(199, 200)]
    slowest = min(fast, default=Fraction(60))
    alike = [r for r in fast if r <= slowest * Fraction(1002, 1000)]  # 30000/1001 and 30
    return min(alike, key=lambda r: (base % r != 0, abs(r - rate)), default=slowest)
