"""Frame rates in editors and text formats: who supports which, and how timecode counts them."""

from __future__ import annotations

import logging
from collections.abc import Collection
from fractions import Fraction

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import conform_command

log = logging.getLogger(__name__)

COMMON_RATES = frozenset(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
"""Project rates that every editor supports."""
EDITOR_RATES = {
    "Resolve": COMMON_RATES
    | {Fraction(rate) for rate in (16, 18, 48, 72, 96, 100, 120)}
    | {Fraction(rate * 1000, 1001) for rate in (48, 96, 120)},
    "Premiere": COMMON_RATES | {Fraction(rate) for rate in ("10", "12", "25/2", "15")},
    "Final Cut": COMMON_RATES,
    "an EDL": COMMON_RATES,
}
"""Project rates of each editor, as its settings list them; the pages in docs say how well that is
known. MLT supports any rate, and Kdenlive any whole one besides the common ones."""


def timebase(rate: Fraction, path: str, format_: str) -> tuple[int, bool]:
    """Return how many frames a second timecode counts, and whether 1000/1001 of it is meant.

    Raise TimelineError for a rate that is neither; the message names `path` and `format_`.
    """
    for ntsc, whole in ((False, rate), (True, rate * Fraction(1001, 1000))):
        if whole.denominator == 1:
            return whole.numerator, ntsc
    raise unsupported_rate_error(rate, path, f"{format_} cannot express {rate} frames per second")


def unsupported_rate_error(rate: Fraction, path: str, fault: str) -> TimelineError:
    """Return the error for a rate that a format cannot hold, with the command that conforms it."""
    to = nearest_rate(rate, COMMON_RATES)
    return TimelineError(f"{path}: {fault}; conform it first: {conform_command(path, f'fps={to}')}")


def warn_unsupported_rate(
    rate: Fraction, path: str, editor: str, supported: Collection[Fraction] | None = None
) -> None:
    """Log a warning if `editor` supports no project of this rate, by default by `EDITOR_RATES`."""
    supported = EDITOR_RATES[editor] if supported is None else supported
    if rate not in supported:
        log.warning(
            "%s: has %s frames per second, a rate that no project in %s can have, so cuts may fall "
            "between frames there. Conform it first with %s",
            path, rate, editor, conform_command(path, f"fps={nearest_rate(rate, supported)}"),
        )  # fmt: skip


def nearest_rate(rate: Fraction, supported: Collection[Fraction]) -> Fraction:
    """Return the one of `supported` to conform a source of `rate` to.

    The nearest multiple or integer fraction of `rate`, so that all frames last equally long;
    otherwise the nearest.
    """
    whole = [r for r in supported if 1 in (r / rate).as_integer_ratio()]
    return min(whole or supported, key=lambda r: (abs(r - rate), r))
