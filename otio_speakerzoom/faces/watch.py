"""Looks at pictures one after the other: at all of one now and then, and near the faces between.

A full look costs BlazeFace three times what a look near known faces does, and misses nobody. So
whoever is new in a full look is sought backwards through the pictures since the one before, and
appears from the picture on in which they came, be it by the source's own cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.follow import NO_TRACKER, follow_faces
from otio_speakerzoom.faces.track import overlaps

Detector = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(H, W, 3) RGB picture -> (N, 4) left, top, right, bottom in its pixels, (N,) confidences."""

Near = Callable[
    [NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]
]
"""The same of the faces about the (M, 4) boxes only, (H, W, 3) and (M, 4) -> (N, 4) and (N,)."""

SAME_FACE = 0.3
"""Least intersection over union of a face in two looks; a head moves by half its width at most."""


STEADY = 0.65
"""Least intersection over union of a face and the place where it is looked for, up to which that
place stays: what a detector says moves with its view, so a view that follows every box trembles,
twice as much on two_turns. At .65 a face is a fifth of its side away and well within."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The faces in one frame."""

    frame: int
    since: int
    """The frame of the look that they come from: this one, or an earlier one if followed."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in pixels of the picture."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1."""


class Watch:
    """A detector at work: holds the pictures since its last full look.

    It looks near known faces if it is told how by `near`, or else follows them by `tracker`.
    """

    def __init__(self, detector: Detector, near: Near | None, tracker: str) -> None:
        self._detector = detector
        self._near = near
        self._tracker = tracker
        self._held: dict[int, NDArray[np.uint8]] = {}
        self._sights: dict[int, Sight] = {}
        self._places = np.empty((0, 4), np.float32)

    def hold(self, frame: int, picture: NDArray[np.uint8]) -> None:
        """Take the next frame, an (H, W, 3) RGB picture."""
        self._held[frame] = picture

    def look(self) -> None:
        """Look at all of the last picture; look back for whoever is new, or follow up to it.

        Its faces are then looked at as in every other picture: a box that came from another view
        would jump, by a twentieth of the face, which a network that reads lips takes for speech.
        """
        last = max(self._held)
        boxes, confidences = self._detector(self._held[last])
        self._follow([frame for frame in self._held if frame != last])
        if self._near is not None:
            self._look_back(boxes[_apart(boxes, self._places)], self._near)
            self._places = _settled(boxes, self._places)
            near, near_confidences = _sought(self._near, self._held[last], self._places)
            missed = _apart(boxes, near)
            boxes = np.concatenate([near, boxes[missed]])
            confidences = np.concatenate([near_confidences, confidences[missed]])
        self._held = {last: self._held[last]}
        self._sights[last] = Sight(last, last, boxes, confidences)

    def look_near(self) -> None:
        """Look at the last picture near where faces were since the last full look."""
        if self._near is None:
            self.look()
            return
        last = max(self._held)
        boxes, confidences = _sought(self._near, self._held[last], self._places)
        self._sights[last] = Sight(last, last, boxes, confidences)
        lost = self._places[_apart(self._places, boxes)]
        self._places = np.concatenate([_settled(boxes, self._places), lost])

    def finish(self) -> list[Sight]:
        """Return what was seen, in order of the frames."""
        self._follow(list(self._held))
        return [self._sights[frame] for frame in sorted(self._sights)]

    def _look_back(self, new: NDArray[np.float32], near: Near) -> None:
        """Seek the (N, 4) `new` faces in the looks since the last full one, the latest first."""
        for frame in sorted(self._held.keys() & self._sights.keys(), reverse=True):
            sight = self._sights[frame]
            boxes, confidences = _sought(near, self._held[frame], new)
            fresh = _apart(boxes, sight.boxes) & ~_apart(boxes, new)
            new = boxes[fresh]
            self._sights[frame] = Sight(
                frame, frame,
                np.concatenate([sight.boxes, new]),
                np.concatenate([sight.confidences, confidences[fresh]]),
            )  # fmt: skip

    def _follow(self, frames: list[int]) -> None:
        """Follow the faces of the look at the first of the held `frames` through the others."""
        if self._tracker == NO_TRACKER or not frames or frames[0] not in self._sights:
            return
        look = self._sights[frames[0]]
        rows = follow_faces(self._tracker, [self._held[frame] for frame in frames], look.boxes)
        for frame, boxes in zip(frames[1:], rows, strict=True):
            there = ~np.isnan(boxes).any(axis=1)
            sight = Sight(frame, look.frame, boxes[there], look.confidences[there])
            self._sights[frame] = sight


def _sought(
    near: Near, picture: NDArray[np.uint8], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what `near` sees; where there is nobody to look for, that nobody is there."""
    if not len(boxes):
        return np.empty((0, 4), np.float32), np.empty(0, np.float32)
    return near(picture, boxes)


def _settled(boxes: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 4) where to look for the `boxes` next: in their old place while they are in it."""
    if not len(places):
        return boxes
    overlap = overlaps(boxes, places)
    steady = overlap.max(axis=1) >= STEADY
    return np.where(steady[:, None], places[overlap.argmax(axis=1)], boxes)


def _apart(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (N,) which of the (N, 4) `boxes` are the face of none of the (M, 4) `others`."""
    return overlaps(boxes, others).max(axis=1, initial=0) < SAME_FACE
