"""Why a shot is there, in an editor's words, and how sure the director is of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.shot_search import Framing
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.turns import runs
from otio_speakerzoom.model import Person


def confidence(activity: SpeakerActivity, framing: Framing, start: int, end: int) -> float:
    """Return 0 to 1: the mean probability that the picture is right, over its frames.

    A single or a two-shot is right while nobody else speaks, the wide unless just one person does.
    People are taken to speak independently.
    """
    p = activity.probability[:, start:end].astype(float)
    if framing:
        right = np.prod(1 - np.delete(p, list(framing), axis=0), axis=0)
    else:
        alone = [np.prod(1 - np.delete(p, n, axis=0), axis=0) * p[n] for n in range(len(p))]
        right = 1 - np.sum(alone, axis=0) if alone else np.ones(end - start)
    return float(np.clip(right.mean(), 0, 1))


def reason(
    people: Sequence[Person], activity: SpeakerActivity, framing: Framing, start: int, end: int
) -> str:
    """Return why the picture is shown from `start` to `end`."""
    speaks = activity.speaks[:, start:end]
    count: NDArray[np.int64] = speaks.sum(axis=0, dtype=np.int64)
    if not framing:
        return _why_wide(activity, start, end, count)
    names = [people[n].label for n in framing]
    own = speaks[list(framing)].any(axis=0)
    if len(framing) == 2:
        return f"{names[0]} and {names[1]} speak" if own.any() else f"{' and '.join(names)} listen"
    told = activity.probability[framing[0], start:end][own]
    if not own.any():
        other = [people[n].label for n, row in enumerate(speaks) if row.any()]
        return f"{names[0]} listens to {', '.join(other)}" if other else f"{names[0]} is held"
    said = f"{names[0]} speaking {told.mean():.2f}"
    if (count > 1).mean() > 0.5:
        return f"{names[0]} leads an overlap {told.mean():.2f}"
    short = [
        people[n].label
        for n, row in enumerate(speaks)
        if n != framing[0]
        for a, b in runs(row)
        if a > 0 and b < end - start
    ]
    return f"{said}; held over a word of {', '.join(dict.fromkeys(short))}" if short else said


def _why_wide(activity: SpeakerActivity, start: int, end: int, count: NDArray[np.int64]) -> str:
    if not activity.visible[:, start:end].any():
        return "wide: no face is seen"
    unseen = activity.unseen[start:end].mean()
    alone, several = (count == 1).mean(), (count > 1).mean()
    if several > max(alone, unseen):
        return "wide: overlap"
    if unseen > max(alone, 0.2):
        return "wide: a voice off screen"
    return "wide: nobody speaks" if alone < 0.5 else "wide: turns too short for a shot"
