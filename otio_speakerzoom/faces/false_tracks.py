"""Tracks that are not participants: flickering detections, pictures of faces, second boxes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import centres, iou
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU
from otio_speakerzoom.faces.tracklet import Tracklet, face_sides
from otio_speakerzoom.model import FaceTrack

MIN_CONFIDENT_SHARE = 0.25
"""A track that is confident in a smaller share of its detector runs is a hand, or a pattern that
now and then resembles a face. BlazeFace was confident of the hardest of three people 54 to 94 px
wide, with many profiles, in 0.41 of its runs, and of the ghosts in a blurred film in 0.12."""

MAX_TOUCHING_SHADOW_SHARE = 0.5
"""A track that is confident in a smaller share of its detector runs and always touches one of
higher confidence is a second box on the same head: hair beside a profile gave boxes in up to 0.36
of the runs."""

MAX_SHADOW_SHARE = 0.75
"""A track on the head of one of higher confidence that is confident in at least this share of its
detector runs is somebody behind it: a second box comes in every second run or so, who looks over a
shoulder is there."""

MIN_SAME_HEAD_SHARE = 0.9
"""Share of the detections in which a shadow is on the same head: a detector may slip at times."""

MAX_PICTURE_SIZE = 0.25
"""Largest side of a picture of a face, relative to the largest face at the same time (1/16 of the
area). The people of one labelled shot differ by up to 1.5 in side; this leaves room for the far end
of a table."""

MAX_STILL_DEVIATION = 0.01
"""Standard deviation of a face's centre, in sides of it, below which it is a picture of a face.
Listeners measured had 0.004 and more within 10 s, so that this alone would drop some of them."""

MIN_STILL_S = 10.0
"""Shortest track that may count as motionless: a listener sits still for less."""


def is_false(
    tracklet: Tracklet,
    largest_side: float,
    detected_frames: NDArray[np.int32],
    rate: Fraction,
    high_confidence: float,
) -> bool:
    """Whether a tracklet is a flicker of the detector, or a poster or reflection of a face.

    `largest_side` is the side of the largest face at the same time.
    """
    if _confident_share(tracklet, detected_frames, high_confidence) < MIN_CONFIDENT_SHARE:
        return True
    boxes = np.array(tracklet.boxes)
    side = float(np.median(face_sides(boxes)))
    duration = tracklet.frames[-1] - tracklet.frames[0]
    if side >= MAX_PICTURE_SIZE * largest_side or duration < MIN_STILL_S * rate:
        return False
    return bool(np.all(centres(boxes).std(axis=0) < MAX_STILL_DEVIATION * side))


def largest_sides(tracks: Sequence[FaceTrack]) -> NDArray[np.float32]:
    """Return, for each track, the (N,) median side of the largest one at the same time."""
    start = np.array([track.start for track in tracks], np.int64)
    end = start + np.array([len(track.boxes) for track in tracks], np.int64)
    sides = np.array([np.median(face_sides(track.boxes)) for track in tracks], np.float32)
    at_same_time = [(start < e) & (end > s) for s, e in zip(start, end, strict=True)]
    return np.array([sides[others].max() for others in at_same_time], np.float32)


def is_shadow(
    tracklet: Tracklet,
    others: Sequence[Tracklet],
    detected_frames: NDArray[np.int32],
    high_confidence: float,
) -> bool:
    """Whether a tracklet is a second box on a head that has one of higher confidence.

    It may be confident more often if both are in one place than if they only touch.
    """
    share = _confident_share(tracklet, detected_frames, high_confidence)
    if share >= MAX_SHADOW_SHARE:
        return False
    for other in others:
        apart = other.frames[-1] < tracklet.frames[0] or tracklet.frames[-1] < other.frames[0]
        if other is tracklet or apart:
            continue
        overlaps = _overlaps_with_better(tracklet, other)
        if share < MAX_TOUCHING_SHADOW_SHARE and all(overlap > 0 for overlap in overlaps):
            return True
        if np.mean([overlap >= SAME_HEAD_IOU for overlap in overlaps]) >= MIN_SAME_HEAD_SHARE:
            return True
    return False


def _overlaps_with_better(tracklet: Tracklet, other: Tracklet) -> list[float]:
    """Return the IoU with `other` for each detection; 0 where `other` has no higher confidence."""
    rows = zip(other.boxes, other.confidences, strict=True)
    others = dict(zip(other.frames, rows, strict=True))
    overlaps: list[float] = []
    for frame, box, confidence in zip(
        tracklet.frames, tracklet.boxes, tracklet.confidences, strict=True
    ):
        other_box, other_confidence = others.get(frame, (box, 0.0))
        better = other_confidence > confidence
        overlap = iou(other_box[None], box[None])[0]  # arrays: NumPy 1 widens scalars to float64
        overlaps.append(float(overlap) if better else 0.0)
    return overlaps


def _confident_share(
    tracklet: Tracklet, detected_frames: NDArray[np.int32], high_confidence: float
) -> float:
    """Return the share of the detector runs in a tracklet's lifetime that are confident of it."""
    first, last = tracklet.frames[0], tracklet.frames[-1]
    runs = np.searchsorted(detected_frames, last, side="right") - np.searchsorted(
        detected_frames, first
    )
    return sum(confidence >= high_confidence for confidence in tracklet.confidences) / runs
