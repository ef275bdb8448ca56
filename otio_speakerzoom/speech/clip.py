"""The record that scorers get: face crops and the MFCC of the same time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.mfcc import COEFFICIENTS, ROWS_PER_TICK


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stretch of one face track with its audio."""

    crops: NDArray[np.uint8]
    """(T, 112, 112) gray, one per tick."""
    mfcc: NDArray[np.float32]
    """(M, 4T, 13) MFCC rows of each of M microphones."""

    def __post_init__(self) -> None:
        ticks, rows = len(self.crops), ROWS_PER_TICK * len(self.crops)
        if not ticks or self.mfcc.shape[1:] != (rows, COEFFICIENTS):
            raise ValueError(
                f"{ticks} crops need (M, {rows}, {COEFFICIENTS}) MFCC rows and at least one crop, "
                f"got {self.mfcc.shape}"
            )
