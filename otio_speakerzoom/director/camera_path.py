"""A moving crop: it stands still while the face is in its safe area, and else moves smoothly.

The path is the one of least speed, change of speed and change of that, in the sense of sums of
absolute values, under which the face stays in the safe area: sums of absolute values make most of
them exactly zero, so the crop rests, or moves evenly, and never jitters. A linear programme.
(Grundmann, Kwatra, Essa: Auto-directed video stabilization with robust L1 optimal camera paths,
CVPR 2011.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize  # pyright: ignore[reportMissingTypeStubs]
import scipy.sparse  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

sparse: Any = scipy.sparse  # scipy has no types
optimize: Any = scipy.optimize

WEIGHTS = (10.0, 1.0, 100.0)
"""Of speed, its change, and the change of that: the paper's own."""

OUTSIDE = 1e4
"""What a pixel outside the safe area costs, as much as any path through it would."""


LONGEST = 500
"""Most steps from one corner of a path to the next, so that looking for it takes no time to speak
of however long the path is."""


def smooth_path(
    wanted: NDArray[np.float64], slack: float, fastest: float, low: float, high: float
) -> NDArray[np.float64]:
    """Return (N,) where to be, so near to (N,) `wanted` as `slack` at every step if possible.

    No step is longer than `fastest`, and all lie between `low` and `high`; where these forbid the
    slack it is exceeded by as little as may be.
    """
    n = len(wanted)
    if n < 4 or np.ptp(wanted) <= 2 * slack:
        middle = (wanted.max() + wanted.min()) / 2
        return np.full(n, np.clip(middle, low, high))
    differences = [_difference(n, order) for order in (1, 2, 3)]
    sizes = [n - order for order in (1, 2, 3)]
    # unknowns: the path, then the absolute values of its three differences, then what is outside
    cost = np.concatenate(
        [np.zeros(n), *(np.full(m, w) for m, w in zip(sizes, WEIGHTS, strict=True)),
         np.full(n, OUTSIDE)]
    )  # fmt: skip
    rows: list[Any] = []
    limits: list[NDArray[np.float64]] = []
    for number, difference in enumerate(differences):
        bound = [sparse.csr_matrix((sizes[number], m)) for m in sizes]
        bound[number] = -sparse.eye(sizes[number])
        out = sparse.csr_matrix((sizes[number], n))
        for sign in (1, -1):
            rows.append(sparse.hstack([sign * difference, *bound, out]))
            limits.append(np.zeros(sizes[number]))
    nothing = [sparse.csr_matrix((n, m)) for m in sizes]
    for sign in (1, -1):
        rows.append(sparse.hstack([sign * sparse.eye(n), *nothing, -sparse.eye(n)]))
        limits.append(sign * wanted + slack)
    bounds = [(low, high)] * n + [(0, fastest)] * sizes[0] + [(0, None)] * (sum(sizes[1:]) + n)
    found = optimize.linprog(
        cost, A_ub=sparse.vstack(rows).tocsr(), b_ub=np.concatenate(limits), bounds=bounds,
        method="highs",
    )  # fmt: skip
    if not found.success:
        raise ValueError(f"no smooth path: {found.message}")
    return np.asarray(found.x[:n], float)


def _difference(n: int, order: int) -> Any:
    """Return the (n - order, n) matrix of differences of that order."""
    matrix = sparse.csr_matrix(sparse.eye(n))
    for _ in range(order):
        matrix = matrix[1:] - matrix[:-1]
    return matrix


def corners(path: NDArray[np.float64], tolerance: float) -> list[int]:
    """Return the steps of an (N, D) path between which straight lines keep to `tolerance`."""
    kept = [0]
    last = len(path) - 1
    while kept[-1] < last:
        start = end = kept[-1]
        while end < last and end - start < LONGEST and _straight(path[start : end + 2], tolerance):
            end += 1
        kept.append(end)
    return kept


def _straight(path: NDArray[np.float64], tolerance: float) -> bool:
    share = np.linspace(0, 1, len(path))[:, None]
    return bool(np.abs(path - (path[0] + share * (path[-1] - path[0]))).max() <= tolerance)
