"""From edges that stand still to panels: the parts of a split screen, and insets.

A divider goes from end to end of what it divides, so a frame is divided again and again until no
part has one; an inset is a closed rectangle. Furniture has straight edges too, but people and
things stand before them, and few reach from the top of the picture to its bottom without a gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.divider_edges import REDUCTION

MIN_SUPPORT = 0.8
"""Share of a divider's length that shows as an edge; elsewhere its sides are equally bright."""

END_SHARE, MIN_END_SUPPORT = 0.1, 0.5
"""A divider shows at both its ends: at least so much of its first and of its last tenth."""

MIN_PANEL_SHARE = 0.1
"""Smallest side of a panel, as a share of the frame's: a face in less is too small to be framed.
What is smaller between two dividers is a gutter, a line or a bar."""

MAX_LINE_PX = 3
"""Edges so close to each other are the two sides of one line."""

MAX_SIDES = 16
"""Longest upright, and level, edges that are tried as sides of an inset."""

BEYOND_SHARE, MAX_BEYOND = 0.05, 0.5
"""How far beyond a corner, as a share of the frame, a side must not go on, and how much of that may
be an edge all the same: less than half."""

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class StillEdges:
    """Edges that stand still in a camera shot."""

    upright: NDArray[np.bool_]
    """(H / 4, W)"""
    level: NDArray[np.bool_]
    """(W / 4, H)"""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame in pixels."""
        return self.upright.shape[1], self.level.shape[1]


def parts_in(edges: StillEdges) -> list[Rectangle]:
    """Return the parts of a split screen; none where the frame is one picture."""
    width, height = edges.size
    whole = (0, 0, width, height)
    return [part for part in _divide(edges, whole) if part != whole]


def _divide(edges: StillEdges, part: Rectangle) -> Iterator[Rectangle]:
    """Yield the parts of a part of a frame between its dividers; itself if it has none."""
    left, top, right, bottom = part
    width, height = edges.size
    columns = _between_dividers(edges.upright, (left, right), (top, bottom), width)
    rows = _between_dividers(edges.level, (top, bottom), (left, right), height)
    if columns != [(left, right)]:
        parts = [(start, top, end, bottom) for start, end in columns]
    elif rows != [(top, bottom)]:
        parts = [(left, start, right, end) for start, end in rows]
    else:
        yield part
        return
    for smaller in parts:
        yield from _divide(edges, smaller)


def _between_dividers(
    edges: NDArray[np.bool_], across: tuple[int, int], along: tuple[int, int], whole: int
) -> list[tuple[int, int]]:
    """Return the stretches of `across` between the dividers that go through all of `along`.

    Those under the smallest side of a panel are left out.
    """
    rows = edges[-(-along[0] // REDUCTION) : along[1] // REDUCTION, across[0] : across[1]]
    if not rows.size:
        return [across]
    end = max(1, round(END_SHARE * len(rows)))
    is_divider = rows.mean(axis=0) >= MIN_SUPPORT
    for tenth in (rows[:end], rows[-end:]):
        is_divider &= tenth.mean(axis=0) >= MIN_END_SUPPORT
    lines = [(across[0] + a, across[0] + b) for a, b in _clusters(is_divider)]
    borders = [across[0], *(place for line in lines for place in line), across[1]]
    stretches = zip(borders[::2], borders[1::2], strict=True)
    smallest = MIN_PANEL_SHARE * whole
    return [(start, stop) for start, stop in stretches if stop - start >= smallest]


def _clusters(is_edge: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last + 1 of each group of edges that are close to each other."""
    places = np.flatnonzero(is_edge)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > MAX_LINE_PX) + 1
    return [(int(group[0]), int(group[-1]) + 1) for group in np.split(places, breaks)]


def insets_in(edges: StillEdges) -> list[Rectangle]:
    """Return the insets: closed rectangles whose sides end at their corners.

    The lines of a wall or a shelf go on beyond the corners of the rectangles that they enclose.
    """
    width, height = edges.size
    columns, rows = _sides(edges.upright), _sides(edges.level)
    upright = _supports(edges.upright, columns, rows)  # (C, R, R)
    level = _supports(edges.level, rows, columns)  # (R, C, C)
    closed = upright[:, None] & upright[None]  # (C, C, R, R)
    closed &= (level[:, None] & level[None]).transpose(2, 3, 0, 1)
    insets: list[Rectangle] = []
    for a, b, i, j in np.argwhere(closed).tolist():
        left, right, top, bottom = columns[a][1], columns[b][0], rows[i][1], rows[j][0]
        if right - left >= MIN_PANEL_SHARE * width and bottom - top >= MIN_PANEL_SHARE * height:
            insets.append((left, top, right, bottom))
    return insets


def border_support(edges: StillEdges, inset: Rectangle) -> float:
    """Return the share of an inset's border that shows as an edge."""
    left, top, right, bottom = inset
    rows = slice(top // REDUCTION, bottom // REDUCTION)
    columns = slice(left // REDUCTION, right // REDUCTION)
    sides = [
        *(_band(edges.upright, place)[rows] for place in (left - 1, right)),
        *(_band(edges.level, place)[columns] for place in (top - 1, bottom)),
    ]
    return float(np.concatenate(sides).mean())


def _band(edges: NDArray[np.bool_], place: int) -> NDArray[np.bool_]:
    """Return (L,) where a line at a place across, or beside it, shows as an edge."""
    return np.any(edges[:, max(0, place - 1) : place + 2], axis=1)


def _sides(edges: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last + 1 of the places across at which (L, N) edges are longest."""
    window = max(1, round(MIN_PANEL_SHARE * len(edges)))
    sums = np.pad(np.cumsum(edges, axis=0), ((1, 0), (0, 0)))
    longest = (sums[window:] - sums[:-window]).max(axis=0, initial=0)
    clusters = _clusters(longest >= MIN_SUPPORT * window)
    totals = [int(sums[-1, start:end].max()) for start, end in clusters]
    best = sorted(range(len(clusters)), key=lambda n: (-totals[n], n))[:MAX_SIDES]
    return [clusters[n] for n in sorted(best)]


def _supports(
    edges: NDArray[np.bool_], lines: Sequence[tuple[int, int]], ends: Sequence[tuple[int, int]]
) -> NDArray[np.bool_]:
    """Return (L, E, E) whether each line shows from one of the ends to another, and not beyond."""
    supported = np.zeros((len(lines), len(ends), len(ends)), np.bool_)
    beyond = max(1, round(BEYOND_SHARE * len(edges)))
    for n, (start, end) in enumerate(lines):
        sums = np.concatenate([[0], np.cumsum(edges[:, start:end].any(axis=1))])

        def share(first: int, last: int, sums: NDArray[np.int_] = sums) -> float:
            first, last = max(0, first), min(last, len(sums) - 1)
            return float(sums[last] - sums[first]) / (last - first) if last > first else 0.0

        for i, (above, first) in enumerate(ends):
            for j, (last, below) in enumerate(ends[i + 1 :], i + 1):
                a, b = above // REDUCTION - 1, -(-below // REDUCTION) + 1
                supported[n, i, j] = (
                    share(-(-first // REDUCTION), last // REDUCTION) >= MIN_SUPPORT
                    and share(a - beyond, a) < MAX_BEYOND
                    and share(b, b + beyond) < MAX_BEYOND
                )
    return supported
