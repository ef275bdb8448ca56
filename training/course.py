"""How long a training takes, and how fast it learns meanwhile."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

WARM_UP_STEPS = 100
AVERAGE = 0.995
"""Share of the running mean of the weights that a step keeps; the mean is what is evaluated."""


@dataclass(frozen=True)
class Course:
    """A training of so many steps, or of so many minutes if they are over first."""

    steps: int
    rate: float
    """The highest learning rate."""
    minutes: float = math.inf
    average: float = AVERAGE
    _start: float = field(default_factory=time.monotonic)

    def minutes_passed(self) -> float:
        """Return the minutes since this was created."""
        return (time.monotonic() - self._start) / 60

    def progress(self, step: int) -> float:
        """Return from 0 to 1 how much of the training is done after so many steps."""
        return min(1.0, max(step / self.steps, self.minutes_passed() / self.minutes))

    def share_of_rate(self, step: int) -> float:
        """Return the share of the highest rate after so many steps: up at first, then down."""
        falling = 0.02 + 0.98 * math.cos(math.pi / 2 * self.progress(step)) ** 2
        return min(1, (step + 1) / WARM_UP_STEPS) * falling
