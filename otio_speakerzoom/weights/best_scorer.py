"""Which scorer `auto` stands for: the best one whose weights can be had."""

from __future__ import annotations

from otio_speakerzoom.weights import fetch, quick_fetch
from otio_speakerzoom.weights.names import BUNDLED_SCORER, SCORERS, SMALL_SCORER

CANDIDATES = SCORERS[: SCORERS.index(BUNDLED_SCORER)]
"""The scorers that are better than ours, best first."""


def best_scorer() -> str:
    """Return the name of the best scorer whose weights are on this machine.

    WeightsError if a file is there under the name of weights that it is not.
    """
    return next((name for name in CANDIDATES if fetch.find(name)), BUNDLED_SCORER)


def get_best_scorer() -> str:
    """Return the name of the best scorer, after a quick attempt to fetch one better than ours.

    There is an attempt only where no better one is here.
    """
    name = best_scorer()
    if name != BUNDLED_SCORER:
        return name
    why = f"the small network that finds the speaker more often than {BUNDLED_SCORER}"
    return SMALL_SCORER if quick_fetch.try_download(SMALL_SCORER, why) else BUNDLED_SCORER


def better_scorer(name: str, *, at_all: bool = False) -> str:
    """Return the best scorer that is better than `name` and on this machine; "" if there is none.

    With `at_all`, the one that could be fetched counts too.
    """
    better = CANDIDATES[: SCORERS.index(name)]
    here = (other for other in better if fetch.find(other) or (at_all and other == SMALL_SCORER))
    return next(here, "")
