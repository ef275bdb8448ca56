"""Analyses a segment of a source on its own: a process, or a machine, per segment.

A segment returns what needs pixels: the faces in its frames, how much each frame differs from the
one before, and the crops that scoring is likely to ask for. Which crops those are depends on the
tracks of the whole film, so a segment tracks the faces in its own frames and in a margin around
them; a crop that it did not foresee is read from the source again. So margins cost or save time,
and change no result.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.faces import soft_cuts
from otio_speakerzoom.faces.detect import (
    FaceDetection,
    detection_step,
    detector_size,
    search_frame,
)
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, Detector
from otio_speakerzoom.faces.divider_edges import DividerEdges, divider_edges
from otio_speakerzoom.faces.face_search import FaceSearch
from otio_speakerzoom.faces.panel_search import sample_step
from otio_speakerzoom.faces.track import FaceTracker
from otio_speakerzoom.model import FrameFaces, FrameRange, Media, TrackGrowth
from otio_speakerzoom.pipeline.frame_ring import FrameRing
from otio_speakerzoom.speech.crops import CROP_SIZE, SMOOTHING_TICKS, CropRecipe
from otio_speakerzoom.speech.smooth_path import SmoothPath
from otio_speakerzoom.speech.ticks import frames_at_ticks

MARGIN_BEFORE_S = Fraction(1, 2)
"""A crop's box is smoothed over 6 ticks before it, .24 s, and a velocity takes a few detections."""
MARGIN_AFTER_S = Fraction(1)
"""A box is final at the next detection, unless the face is missing or may be a new one; then the
crops of the last second or two are read again."""


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """What to analyse, and how."""

    media: Media
    within: FrameRange
    """The part of the source that is analysed in all."""
    span: FrameRange
    """The segment; the detector runs on its first frame."""
    every: int | None
    tracker: str
    recipes: tuple[CropRecipe, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CropTable:
    """Crops by the frame and box that they were cut at."""

    frames: NDArray[np.int64]
    """(N,)"""
    boxes: NDArray[np.float32]
    """(N, 4)"""
    recipes: NDArray[np.int64]
    """(N,) index in `SegmentTask.recipes`."""
    crops: NDArray[np.uint8]
    """(N, 112, 112) gray."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentResult:
    """What the frames of a segment contain."""

    span: FrameRange
    faces: tuple[FrameFaces, ...]
    changes: tuple[float, ...]
    """Of each frame, from the one before."""
    crops: CropTable
    thumbnails: NDArray[np.uint8]
    """(S, B) of the samples for soft transitions."""
    edges: tuple[tuple[int, DividerEdges], ...]
    """Of the frames that are samples for dividers, with their numbers."""


def split(media: Media, within: FrameRange, every: int | None, seconds: int) -> list[FrameRange]:
    """Return consecutive segments of about so many seconds; the detector runs where one begins."""
    step = detection_step(media, every)
    frames = max(1, round(seconds * media.rate / step)) * step
    starts = range(within.start, within.end, frames)
    return [FrameRange(start, min(start + frames, within.end)) for start in starts]


def analyze_segment(task: SegmentTask, detector: Detector) -> SegmentResult:
    """Return the faces and the foreseen crops of a segment."""
    media, span = task.media, task.span
    padded = _padded(task)
    step = detection_step(media, task.every)
    search = FaceSearch(media, detector, padded.start, step, task.tracker)
    foresight = _Foresight(task, padded)
    faces: list[FrameFaces] = []
    changes: list[float] = []
    edges: list[tuple[int, DividerEdges]] = []
    thumbnails: list[NDArray[np.uint8]] = []
    first = max(task.within.start, padded.start - 1)  # only compared with
    size = detector_size(media)
    with closing(source_file.read_source_frames(media, FrameRange(first, padded.end))) as frames:
        for frame in frames:
            to_search = search_frame(frame, media, size)
            new, change = search.push(to_search)
            faces += new
            if span.start <= frame.number < span.end:
                changes.append(change)
                if (frame.number - task.within.start) % soft_cuts.sample_step(media.rate) == 0:
                    thumbnails.append(soft_cuts.thumbnail(to_search.small))
                if (frame.number - task.within.start) % sample_step(media) == 0:
                    edges.append((frame.number, divider_edges(frame.rgb(size))))
            if frame.number >= padded.start:
                foresight.push(frame, new, change)
    faces += (last := search.finish())
    foresight.finish(last)
    return SegmentResult(
        span,
        tuple(row for row in faces if span.start <= row.frame < span.end),
        tuple(changes),
        foresight.table(),
        np.array(thumbnails, np.uint8).reshape(-1, soft_cuts.THUMBNAIL_BYTES),
        tuple(edges),
    )


def _padded(task: SegmentTask) -> FrameRange:
    """Return the segment with its margins; the detector runs on the first frame."""
    step, rate, within = detection_step(task.media, task.every), task.media.rate, task.within
    before = -int(-MARGIN_BEFORE_S * rate // step) * step
    after = -int(-MARGIN_AFTER_S * rate // 1)
    start = task.span.start - before
    while start < within.start:
        start += step
    return FrameRange(start, min(within.end, task.span.end + after))


class _Foresight:
    """Tracks the faces of a segment, and cuts the crops that scoring will ask for."""

    def __init__(self, task: SegmentTask, padded: FrameRange) -> None:
        media = task.media
        self._task = task
        # It gets the faces that a search has found, and needs no detector. It gets no thumbnails:
        # where a soft transition ends a track, a few crops are read again.
        self._detection = FaceDetection(
            media, no_faces, within=padded, every=task.every, tracker=task.tracker
        )
        self._tracker = FaceTracker(media.rate, padded)
        self._is_last = padded.end == task.within.end
        ticks = task.within.start + frames_at_ticks(task.within.duration, media.rate)
        self._ticks = ticks
        self._span_ticks = range(*np.searchsorted(ticks, (task.span.start, task.span.end)).tolist())
        self._at_tick = set(ticks[(ticks >= padded.start) & (ticks < padded.end)].tolist())
        self._next_tick = int(np.searchsorted(ticks, padded.start))
        self._ring = FrameRing()
        self._paths: list[SmoothPath] = []
        self._by_key: dict[int, SmoothPath] = {}
        self._rows: list[tuple[int, NDArray[np.float32], int]] = []
        self._crops: list[NDArray[np.uint8]] = []

    def push(
        self, frame: source_file.SourceFrame, faces: Sequence[FrameFaces], change: float
    ) -> None:
        """Add the next frame, with the faces that are new and its change."""
        if frame.number in self._at_tick:
            self._ring.push(frame)
        growths = self._track(self._detection.extend(faces, (change,)))
        self._cut(growths, self._tracker.settled_end)

    def finish(self, faces: Sequence[FrameFaces]) -> None:
        """Add the last faces; a track that ends here may go on, unless the film ends too."""
        growths = self._track([*self._detection.extend(faces, ()), *self._detection.finish()])
        if self._is_last:
            last, _, _ = self._tracker.finish(self._detection.cuts)
            self._cut([*growths, *last], self._task.within.end)
        else:
            self._cut(growths, self._tracker.settled_end)

    def table(self) -> CropTable:
        """Return all crops in the segment."""
        return CropTable(
            np.array([row[0] for row in self._rows], np.int64),
            np.array([row[1] for row in self._rows], np.float32).reshape(-1, 4),
            np.array([row[2] for row in self._rows], np.int64),
            np.array(self._crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE),
        )

    def _track(self, faces: Sequence[FrameFaces]) -> list[TrackGrowth]:
        cuts = self._detection.cuts
        return [growth for row in faces for growth in self._tracker.push(row, cuts)]

    def _cut(self, growths: Sequence[TrackGrowth], settled_end: int) -> None:
        """Cut the crops of all ticks whose smooth boxes are final."""
        for growth in growths:
            if growth.key not in self._by_key:
                self._by_key[growth.key] = SmoothPath(growth.start, self._ticks)
                self._paths.append(self._by_key[growth.key])
            self._by_key[growth.key].push(growth)
        settled = int(np.searchsorted(self._ticks, settled_end))
        if settled_end < self._task.within.end:
            settled -= SMOOTHING_TICKS // 2
        for tick in range(self._next_tick, settled):
            for path in self._paths:
                if path.start <= tick < path.end:
                    self._cut_box(tick, path.next_box())
            self._paths = [path for path in self._paths if path.end > tick + 1]
        self._next_tick = max(self._next_tick, settled)
        if self._next_tick < len(self._ticks):
            self._ring.drop_before(int(self._ticks[self._next_tick]))

    def _cut_box(self, tick: int, box: NDArray[np.float32]) -> None:
        if tick not in self._span_ticks:
            return
        frame = int(self._ticks[tick])
        for n, recipe in enumerate(self._task.recipes):
            self._rows.append((frame, box, n))
            self._crops.append(self._ring.crop(frame, box, recipe))


def no_faces(frame: NDArray[np.uint8]) -> DetectedFaces:
    """Detect nothing."""
    return np.empty((0, 4), np.float32), np.empty(0, np.float32)


def no_crop(*_: object) -> NDArray[np.uint8]:
    """Raise LookupError: every crop has been cut before."""
    raise LookupError("a crop is asked for that should have been cut")
