"""Numbers, ranges and paths as files write them, and what is met where they are damaged."""

from __future__ import annotations

import math
from fractions import Fraction
from urllib.parse import unquote, urlsplit

from otio_speakerzoom.model import FrameRange

FAULTS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What a reader meets where a file, or a clip in it, is not what it should be."""

_LONGEST = 1 << 40
"""Frames; 145 years at 240 a second. What lies beyond is damage, and would not fit an array."""


def reason(error: BaseException) -> str:
    """Return what one of `FAULTS` says is wrong, in words."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return " ".join(str(error).split())[:200] or "it is built as no timeline is"


def unreadable(error: BaseException) -> str:
    """Return why a clip is not supported that cannot be read."""
    return f"cannot be read ({reason(error)})"


def exact_rate(value: float) -> Fraction:
    """Return the frame rate that a rounded number means: 29.97 is 30000/1001.

    Whole rates and their 1000/1001 lie at least 0.02 apart from 20 fps on, and formats round to
    two places or better.
    """
    for whole in {round(value), round(value * 1.001)} - {0}:
        for rate in (Fraction(whole), Fraction(whole * 1000, 1001)):
            if abs(rate - Fraction(value)) < Fraction(1, 150):
                return rate
    return Fraction(value).limit_denominator(1001)


def frame_range(what: str, start: float | Fraction, duration: float | Fraction) -> FrameRange:
    """Return whole frames; raise ValueError in the name of `what` where that is no range."""
    if not (math.isfinite(start) and math.isfinite(duration)):
        raise ValueError(f"{what} has a range that is not a number")
    first, count = round(start), round(duration)
    if first < 0 or count < 1 or first + count > _LONGEST:
        raise ValueError(f"{what} has a range of {count:.4g} frames from {first:.4g} on")
    return FrameRange(first, first + count)


def frames_between(start: float | Fraction, end: float | Fraction) -> FrameRange:
    """Return the frames from `start` to `end`, each rounded, so that neighbours share their edge.

    Raise ValueError where that is no range.
    """
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError("it has a range that is not a number")
    return frame_range("it", round(start), round(end) - round(start))


def finite(value: object) -> float:
    """Return a number that was written in a file."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{str(value)[:40]} is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a number to place a picture by")
    return number


def whole(text: str | None) -> int:
    """Return a number of frames; some programs write them with a point.

    Raise ValueError where it is none.
    """
    if not (text and text.strip()):
        raise ValueError("a number of frames is missing")
    number = finite(text.strip())
    if abs(number) > _LONGEST:
        raise ValueError(f"{str(text)[:40]} is no number of frames")
    return round(number)


def media_path(reference: str) -> str:
    """Return the path that a reference names: a file URL or a path, as hosts write either.

    One that climbs with .. is refused: no editor writes one, and nothing good is behind it.
    """
    path = reference
    if reference.lower().startswith("file:"):
        parts = urlsplit(reference)
        path = unquote(parts.path)
        if parts.netloc and parts.netloc.lower() != "localhost":
            path = f"//{unquote(parts.netloc)}{path}"
        if len(path) > 2 and path[0] == "/" and path[2] == ":":  # /C:/... of a Windows drive
            path = path[1:]
    if ".." in path.replace("\\", "/").split("/") or "\0" in path:
        raise ValueError(f"the media reference {reference[:200]} climbs out of its folder")
    return path
