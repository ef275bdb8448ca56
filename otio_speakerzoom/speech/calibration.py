"""One scale for all scorers: the log odds that a face speaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a scorer's raw logits into probabilities: P(speaks) = sigmoid(slope * logit + offset).

    Platt scaling (J. Platt, in: Advances in Large Margin Classifiers, 1999).
    """

    slope: float
    offset: float

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.offset)):
            raise ValueError(f"slope must be above 0 and both finite, got {self}")

    def __call__(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (T,) log odds of speaking for (T,) raw logits."""
        return (self.slope * logits + self.offset).astype(np.float32)
