"""How likely the face that leads all others is the one that speaks, while a voice is heard.

A scorer's log odds are for a face by itself. While a voice is heard more is known: somebody speaks,
seldom off screen where people film themselves, and the scores of the other faces tell who it is
not. So a face that plainly leads may speak although its own score is below even, as those of
small, dark and turned faces often are. A voice off screen is what remains where no face does.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import moving_average
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import MIN_VOICE

WINDOW_S = 1.0
"""Seconds whose mean is one observation, as in the fit: neighbours share the same faults."""

MAX_LEAD = 4.0
"""In log odds; a larger lead counts as this one, since the next face is then surely silent."""

LONE = (0.94, -0.70)
"""Weight of the score, and offset, of the log odds that a lone face speaks, if half of the voices
are off screen. These and the next are fitted to 11,205 seconds of scenes of training people, with
the scores of Sync-ASD and LR-ASD together (`training/fit_leading_face.py`). A second fit, with the
weights of Sync-ASD that followed, is worse on validation people (`training/README.md`)."""

SEVERAL = (0.83, 0.26, -2.22)
"""Weights of the score and of its lead, and offset, for the face that leads several."""


def with_leading_face(
    log_odds: NDArray[np.float32],
    voice: NDArray[np.float32],
    rate: Fraction,
    style: Style,
) -> NDArray[np.float32]:
    """Return (P, T) log odds, raised for the face that leads in each frame with a voice.

    `log_odds` are (P, T), NaN where a face is not visible; `voice` is the (T,) probability of a
    voice. A face leads that has the highest mean over the window and also over `smooth_seconds`:
    just after a turn the one that spoke still has the higher mean over the window.
    """
    if not len(log_odds):
        return log_odds
    voiced = np.where(voice >= MIN_VOICE, log_odds, np.nan).astype(np.float32)
    means, now = (_means(voiced, round(s * rate)) for s in (WINDOW_S, style.smooth_seconds))
    leader = means.argmax(axis=0)
    columns: NDArray[np.int64] = np.arange(log_odds.shape[1], dtype=np.int64)
    highest = means[leader, columns]
    leads = np.isfinite(highest) & (leader == now.argmax(axis=0))
    means[leader, columns] = -np.inf
    lead = highest[leads] - means.max(axis=0)[leads]
    prior = np.log(1 / style.off_screen_prior - 1) if style.off_screen_prior < 1 else -np.inf
    raised = _evidence(highest[leads], lead) + prior
    out, at = log_odds.copy(), (leader[leads], columns[leads])
    out[at] = np.fmax(out[at], raised)
    return out


def _means(log_odds: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """Return (P, T) means over the `width` frames around each; -inf where a face has none."""
    means = np.array([moving_average(row, width) for row in log_odds], np.float64)
    return np.where(np.isnan(means), -np.inf, means)


def _evidence(highest: NDArray[np.float64], lead: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) log odds that a face speaks that leads by `lead`; infinite where it is alone."""
    lone = LONE[0] * highest + LONE[1]
    several = SEVERAL[0] * highest + SEVERAL[1] * np.minimum(lead, MAX_LEAD) + SEVERAL[2]
    return np.where(np.isinf(lead), lone, several)
