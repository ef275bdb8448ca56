"""The reason for a shot, in an editor's words, and the director's confidence in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.planned_shot import Framing
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.wide_preferences import reason_at_end
from otio_speakerzoom.model import FrameRange, Person


def explain(
    people: Sequence[Person], activity: SpeakerActivity, framing: Framing, span: FrameRange,
    style: Style,
) -> tuple[str, float]:  # fmt: skip
    """Return the reason and the confidence of the shot of `span`; `activity` is of the whole cut.

    A wide that the style demands at the start or the end is certain.
    """
    if not framing and (at_end := reason_at_end(span, activity.range, style)):
        return at_end, 1.0
    of_shot = activity.part(span)
    return reason(people, of_shot, framing), confidence(of_shot, framing)


def confidence(activity: SpeakerActivity, framing: Framing) -> float:
    """Return 0 to 1: the mean probability that the framing is right, over the frames of a shot.

    A single or a two-shot is right while nobody else speaks, the wide unless exactly one person
    does. Whether one person speaks is taken to be independent of the others.
    """
    p = activity.probability.astype(float)
    if framing:
        right = np.ones(activity.range.duration)
        for n, row in enumerate(p):
            if n not in framing:
                right *= 1 - row
    else:
        alone = [np.prod(1 - np.delete(p, n, axis=0), axis=0) * p[n] for n in range(len(p))]
        right = 1 - np.sum(alone, axis=0) if alone else np.ones(activity.range.duration)
    return float(np.clip(right.mean(), 0, 1))


def reason(people: Sequence[Person], activity: SpeakerActivity, framing: Framing) -> str:
    """Return why a shot has its framing; `activity` is that of the shot."""
    speaks = activity.speaks
    count: NDArray[np.int64] = speaks.sum(axis=0, dtype=np.int64)
    if not framing:
        return _reason_for_wide(activity, count)
    names = [people[n].label for n in framing]
    own = speaks[list(framing)].any(axis=0)
    if len(framing) == 2:
        return f"{names[0]} and {names[1]} speak" if own.any() else f"{' and '.join(names)} listen"
    if not own.any():
        others = [people[n].label for n, row in enumerate(speaks) if row.any()]
        return f"{names[0]} listens to {', '.join(others)}" if others else f"{names[0]} is held"
    probability = activity.probability[framing[0]][own].mean()
    if 2 * np.count_nonzero(count > 1) > len(count):
        return f"{names[0]} leads an overlap {probability:.2f}"
    interjections = [
        people[n].label
        for n, row in enumerate(speaks)
        if n != framing[0] and row.any()
        for start, end in runs(row)
        if start > 0 and end < activity.range.duration
    ]
    text = f"{names[0]} speaking {probability:.2f}"
    if interjections:
        text += f"; held over a word of {', '.join(dict.fromkeys(interjections))}"
    return text


def _reason_for_wide(activity: SpeakerActivity, count: NDArray[np.int64]) -> str:
    if not activity.visible.any():
        return "wide: no face is seen"
    off_screen = activity.off_screen.mean()
    alone, several = (count == 1).mean(), (count > 1).mean()
    if several > max(alone, off_screen):
        return "wide: overlap"
    if off_screen > max(alone, 0.2):
        return "wide: a voice off screen"
    return "wide: nobody speaks" if alone < 0.5 else "wide: turns too short for a shot"
