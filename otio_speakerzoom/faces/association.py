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

from otio_speakerzoom.boxes import centres, pairwise_iou
from otio_speakerzoom.faces.tracklet import (
    Tracklet,
    add_detections,
    face_sides,
    predict_boxes,
)

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
as affinities lie in -3..1. So where no face has two allowed pairs, all of these are matched, and
there is nothing to search."""


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
    is_high = confidences >= high_confidence
    unmatched, unassigned = list(tracklets), list[int]()
    for indices in (np.flatnonzero(is_high), np.flatnonzero(confidences < high_confidence)):
        if not len(indices):
            continue
        owners = _assign(unmatched, frame, boxes[indices], rate)
        rows = indices[list(owners)]
        add_detections(list(owners.values()), frame, boxes[rows], confidences[rows], rate)
        if is_high[indices[0]]:
            unassigned = [index for n, index in enumerate(indices.tolist()) if n not in owners]
        unmatched = [tracklet for tracklet in unmatched if tracklet.last_frame != frame]
    tracklets += [Tracklet(frame, boxes[n], float(confidences[n])) for n in unassigned]


def _assign(
    tracklets: Sequence[Tracklet], frame: int, boxes: NDArray[np.float32], rate: Fraction
) -> dict[int, Tracklet]:
    """Return the tracklet that each box continues, by index of the box; without those of none."""
    if not tracklets:
        return {}
    predicted = predict_boxes(tracklets, frame, rate)
    last_frames = np.array([tracklet.last_frame for tracklet in tracklets])[:, None]
    distances, allowed = _compare(predicted, boxes, (frame - last_frames) / float(rate))
    rows, columns = np.nonzero(allowed)
    if len(set(rows.tolist())) < len(rows) or len(set(columns.tolist())) < len(columns):
        was_lost = last_frames < last_frames.max()
        affinities = pairwise_iou(predicted, boxes) - distances - LOST_PENALTY * was_lost
        costs = np.where(allowed, -affinities, FORBIDDEN_COST * len(tracklets))
        rows, columns = _cheapest_pairs(costs)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {column: tracklets[row] for row, column in pairs if allowed[row, column]}


def _cheapest_pairs(costs: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns of an assignment of (N, M) costs.

    SciPy's optimizers are imported here, since they take a third of a second and 23 MB, and most
    films never need them: no two faces compete for one track.
    """
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(costs)


def _compare(
    predicted: NDArray[np.float32], boxes: NDArray[np.float32], gaps_s: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the (N, M) distances in sides of (N, 4) from (M, 4) boxes, and which may be one face.

    `gaps_s`, (N, 1), are the seconds since the last detection.
    """
    count = len(predicted)
    both = np.concatenate([predicted, boxes])
    sides, middles = face_sides(both), centres(both)
    predicted_sides, sides = sides[:count, None], sides[count:]
    offsets = middles[:count, None] - middles[count:]
    distances = np.sqrt((offsets * offsets).sum(axis=2)) * 2 / (sides + predicted_sides)
    ratios = sides / predicted_sides
    allowed = (ratios < MAX_SIZE_RATIO) & (ratios > 1 / MAX_SIZE_RATIO)
    allowed &= distances <= MAX_DISTANCE_SIDES + MAX_DISTANCE_GROWTH * gaps_s
    return distances, allowed
