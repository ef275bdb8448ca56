"""Who speaks to shots: what is shown, from when to when.

Each frame gives each picture (the wide, one person, or two side by side) a worth; a cut costs a
little, less in a pause; no shot may be shorter than the minimum. The best sequence of pictures
under these rules is found exactly, by dynamic programming over the whole programme, so there is
one place that knows about shot length and no second rule that could undo it. A film that sees the
future beats rules that act frame by frame: a turn is shown from before its first word, and an
interjection too short for a shot never takes one. What else a cut wants (a long shot broken up, a
moving face framed anew) is asked of the same search, by worths and by where it may cut.
(Shot choice as a search for the cheapest sequence: Ranjan et al., GAZED, CHI 2020.)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Framing = tuple[int, ...]
"""The rows of the people framed: none for the wide, one for a single, two for a two-shot."""

WIDE: Framing = ()

NEVER = -1e9
"""Worth of a picture that must not be: far below any sum of real worths."""


@dataclass(frozen=True, slots=True, eq=False)
class ShotSearch:
    """What the best sequence of shots is chosen from."""

    framings: tuple[Framing, ...]
    """(S) the wide first."""
    reward: NDArray[np.float64]
    """(T, S) of each picture in each frame, in seconds of the right picture."""
    cut_cost: NDArray[np.float64]
    """(T + 1,) of a cut before each frame, in the same unit; infinite where none may be."""
    min_shot: int
    """Frames."""
    breaks: tuple[frozenset[int], ...]
    """(S) frames at which each picture cannot go on as it is, but may begin anew: the source's own
    cuts for all but the wide, and where a face that moved is to be framed again."""
    free: frozenset[int] = frozenset()
    """Frames at which a cut costs nothing, because the source cuts there anyway."""


def search_shots(
    search: ShotSearch, *, before: Framing | None = None, after: Framing | None = None
) -> list[tuple[int, int, Framing]]:
    """Return (start, end, picture) of each shot: they follow one another and cover all frames.

    No shot is shorter than the minimum (the whole may be), no picture runs across one of its
    breaks unless all that is left is one shot, and no cut lies where it must not. `before` and
    `after` are what the shots around the whole show, if anything: to go on with it is no cut.
    """
    frames = len(search.reward)
    finite = search.cut_cost[np.isfinite(search.cut_cost)]
    edge = float(finite.min()) if finite.size else 0.0
    enter = np.array([0.0 if before in (None, p) else -edge for p in search.framings])
    leave = np.array([0.0 if after in (None, p) else -edge for p in search.framings])
    if frames < 2 * search.min_shot:  # no room for a cut
        total = search.reward.sum(axis=0) + enter + leave
        broken = [any(0 < cut < frames for cut in breaks) for breaks in search.breaks]
        return [(0, frames, search.framings[int(np.argmax(total + NEVER * np.array(broken)))])]
    at, value, begun, came_from = _best_values(search, enter)
    shots: list[tuple[int, int, Framing]] = []
    end, framing = len(at) - 1, int(np.argmax(value + leave))
    while end > 0:
        start = int(begun[end, framing])
        shots.append((int(at[start]), int(at[end]), search.framings[framing]))
        end, framing = start, int(came_from[start, framing])
    return shots[::-1]


def _best_values(
    search: ShotSearch, enter: NDArray[np.float64]
) -> tuple[NDArray[np.int64], list[float], NDArray[np.int32], NDArray[np.int32]]:
    """Return the frames at which a cut may be, the worth of each last picture, and the way there.

    begun[k, s]      at which cut the last shot began, if what ends at cut k ends with picture s
    came_from[k, s]  which picture is best to come from at cut k when s follows
    Plain lists inside: for a few pictures they are several times as fast as arrays.
    """
    frames, framings = search.reward.shape
    cuts = np.flatnonzero(np.isfinite(search.cut_cost))
    at = np.unique(np.concatenate([[0], cuts, [frames]]))
    so_far = np.vstack([np.zeros(framings), np.cumsum(search.reward, axis=0)])[at]
    gains = np.diff(so_far, axis=0).tolist()
    sums, frame_of = so_far.tolist(), at.tolist()
    broken = _broken_at(search, frame_of)
    begun = np.zeros((len(at), framings), np.int32)
    came_from = np.zeros((len(at), framings), np.int32)
    value, began = [NEVER] * framings, [0] * framings
    entries: list[list[float]] = [enter.tolist()]
    unbroken = [0] * framings  # the cut from which each picture has run unbroken up to now
    new = 0  # the first cut from which a shot is not yet long enough
    for k in range(1, len(at)):
        value = [v + gain for v, gain in zip(value, gains[k - 1], strict=True)]
        for s in broken.get(k - 1, ()):
            value[s], unbroken[s] = NEVER, k - 1
        while frame_of[new] + search.min_shot <= frame_of[k]:
            for s, entered in enumerate(entries[new]):
                fresh = entered + sums[k][s] - sums[new][s]
                if fresh > value[s] and unbroken[s] <= new:
                    value[s], began[s] = fresh, new
            new += 1
        begun[k] = began
        cost = 0.0 if frame_of[k] in search.free else float(search.cut_cost[frame_of[k]])
        entry, came_from[k] = _entry(value, cost, broken.get(k, ()))
        entries.append(entry)
    return at, value, begun, came_from


def _broken_at(search: ShotSearch, frame_of: list[int]) -> dict[int, list[int]]:
    """Return which pictures cannot go on at each cut, by its number."""
    number = {frame: k for k, frame in enumerate(frame_of)}
    broken: dict[int, list[int]] = {}
    for s, breaks in enumerate(search.breaks):
        for frame in breaks:
            if 0 < frame < frame_of[-1]:
                broken.setdefault(number[frame], []).append(s)
    return broken


def _entry(value: list[float], cost: float, anew: Collection[int]) -> tuple[list[float], list[int]]:
    """Return, for each picture, what the best picture to come from is worth, and which that is.

    A picture does not follow itself, unless it is framed `anew`.
    """
    first = max(range(len(value)), key=value.__getitem__)
    entry, came_from = [value[first] - cost] * len(value), [first] * len(value)
    if first not in anew:
        entry[first] = NEVER
        others = [s for s in range(len(value)) if s != first]
        if others:
            second = max(others, key=value.__getitem__)
            entry[first], came_from[first] = value[second] - cost, second
    return entry, came_from
