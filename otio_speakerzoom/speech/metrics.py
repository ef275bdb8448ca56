"""How well scores rank the frames in which a face speaks above all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(scores: NDArray[np.floating], labels: NDArray[np.bool_]) -> float:
    """Return the area under the stepped precision-recall curve, equal scores taken together.

    `scores` and `labels` are (N,); without a positive label the result is 0.
    """
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # of each group of equals
    hits = np.cumsum(labels[order])[last]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (last + 1)) / max(1, labels.sum()))
