"""From rewards to shots: the best sequence of framings, by dynamic programming.

Each framing (the wide, a single, a two-shot) has a reward in each frame; a cut has a cost, which is
lower in a pause; no shot is shorter than the minimum, unless it is a whole camera shot of the
source, whose cuts show anyway. Dynamic programming over the whole programme
finds the best sequence exactly, so shot length has one place, and no second rule can undo it. A
search that sees the future beats rules that act frame by frame: a turn appears before its first
word, and an interjection too short for a shot never gets one. All other demands (a break in a long
single, a new framing of a moved face) go through the same search, as rewards and as frames at
which a framing must break. (Shot selection as a search for the cheapest sequence: Ranjan et al.,
GAZED, CHI 2020.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.planned_shot import Framing, PlannedShot
from otio_speakerzoom.director.shot_table import FORBIDDEN, Places, fill_table
from otio_speakerzoom.model import FrameRange


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
    camera_edges: frozenset[int] = frozenset()
    """Source frames at which the source itself cuts, and the ends of the programme, as far as they
    are in `range`: a cut costs nothing there, and a shot from one to the next is long enough."""

    def part(self, span: FrameRange) -> ShotSearch:
        """Return the search in a part of `range`."""
        if span == self.range:
            return self
        at = self._rows(span)
        inside = {  # most framings break at the same frames
            frames: frozenset(frame for frame in frames if span.start < frame < span.end)
            for frames in set(self.breaks)
        }
        return replace(
            self,
            range=span,
            reward=self.reward[at],
            cut_cost=self.cut_cost[at.start : at.stop + 1],
            breaks=tuple(inside[frames] for frames in self.breaks),
            camera_edges=frozenset(
                frame for frame in self.camera_edges if span.start <= frame <= span.end
            ),
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

    No shot but a whole camera shot is shorter than the minimum, no framing runs across one of its
    breaks, and no cut lies where it must not. Where that is impossible, or without a camera cut
    there is no room for two shots, it is one shot. `before` and `after` are the framings around the
    range, if any: continuing one of them is not a cut.
    """
    framings = search.framings
    finite = search.cut_cost[np.isfinite(search.cut_cost)]
    edge_cost = float(finite.min()) if finite.size else 0.0
    first = np.array([0.0 if before in (None, f) else -edge_cost for f in framings])
    last = np.array([0.0 if after in (None, f) else -edge_cost for f in framings])
    span, edges = search.range, search.camera_edges
    if span.duration >= 2 * search.min_shot or edges - {span.start, span.end}:
        places = _places_of(search)
        frames: list[int] = places.frames.tolist()
        sequence = fill_table(places, first).best_sequence(last)
        if sequence:
            return [
                PlannedShot(FrameRange(frames[start], frames[end]), framings[framing])
                for start, end, framing in sequence
            ]
    return [_best_single_shot(search, first + last)]


def _best_single_shot(search: ShotSearch, extra: NDArray[np.float64]) -> PlannedShot:
    """Return the best shot of the whole range, across a break only if all framings break."""
    span = search.range
    total = search.reward.sum(axis=0) + extra
    breaks = [any(span.start < f < span.end for f in frames) for frames in search.breaks]
    best = int(np.argmax(total + FORBIDDEN * np.array(breaks)))
    return PlannedShot(span, search.framings[best])


def _places_of(search: ShotSearch) -> Places:
    """Return the places where the search may cut, and both ends of its range."""
    is_place = np.isfinite(search.cut_cost)
    is_place[[0, -1]] = True
    is_place[[edge - search.range.start for edge in search.camera_edges]] = True
    places = np.flatnonzero(is_place)
    frames, costs = search.range.start + places, search.cut_cost[places]
    costs[np.isin(frames, list(search.camera_edges))] = 0.0
    totals = np.zeros((len(search.framings), len(places)))
    totals[:, 1:] = np.cumsum(search.reward, axis=0)[places[1:] - 1].T
    breaks: dict[int, list[int]] = {}
    for s, at_frames in enumerate(search.breaks):
        inside = [frame for frame in at_frames if search.range.start < frame < search.range.end]
        for place in np.searchsorted(frames, inside).tolist():
            breaks.setdefault(place, []).append(s)
    long_enough = np.searchsorted(frames, frames + search.min_shot)
    is_first, gains = np.diff(long_enough, prepend=0) > 0, np.diff(totals, axis=1)
    in_order = dict(sorted(breaks.items()))
    edges: list[int] = np.searchsorted(frames, sorted(search.camera_edges)).tolist()
    with_edge_before = dict(zip(edges, [None, *edges], strict=False))
    return Places(frames, costs, totals, gains, long_enough, is_first, in_order, with_edge_before)
