"""Finds the faces in a stream of pictures, and the source's own cuts in the same pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.model import Detections, FrameRange, Media, Progress, quiet

Detector = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(H, W, 3) RGB picture -> (N, 4) left, top, right, bottom in its pixels, (N,) confidences."""

LOOKS_PER_SECOND = Fraction(25, 2)
"""How often the detector looks. A head moves little in 80 ms; boxes between are interpolated."""

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
    on_progress: Progress = quiet,
) -> Detections:
    """Return every face in `pictures`, (frame, (H, W, 3) RGB) pairs in order, in source pixels.

    Every picture is compared with the one before for camera cuts; the detector looks at about
    `LOOKS_PER_SECOND` of them.
    """
    within = within or media.range
    every = max(1, round(media.rate / LOOKS_PER_SECOND))
    cuts, looked_at = CameraCuts(media.rate), list[int]()
    frames, boxes, confidences = (
        list[int](),
        [np.empty((0, 4), np.float32)],
        [np.empty(0, np.float32)],
    )
    for frame, picture in pictures:
        cuts.see(frame, picture)
        if (frame - within.start) % every == 0:
            found, sure = detector(picture)
            height, width = picture.shape[:2]
            scale = np.array((media.size[0] / width, media.size[1] / height) * 2, np.float32)
            looked_at.append(frame)
            frames += [frame] * len(found)
            boxes.append(found * scale)
            confidences.append(sure)
        on_progress(frame - within.start + 1, within.duration)
    return Detections(
        frames=np.array(frames, np.int32),
        boxes=np.concatenate(boxes),
        confidences=np.concatenate(confidences),
        looked_at=np.array(looked_at, np.int32),
        camera_cuts=cuts.finish(),
    )
