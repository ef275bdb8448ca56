"""Tracks that are not participants: flickering detections, pictures of faces, second boxes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import centres, iou
from otio_speakerzoom.faces.detection_buffer import DetectionBuffer
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU
from otio_speakerzoom.faces.tracklet import GrowingTrack, face_sides

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


def participants(
    tracks: Sequence[GrowingTrack],
    detected_frames: NDArray[np.int32],
    rate: Fraction,
    min_duration: Fraction | float,
    high_confidence: float,
) -> list[GrowingTrack]:
    """Return the tracks, all of which have ended, that are long enough, not false, and no shadows.

    `detected_frames`, (L,), are all frames that the detector processed, `min_duration` is in
    frames.
    """
    shares = [_confident_share(t.detections, detected_frames, high_confidence) for t in tracks]
    faces = [
        (track, share)
        for track, largest, share in zip(tracks, _largest_sides(tracks), shares, strict=True)
        if track.frame_range.duration >= min_duration
        and share >= MIN_CONFIDENT_SHARE
        and not _is_picture(track.detections, float(largest), rate)
    ]
    first = np.array([track.detections.first_frame for track, _ in faces])
    last = np.array([track.detections.last_frame for track, _ in faces])
    is_shadow = [
        share < MAX_SHADOW_SHARE
        and any(
            _is_shadow(track.detections, share, faces[n][0].detections)
            for n in np.flatnonzero((first <= last[row]) & (first[row] <= last)).tolist()
            if n != row
        )
        for row, (track, share) in enumerate(faces)
    ]
    return [track for (track, _), shadow in zip(faces, is_shadow, strict=True) if not shadow]


def _is_picture(detections: DetectionBuffer, largest_side: float, rate: Fraction) -> bool:
    """Whether a face is a poster or a reflection: small and motionless.

    `largest_side` is the side of the largest face at the same time.
    """
    boxes = detections.boxes
    side = float(np.median(face_sides(boxes)))
    duration = detections.last_frame - detections.first_frame
    if side >= MAX_PICTURE_SIZE * largest_side or duration < MIN_STILL_S * rate:
        return False
    return bool(np.all(centres(boxes).std(axis=0) < MAX_STILL_DEVIATION * side))


def _largest_sides(tracks: Sequence[GrowingTrack]) -> NDArray[np.float32]:
    """Return, for each track, the (N,) median side of the largest one at the same time."""
    start = np.array([track.start for track in tracks], np.int64)
    end = np.array([track.frame_range.end for track in tracks], np.int64)
    sides = np.array([track.median_side for track in tracks], np.float32)
    at_same_time = ((start < e) & (end > s) for s, e in zip(start, end, strict=True))
    return np.array([sides[others].max() for others in at_same_time], np.float32)


def _is_shadow(detections: DetectionBuffer, share: float, other: DetectionBuffer) -> bool:
    """Whether a track is a second box on the head of another one of higher confidence.

    It may be confident more often if both are in one place than if they only touch. `share` is that
    of the detector runs that are confident of it.
    """
    overlaps = _overlaps_with_better(detections, other)
    if share < MAX_TOUCHING_SHADOW_SHARE and (overlaps > 0).all():
        return True
    return float(np.mean(overlaps >= SAME_HEAD_IOU)) >= MIN_SAME_HEAD_SHARE


def _overlaps_with_better(
    detections: DetectionBuffer, other: DetectionBuffer
) -> NDArray[np.float32]:
    """Return the (N,) IoU with `other` in each detection; 0 where that has no higher confidence."""
    overlaps = np.zeros(len(detections), np.float32)
    _, rows, columns = np.intersect1d(
        detections.frames, other.frames, assume_unique=True, return_indices=True
    )
    better = other.confidences[columns] > detections.confidences[rows]
    rows, columns = rows[better], columns[better]
    overlaps[rows] = iou(other.boxes[columns], detections.boxes[rows])
    return overlaps


def _confident_share(
    detections: DetectionBuffer, detected_frames: NDArray[np.int32], high_confidence: float
) -> float:
    """Return the share of the detector runs in a track's lifetime that are confident of it."""
    first, last = detections.first_frame, detections.last_frame
    runs = np.searchsorted(detected_frames, last, side="right") - np.searchsorted(
        detected_frames, first
    )
    confident = detections.confidences.astype(np.float64) >= high_confidence
    return float(np.count_nonzero(confident) / runs)
