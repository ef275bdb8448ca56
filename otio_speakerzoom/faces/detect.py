"""Finds the faces in a stream of pictures, and the source's own cuts in the same pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import COMPARED_WIDTH, CameraCuts
from otio_speakerzoom.faces.follow import NO_TRACKER, check_tracker, follow_faces
from otio_speakerzoom.model import Detections, FrameRange, Media, Progress, quiet

Detector = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(H, W, 3) RGB picture -> (N, 4) left, top, right, bottom in its pixels, (N,) confidences."""

LOOKS_PER_SECOND = Fraction(25, 2)
"""How often the detector looks; a head moves little in 80 ms, and boxes between are interpolated.
5 looks a second cost two fifths of that, but crops follow worse: Sync-ASD's average precision falls
from .984 to .975 on two_turns, LR-ASD's from .980 to .969 on three_panel."""

LONG_SIDE = 960
"""Pixels of the longer side of what the detector sees: a fixed size, not a fixed share of the
source, so that a face of the same share of the picture is found in 720p and in 4K alike."""


def looked_at_size(media: Media) -> tuple[int, int]:
    """Return width and height of the pictures to detect in; never larger than the source."""
    shrink = min(Fraction(1), Fraction(LONG_SIDE, max(media.size)))
    width, height = (max(2, round(side * shrink / 2) * 2) for side in media.size)
    return width, height


def detect_faces(
    pictures: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    detector: Detector,
    *,
    within: FrameRange | None = None,
    every: int | None = None,
    follow: str = NO_TRACKER,
    on_progress: Progress = quiet,
) -> Detections:
    """Return every face in `pictures`, (frame, (H, W, 3) RGB) pairs in order, in source pixels.

    Every picture is compared with the one before for camera cuts. The detector looks at the first
    of `within` and at every `every`-th after it; without `every`, at about `LOOKS_PER_SECOND`. The
    tracker `follow` finds its faces again in the pictures between, as surely as at the look, but
    not past a camera cut; these pictures count as looked at.
    """
    if every is not None and every < 1:
        raise ValueError(f"every must be at least 1 frame, got {every}")
    check_tracker(follow)
    within = within or media.range
    step = every or max(1, round(media.rate / LOOKS_PER_SECOND))
    cuts, watch = CameraCuts(media.rate), _Watch(detector, follow, media.size)
    for frame, picture in pictures:
        cuts.see(frame, _for_cuts(picture))
        watch.hold(frame, picture)
        if (frame - within.start) % step == 0:
            watch.look()
        on_progress(frame - within.start + 1, within.duration)
    return _collect(watch.finish(), cuts.finish())


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """The faces in one frame."""

    frame: int
    since: int
    """The frame of the look that they come from: this one, or an earlier one if followed."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in source pixels."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1."""


class _Watch:
    """A detector at work: holds the pictures since its last look, in which to follow its faces."""

    def __init__(self, detector: Detector, tracker: str, size: tuple[int, int]) -> None:
        self._detector = detector
        self._tracker = tracker
        self._size = size
        self._held: dict[int, NDArray[np.uint8]] = {}
        self._looks: dict[int, _Sight] = {}
        self._followed: list[_Sight] = []

    def hold(self, frame: int, picture: NDArray[np.uint8]) -> None:
        """Take the next frame, an (H, W, 3) RGB picture."""
        self._held[frame] = picture

    def look(self) -> None:
        """Look at the last picture, and follow the faces of the look before up to it."""
        last = max(self._held)
        boxes, confidences = self._detector(self._held[last])
        self._looks[last] = _Sight(last, last, boxes * self._scale(last), confidences)
        self._follow()
        self._held = {last: self._held[last]}

    def finish(self) -> list[_Sight]:
        """Return what was seen, in order of the frames."""
        self._follow()
        return sorted([*self._looks.values(), *self._followed], key=lambda sight: sight.frame)

    def _follow(self) -> None:
        """Follow each look's faces through the held pictures up to the next look."""
        if self._tracker == NO_TRACKER:
            return
        looks = [frame for frame in self._held if frame in self._looks]
        for look, end in pairwise([*looks, max(self._held, default=0) + 1]):
            sight, scale = self._looks[look], self._scale(look)
            stretch = range(look, end)
            pictures = [self._held[frame] for frame in stretch]
            rows = scale * follow_faces(self._tracker, pictures, sight.boxes / scale)
            for frame, boxes in zip(stretch[1:], rows, strict=True):
                there = ~np.isnan(boxes).any(axis=1)
                self._followed.append(_Sight(frame, look, boxes[there], sight.confidences[there]))

    def _scale(self, frame: int) -> NDArray[np.float32]:
        """(4,) source pixels in a pixel of the picture held: across, down, across, down."""
        height, width = self._held[frame].shape[:2]
        return np.array((self._size[0] / width, self._size[1] / height) * 2, np.float32)


def _for_cuts(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture as small as it is compared for cuts, if it is larger.

    By halves and a last step of less than two, since OpenCV means whole pixels ten times faster
    than parts of them: with the comparison 0.4 ms instead of 2.3 for 960 x 540, and the same cuts
    in 12 clips of the footage.
    """
    while picture.shape[1] > COMPARED_WIDTH:
        height, width = picture.shape[:2]
        size, kind = (width // 2, height // 2), cv2.INTER_AREA
        if size[0] < COMPARED_WIDTH:
            size, kind = (COMPARED_WIDTH, height * COMPARED_WIDTH // width), cv2.INTER_LINEAR
        picture = np.asarray(cv2.resize(picture, size, interpolation=kind), np.uint8)
    return picture


def _collect(sights: list[_Sight], cuts: NDArray[np.int32]) -> Detections:
    """Return the sights but those followed past a cut."""
    kept = [s for s in sights if not ((s.since < cuts) & (cuts <= s.frame)).any()]
    return Detections(
        frames=np.repeat([s.frame for s in kept], [len(s.boxes) for s in kept]).astype(np.int32),
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(s.boxes for s in kept)]),
        confidences=np.concatenate([np.empty(0, np.float32), *(s.confidences for s in kept)]),
        looked_at=np.array([s.frame for s in kept], np.int32),
        camera_cuts=cuts,
    )
