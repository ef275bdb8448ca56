"""The dynamic programme of the search for shots: the best value at each place for a cut.

The value of a framing at a place is that of the best sequence of shots up to there whose last shot
has that framing and is long enough. From one place to the next it grows by the framing's reward,
unless a shot that has just become long enough is worth more. What such a shot is worth depends on
where it began, not on what came since. So through as many places as the shortest shot has, each
framing can be followed on its own: the table is filled in blocks of that size. A shot that is a
whole camera shot of the source may be shorter. It has a value only where that camera shot ends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORBIDDEN = -1e9
"""Value of a forbidden sequence: far below any sum of real rewards."""

MIN_COST = 0.01
"""In seconds of the right framing. From this cost of a cut on, to leave the best framing and enter
it again at once is worse than staying, however the sums are rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The K places at which shots of S framings may begin or end, both ends of the range too."""

    frames: NDArray[np.int64]
    """(K,) source frames."""
    costs: NDArray[np.float64]
    """(K,) of a cut."""
    totals: NDArray[np.float64]
    """(S, K) sums of the rewards before each place."""
    gains: NDArray[np.float64]
    """(S, K - 1) rewards from each place to the next."""
    long_enough: NDArray[np.int64]
    """(K,) the first place at which a shot from each place on is long enough; K if none is."""
    is_first: NDArray[np.bool_]
    """(K,) whether no shot from an earlier place on becomes long enough at the same place."""
    breaks: dict[int, list[int]]
    """The framings that break at a place, for each such place in order."""
    camera_edges: dict[int, int | None]
    """Places at which a camera shot of the source begins or ends, in order, each with the one
    before; None for the first."""

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of places such that what becomes long enough in one began before it.

        The place after one at which a framing breaks, or a camera shot ends, begins another.
        """
        start, count = 1, len(self.frames)
        long_enough, stops = self.long_enough.tolist(), sorted({*self.breaks, *self.camera_edges})
        stops.append(count)
        while start < count:
            end = min(long_enough[start], stops[bisect_left(stops, start)] + 1, count)
            yield start, end
            start = end

    def restarts(self, place: int) -> Collection[int]:
        """Return the framings that may follow themselves at a place, with a new crop."""
        if place in self.camera_edges:
            return range(len(self.totals))
        return self.breaks.get(place, ())

    def last_break(self, framing: int, place: int) -> int:
        """Return the last place before `place` at which a framing breaks; 0 if there is none."""
        before = (p for p, framings in self.breaks.items() if p < place and framing in framings)
        return max(before, default=0)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The values of S framings at K places."""

    places: Places
    value: NDArray[np.float64]
    """(S, K) of the best sequence whose last shot has that framing and may end there."""
    entry: NDArray[np.float64]
    """(S, K) of the best sequence after which a shot of that framing may begin there."""
    camera_shots: dict[int, NDArray[np.float64]]
    """For each place where a camera shot ends: (S,) of the best sequence whose last shot has that
    framing and is that camera shot."""

    def best_sequence(self, last: NDArray[np.float64]) -> list[tuple[int, int, int]]:
        """Return the best shots: the places of their start and end, and their framing.

        `last` is (S,) the value of ending with each framing. No shots where every sequence is
        forbidden.
        """
        shots: list[tuple[int, int, int]] = []
        entered = [self._entered(s) for s in range(len(self.value))]
        end = self.value.shape[1] - 1
        at_end = self.ending_at(end) + last
        framing = int(np.argmax(at_end))
        if at_end[framing] < FORBIDDEN / 2:
            return []
        while end > 0:
            start = self._start_of_camera_shot(framing, end)
            if start is None:
                place = entered[framing][bisect_right(entered[framing], end) - 1]
                start = self._start(framing, place)
            shots.append((start, end, framing))
            before, restarts = self.ending_at(start).tolist(), self.places.restarts(start)
            end, framing = start, _framing_before(before, framing, restarts)
        return shots[::-1]

    def ending_at(self, place: int) -> NDArray[np.float64]:
        """Return (S,) the value of the best sequence that ends at a place with each framing."""
        camera_shots = self.camera_shots.get(place)
        long_enough = self.value[:, place]
        return long_enough if camera_shots is None else np.maximum(long_enough, camera_shots)

    def _start_of_camera_shot(self, framing: int, end: int) -> int | None:
        """Return where the last shot begins if it is a camera shot that ends at a place."""
        camera_shots = self.camera_shots.get(end)
        if camera_shots is None or camera_shots[framing] <= self.value[framing, end]:
            return None
        return self.places.camera_edges[end]

    def _entered(self, framing: int) -> list[int]:
        """Return the places at which a new shot was worth more than going on with an old one."""
        value = self.value[framing]
        is_new = value[1:] != value[:-1] + self.places.gains[framing]
        for place, framings in self.places.breaks.items():
            is_new[place] |= framing in framings
        return (np.flatnonzero(is_new) + 1).tolist()

    def _start(self, framing: int, place: int) -> int:
        """Return where the best of the shots begins that become long enough at a place."""
        places = self.places
        first, last = np.searchsorted(places.long_enough, (place, place + 1)).tolist()
        first = max(first, places.last_break(framing, place))
        totals = places.totals[framing]
        value = self.entry[framing, first:last] + totals[place] - totals[first:last]
        return first + int(np.argmax(value))


def fill_table(places: Places, first: NDArray[np.float64]) -> Table:
    """Return the table; `first` is (S,) the value of starting with each framing.

    Plain lists inside: each value is the sum of the one before and a gain, in that order.
    """
    table = Table(places, np.empty_like(places.totals), np.empty_like(places.totals), {})
    table.value[:, 0], table.entry[:, 0] = FORBIDDEN, first
    value, broken_at = [FORBIDDEN] * len(first), [0] * len(first)
    places_before = np.arange(len(places.frames) + 1)
    shots_before = np.searchsorted(places.long_enough, places_before).tolist()
    edges = places.camera_edges
    cheap = [n for n in np.flatnonzero(places.costs < MIN_COST).tolist() if n not in edges]
    for start, end in places.blocks():
        gains = places.gains[:, start - 1 : end - 1].tolist()
        for s in places.breaks.get(start - 1, ()):
            value[s], gains[s][0], broken_at[s] = FORBIDDEN, 0.0, start - 1
        new = _new_shots(table, start, end, shots_before[start], shots_before[end], broken_at)
        rows = [_follow(*row) for row in zip(value, gains, new.tolist(), strict=True)]
        value = [row[-1] for row in rows]
        at = slice(start, end)
        table.value[:, at] = rows
        table.entry[:, at] = table.value[:, at].max(axis=0) - places.costs[at]
        if (camera_shot_start := edges.get(end - 1)) is not None:
            _end_camera_shot(table, camera_shot_start, end - 1, broken_at)
        for place in cheap[bisect_left(cheap, start) : bisect_left(cheap, end)]:
            _enter_from_others(table, place)
    return table


def _end_camera_shot(table: Table, start: int, end: int, broken_at: Sequence[int]) -> None:
    """Note what a shot is worth that is the whole camera shot between two places."""
    totals = table.places.totals
    value = table.entry[:, start] + totals[:, end] - totals[:, start]
    value[np.array(broken_at) > start] = FORBIDDEN
    table.camera_shots[end] = value
    table.entry[:, end] = table.ending_at(end).max() - table.places.costs[end]


def _new_shots(
    table: Table, start: int, end: int, first: int, last: int, broken_at: Sequence[int]
) -> NDArray[np.float64]:
    """Return (S, end - start) the best value of a shot that is just long enough at each place.

    These begin at the places from `first` to `last`. -inf where there is none.
    """
    places = table.places
    totals, ends = places.totals, places.long_enough[first:last]
    value = table.entry[:, first:last] + totals[:, ends] - totals[:, first:last]
    for s, place in enumerate(broken_at):
        value[s, : max(0, place - first)] = -np.inf
    is_first = places.is_first[first:last]
    if last - first == end - start and is_first.all():  # one at each place
        return value
    new = np.full((len(value), end - start), -np.inf)
    if last > first:
        groups = np.flatnonzero(is_first)
        new[:, ends[groups] - start] = np.maximum.reduceat(value, groups, axis=1)
    return new


def _follow(value: float, gains: Sequence[float], new: Sequence[float]) -> list[float]:
    """Return the values of a framing: the one before with its gain, or that of a new shot."""
    values: list[float] = []
    for gain, other in zip(gains, new, strict=True):
        value += gain
        if other > value:
            value = other
        values.append(value)
    return values


def _enter_from_others(table: Table, place: int) -> None:
    """Correct the entries at a place where a cut costs nothing: no framing may follow itself."""
    value = table.value[:, place].tolist()
    best, restarts = int(np.argmax(value)), table.places.restarts(place)
    before = _framing_before(value, best, restarts)
    entry = value[before] - table.places.costs[place] if before >= 0 else FORBIDDEN
    table.entry[best, place] = entry


def _framing_before(value: Sequence[float], framing: int, restarts: Collection[int]) -> int:
    """Return the best framing before a cut to `framing`; -1 if there is none.

    A framing does not follow itself, unless it is among `restarts`.
    """
    best = max(range(len(value)), key=value.__getitem__)
    if framing != best or best in restarts:
        return best
    others = [s for s in range(len(value)) if s != best]
    return max(others, key=value.__getitem__, default=-1)
