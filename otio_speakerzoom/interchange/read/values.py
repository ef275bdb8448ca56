"""Numbers, sizes, rates, ranges and paths as files write them, checked.

Nothing in a file from outside is trusted: each function raises ValueError over what cannot be.
"""

from __future__ import annotations

import math
from fractions import Fraction
from urllib.parse import unquote, urlsplit

from otio_speakerzoom.model import FrameRange

READ_ERRORS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What a reader raises where a file, or a clip in it, is damaged."""

_MAX_FRAMES = 1 << 40
"""145 years at 240 frames per second. Anything beyond is damage, and would not fit an array."""


def reason(error: BaseException) -> str:
    """Return in words what one of `READ_ERRORS` reports."""
    text = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(text.split())[:200] or "its structure is not that of a timeline"


def in_line(text: str) -> str:
    """Return a text with names from a file in it as one line."""
    return " ".join(text.split())


def unreadable(error: BaseException) -> str:
    """Return why a clip that cannot be read is not supported."""
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


def rate_from_name(digits: str, scan: str) -> Fraction:
    """Return the frame rate in the name of a video format, such as 1080i 5994 or 1080p 25.

    Four digits are 100 times the rate. An interlaced format (`scan` is i) counts fields.
    """
    rate = int(digits) / (100 if len(digits) == 4 else 1)
    return exact_rate(rate / 2 if scan == "i" else rate)


def frame_range(subject: str, start: float | Fraction, duration: float | Fraction) -> FrameRange:
    """Return a range of whole frames; raise ValueError about `subject` where it is not one."""
    if not (math.isfinite(start) and math.isfinite(duration)):
        raise ValueError(f"{subject} has a range that is not a number")
    first, count = round(start), round(duration)
    if first < 0 or count < 1 or first + count > _MAX_FRAMES:
        raise ValueError(f"{subject} has a range of {count:.4g} frames from {first:.4g} on")
    return FrameRange(first, first + count)


def frames_between(start: float | Fraction, end: float | Fraction) -> FrameRange:
    """Return the frames from `start` to `end`, each rounded, so that neighbours share an edge.

    Raise ValueError where that is not a range.
    """
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError("it has a range that is not a number")
    return frame_range("it", round(start), round(end) - round(start))


def finite_number(value: object) -> float:
    """Return a number from a file; raise ValueError where it is not a finite one."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"{str(value)[:40]} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{str(value)[:40]!r} is not a number") from error
    if not math.isfinite(number):
        raise ValueError(f"{str(value)[:40]} is not a finite number")
    return number


def whole_number(text: str | None) -> int:
    """Return a number of frames or pixels, rounded: some programs write it with a point.

    Raise ValueError where it is missing or not a number.
    """
    if not (text and text.strip()):
        raise ValueError("a number of frames is missing")
    number = finite_number(text.strip())
    if abs(number) > _MAX_FRAMES:
        raise ValueError(f"{str(text)[:40]} is not a number of frames")
    return round(number)


def frame_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of a frame in pixels; raise ValueError where no video has that size."""
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise ValueError(f"{width}x{height} is not a frame size")
    return width, height


def media_path(reference: str) -> str:
    """Return the path in a media reference: a file URL or a path, as each editor writes it.

    A path that climbs with .. is refused: no editor writes one, and nothing good is behind it.
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
