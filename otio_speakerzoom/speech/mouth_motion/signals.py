"""Signals over time, one value per tick, and their smoothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

Signal = NDArray[np.float64]
"""(T,) one value per tick of 1/25 s."""


def smooth(signal: Signal, window: int = 3) -> Signal:
    """Return the running mean; 3 ticks bridge the one frame per second that 24 fps repeats."""
    return np.asarray(uniform_filter1d(signal, window, mode="nearest"))
