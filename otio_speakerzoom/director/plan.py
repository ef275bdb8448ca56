"""The shots of the whole programme: locks, the best shots between them, cutaways and reframing.

Cutaways and new framings of faces that have moved become higher rewards and breaks in the one
search that knows about shot length, so none can make a shot too short.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from otio_speakerzoom.director.cutaways import break_up_long_singles, show_reactions
from otio_speakerzoom.director.planned_shot import WIDE, Framing, PlannedShot
from otio_speakerzoom.director.shot_search import ShotSearch, search_shots
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import FrameRange

MAX_ROUNDS = 8
"""Cutaways change the shots, which may need more; an hour's cut settles in three or four rounds."""

ReframeFrame = Callable[[PlannedShot], int | None]
"""Returns the source frame at which a single needs a new framing, because the face has moved; None
where it needs none."""


def plan(
    search: ShotSearch,
    activity: SpeakerActivity,
    style: Style,
    rate: float,
    *,
    locked: Sequence[PlannedShot] = (),
    reframe_frame: ReframeFrame | None = None,
) -> list[PlannedShot]:
    """Return the shots, which cover all frames once.

    `locked` are in order of time and stay exactly as they are; the search plans between them. In a
    gap between locks that is too short for a shot and no camera shot, one of the two goes on,
    whichever framing has the higher reward there.
    """
    shots = _plan_between_locks(search, locked)
    for _ in range(MAX_ROUNDS):
        cutaways = break_up_long_singles(search, shots, activity, style, rate)
        if style.reactions_per_minute and not cutaways:
            cutaways = show_reactions(search, shots, activity, style, rate)
        if cutaways:
            search = search.favouring(cutaways)
            frames = [cutaway.range.start for cutaway in cutaways]
        else:
            breaks = _reframe_breaks(search, shots, reframe_frame) if reframe_frame else []
            if not breaks:
                break
            search = search.breaking(breaks)
            frames = [frame for _, frame in breaks]
        shots = _plan_again(search, shots, frames)
    return shots


def _plan_between_locks(search: ShotSearch, locked: Sequence[PlannedShot]) -> list[PlannedShot]:
    """Return the locked shots, and the best shots between them."""
    shots: list[PlannedShot] = []
    at = search.range.start
    ends = [*(lock.range.start for lock in locked), search.range.end]
    for number, gap_end in enumerate(ends):
        before = locked[number - 1] if number else None
        after = locked[number] if number < len(locked) else None
        has_room = gap_end - at >= search.min_shot or {at, gap_end} <= search.camera_edges
        if gap_end > at and (has_room or not locked):
            part = search.part(FrameRange(at, gap_end))
            shots += search_shots(
                part, before=before and before.framing, after=after and after.framing
            )
        elif gap_end > at and before:
            gap = search.part(FrameRange(at, gap_end))
            if not (after and _has_higher_reward(gap, after, before)):
                shots[-1] = replace(shots[-1], range=FrameRange(shots[-1].range.start, gap_end))
        if after:
            start = shots[-1].range.end if shots else search.range.start
            shots.append(replace(after, range=FrameRange(start, after.range.end)))
            at = after.range.end
    return _merge_wides(shots)


def _has_higher_reward(search: ShotSearch, shot: PlannedShot, other: PlannedShot) -> bool:
    """Whether the framing of `shot` has a higher reward in all of `search` than that of `other`."""
    reward = search.reward.sum(axis=0)
    column, other_column = (search.framings.index(side.framing) for side in (shot, other))
    return bool(reward[column] > reward[other_column])


def _plan_again(
    search: ShotSearch, shots: Sequence[PlannedShot], frames: Sequence[int]
) -> list[PlannedShot]:
    """Return the shots, with a new search in each shot that contains one of `frames`."""
    out: list[PlannedShot] = []
    frames = sorted(frames)
    for n, shot in enumerate(shots):
        first, last = bisect_right(frames, shot.range.start), bisect_left(frames, shot.range.end)
        if first >= last:
            out.append(shot)
            continue
        before = shots[n - 1].framing if n else None
        after = shots[n + 1].framing if n + 1 < len(shots) else None
        out += search_shots(search.part(shot.range), before=before, after=after)
    return _merge_wides(out)


def _merge_wides(shots: Sequence[PlannedShot]) -> list[PlannedShot]:
    """Return `shots` with neighbouring wides as one: a cut between them would not show."""
    out: list[PlannedShot] = []
    for shot in shots:
        last = out[-1] if out else None
        if last and last.framing == shot.framing == WIDE and last.lock is shot.lock is None:
            out[-1] = replace(last, range=FrameRange(last.range.start, shot.range.end))
        else:
            out.append(shot)
    return out


def _reframe_breaks(
    search: ShotSearch, shots: Sequence[PlannedShot], reframe_frame: ReframeFrame
) -> list[tuple[Framing, int]]:
    """Return at which frames which singles need a new framing, other than those of the search."""
    breaks: list[tuple[Framing, int]] = []
    for shot in shots:
        if len(shot.framing) == 1 and shot.lock is None:
            at = reframe_frame(shot)
            if at is not None and at not in search.breaks[search.framings.index(shot.framing)]:
                breaks.append((shot.framing, at))
    return breaks
