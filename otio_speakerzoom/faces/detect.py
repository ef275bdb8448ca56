"""Finds the faces in a stream of pictures, and the source's own cuts in the same pass."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.faces.follow import NO_TRACKER, check_tracker
from otio_speakerzoom.faces.watch import Detector, Near, Sight, Watch
from otio_speakerzoom.model import Detections, FrameRange, Media, Progress, quiet

LOOKS_PER_SECOND = Fraction(25, 2)
"""How often the detector looks; a head moves little in 80 ms, and boxes between are interpolated.
With 5 looks a second crops follow worse: Sync-ASD's average precision falls from .984 to .976 on
two_turns, LR-ASD's from .980 to .969 on three_panel."""

SECONDS_TO_FULL_LOOK = 1
"""How long it looks only near the faces that it knows, where it is told to, unless the source cuts.
Whoever comes meanwhile is found at the next full look and then sought back to the picture in which
they came, so only a visit of less than a second can be missed; two full looks a second would cost a
sixth more."""

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
    near: Near | None = None,
    within: FrameRange | None = None,
    every: int | None = None,
    follow: str = NO_TRACKER,
    on_progress: Progress = quiet,
) -> Detections:
    """Return every face in `pictures`, (frame, (H, W, 3) RGB) pairs in order, in source pixels.

    Every picture is compared with the one before for camera cuts. The detector looks at the first
    of `within` and at every `every`-th after it; without `every`, at about `LOOKS_PER_SECOND`. Then
    it looks `near` the faces that it knows, if it can, and in full every `SECONDS_TO_FULL_LOOK` and
    after each camera cut, which shows three pictures late. The tracker `follow` finds its faces
    again in the pictures between, as surely as at the look, but not past a camera cut; these
    pictures count as looked at, and with it all looks are full.
    """
    if every is not None and every < 1:
        raise ValueError(f"every must be at least 1 frame, got {every}")
    check_tracker(follow)
    within = within or media.range
    step = every or max(1, round(media.rate / LOOKS_PER_SECOND))
    if every or follow != NO_TRACKER:
        near = None
    in_full = step * max(1, int(media.rate * SECONDS_TO_FULL_LOOK / step)) if near else step
    cuts, watch, scale = CameraCuts(media.rate), Watch(detector, near, follow), np.ones(2)
    due = False
    for frame, picture in pictures:
        due |= cuts.see(frame, picture) or (frame - within.start) % in_full == 0
        looks = (frame - within.start) % step == 0
        if looks or follow != NO_TRACKER:
            watch.hold(frame, picture)
        if looks and due:
            watch.look()
            due = False
        elif looks:
            watch.look_near()
        scale = np.array(media.size) / picture.shape[1::-1]
        on_progress(frame - within.start + 1, within.duration)
    return _collect(watch.finish(), np.tile(scale, 2).astype(np.float32), cuts.finish())


def _collect(
    sights: list[Sight], scale: NDArray[np.float32], cuts: NDArray[np.int32]
) -> Detections:
    """Return the sights but those followed past a cut; `scale`, (4,), takes boxes to the source."""
    kept = [s for s in sights if not ((s.since < cuts) & (cuts <= s.frame)).any()]
    return Detections(
        frames=np.repeat([s.frame for s in kept], [len(s.boxes) for s in kept]).astype(np.int32),
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(s.boxes * scale for s in kept)]),
        confidences=np.concatenate([np.empty(0, np.float32), *(s.confidences for s in kept)]),
        looked_at=np.array([s.frame for s in kept], np.int32),
        camera_cuts=cuts,
    )
