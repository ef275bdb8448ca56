"""The whole programme's shots: the search between the editor's locks, and what else a cut wants.

A long single is broken up, a listener is shown, a face that moved is framed anew. Each of these is
a request to the one search that knows about shot length: a worth that makes a picture the best for
a while, or a frame at which a picture must begin anew. So none of them can make a shot too short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.shot_search import WIDE, Framing, ShotSearch, search_shots
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import runs

MOST_ROUNDS = 8
"""Requests change the shots, which may ask for more; an hour's cut settles in three or four."""


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """One shot of the programme, in frames from its start."""

    start: int
    end: int
    framing: Framing
    lock: int | None = None
    """Number of the lock that decided it."""


Locked = tuple[int, int, Framing]
"""Frames from, to, and the picture that the editor wants there."""

Leaves = Callable[[PlannedShot], int | None]
"""Where a single should be framed anew, because the face has moved; None where it need not."""


def plan(
    search: ShotSearch,
    activity: SpeakerActivity,
    style: Style,
    rate: float,
    *,
    locked: Sequence[Locked] = (),
    leaves: Leaves | None = None,
) -> list[PlannedShot]:
    """Return the shots, which cover all frames once.

    `locked` are (start, end, picture) in order of time: they are kept exactly, and between them
    is planned. A gap between locks too short for a shot is shown as one of the two, whichever
    picture is the better there.
    """
    shots = _between(search, locked)
    for _ in range(MOST_ROUNDS):
        wanted = _reliefs(search, shots, activity, style, rate)
        if style.reactions_per_minute and not wanted:
            wanted = _reactions(search, shots, activity, style, rate)
        asked = _granted(search, wanted) if wanted else _broken(search, shots, leaves)
        if asked is None:
            break
        search, frames = asked
        shots = _planned_again(search, shots, frames)
    return shots


def _planned_again(
    search: ShotSearch, shots: Sequence[PlannedShot], frames: set[int]
) -> list[PlannedShot]:
    """Return the shots with those anew in which any of `frames` lies; the others stay."""
    out: list[PlannedShot] = []
    for n, shot in enumerate(shots):
        if not any(shot.start < frame < shot.end for frame in frames):
            out.append(shot)
            continue
        before = shots[n - 1].framing if n else None
        after = shots[n + 1].framing if n + 1 < len(shots) else None
        part = _part(search, shot.start, shot.end)
        found = search_shots(part, before=before, after=after)
        out += [PlannedShot(shot.start + a, shot.start + b, framing) for a, b, framing in found]
    return _joined(out)


def _between(search: ShotSearch, locked: Sequence[Locked]) -> list[PlannedShot]:
    """Return the locks and the best shots between them."""
    frames = len(search.reward)
    shots: list[PlannedShot] = []
    at = 0
    ends = [*(start for start, _, _ in locked), frames]
    for number, gap_end in enumerate(ends):
        before = locked[number - 1] if number else None
        after = locked[number] if number < len(locked) else None
        if gap_end - at >= search.min_shot or (gap_end > at and not locked):
            found = search_shots(
                _part(search, at, gap_end),
                before=before and before[2],
                after=after and after[2],
            )
            shots += [PlannedShot(at + start, at + end, framing) for start, end, framing in found]
        elif gap_end > at and before and not (after and _suits(search, at, gap_end, after, before)):
            shots[-1] = replace(shots[-1], end=gap_end)
        if after:
            start = shots[-1].end if shots else 0
            shots.append(PlannedShot(start, after[1], after[2], number))
            at = after[1]
    return _joined(shots)


def _suits(search: ShotSearch, start: int, end: int, lock: Locked, other: Locked) -> bool:
    """Whether the picture of a lock is better from `start` to `end` than that of another."""
    reward = search.reward[start:end].sum(axis=0)
    column, beside = (search.framings.index(framing) for _, _, framing in (lock, other))
    return bool(reward[column] > reward[beside])


def _joined(shots: Sequence[PlannedShot]) -> list[PlannedShot]:
    """Return `shots` with neighbours of the wide made one (a cut between them shows nothing)."""
    out: list[PlannedShot] = []
    for shot in shots:
        last = out[-1] if out else None
        if last and last.framing == shot.framing == WIDE and last.lock is shot.lock is None:
            out[-1] = replace(last, end=shot.end)
        else:
            out.append(shot)
    return out


def _part(search: ShotSearch, start: int, end: int) -> ShotSearch:
    """Return the search over frames `start` to `end` alone."""

    def moved(frames: frozenset[int]) -> frozenset[int]:
        return frozenset(frame - start for frame in frames if start < frame < end)

    if (start, end) == (0, len(search.reward)):
        return search
    return replace(
        search,
        reward=search.reward[start:end],
        cut_cost=search.cut_cost[start : end + 1],
        breaks=tuple(moved(frames) for frames in search.breaks),
        free=moved(search.free),
    )


# --- requests -------------------------------------------------------------------------------------

Wanted = tuple[int, int, Framing]
"""Frames from, to, and the picture that should be on screen."""


