"""How often the style shows the wide, and whether a cut opens and closes with it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.planned_shot import WIDE, Framing, PlannedShot
from otio_speakerzoom.director.shot_search import ShotSearch
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import FrameRange

WIDE_STEP = 0.9
"""How much more or less the wide is worth where it is to be frequent or rare. It is a little more
than the wide is better than a single in silence (0.8), or worse than a single of the leader of an
overlap (0.8): so these change sides. It is less than the wide is worse than a single of the only
speaker (1.3), and far less than it is better than a single of the wrong person (5.7)."""

WIDE_STEPS = {"rare": -WIDE_STEP, "normal": 0.0, "often": WIDE_STEP}
"""By the style's `wide_frequency`."""


def weigh_wide(
    reward: NDArray[np.float64], framings: tuple[Framing, ...], style: Style
) -> NDArray[np.float64]:
    """Return the (T, S) reward of S framings with that of the wide as frequent as the style's."""
    step = WIDE_STEPS[style.wide_frequency]
    if not step:
        return reward
    weighed = reward.copy()
    weighed[:, framings.index(WIDE)] += step
    return weighed


def with_wide_ends(search: ShotSearch, style: Style, rate: Fraction) -> ShotSearch:
    """Return the search that opens and closes with a wide, if the style does.

    It lasts as long as the style says, and the shortest shot at least. Locks go before it.
    """
    span, wides = search.range, list[PlannedShot]()
    if style.open_wide_seconds:
        end = span.start + _wide_frames(search, style.open_wide_seconds, rate)
        wides.append(PlannedShot(FrameRange(span.start, end), WIDE))
    if style.close_wide_seconds:
        start = span.end - _wide_frames(search, style.close_wide_seconds, rate)
        wides.append(PlannedShot(FrameRange(start, span.end), WIDE))
    return search.favouring(wides) if wides else search


def reason_at_end(span: FrameRange, whole: FrameRange, style: Style) -> str:
    """Return the reason for a wide that opens or closes the cut, if the style demands it."""
    if style.open_wide_seconds and span.start == whole.start:
        return "wide: opens the cut"
    if style.close_wide_seconds and span.end == whole.end:
        return "wide: closes the cut"
    return ""


def _wide_frames(search: ShotSearch, seconds: float, rate: Fraction) -> int:
    frames = max(search.min_shot, round(seconds * rate))
    return min(frames, search.range.duration)
