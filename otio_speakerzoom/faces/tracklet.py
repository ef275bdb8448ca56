"""A face track under construction: its detections so far, where it moves, and how far it is final.

A tracklet is what association joined, detection by detection. A track consists of one tracklet, or
of several of which each took over the head of the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import exp

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.faces.detection_buffer import DetectionBuffer
from otio_speakerzoom.model import TrackGrowth

VELOCITY_DECAY_S = 1.0
"""The velocity of a lost face fades by e in this time. A walker who is hidden for 1 s is then
expected 0.63 of the way along, within reach at up to 2 sides per second, and a head that was
nodding when it was lost does not fly off."""

VELOCITY_SMOOTHING = 0.5
"""Share of the old velocity in the new one at every detection: a detector's jitter of 2 % of a side
is 0.25 sides per second between two detections, and this halves it."""


class Tracklet:
    """The last detection of one face, its velocity, and the track that its detections belong to."""

    __slots__ = ("box", "end", "last_frame", "start", "track", "velocity")

    def __init__(self, frame: int, box: NDArray[np.float32], confidence: float) -> None:
        """Begin with the detection in `frame`; `box` is (4,) in source pixels."""
        self.start = self.last_frame = frame
        self.box = box
        self.velocity = np.zeros(2, np.float32)  # source pixels per second, right and down
        self.end: int | None = None  # after the frame where its last box ends; None while it lives
        self.track = GrowingTrack(self)
        self.track.detections.append(frame, box, confidence)

    def predict(self, frame: int, rate: Fraction) -> NDArray[np.float32]:
        """Return the (4,) box expected in `frame`: the last one, moved at a fading velocity."""
        ahead_s = float((frame - self.last_frame) / rate)
        glide_s = VELOCITY_DECAY_S * (1 - exp(-ahead_s / VELOCITY_DECAY_S))
        return self.box + np.tile(self.velocity * glide_s, 2).astype(np.float32)

    def add_detection(
        self, frame: int, box: NDArray[np.float32], confidence: float, rate: Fraction
    ) -> None:
        """Append the detection in `frame` and update the velocity."""
        shift = (box - self.box).reshape(2, 2).mean(axis=0)
        velocity = shift / float((frame - self.last_frame) / rate)
        is_second = self.last_frame == self.start
        old = 0.0 if is_second else VELOCITY_SMOOTHING  # the first has no velocity
        self.velocity = (old * self.velocity + (1 - old) * velocity).astype(np.float32)
        self.last_frame, self.box = frame, box
        self.track.detections.append(frame, box, confidence)

    @property
    def definite_end(self) -> int:
        """The end, or what it is at least: the frame after the last detection so far."""
        return self.last_frame + 1 if self.end is None else self.end

    @property
    def is_last(self) -> bool:
        """Whether no other tracklet has taken over its head."""
        return self.track.last is self


@dataclass(slots=True, eq=False)
class GrowingTrack:
    """The detections of one face; the last tracklet adds to them."""

    last: Tracklet
    detections: DetectionBuffer = field(default_factory=DetectionBuffer)
    key: int | None = None
    """Its number; None while it may still become a part of an earlier track."""
    growth_end: int = -1
    """Frame up to which its boxes were returned by `grow`."""
    median_side: np.float32 = field(default_factory=lambda: np.float32(0))
    """In source pixels; 0 until it ends."""

    @property
    def start(self) -> int:
        return self.detections.first_frame

    @property
    def end(self) -> int:
        """After its last box; it has ended."""
        assert self.last.end is not None
        return self.last.end

    def hand_over(self, later: Tracklet) -> None:
        """Let `later` continue the track from its first frame on."""
        self.detections.continue_with(later.track.detections)
        self.last, later.track = later, self

    def grow(self, settled_end: int) -> TrackGrowth | None:
        """Return the boxes before `settled_end` that were not returned before; None if none."""
        end = self.last.end
        ended = end is not None and end <= settled_end
        stop = self.end if ended else settled_end
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


def face_sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (N,) sides of squares as large as (N, 4) boxes; at least a pixel."""
    return np.maximum(np.sqrt(areas(boxes)), np.float32(1))