def _granted(search: ShotSearch, wanted: Sequence[Wanted]) -> tuple[ShotSearch, set[int]]:
    """Return the search in which what is wanted is worth its two cuts and more, and where it is."""
    reward = search.reward.copy()
    dearest = float(search.cut_cost[np.isfinite(search.cut_cost)].max())
    for start, end, framing in wanted:
        column = search.framings.index(framing)
        best = reward[start:end].max(axis=1)
        reward[start:end, column] = best + (2 * dearest + 0.5) / (end - start)
    return replace(search, reward=reward), {start for start, _, _ in wanted}


def _reliefs(
    search: ShotSearch,
    shots: Sequence[PlannedShot],
    activity: SpeakerActivity,
    style: Style,
    rate: float,
) -> list[Wanted]:
    """Return what should break up each single that is too long, in its quietest place."""
    most, least = round(style.max_shot_seconds * rate), search.min_shot
    wanted: list[Wanted] = []
    for shot in shots:
        long = shot.end - shot.start > max(most, 3 * least)
        if not most or not long or len(shot.framing) != 1 or shot.lock is not None:
            continue
        # in the second half of what may be shown at once, and with room for a shot after it
        latest = min(shot.start + max(most, least), shot.end - 2 * least)
        earliest = min(shot.start + max(least, most // 2), latest)
        at = _quietest(activity, earliest, latest + 1)
        framing = WIDE
        if style.break_long_singles_with == "listener":
            framing = _listener(search, activity, shot.framing[0], at, at + least)
        wanted.append((at, at + least, framing))
    return wanted


def _reactions(
    search: ShotSearch,
    shots: Sequence[PlannedShot],
    activity: SpeakerActivity,
    style: Style,
    rate: float,
) -> list[Wanted]:
    """Return the listeners to show in the longest singles, as many as the style allows in all."""
    least = search.min_shot
    singles = [s for s in shots if len(s.framing) == 1]
    minutes = sum(s.end - s.start for s in singles) / rate / 60
    shown = sum(
        not activity.speaks[s.framing[0], s.start : s.end].any() and s.lock is None for s in singles
    )
    left = int(style.reactions_per_minute * minutes) - shown
    wanted: list[Wanted] = []
    for shot in sorted(singles, key=lambda s: s.start - s.end)[: max(0, left)]:
        if shot.end - shot.start < 4 * least or shot.lock is not None:
            continue
        at = _quietest(activity, shot.start + least, shot.end - 2 * least + 1)
        framing = _listener(search, activity, shot.framing[0], at, at + least)
        if framing != WIDE:
            wanted.append((at, at + least, framing))
    return wanted


def _broken(
    search: ShotSearch, shots: Sequence[PlannedShot], leaves: Leaves | None
) -> tuple[ShotSearch, set[int]] | None:
    """Return the search in which singles begin anew where their faces have left their place."""
    breaks, frames = list(search.breaks), set[int]()
    for shot in shots if leaves else ():
        if len(shot.framing) == 1 and shot.lock is None and leaves:
            column = search.framings.index(shot.framing)
            at = leaves(shot)
            if at is not None and at not in breaks[column]:
                breaks[column] |= {at}
                frames.add(at)
    cost = search.cut_cost.copy()
    cost[[*frames]] = np.where(np.isfinite(cost[[*frames]]), cost[[*frames]], 0.0)
    return (replace(search, breaks=tuple(breaks), cut_cost=cost), frames) if frames else None


def _quietest(activity: SpeakerActivity, start: int, end: int) -> int:
    """Return the frame in `start` to `end` at which least is heard; of several the last."""
    return end - 1 - int(np.argmin(activity.voice[start:end][::-1]))


def _listener(
    search: ShotSearch, activity: SpeakerActivity, speaker: int, start: int, end: int
) -> Framing:
    """Return the single of who listens from `start` to `end`; the wide where nobody does.

    Of several the one who speaks next, since a reply shows in a face before it is heard.
    """

    def next_word(person: int) -> int:
        later = [first for first, _ in runs(activity.speaks[person]) if first >= end]
        return later[0] if later else activity.speaks.shape[1]

    listeners = [
        person
        for person in range(len(activity.speaks))
        if person != speaker
        and (person,) in search.framings
        and activity.visible[person, start:end].all()
        and not activity.speaks[person, start:end].any()
    ]
    return (min(listeners, key=next_word),) if listeners else WIDE


def quiet_split(
    centres: NDArray[np.float64], voice: NDArray[np.float32], least: int, reach: int
) -> int | None:
    """Return where to split a shot whose face moves, so that each part needs moving least.

    `centres` are (T, 2), `voice` is (T,); no part is shorter than `least`. Of the frames within
    `reach` of the best one, the one in which least is heard. None where there is no room.
    """
    frames = len(centres)
    if frames < 2 * least:
        return None
    square, total = np.cumsum(centres**2, axis=0), np.cumsum(centres, axis=0)
    n = np.arange(1, frames)[:, None]
    first = square[:-1] - total[:-1] ** 2 / n
    rest = square[-1] - square[:-1] - (total[-1] - total[:-1]) ** 2 / (frames - n)
    error = (first + rest).sum(axis=1)  # error[i]: split before frame i + 1
    best = least + int(np.argmin(error[least - 1 : frames - least]))
    low, high = max(least, best - reach), min(frames - least, best + reach)
    return low + int(np.argmin(voice[low : high + 1]))
