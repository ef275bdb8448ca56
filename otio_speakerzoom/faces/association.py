"""Data association: which tracklet each new detection continues.

Each tracklet predicts where its face is by now, and the detections of a frame are assigned to all
tracklets at once (Hungarian assignment), because greedy matching swaps two faces that touch.
Detections of high confidence come first; those of low confidence may then continue a tracklet that
is still unmatched, but never begin one: a face that turns into profile loses confidence, but is not
gone (the idea of ByteTrack: Zhang et al., arXiv:2110.06864).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom.boxes import centres, pairwise_iou
from otio_speakerzoom.faces.tracklet import Tracklet, face_sides

MAX_SIZE_RATIO = 2.0
"""How many times larger or smaller a box may be than the one before: nobody comes so much nearer
within a second, but a detector that takes a hand or half a face for a face jumps like this."""

MAX_DISTANCE_SIDES = 0.6
"""How far from the predicted centre a face may be, in sides of a face. Two faces that touch side by
side are 1 side apart; two detections 80 ms apart of a talking head less than 0.4."""

MAX_DISTANCE_GROWTH = 0.2
"""Added to `MAX_DISTANCE_SIDES` for each second without a detection, as the prediction grows stale;
after the longest gap the limit is still below the 1 side at which a neighbour sits."""

LOST_PENALTY = 1.0
"""Subtracted from the affinity, which is 1 at best and 0 at 0.4 sides apart, of a tracklet that was
lost before another: of two in one place the more recent one continues, who is in front when two
people cross."""

FORBIDDEN_COST = 4.0
"""Cost per tracklet of a pair that is not allowed; above the cost of any way to match all that are,
as affinities lie in -3..1."""


def extend_tracklets(
    tracklets: list[Tracklet],
    frame: int,
    boxes: NDArray[np.float32],
    confidences: NDArray[np.float32],
    rate: Fraction,
    high_confidence: float,
) -> None:
    """Add each detection of a frame to the tracklet it continues, or append a new tracklet.

    Only detections of at least `high_confidence` begin new tracklets.
    """
    high = np.flatnonzero(confidences >= high_confidence)
    low = np.flatnonzero(confidences < high_confidence)
    unmatched, unassigned = list(tracklets), list[int]()
    for indices in (high, low):
        owners = _assign(unmatched, frame, boxes[indices], rate)
        for n, index in enumerate(indices.tolist()):
            if tracklet := owners.get(n):
                tracklet.add_detection(frame, boxes[index], float(confidences[index]), rate)
            elif indices is high:
                unassigned.append(index)
        unmatched = [tracklet for tracklet in unmatched if tracklet.last_frame != frame]
    tracklets += [Tracklet(frame, boxes[n], float(confidences[n])) for n in unassigned]


def _assign(
    tracklets: Sequence[Tracklet], frame: int, boxes: NDArray[np.float32], rate: Fraction
) -> dict[int, Tracklet]:
    """Return the tracklet that each box continues, by index of the box; without those of none."""
    if not tracklets:
        return {}
    predicted = np.array([tracklet.predict(frame, rate) for tracklet in tracklets], np.float32)
    last_frames = np.array([tracklet.last_frame for tracklet in tracklets])[:, None]
    gaps_s = (frame - last_frames) / float(rate)
    sides, predicted_sides = face_sides(boxes)[None], face_sides(predicted)[:, None]
    offsets = centres(predicted)[:, None] - centres(boxes)[None]
    distances = np.linalg.norm(offsets, axis=2) * 2 / (sides + predicted_sides)
    ratios = sides / predicted_sides
    allowed = (ratios < MAX_SIZE_RATIO) & (ratios > 1 / MAX_SIZE_RATIO)
    allowed &= distances <= MAX_DISTANCE_SIDES + MAX_DISTANCE_GROWTH * gaps_s
    was_lost = last_frames < last_frames.max()
    affinities = pairwise_iou(predicted, boxes) - distances - LOST_PENALTY * was_lost
    costs = np.where(allowed, -affinities, FORBIDDEN_COST * len(tracklets))
    rows, columns = linear_sum_assignment(costs)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {column: tracklets[row] for row, column in pairs if allowed[row, column]}
