"""Where the faces of tracks stay in the picture: who comes back to a place is the same person.

That is so only while the camera stands still. In a pan somebody else comes to the same place, and
then most faces drift through the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import centres, pairwise_iou
from otio_speakerzoom.faces.tracklet import face_sides
from otio_speakerzoom.model import FaceTrack

MIN_SAME_SHOT_IOU = 0.2
"""Least IoU of the positions of one person in one camera shot: a head that leans away and back."""

MIN_ACROSS_CUTS_IOU = 0.5
"""Least IoU across a cut: the same angle again, not just somebody near that spot."""

MAX_DRIFT_SIDES = 1.0
"""How far a face that stays may be at the end of its track from where it was at first, in sides of
it: a neighbour sits that far away, so further it is in somebody else's place."""


class Places:
    """The places of tracks, and which of them are one."""

    def __init__(self, tracks: Sequence[FaceTrack], camera_cuts: NDArray[np.int32]) -> None:
        self.starts = np.array([track.start for track in tracks], np.int64)
        """(N,) first frames."""
        self.ends = np.array([track.range.end for track in tracks], np.int64)
        """(N,) frames after the last ones."""
        self.shots = np.searchsorted(camera_cuts, self.starts, side="right")
        """(N,) numbers of the camera shots."""
        self.boxes = np.array([_median(track.boxes) for track in tracks], np.float32).reshape(-1, 4)
        """(N, 4) median boxes."""
        self._stays = self._find_staying(np.array([_drift(t.boxes) for t in tracks], np.float32))

    def overlaps(self, row: int | slice = slice(None)) -> NDArray[np.float32]:
        """Return (R, N) IoU of the places of some tracks, or one, with those of all.

        0 where it is too small to be one place, or where a face or its camera moves.
        """
        rows = np.arange(len(self.shots))[row].reshape(-1)
        overlaps = pairwise_iou(self.boxes[rows], self.boxes)
        same_shot = self.shots[rows, None] == self.shots
        is_one = overlaps >= np.where(same_shot, MIN_SAME_SHOT_IOU, MIN_ACROSS_CUTS_IOU)
        return np.where(is_one & self._stays[rows, None] & self._stays, overlaps, np.float32(0))

    def _find_staying(self, drifts: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return (N,) whether a track stays in its place, under a camera that stands still.

        The camera moves in a shot if the faces that drift are there for most of the time: one
        person who walks is no pan.
        """
        lengths = (self.ends - self.starts).astype(np.float64)
        drifting = drifts > MAX_DRIFT_SIDES
        numbers, shot = np.unique(self.shots, return_inverse=True)
        total = np.bincount(shot, lengths, len(numbers))
        moving = np.bincount(shot, lengths * drifting, len(numbers)) * 2 > total
        return ~drifting & ~moving[shot]


def _median(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.median(boxes, axis=0)


def _drift(boxes: NDArray[np.float32]) -> float:
    """Return how far a face gets from the first to the last quarter of its track, in its sides."""
    quarter = -(-len(boxes) // 4)
    first, last = (np.median(part, axis=0) for part in (boxes[:quarter], boxes[-quarter:]))
    shift = centres(last[None]) - centres(first[None])
    return float(np.linalg.norm(shift) / face_sides(_median(boxes)[None])[0])
