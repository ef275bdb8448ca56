"""Timecode to frame counts and back, with and without drop-frame counting (SMPTE ST 12-1)."""

from __future__ import annotations

from fractions import Fraction


def allows_drop_frame(rate: Fraction) -> bool:
    """Whether timecode at `rate` can be drop-frame: at 29.97 and its multiples (SMPTE ST 12-1).

    At 30 and its multiples too, as in some cameras: the count is the same, only the clock is not.
    Rounded rates, 2997/100, count as the exact rate that they mean.
    """
    base = round(rate)
    return base % 30 == 0 and 0 <= base / rate - 1 < Fraction(11, 10_000)


def timecode_to_frame(
    hours: int, minutes: int, seconds: int, frames: int, rate: Fraction, *, drop: bool = False
) -> int:
    """Return the number of the frame with this timecode, counted from 00:00:00:00.

    Drop-frame timecode skips two labels a minute at 29.97 and four at 59.94, except every tenth
    minute, so that it keeps up with the clock.
    """
    base = round(rate)
    total_minutes = 60 * hours + minutes
    label = (60 * total_minutes + seconds) * base + frames
    return label - (base // 15 * (total_minutes - total_minutes // 10) if drop else 0)


def frame_to_timecode(frame: int, base: int, *, drop: bool) -> str:
    """Return the timecode of a frame counted from 00:00:00:00, as HH:MM:SS:FF, modulo 24 hours.

    `base` is the rounded rate. Drop-frame timecode (HH:MM:SS;FF) skips the first 2 labels of 30, or
    4 of 60, in every minute but each tenth one.
    """
    if drop:
        skipped = base // 15
        minute = 60 * base - skipped
        tens, rest = divmod(frame, 10 * minute + skipped)
        frame += skipped * (9 * tens + max(0, (rest - skipped) // minute))
    seconds, frames = divmod(frame, base)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{frames:02}"


def one_hour_frames(base: int, *, drop: bool) -> int:
    """Return the number of the frame at 01:00:00:00, where editors start a timeline."""
    # Drop-frame timecode skips 2 labels of 30 in 54 of an hour's minutes.
    return 3600 * base - (54 * base // 15 if drop else 0)
