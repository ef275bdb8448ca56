"""Where to split a shot whose face has moved, for a new framing after the split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def split_frame(
    centres: NDArray[np.float64],
    voice: NDArray[np.float32],
    min_shot: int,
    reach: int,
    camera_cuts: Sequence[int] = (),
) -> int | None:
    """Return before which of T frames to split, so that the face moves least within each part.

    `centres` are (T, 2), `voice` is (T,); no part is shorter than `min_shot`, also not up to one of
    `camera_cuts` (indices of frames), which ends a part on screen. Of the frames within `reach` of
    the best one, the one with the least voice. None where there is no room.
    """
    frames = len(centres)
    may_split = np.zeros(frames, bool)
    may_split[min_shot : frames - min_shot + 1] = True
    for cut in camera_cuts:
        may_split[max(0, cut - min_shot + 1) : max(0, cut + min_shot)] = False
    if not may_split[1:].any():
        return None
    # sums of squared distances from the mean, before and after each possible split
    squares, sums = np.cumsum(centres**2, axis=0), np.cumsum(centres, axis=0)
    n = np.arange(1, frames)[:, None]
    before = squares[:-1] - sums[:-1] ** 2 / n
    after = squares[-1] - squares[:-1] - (sums[-1] - sums[:-1]) ** 2 / (frames - n)
    error = (before + after).sum(axis=1)  # error[i]: split before frame i + 1
    best = 1 + int(np.argmin(np.where(may_split[1:], error, np.inf)))
    may_split[: max(0, best - reach)] = may_split[best + reach + 1 :] = False
    return int(np.argmin(np.where(may_split, voice, np.inf)))
