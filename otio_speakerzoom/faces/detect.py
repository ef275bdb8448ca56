"""Finds the faces in a stream of pictures, and the source's own cuts in the same pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.faces.opencv_trackers import NO_TRACKER, check_tracker, follow_faces
from otio_speakerzoom.model import Detections, FrameRange, Media, Progress, no_progress

Detector = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(H, W, 3) RGB picture -> (N, 4) left, top, right, bottom in its pixels, (N,) confidences."""

LOOKS_PER_SECOND = Fraction(25, 2)
"""How often the detector looks; a head moves little in 80 ms, and boxes between are interpolated.
With 5 looks a second crops follow worse: Sync-ASD's average precision falls from .984 to .976 on
two_turns, LR-ASD's from .980 to .969 on three_panel."""

LONG_SIDE = 960
"""Pixels of the longer side of what the detector sees: a fixed size, not a fixed share of the
source, so that a face of the same share of the picture is found in 720p and in 4K alike."""


def detector_size(media: Media) -> tuple[int, int]:
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
    on_progress: Progress = no_progress,
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
    cuts, sights, scale = CameraCuts(media.rate), list[_Sight](), np.ones(2)
    held: list[tuple[int, NDArray[np.uint8]]] = []  # the last look's picture and those after it
    for frame, picture in pictures:
        cuts.see(frame, picture)
        looks = (frame - within.start) % step == 0
        if looks:
            sights += _followed(follow, held, sights)
            sights.append(_Sight(frame, frame, *detector(picture)))
            held = []
        if follow != NO_TRACKER:
            held.append((frame, picture))
        scale = np.array(media.size) / picture.shape[1::-1]
        on_progress(frame - within.start + 1, within.duration)
    sights += _followed(follow, held, sights)
    return _collect(sights, np.tile(scale, 2).astype(np.float32), cuts.finish())


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """The faces in one frame."""

    frame: int
    since: int
    """The frame of the look that they come from: this one, or an earlier one if followed."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in pixels of the picture."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1."""


def _followed(
    tracker: str, held: list[tuple[int, NDArray[np.uint8]]], sights: list[_Sight]
) -> list[_Sight]:
    """Return the faces of the last look, the first of `held`, in the pictures held after it."""
    if len(held) < 2 or not sights:
        return []
    look = sights[-1]
    rows = follow_faces(tracker, [picture for _, picture in held], look.boxes)
    followed = []
    for (frame, _), boxes in zip(held[1:], rows, strict=True):
        there = ~np.isnan(boxes).any(axis=1)
        followed.append(_Sight(frame, look.frame, boxes[there], look.confidences[there]))
    return followed


def _collect(
    sights: list[_Sight], scale: NDArray[np.float32], cuts: NDArray[np.int32]
) -> Detections:
    """Return the sights but those followed past a cut; `scale`, (4,), takes boxes to the source."""
    kept = [s for s in sights if not ((s.since < cuts) & (cuts <= s.frame)).any()]
    return Detections(
        frames=np.repeat([s.frame for s in kept], [len(s.boxes) for s in kept]).astype(np.int32),
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(s.boxes * scale for s in kept)]),
        confidences=np.concatenate([np.empty(0, np.float32), *(s.confidences for s in kept)]),
        detected_frames=np.array([s.frame for s in kept], np.int32),
        camera_cuts=cuts,
    )
