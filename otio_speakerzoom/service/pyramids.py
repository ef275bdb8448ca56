"""Min/max pyramids: curves of any length, drawn from as many values as a window has pixels.

Level 0 has one bin per value; each level above it joins two bins of the one below. So a client asks
for the level whose bins are about a pixel wide, and gets few values at any zoom.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Levels = list[NDArray[np.generic]]
"""Of each level (rows, bins, 2): the least and the greatest value of each bin."""


def pyramid(least: NDArray[np.generic], greatest: NDArray[np.generic]) -> Levels:
    """Return the levels above and with these (rows, bins) extremes, up to a single bin."""
    levels: Levels = [np.stack([least, greatest], axis=-1)]
    while levels[-1].shape[1] > 1:
        below = levels[-1]
        if below.shape[1] % 2:  # the last bin stands alone
            below = np.concatenate([below, below[:, -1:]], axis=1)
        low = np.minimum(below[:, ::2, 0], below[:, 1::2, 0])
        high = np.maximum(below[:, ::2, 1], below[:, 1::2, 1])
        levels.append(np.stack([low, high], axis=-1))
    return levels


def window(levels: Levels, level: int, start: int, end: int | None) -> bytes | None:
    """Return the bins from `start` up to `end` of a level, row by row; None if there is no level.

    Bins that do not exist are left out.
    """
    if not 0 <= level < len(levels):
        return None
    return np.ascontiguousarray(levels[level][:, start:end]).tobytes()
