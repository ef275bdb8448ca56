"""Boxes to face tracks: the same face, frame after frame.

Every new box is matched to the last box of a living track by overlap, all at once (Hungarian
assignment), because greedy first matches swap two faces that touch. Faces of people who talk
move little between two looks, so overlap alone is enough; what is missed for a moment is
interpolated. A track never crosses a cut of the source.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom.model import Detections, FaceTrack, FrameRange


@dataclass(slots=True, eq=False)
class _Living:
    """A track in the making: where it was seen, and how."""

    frames: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)


def track_faces(
    detections: Detections,
    rate: Fraction,
    within: FrameRange,
    *,
    min_overlap: float = 0.3,
    max_gap_seconds: float = 0.5,
    min_seconds: float = 0.4,
) -> tuple[FaceTrack, ...]:
    """Return the tracks in order of their first frame, then from left to right.

    A box continues a track when it overlaps the track's last box by `min_overlap` (intersection
    over union; two looks 80 ms apart of a talking head overlap by more than 0.5, two people's
    faces by 0). A track ends when its face is missed for longer than `max_gap_seconds`, and is
    dropped when it lasts less than `min_seconds`: TalkNet's own chain drops tracks of up to 10
    frames at 25 fps, too short to hear a syllable in.
    """
    max_gap, cuts = max_gap_seconds * rate, set(detections.camera_cuts.tolist())
    living: list[_Living] = []
    ended: list[_Living] = []
    starts = np.searchsorted(detections.frames, detections.looked_at)
    stops = np.searchsorted(detections.frames, detections.looked_at, side="right")
    before = within.start
    for frame, start, stop in zip(detections.looked_at.tolist(), starts, stops, strict=True):
        cut_between = any(between in cuts for between in range(before + 1, frame + 1))
        gone = [t for t in living if cut_between or frame - t.frames[-1] > max_gap]
        ended += gone
        living = [track for track in living if track not in gone]
        _mut_extend(living, frame, detections.boxes[start:stop], min_overlap)
        before = frame
    finished = [_finish(t, detections, within) for t in (*ended, *living)]
    long = [t for t in finished if len(t[1]) >= min_seconds * rate]
    long.sort(key=lambda t: (t[0], float(t[1][0, 0])))
    return tuple(FaceTrack(n, *track) for n, track in enumerate(long, 1))


def _mut_extend(
    living: list[_Living], frame: int, boxes: NDArray[np.float32], min_overlap: float
) -> None:
    """Give each box to the track it continues, or to a new one."""
    last = np.array([track.boxes[-1] for track in living], np.float32).reshape(-1, 4)
    overlap = overlaps(last, boxes)
    rows, columns = linear_sum_assignment(-overlap)
    owner = {
        c: living[r] for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= min_overlap
    }
    for column, box in enumerate(boxes):
        track = owner.get(column)
        if track is None:
            living.append(track := _Living())
        track.frames.append(frame)
        track.boxes.append(box)


def overlaps(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (len(a), len(b)) intersection over union of boxes in two (N, 4) arrays."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a, area_b = (np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b))
    return shared / np.maximum(area_a[:, None] + area_b[None, :] - shared, 1e-9)


def _finish(
    track: _Living, detections: Detections, within: FrameRange
) -> tuple[int, NDArray[np.float32], NDArray[np.bool_]]:
    """Return start, a box for every frame, and which boxes were seen rather than interpolated.

    A track is held over the frames after its last look that nobody looked at, up to a cut.
    """
    next_look = np.searchsorted(detections.looked_at, track.frames[-1], side="right")
    looks = detections.looked_at
    end = int(looks[next_look]) if next_look < len(looks) else within.end
    cuts = detections.camera_cuts
    next_cut = np.searchsorted(cuts, track.frames[-1], side="right")
    end = min(end, int(cuts[next_cut])) if next_cut < len(cuts) else end
    frames = np.arange(track.frames[0], end)
    seen_boxes = np.array(track.boxes)
    boxes = np.stack([np.interp(frames, track.frames, edge) for edge in seen_boxes.T], axis=1)
    return track.frames[0], boxes.astype(np.float32), np.isin(frames, track.frames)
