"""From rewards to shots: the best sequence of framings, by dynamic programming.

Each framing (the wide, a single, a two-shot) has a reward in each frame; a cut has a cost, which is
lower in a pause; no shot is shorter than the minimum. Dynamic programming over the whole programme
finds the best sequence exactly, so shot length has one place, and no second rule can undo it. A
search that sees the future beats rules that act frame by frame: a turn appears before its first
word, and an interjection too short for a shot never gets one. All other demands (a break in a long
single, a new framing of a moved face) go through the same search, as rewards and as frames at
which a framing must break. (Shot selection as a search for the cheapest sequence: Ranjan et al.,
GAZED, CHI 2020.)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.planned_shot import Framing, PlannedShot
from otio_speakerzoom.model import FrameRange

FORBIDDEN = -1e9
"""Value of a forbidden sequence: far below any sum of real rewards."""


@dataclass(frozen=True, slots=True, eq=False)
class ShotSearch:
    """The search problem: framings, their rewards, and where cuts may be and what they cost."""

    range: FrameRange
    """The T source frames."""
    framings: tuple[Framing, ...]
    """(S,) the wide first."""
    reward: NDArray[np.float64]
    """(T, S) of each framing in each frame, in seconds of the right framing."""
    cut_cost: NDArray[np.float64]
    """(T + 1,) of a cut before each frame, and after the last, in the same unit; infinite where no
    cut may be."""
    min_shot: int
    """Frames."""
    breaks: tuple[frozenset[int], ...]
    """(S,) source frames at which each framing must end, or start again with another crop: the
    source's own cuts for all but the wide, and where a face has moved."""
    free_cuts: frozenset[int] = frozenset()
    """Source frames at which a cut costs nothing, because the source itself cuts there."""

    def part(self, span: FrameRange) -> ShotSearch:
        """Return the search in a part of `range`."""

        def inside(frames: frozenset[int]) -> frozenset[int]:
            return frozenset(frame for frame in frames if span.start < frame < span.end)

        if span == self.range:
            return self
        at = self._rows(span)
        return replace(
            self,
            range=span,
            reward=self.reward[at],
            cut_cost=self.cut_cost[at.start : at.stop + 1],
            breaks=tuple(inside(frames) for frames in self.breaks),
            free_cuts=inside(self.free_cuts),
        )

    def favouring(self, shots: Sequence[PlannedShot]) -> ShotSearch:
        """Return the search that rewards each of `shots` with more than its two cuts cost."""
        reward = self.reward.copy()
        highest_cost = float(self.cut_cost[np.isfinite(self.cut_cost)].max())
        for shot in shots:
            at, column = self._rows(shot.range), self.framings.index(shot.framing)
            best = reward[at].max(axis=1)
            reward[at, column] = best + (2 * highest_cost + 0.5) / shot.range.duration
        return replace(self, reward=reward)

    def breaking(self, breaks: Sequence[tuple[Framing, int]]) -> ShotSearch:
        """Return the search in which each framing also breaks at its frame, where a cut may be."""
        at_frames, cost = list(self.breaks), self.cut_cost.copy()
        for framing, frame in breaks:
            at_frames[self.framings.index(framing)] |= {frame}
            if not np.isfinite(cost[frame - self.range.start]):
                cost[frame - self.range.start] = 0.0
        return replace(self, breaks=tuple(at_frames), cut_cost=cost)

    def _rows(self, span: FrameRange) -> slice:
        return slice(span.start - self.range.start, span.end - self.range.start)


