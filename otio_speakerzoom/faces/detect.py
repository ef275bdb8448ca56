"""Detects the faces in a stream of frames, and the source's own cuts in the same pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.faces.detectors.interface import Detector
from otio_speakerzoom.faces.opencv_trackers import check_tracker, track_boxes
from otio_speakerzoom.model import Detections, FrameRange, Media, Progress, no_progress
from otio_speakerzoom.weights.names import NO_TRACKER

DETECTIONS_PER_S = Fraction(25, 2)
"""How often the detector runs; a head moves little in 80 ms, and boxes between are interpolated.
With 5 runs a second crops follow worse: Sync-ASD's average precision falls from .984 to .976 on
two_turns, LR-ASD's from .980 to .969 on three_panel."""

LONG_SIDE_PX = 960
"""Longer side of the detector's frames: a fixed size, not a fixed share of the source, so that a
face of the same share of the frame is detected in 720p and in 4K alike."""


def detector_size(media: Media) -> tuple[int, int]:
    """Return width and height of the frames to detect in; never larger than the source."""
    factor = min(Fraction(1), Fraction(LONG_SIDE_PX, max(media.size)))
    width, height = (max(2, round(side * factor / 2) * 2) for side in media.size)
    return width, height


def detect_faces(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    detector: Detector,
    *,
    within: FrameRange | None = None,
    every: int | None = None,
    tracker: str = NO_TRACKER,
    on_progress: Progress = no_progress,
) -> Detections:
    """Return every face in `frames`, (index, (H, W, 3) RGB) pairs in order, in source pixels.

    Every frame is compared with the one before for camera cuts. The detector runs on the first
    frame of `within` and on every `every`-th after it; by default about `DETECTIONS_PER_S` times a
    second. The `tracker` finds its faces again in the frames between, with the confidence of the
    detection, but not past a camera cut; these frames count as detected.
    """
    if every is not None and every < 1:
        raise ValueError(f"every must be at least 1 frame, got {every}")
    check_tracker(tracker)
    within = within or media.range
    step = every or max(1, round(media.rate / DETECTIONS_PER_S))
    cuts, faces, scale = CameraCuts(media.rate), list[_FrameFaces](), np.ones(2)
    pending: list[tuple[int, NDArray[np.uint8]]] = []  # the last detector frame and those after it
    for frame_index, frame in frames:
        cuts.push_frame(frame_index, frame)
        if (frame_index - within.start) % step == 0:
            faces += _track_between(tracker, pending, faces)
            faces.append(_FrameFaces(frame_index, frame_index, *detector(frame)))
            pending = []
        if tracker != NO_TRACKER:
            pending.append((frame_index, frame))
        scale = np.array(media.size) / frame.shape[1::-1]
        on_progress(frame_index - within.start + 1, within.duration)
    faces += _track_between(tracker, pending, faces)
    return _collect(faces, np.tile(scale, 2).astype(np.float32), cuts.finish())


@dataclass(frozen=True, slots=True, eq=False)
class _FrameFaces:
    """The faces in one frame."""

    frame_index: int
    detector_frame: int
    """The frame that the detector ran on: this one, or an earlier one if the faces are tracked."""
    boxes: NDArray[np.float32]
    """(N, 4) left, top, right, bottom in pixels of the frame."""
    confidences: NDArray[np.float32]
    """(N,) 0 to 1."""


def _track_between(
    tracker: str, pending: Sequence[tuple[int, NDArray[np.uint8]]], faces: Sequence[_FrameFaces]
) -> list[_FrameFaces]:
    """Return the last detected faces, which are of the first `pending` frame, in those after it."""
    if len(pending) < 2 or not faces:
        return []
    last = faces[-1]
    rows = track_boxes(tracker, [frame for _, frame in pending], last.boxes)
    tracked: list[_FrameFaces] = []
    for (frame_index, _), boxes in zip(pending[1:], rows, strict=True):
        visible = ~np.isnan(boxes).any(axis=1)
        tracked.append(
            _FrameFaces(frame_index, last.frame_index, boxes[visible], last.confidences[visible])
        )
    return tracked


def _collect(
    faces: Sequence[_FrameFaces], scale: NDArray[np.float32], cuts: NDArray[np.int32]
) -> Detections:
    """Return all faces but those tracked past a cut; `scale`, (4,), converts to source pixels."""
    rows = [f for f in faces if not ((f.detector_frame < cuts) & (cuts <= f.frame_index)).any()]
    counts = [len(row.boxes) for row in rows]
    return Detections(
        frames=np.repeat([row.frame_index for row in rows], counts).astype(np.int32),
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(r.boxes * scale for r in rows)]),
        confidences=np.concatenate([np.empty(0, np.float32), *(r.confidences for r in rows)]),
        detected_frames=np.array([row.frame_index for row in rows], np.int32),
        camera_cuts=cuts,
    )
