"""A face track under construction: its detections so far, where it moves, and how far it is final.

A tracklet is what association joined, detection by detection. A track consists of one tracklet, or
of several of which each took over the head of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import exp

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.faces.detection_buffer import DetectionBuffer
from otio_speakerzoom.model import FrameRange, TrackGrowth

VELOCITY_DECAY_S = 1.0
"""The velocity of a lost face fades by e in this time. A walker who is hidden for 1 s is then
expected 0.63 of the way along, within reach at up to 2 sides per second, and a head that was
nodding when it was lost does not fly off."""

VELOCITY_SMOOTHING = 0.5
"""Share of the old velocity in the new one at every detection: a detector's jitter of 2 % of a side
is 0.25 sides per second between two detections, and this halves it."""


@dataclass(slots=True, eq=False)
class GrowingTrack:
    """The detections of one face; its last tracklet adds to them."""

    detections: DetectionBuffer = field(default_factory=DetectionBuffer)
    key: int | None = None
    """Its number; None while it may still become a part of an earlier track."""
    end: int | None = None
    """The frame after its last one; None while it may be detected again."""
    growth_end: int = -1
    """Frame up to which its boxes were returned by `grow`."""
    median_side: np.float32 = field(default_factory=lambda: np.float32(0))
    """In source pixels; 0 until `grow` has returned its last box."""

    @property
    def start(self) -> int:
        return self.detections.first_frame

    @property
    def frame_range(self) -> FrameRange:
        """Its frames; it must have ended."""
        assert self.end is not None
        return FrameRange(self.start, self.end)

    def grow(self, settled_end: int) -> TrackGrowth | None:
        """Return the boxes before `settled_end` that were not returned before; None if none."""
        ended = self.end is not None and self.end <= settled_end
        stop = self.end if self.end is not None and ended else settled_end
        start = max(self.start, self.growth_end)
        if start >= stop and not ended:
            return None
        boxes, has_detection = self.detections.interpolate(start, stop)
        self.growth_end = stop
        if ended:
            whole, _ = self.detections.interpolate(self.start, stop)
            self.median_side = np.median(face_sides(whole))
        assert self.key is not None
        return TrackGrowth(self.key, start, boxes, has_detection, ended)


class Tracklet:
    """The last detection of one face, its velocity, and the track that its detections belong to."""

    __slots__ = ("box", "is_replaced", "last_frame", "start", "track", "velocity")

    def __init__(self, frame: int, box: NDArray[np.float32], confidence: float) -> None:
        """Begin with the detection in `frame`; `box` is (4,) in source pixels."""
        self.start = self.last_frame = frame
        self.box = box
        self.velocity = np.zeros(2, np.float32)  # source pixels per second, right and down
        self.is_replaced = False  # whether another one has taken over its head
        self.track = GrowingTrack()
        self.track.detections.append(frame, box.tolist(), confidence)

    @property
    def end(self) -> int | None:
        """The frame after its last box; None while it may be detected again."""
        return self.track.end

    @property
    def definite_end(self) -> int:
        """The end, or what it is at least: the frame after the last detection so far."""
        return self.last_frame + 1 if self.end is None else self.end

    def hand_over(self, later: Tracklet) -> None:
        """Let `later` continue the track from its first frame on."""
        self.is_replaced = True
        self.track.detections.continue_with(later.track.detections)
        self.track.end, later.track = later.end, self.track


def predict_boxes(tracklets: Sequence[Tracklet], frame: int, rate: Fraction) -> NDArray[np.float32]:
    """Return the (N, 4) boxes expected in `frame`: the last ones, moved at fading velocities."""
    glides_s = [
        VELOCITY_DECAY_S * (1 - exp(-_seconds(frame - t.last_frame, rate) / VELOCITY_DECAY_S))
        for t in tracklets
    ]
    boxes, velocities = _motion(tracklets)
    shifts = np.multiply(velocities, np.array(glides_s)[:, None], dtype=np.float32)
    return boxes + np.concatenate([shifts, shifts], axis=1)


def add_detections(
    tracklets: Sequence[Tracklet],
    frame: int,
    boxes: NDArray[np.float32],
    confidences: NDArray[np.float32],
    rate: Fraction,
) -> None:
    """Append a detection in `frame` to each tracklet, and update its velocity."""
    if not tracklets:
        return
    last_boxes, last_velocities = _motion(tracklets)
    shifts = boxes - last_boxes
    gaps_s = [_seconds(frame - tracklet.last_frame, rate) for tracklet in tracklets]
    velocities = (shifts[:, :2] + shifts[:, 2:]) / 2 / np.array(gaps_s, np.float32)[:, None]
    # a first detection has no velocity, so the second one's is that of the two
    old = [VELOCITY_SMOOTHING if t.last_frame > t.start else 0.0 for t in tracklets]
    weights = np.array(old, np.float32)[:, None]
    velocities = weights * last_velocities + (1 - weights) * velocities
    for tracklet, box, edges, confidence, velocity in zip(
        tracklets, boxes, boxes.tolist(), confidences.tolist(), velocities, strict=True
    ):
        tracklet.last_frame, tracklet.box, tracklet.velocity = frame, box, velocity
        tracklet.track.detections.append(frame, edges, confidence)


def _motion(
    tracklets: Sequence[Tracklet],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (N, 4) last boxes, and the (N, 2) velocities."""
    boxes = np.concatenate([tracklet.box for tracklet in tracklets]).reshape(-1, 4)
    return boxes, np.concatenate([tracklet.velocity for tracklet in tracklets]).reshape(-1, 2)


def _seconds(frames: int, rate: Fraction) -> float:
    """Return the nearest number to the exact duration; a Fraction takes ten times as long."""
    return frames * rate.denominator / rate.numerator


def face_sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (N,) sides of squares as large as (N, 4) boxes; at least a pixel."""
    return np.maximum(np.sqrt(areas(boxes)), np.float32(1))
