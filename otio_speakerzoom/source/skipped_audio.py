"""Audio before a range that is decoded but not resampled, and where it leaves the resampler.

The resampler of libswresample repeats itself: after a whole number of periods (441 samples from
44.1 kHz to 16 kHz) it is where it began, and what it gives from there depends only on the samples
within its filter, which has 32 taps times the ratio of the rates.
"""

from __future__ import annotations

from math import gcd

import av

MAX_CHANNELS = 8
"""PyAV reads no more planes of a frame, which we must cut."""
WARM_UP_S = 2
"""How long before the range the resampler begins at the latest: a period is a second at most, and
the filter 400 samples from 192 kHz."""
FORMATS = ("s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp", "u8", "u8p")
"""Which PyAV turns into arrays and back."""


def can_cut(frame: av.AudioFrame) -> bool:
    """Whether `without_first` takes frames of such a format."""
    return frame.format.name in FORMATS and len(frame.layout.channels) <= MAX_CHANNELS


def without_first(frame: av.AudioFrame, count: int) -> av.AudioFrame:
    """Return a frame without its first `count` samples, and without its timestamp."""
    columns = count * (1 if frame.format.is_planar else len(frame.layout.channels))
    rest = av.AudioFrame.from_ndarray(
        frame.to_ndarray()[:, columns:].copy(), frame.format.name, frame.layout.name
    )
    rest.sample_rate, rest.time_base = frame.sample_rate, frame.time_base
    return rest


class SkippedAudio:
    """Counts the samples that are skipped of audio whose rate, layout and format stay the same."""

    def __init__(self, frame: av.AudioFrame, rate: int) -> None:
        """`frame` is the first one, and `rate` that to which it would be resampled."""
        common = gcd(frame.sample_rate, rate)
        self._period, self._period_out = frame.sample_rate // common, rate // common
        self._warm_up = WARM_UP_S * rate
        self._first = frame
        self._can_cut = can_cut(frame)
        self._samples = 0

    @property
    def resampled(self) -> int:
        """How many samples the whole periods that were skipped would have become."""
        return self._samples // self._period * self._period_out

    def skip(self, frame: av.AudioFrame, begin: int) -> bool:
        """Skip a frame that lies long enough before the range; return whether it does.

        `begin` is where the first frame begins, in resampled samples from the start of the range.
        """
        if not self._can_cut:
            return False
        end = self._samples + frame.samples
        is_early = begin + (end // self._period + 1) * self._period_out + self._warm_up < 0
        if not is_early and self._to_period() < frame.samples:
            return False
        self._samples = end
        return True

    def rest_of(self, frame: av.AudioFrame) -> av.AudioFrame:
        """Return the part of a frame that begins with a period; what is before it is skipped."""
        count = self._to_period()
        if count == 0:
            return frame
        self._samples += count
        return without_first(frame, count)

    def resampled_to_end(self, resampler: av.AudioResampler) -> int:
        """Return how many samples a resampler would have given if nothing followed.

        A new one is tried with a part that ends at the same place of a period.
        """
        part = min(
            self._samples,
            self._samples % self._period + self._first.sample_rate // self._period * self._period,
        )
        whole = (self._samples - part) // self._period * self._period_out
        frame = av.AudioFrame(self._first.format.name, self._first.layout.name, part)
        frame.sample_rate, frame.time_base = self._first.sample_rate, self._first.time_base
        frames = [*resampler.resample(frame), *resampler.resample(None)] if part else []
        return whole + sum(frame.samples for frame in frames)

    def _to_period(self) -> int:
        """Return how many samples are missing to a whole number of periods."""
        return -self._samples % self._period
