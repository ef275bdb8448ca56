"""A crop that follows a face: still while the face is in its safe area, else a smooth move.

Among the paths that keep the face in the safe area, the one with the least velocity, acceleration
and jerk, each as a sum of absolute values (L1). L1 makes most of them exactly zero, so the crop
rests or moves evenly, and never jitters. A linear programme. (Grundmann, Kwatra, Essa:
Auto-directed video stabilization with robust L1 optimal camera paths, CVPR 2011.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box, CropKey, FrameRange

STEPS_PER_SECOND = 5
"""Rate of the path's steps: a head needs a second to cross its own width."""

MAX_KEY_ERROR_PX = 0.5
"""How far straight lines between keys may lead a crop off its path: less than is visible."""

DIFFERENCE_WEIGHTS = (10.0, 1.0, 100.0)
"""Of velocity, acceleration and jerk: the paper's own."""

OUTSIDE_COST = 1e4
"""Cost of a pixel outside the safe area: as high as any path through it."""

MAX_STEPS_BETWEEN_KEYS = 500
"""Bounds the search for the next key, so that its time does not grow with the path's square."""


def follow(
    centres: NDArray[np.float64],
    crop: Box,
    span: FrameRange,
    rate: float,
    size: tuple[int, int],
    style: Style,
) -> tuple[CropKey, ...]:
    """Return the keys of a crop that follows a face over `span`; none where it need not move.

    `centres` are the (T, 2) centres of the face, `crop` is the still crop of the shot.
    """
    step = max(1, round(rate / STEPS_PER_SECOND))
    frames = [*range(span.start, span.end - 1, step), span.end - 1]
    offset = np.array(crop.centre) - np.median(centres, axis=0)
    targets = centres[[frame - span.start for frame in frames]] + offset
    sides = (crop.width, crop.height)
    path = np.stack(
        [
            smooth_path(
                targets[:, axis],
                slack=style.safe_area * side,
                max_step=2 * style.safe_area * side * step / rate / style.move_seconds,
                low=side / 2,
                high=size[axis] - side / 2,
            )
            for axis, side in enumerate(sides)
        ],
        axis=1,
    )
    if np.ptp(path, axis=0).max() <= MAX_KEY_ERROR_PX:
        return ()
    half = np.array(sides) / 2
    return tuple(
        CropKey(frames[n], Box.from_edges((*path[n] - half, *path[n] + half)))
        for n in key_steps(path, MAX_KEY_ERROR_PX)
    )


def smooth_path(
    targets: NDArray[np.float64], slack: float, max_step: float, low: float, high: float
) -> NDArray[np.float64]:
    """Return an (N,) path within `slack` of (N,) `targets` at every step, if that is possible.

    No step is longer than `max_step`, and all positions lie between `low` and `high`; where these
    forbid the slack, the path exceeds it by as little as possible.
    """
    n = len(targets)
    if n < 4 or np.ptp(targets) <= 2 * slack:
        middle = (targets.max() + targets.min()) / 2
        return np.full(n, np.clip(middle, low, high))
    from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]  # slow to load

    untyped: Any = optimize
    cost, matrix, limits, sizes = _linear_programme(targets, slack)
    bounds = [(low, high)] * n + [(0, max_step)] * sizes[0] + [(0, None)] * (sum(sizes[1:]) + n)
    solution = untyped.linprog(cost, A_ub=matrix, b_ub=limits, bounds=bounds, method="highs")
    if not solution.success:
        raise ValueError(f"no smooth path: {solution.message}")
    return np.asarray(solution.x[:n], float)


def _linear_programme(
    targets: NDArray[np.float64], slack: float
) -> tuple[NDArray[np.float64], Any, NDArray[np.float64], list[int]]:
    """Return the cost, the matrix and limits of the inequalities, and the numbers of differences.

    Unknowns: the path, then the absolute values of its three differences, then what is outside.
    """
    from scipy import sparse as scipy_sparse  # pyright: ignore[reportMissingTypeStubs]

    sparse: Any = scipy_sparse
    n = len(targets)
    sizes = [n - order for order in (1, 2, 3)]
    weights = [np.full(m, w) for m, w in zip(sizes, DIFFERENCE_WEIGHTS, strict=True)]
    cost = np.concatenate([np.zeros(n), *weights, np.full(n, OUTSIDE_COST)])
    rows: list[Any] = []
    limits: list[NDArray[np.float64]] = []
    difference = sparse.csr_matrix(sparse.eye(n))
    for number, size in enumerate(sizes):
        difference = difference[1:] - difference[:-1]  # of the next order, (size, n)
        bound = [sparse.csr_matrix((size, m)) for m in sizes]
        bound[number] = -sparse.eye(size)
        outside = sparse.csr_matrix((size, n))
        for sign in (1, -1):
            rows.append(sparse.hstack([sign * difference, *bound, outside]))
            limits.append(np.zeros(size))
    no_bounds = [sparse.csr_matrix((n, m)) for m in sizes]
    for sign in (1, -1):
        rows.append(sparse.hstack([sign * sparse.eye(n), *no_bounds, -sparse.eye(n)]))
        limits.append(sign * targets + slack)
    return cost, sparse.vstack(rows).tocsr(), np.concatenate(limits), sizes


def key_steps(path: NDArray[np.float64], tolerance: float) -> list[int]:
    """Return the steps of an (N, D) path between which straight lines stay within `tolerance`."""
    keys = [0]
    last = len(path) - 1
    while keys[-1] < last:
        start = end = keys[-1]
        while (
            end < last
            and end - start < MAX_STEPS_BETWEEN_KEYS
            and _is_straight(path[start : end + 2], tolerance)
        ):
            end += 1
        keys.append(end)
    return keys


def _is_straight(path: NDArray[np.float64], tolerance: float) -> bool:
    share = np.linspace(0, 1, len(path))[:, None]
    return bool(np.abs(path - (path[0] + share * (path[-1] - path[0]))).max() <= tolerance)
