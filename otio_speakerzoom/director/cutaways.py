"""Cutaways from long singles, to the wide or to a listener."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from otio_speakerzoom.director.planned_shot import WIDE, Framing, PlannedShot
from otio_speakerzoom.director.shot_search import ShotSearch
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import FrameRange


def break_up_long_singles(
    search: ShotSearch,
    shots: Sequence[PlannedShot],
    activity: SpeakerActivity,
    style: Style,
    rate: float,
) -> list[PlannedShot]:
    """Return a cutaway from each single that is too long, at its quietest moment.

    None where the style closes in on the face instead.
    """
    if style.break_long_singles_with == "push-in":
        return []
    max_shot, min_shot = round(style.max_shot_seconds * rate), search.min_shot
    turn_starts = activity.turn_starts()
    cutaways: list[PlannedShot] = []
    for shot in shots:
        span = shot.range
        too_long = span.duration > max(max_shot, 3 * min_shot)
        if not max_shot or not too_long or len(shot.framing) != 1 or shot.lock is not None:
            continue
        # in the second half of the longest shot allowed, and with room for a shot after it
        latest = min(span.start + max(max_shot, min_shot), span.end - 2 * min_shot)
        earliest = min(span.start + max(min_shot, max_shot // 2), latest)
        at = _quietest_frame(activity, earliest, latest)
        between = FrameRange(at, at + min_shot)
        framing = WIDE
        if style.break_long_singles_with == "listener":
            framing = _listener(search, activity, turn_starts, shot.framing[0], between)
        cutaways.append(PlannedShot(between, framing))
    return cutaways


def show_reactions(
    search: ShotSearch,
    shots: Sequence[PlannedShot],
    activity: SpeakerActivity,
    style: Style,
    rate: float,
) -> list[PlannedShot]:
    """Return cutaways to listeners from the longest singles, as many more as the style allows."""
    min_shot = search.min_shot
    singles = [shot for shot in shots if len(shot.framing) == 1]
    minutes = sum(shot.range.duration for shot in singles) / rate / 60
    reactions = sum(
        not activity.part(shot.range).speaks[shot.framing[0]].any() and shot.lock is None
        for shot in singles
    )
    count = int(style.reactions_per_minute * minutes) - reactions
    turn_starts = activity.turn_starts()
    cutaways: list[PlannedShot] = []
    for shot in sorted(singles, key=lambda s: -s.range.duration)[: max(0, count)]:
        span = shot.range
        if span.duration < 4 * min_shot or shot.lock is not None:
            continue
        at = _quietest_frame(activity, span.start + min_shot, span.end - 2 * min_shot)
        between = FrameRange(at, at + min_shot)
        framing = _listener(search, activity, turn_starts, shot.framing[0], between)
        if framing != WIDE:
            cutaways.append(PlannedShot(between, framing))
    return cutaways


def _quietest_frame(activity: SpeakerActivity, first: int, last: int) -> int:
    """Return the frame from `first` to `last` with the least voice; of several the last."""
    voice = activity.part(FrameRange(first, last + 1)).voice
    return last - int(np.argmin(voice[::-1]))


def _listener(
    search: ShotSearch,
    activity: SpeakerActivity,
    turn_starts: Sequence[Sequence[int]],
    speaker: int,
    span: FrameRange,
) -> Framing:
    """Return the single of somebody who listens in `span`; the wide where nobody does.

    Of several the one who speaks next, since a reply shows in a face before the first word.
    """
    part = activity.part(span)

    def next_turn(person: int) -> int:
        starts = turn_starts[person]
        later = bisect_left(starts, span.end)
        return starts[later] if later < len(starts) else activity.range.end

    listeners = [
        person
        for person in range(len(activity.speaks))
        if person != speaker
        and (person,) in search.framings
        and part.visible[person].all()
        and not part.speaks[person].any()
    ]
    return (min(listeners, key=next_turn),) if listeners else WIDE
