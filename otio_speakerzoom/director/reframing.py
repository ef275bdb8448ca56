"""Where to split a shot whose face has moved, for a new framing after the split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_frame(
    centres: NDArray[np.float64], voice: NDArray[np.float32], min_shot: int, reach: int
) -> int | None:
    """Return before which of T frames to split, so that the face moves least within each part.

    `centres` are (T, 2), `voice` is (T,); no part is shorter than `min_shot`. Of the frames within
    `reach` of the best one, the one with the least voice. None where there is no room.
    """
    frames = len(centres)
    if frames < 2 * min_shot:
        return None
    # sums of squared distances from the mean, before and after each possible split
    squares, sums = np.cumsum(centres**2, axis=0), np.cumsum(centres, axis=0)
    n = np.arange(1, frames)[:, None]
    before = squares[:-1] - sums[:-1] ** 2 / n
    after = squares[-1] - squares[:-1] - (sums[-1] - sums[:-1]) ** 2 / (frames - n)
    error = (before + after).sum(axis=1)  # error[i]: split before frame i + 1
    best = min_shot + int(np.argmin(error[min_shot - 1 : frames - min_shot]))
    low, high = max(min_shot, best - reach), min(frames - min_shot, best + reach)
    return low + int(np.argmin(voice[low : high + 1]))
