"""The grid of frames that a source's time stamps lie on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)),
)
FASTEST = 240
"""Frames per second that a camera for talks may have; beyond, libav has guessed a clock's ticks."""
_ROUNDING = 1e-6
"""Of a frame: what a place may be off by arithmetic, in a day of frames and more."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Frames at a constant rate."""

    rate: Fraction
    duration: int
    variable: bool = False
    """Whether the stamps are too uneven to be constant."""
    begin: Fraction = Fraction(0)
    """Seconds from the first stamp to the time of frame 0: stamps may be early and late."""


def grid(ticks: NDArray[np.int64], tick: Fraction, base: Fraction, average: Fraction) -> Grid:
    """Return the grid of the pictures that are shown at `ticks` of `tick` seconds, in order.

    `base` and `average` are rates as libav has them, 0 where it has none: the slowest on which it
    can place every stamp, and the number of pictures by their time. The slowest rate on which all
    stamps lie is the file's own, because libav takes fields or the ticks of a finer clock for
    frames. Few of its places may be empty (damaged or dropped frames): one in a hundred, or two.
    Other files are variable: read onto the rate that they name, where pictures usually follow each
    other so, else onto the slowest standard rate that is not slower than their average, so that few
    pictures are lost and an editor has a timebase for it.
    """
    if len(ticks) == 1:
        return Grid(base or average or Fraction(25), 1)
    steps = np.sort(np.diff(ticks))
    span = int(ticks[-1] - ticks[0]) * tick
    step = int(steps[len(steps) // 2]) * tick or span / len(steps)
    own: Grid | None = None
    for rate in _candidates(base, average, 1 / step):
        # rates that differ by less, 30 and 30000/1001, are told apart by what the file says
        if not 0 < rate <= FASTEST or (own and rate >= own.rate * Fraction(99, 100)):
            continue
        found = _places(ticks, tick, rate)
        if found:
            phase, duration = found
            holes = duration - len(ticks)
            own = Grid(rate, duration, holes > max(2, duration / 100), phase / rate)
    # a quarter of the pictures follow the one before at once, or these are no frames but ticks
    if own and own.rate * int(steps[len(steps) // 4]) * tick < Fraction(3, 2):
        return own
    if base in STANDARD_RATES and abs(base * step - 1) < Fraction(1, 50):
        return Grid(base, round(span * base) + 1, True)
    rate = _standard(len(steps) / span, base)
    return Grid(rate, round(span * rate) + 1, True)


def _candidates(base: Fraction, average: Fraction, usual: Fraction) -> list[Fraction]:
    """Return rates to try, those that the file names first; `usual` is that of the middle step.

    A file may say 2398/100 and mean 24000/1001, and an average is exact to a picture only: the
    standard rates beside each come before it.
    """
    whole = base / max(1, round(base / average)) if average else base
    rates: list[Fraction] = []
    for rate, slack in ((base, 2_000), (whole, 2_000), (average, 1_000), (usual, 100)):
        near = [r for r in STANDARD_RATES if abs(r - rate) < r / slack]
        rates += [*sorted(near, key=lambda r, rate=rate: abs(r - rate)), rate]
    return rates


def _places(
    ticks: NDArray[np.int64], tick: Fraction, rate: Fraction
) -> tuple[Fraction, int] | None:
    """Return where the stamps lie on the grid of `rate`, None where they do not.

    They do where each lies within a quarter of a frame of a place of its own. What is given is the
    part of a frame by which the first is early, so that the others are not late, and the number of
    frames to the last.
    """
    places = (ticks - ticks[0]) * float(tick * rate)
    for frames in (np.floor(places + 0.5), np.ceil(places - 0.5)):
        off = places - frames
        low, high = float(off.min()), float(off.max())
        if high - low <= 0.5 + _ROUNDING and bool((np.diff(frames) > 0).all()):
            return Fraction(low + high).limit_denominator(10_000) / 2, int(frames[-1]) + 1
    return None


def _standard(rate: Fraction, base: Fraction) -> Fraction:
    """Return the slowest standard rate that is not slower than `rate`, by half a percent.

    Of 30 and 30000/1001 it is the one of which the rate that the file names is a multiple.
    """
    fast = [r for r in STANDARD_RATES if r >= rate * Fraction(199, 200)]
    slowest = min(fast, default=Fraction(60))
    alike = [r for r in fast if r <= slowest * Fraction(1002, 1000)]  # 30000/1001 and 30
    return min(alike, key=lambda r: (base % r != 0, abs(r - rate)), default=slowest)