def search_shots(
    search: ShotSearch, *, before: Framing | None = None, after: Framing | None = None
) -> list[PlannedShot]:
    """Return the best sequence of shots, which covers all frames once.

    No shot is shorter than the minimum (unless all frames are), no framing runs across one of its
    breaks unless there is room for one shot only, and no cut lies where it must not. `before` and
    `after` are the framings around the range, if any: continuing one of them is not a cut.
    """
    span, framings = search.range, search.framings
    finite = search.cut_cost[np.isfinite(search.cut_cost)]
    edge_cost = float(finite.min()) if finite.size else 0.0
    first = np.array([0.0 if before in (None, f) else -edge_cost for f in framings])
    last = np.array([0.0 if after in (None, f) else -edge_cost for f in framings])
    if span.duration < 2 * search.min_shot:  # no room for a cut
        total = search.reward.sum(axis=0) + first + last
        breaks = [any(span.start < f < span.end for f in frames) for frames in search.breaks]
        best = int(np.argmax(total + FORBIDDEN * np.array(breaks)))
        return [PlannedShot(span, framings[best])]
    table = _fill_table(search, first)
    shots: list[PlannedShot] = []
    end, framing = len(table.frames) - 1, int(np.argmax(table.value + last))
    while end > 0:
        start = int(table.shot_start[end, framing])
        shot = FrameRange(table.frames[start], table.frames[end])
        shots.append(PlannedShot(shot, framings[framing]))
        end, framing = start, int(table.previous[start, framing])
    return shots[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Values of the dynamic programme; K places for a cut include both ends."""

    frames: list[int]
    """(K,) source frames."""
    value: list[float]
    """(S,) of the best sequence whose last shot has that framing."""
    shot_start: NDArray[np.int32]
    """(K, S) place at which the last shot starts, if the sequence ends at place k with framing s"""
    previous: NDArray[np.int32]
    """(K, S) best framing before place k if framing s follows"""


def _fill_table(search: ShotSearch, first: NDArray[np.float64]) -> _Table:
    """Return the table of the search; `first` is (S,) the value of starting with each framing.

    Plain lists inside: for a few framings they are several times as fast as arrays.
    """
    count = len(search.framings)
    places = np.flatnonzero(np.isfinite(search.cut_cost))
    places = np.unique(np.concatenate([[0], places, [search.range.duration]]))
    sums = np.vstack([np.zeros(count), np.cumsum(search.reward, axis=0)])[places]
    gains, totals = np.diff(sums, axis=0).tolist(), sums.tolist()
    frames: list[int] = (search.range.start + places).tolist()
    costs: list[float] = search.cut_cost[places].tolist()
    breaks_at = _breaks_by_place(search, frames)
    shot_start = np.zeros((len(frames), count), np.int32)
    previous = np.zeros((len(frames), count), np.int32)
    value, start_of = [FORBIDDEN] * count, [0] * count
    entry_values: list[list[float]] = [first.tolist()]
    last_break = [0] * count  # the place since which each framing has not been broken
    new = 0  # the first place from which a shot is not yet long enough
    for k in range(1, len(frames)):
        value = [v + gain for v, gain in zip(value, gains[k - 1], strict=True)]
        for s in breaks_at.get(k - 1, ()):
            value[s], last_break[s] = FORBIDDEN, k - 1
        while frames[new] + search.min_shot <= frames[k]:
            for s, entry_value in enumerate(entry_values[new]):
                candidate = entry_value + totals[k][s] - totals[new][s]
                if candidate > value[s] and last_break[s] <= new:
                    value[s], start_of[s] = candidate, new
            new += 1
        shot_start[k] = start_of
        cost = 0.0 if frames[k] in search.free_cuts else costs[k]
        entries, previous[k] = _enter_from_best(value, cost, breaks_at.get(k, ()))
        entry_values.append(entries)
    return _Table(frames, value, shot_start, previous)


def _breaks_by_place(search: ShotSearch, frames: list[int]) -> dict[int, list[int]]:
    """Return which framings break at each place for a cut, by its number."""
    place_of = {frame: k for k, frame in enumerate(frames)}
    framings: dict[int, list[int]] = {}
    for s, breaks in enumerate(search.breaks):
        for frame in breaks:
            if frames[0] < frame < frames[-1]:
                framings.setdefault(place_of[frame], []).append(s)
    return framings


def _enter_from_best(
    value: list[float], cost: float, restarts: Collection[int]
) -> tuple[list[float], list[int]]:
    """Return (S,) the value of entering each framing after a cut, and the best framing before it.

    A framing does not follow itself, unless it is among `restarts`.
    """
    best = max(range(len(value)), key=value.__getitem__)
    entries, previous = [value[best] - cost] * len(value), [best] * len(value)
    if best not in restarts:
        entries[best] = FORBIDDEN
        others = [s for s in range(len(value)) if s != best]
        if others:
            second = max(others, key=value.__getitem__)
            entries[best], previous[best] = value[second] - cost, second
    return entries, previous
