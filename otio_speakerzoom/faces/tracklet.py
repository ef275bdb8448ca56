"""A face track under construction: its detections so far, where it moves, and the boxes between."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import exp

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.model import Detections, FaceTrack, FrameRange

VELOCITY_DECAY_S = 1.0
"""The velocity of a lost face fades by e in this time. A walker who is hidden for 1 s is then
expected 0.63 of the way along, within reach at up to 2 sides per second, and a head that was
nodding when it was lost does not fly off."""

VELOCITY_SMOOTHING = 0.5
"""Share of the old velocity in the new one at every detection: a detector's jitter of 2 % of a side
is 0.25 sides per second between two detections, and this halves it."""


@dataclass(slots=True, eq=False)
class Tracklet:
    """The detections of one face so far, and its velocity."""

    frames: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    velocity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    """(2,) source pixels per second, right and down."""

    def predict(self, frame: int, rate: Fraction) -> NDArray[np.float32]:
        """Return the (4,) box expected in `frame`: the last one, moved at a fading velocity."""
        ahead_s = float((frame - self.frames[-1]) / rate)
        glide_s = VELOCITY_DECAY_S * (1 - exp(-ahead_s / VELOCITY_DECAY_S))
        return self.boxes[-1] + np.tile(self.velocity * glide_s, 2).astype(np.float32)

    def add_detection(
        self, frame: int, box: NDArray[np.float32], confidence: float, rate: Fraction
    ) -> None:
        """Append the detection in `frame` and update the velocity."""
        if self.frames:
            shift = (box - self.boxes[-1]).reshape(2, 2).mean(axis=0)
            velocity = shift / float((frame - self.frames[-1]) / rate)
            old = VELOCITY_SMOOTHING if len(self.frames) > 1 else 0.0  # the first has none
            self.velocity = (old * self.velocity + (1 - old) * velocity).astype(np.float32)
        self.frames.append(frame)
        self.boxes.append(box)
        self.confidences.append(confidence)

    def continued_by(self, later: Tracklet) -> Tracklet:
        """Return one tracklet of two; `later` takes over where it begins."""
        count = sum(frame < later.frames[0] for frame in self.frames)
        return Tracklet(
            self.frames[:count] + later.frames,
            self.boxes[:count] + later.boxes,
            self.confidences[:count] + later.confidences,
            later.velocity,
        )


def interpolate(tracklet: Tracklet, detections: Detections, within: FrameRange) -> FaceTrack:
    """Return a track with a box for every frame; its id, 0, is yet to be assigned.

    The last box holds until the next frame that the detector processed, or the next camera cut.
    """
    frames, cuts = detections.detected_frames, detections.camera_cuts
    after = np.searchsorted(frames, tracklet.frames[-1], side="right")
    end = int(frames[after]) if after < len(frames) else within.end
    next_cut = np.searchsorted(cuts, tracklet.frames[-1], side="right")
    end = min(end, int(cuts[next_cut])) if next_cut < len(cuts) else end
    span = np.arange(tracklet.frames[0], end)
    edges = np.array(tracklet.boxes).T
    boxes = np.stack([np.interp(span, tracklet.frames, edge) for edge in edges], axis=1)
    has_detection = np.isin(span, tracklet.frames)
    return FaceTrack(0, tracklet.frames[0], boxes.astype(np.float32), has_detection)


def face_sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (N,) sides of squares as large as (N, 4) boxes; at least a pixel."""
    return np.maximum(np.sqrt(areas(boxes)), np.float32(1))
