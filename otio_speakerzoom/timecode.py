"""Timecode labels to frames and back; which labels drop-frame counting leaves out."""

from __future__ import annotations

from fractions import Fraction


def may_drop(rate: Fraction) -> bool:
    """Whether labels can be dropped at `rate`: at 29.97 and its multiples (SMPTE ST 12-1).

    At 30 and its multiples too, as some cameras do: the count is the same, only the clock is not.
    Rates that were rounded, 2997/100, are taken for what they mean.
    """
    base = round(rate)
    return base % 30 == 0 and 0 <= base / rate - 1 < Fraction(11, 10_000)


def timecode_frames(
    hours: int, minutes: int, seconds: int, frames: int, rate: Fraction, *, drop: bool = False
) -> int:
    """Return the frame that a timecode label names, counted from 00:00:00:00.

    Drop frame leaves out two labels a minute at 29.97 and four at 59.94, except every tenth
    minute (SMPTE ST 12-1), so that labels keep up with the clock.
    """
    base = round(rate)
    total_minutes = 60 * hours + minutes
    label = (60 * total_minutes + seconds) * base + frames
    return label - (base // 15 * (total_minutes - total_minutes // 10) if drop else 0)


def timecode(frame: int, base: int, *, drop: bool) -> str:
    """Return a count of frames from 00:00:00:00 as HH:MM:SS:FF; midnight follows 23:59.

    Dropped counting (SMPTE ST 12-1) leaves out the first 2 labels in 30, or 4 in 60, of every
    minute that is not a tenth one.
    """
    if drop:
        dropped = base // 15
        minute = 60 * base - dropped
        tens, rest = divmod(frame, 10 * minute + dropped)
        frame += dropped * (9 * tens + max(0, (rest - dropped) // minute))
    seconds, frames = divmod(frame, base)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{frames:02}"


def one_hour(base: int, *, drop: bool) -> int:
    """Return the frames to 01:00:00:00, where editors start a timeline."""
    # Dropped counting leaves out 2 labels in 30 in 54 of an hour's minutes.
    return 3600 * base - (54 * base // 15 if drop else 0)
