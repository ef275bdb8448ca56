"""A look-ahead limiter: turns audio down around peaks, so that nothing clips."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CEILING = 0.89
"""-1 dB below full scale, which lossy coding needs (EBU R 128 asks for -1 dBTP)."""
REACH_S = 0.05
"""How long before and after a peak the gain is lowered: longer than a cycle of the lowest voice (80
Hz: 12 ms), so the gain never follows the waveform itself."""


def limit_peaks(blocks: Iterable[Samples], rate: int) -> Generator[Samples, None, None]:
    """Yield (C, n) blocks with a lower gain around samples above `CEILING`.

    Block sizes do not change; each block waits for the next one.
    """
    reach = round(REACH_S * rate)
    for before, block, after in _with_neighbours(iter(blocks)):
        around = np.concatenate([before[:, -2 * reach :], block, after[:, : 2 * reach]], axis=1)
        peaks = np.abs(around).max(axis=0, initial=0)
        if peaks.max(initial=0) <= CEILING:
            yield block
            continue
        start = min(2 * reach, before.shape[1])
        gain = _gain(peaks, reach)[start : start + block.shape[1]]
        yield block * gain


def _with_neighbours(blocks: Iterator[Samples]) -> Iterator[tuple[Samples, Samples, Samples]]:
    """Yield each block between the ones before and after it, which are empty at the ends."""
    block = next(blocks, None)
    if block is None:
        return
    before = block[:, :0]
    for after in blocks:
        yield before, block, after
        before, block = block, after
    yield before, block, block[:, :0]


def _gain(peaks: Samples, reach: int) -> Samples:
    """Return a smooth gain, low enough for every sample within `reach`."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    limits = np.minimum(1, CEILING / np.maximum(peaks, CEILING))
    lowest = minimum_filter1d(limits, 2 * reach + 1, mode="nearest")
    return np.asarray(uniform_filter1d(lowest, 2 * reach + 1, mode="nearest"), np.float32)
