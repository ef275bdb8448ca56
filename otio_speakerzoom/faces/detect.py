"""Detects the faces in a stream of frames, and the source's own cuts in the same pass."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.faces.detectors.interface import Detector
from otio_speakerzoom.faces.face_search import FaceSearch
from otio_speakerzoom.faces.opencv_trackers import check_tracker
from otio_speakerzoom.faces.search_frame import SearchFrame, small_size
from otio_speakerzoom.faces.soft_cuts import (
    THUMBNAIL_BYTES,
    SoftCuts,
    sample_step,
    thumbnail,
)
from otio_speakerzoom.model import (
    Detections,
    FrameFaces,
    FrameRange,
    Media,
    Progress,
    no_progress,
)
from otio_speakerzoom.weights.names import NO_TRACKER

DETECTIONS_PER_S = Fraction(25, 2)
"""How often the detector runs; a head moves little in 80 ms, and boxes between are interpolated.
With 5 runs a second crops follow worse: Sync-ASD's average precision falls from .984 to .976 on
two_turns, LR-ASD's from .980 to .969 on three_panel."""

LONG_SIDE_PX = 960
"""Longer side of the detector's frames: a fixed size, not a fixed share of the source, so that a
face of the same share of the frame is detected in 720p and in 4K alike."""

NO_THUMBNAILS = np.empty((0, THUMBNAIL_BYTES), np.uint8)


def detector_size(media: Media) -> tuple[int, int]:
    """Return width and height of the frames to detect in; never larger than the source."""
    factor = min(Fraction(1), Fraction(LONG_SIDE_PX, max(media.size)))
    width, height = (max(2, round(side * factor / 2) * 2) for side in media.size)
    return width, height


def detection_step(media: Media, every: int | None = None) -> int:
    """Return the frames from one run of the detector to the next: `every`, or the default."""
    if every is not None and every < 1:
        raise ValueError(f"every must be at least 1 frame, got {every}")
    return every or max(1, round(media.rate / DETECTIONS_PER_S))


def read_search_frames(
    media: Media, within: FrameRange | None = None
) -> Generator[SearchFrame, None, None]:
    """Yield every frame of `within` in order, to be searched. A thread decodes ahead."""
    size = detector_size(media)
    with closing(source_file.read_source_frames(media, within)) as frames:
        for frame in frames:
            yield search_frame(frame, media, size)


def search_frame(
    frame: source_file.SourceFrame, media: Media, size: tuple[int, int]
) -> SearchFrame:
    """Return a frame to be searched by a detector for frames of `size`."""
    small = frame.rgb_fast(small_size(*media.size))
    return SearchFrame(frame.number, small, lambda: frame.rgb(size))


def detect_faces(
    frames: Iterable[SearchFrame],
    media: Media,
    detector: Detector,
    *,
    within: FrameRange | None = None,
    every: int | None = None,
    tracker: str = NO_TRACKER,
    on_progress: Progress = no_progress,
) -> Detections:
    """Return every face in `frames`, which are all of `within` in order, in source pixels.

    Every frame is compared with the one before for camera cuts. The detector runs on the first
    frame of `within` and on every `every`-th after it; by default about `DETECTIONS_PER_S` times a
    second. The `tracker` finds its faces again in the frames between, with the confidence of the
    detection, but not past a camera cut; these frames count as detected.
    """
    within = within or media.range
    detection = FaceDetection(media, detector, within=within, every=every, tracker=tracker)
    columns = DetectionColumns()
    for frame in frames:
        columns.add(detection.push(frame))
        on_progress(frame.number - within.start + 1, within.duration)
    columns.add(detection.finish())
    return columns.detections(detection.cuts)


class FaceDetection:
    """Detects faces in frames that are pushed in order; returns them once they are final.

    They are as soon as all camera cuts up to their frame are known: a face that a `tracker` has
    followed past a cut is dropped. The arguments are those of `detect_faces`.
    """

    def __init__(
        self,
        media: Media,
        detector: Detector,
        *,
        within: FrameRange | None = None,
        every: int | None = None,
        tracker: str = NO_TRACKER,
    ) -> None:
        check_tracker(tracker)
        self._media = media
        self._detector = detector
        self._tracker = tracker
        self._start = (within or media.range).start
        self._step = detection_step(media, every)
        self._hard_cuts = CameraCuts(self._start)
        self._soft_cuts = SoftCuts(media.rate)
        self._sample_step = sample_step(media.rate)
        self._cuts: list[int] = []
        self._waiting = deque[FrameFaces]()
        self._search: FaceSearch | None = None
        self._small_ahead: NDArray[np.uint8] | None = None
        self.changes = array("d")
        """How much each frame from the first on differs from the one before."""
        self._thumbnails = bytearray()
        """Of each sample for soft transitions, one after the other: 9 MB an hour."""

    @property
    def cuts(self) -> Sequence[int]:
        """The first frame after each camera cut, as far as they are known, in ascending order."""
        return self._cuts

    @property
    def settled_end(self) -> int:
        """The frame before which all camera cuts are known."""
        settled_end, open_from = self._hard_cuts.settled_end, self._soft_cuts.open_from
        return settled_end if open_from is None else min(settled_end, open_from)

    @property
    def next_frame(self) -> int:
        """The frame to push next."""
        new = self._start + len(self.changes)
        return new - 1 if self._search is None and self.changes else new

    def looks_at(self, frame: int) -> bool:
        """Whether the detector runs on a frame, unless the source repeats it."""
        return (frame - self._start) % self._step == 0

    def detect_ahead(self, frame: SearchFrame) -> None:
        """Run the detector on a frame that will be pushed, if it looks at it.

        For a thread ahead of the one that pushes. It gets all frames from `next_frame` on in order.
        """
        if self.looks_at(frame.number) and frame.small is not self._small_ahead:
            self._small_ahead, frame.faces = frame.small, self._detector(frame.rgb())

    @property
    def complete_end(self) -> int:
        """The last frame so far that the detector runs on, and before which all is returned."""
        end = min(self.settled_end, self._start + len(self.changes) - 1)
        return max(self._start, end - (end - self._start) % self._step)

    def extend(
        self,
        faces: Iterable[FrameFaces],
        changes: Iterable[float],
        thumbnails: NDArray[np.uint8] = NO_THUMBNAILS,
    ) -> list[FrameFaces]:
        """Add the next frames as an earlier detection searched them, instead of pushing them.

        `changes` are theirs, `thumbnails` those of the samples among them as `thumbnails` returns
        them, and `faces` what `push`, or a `FaceSearch`, returned for them. Without thumbnails no
        soft transition is found. Return the faces that are final now.

        After that, push the frames from the last of these on: it is what the next one is compared
        with. Raise ValueError unless that next frame, D, is one that the detector runs
        on: only then are all faces before it known.
        """
        self._search = None
        return self._settle(faces, changes, thumbnails)

    def push(self, frame: SearchFrame) -> list[FrameFaces]:
        """Return the faces that are final, in the order of their frames, in source pixels.

        A frame that the detector ran on comes with no boxes if it has no faces.
        """
        new = self._start + len(self.changes)
        if frame.number != self.next_frame:
            raise ValueError(f"expected frame {self.next_frame}, got {frame.number}")
        if self._search is None:
            self._search = self._new_search(new)
        faces, change = self._search.push(frame)
        if frame.number != new:
            return []
        is_sample = (new - self._start) % self._sample_step == 0
        thumbnails = thumbnail(frame.small)[None] if is_sample else NO_THUMBNAILS
        return self._settle(faces, (change,), thumbnails)

    def thumbnails(self, start: int, end: int) -> NDArray[np.uint8]:
        """Return (S, `THUMBNAIL_BYTES`) of the samples from frame `start` on and before `end`."""
        first, last = (-(-(frame - self._start) // self._sample_step) for frame in (start, end))
        part = self._thumbnails[first * THUMBNAIL_BYTES : last * THUMBNAIL_BYTES]
        return np.frombuffer(bytes(part), np.uint8).reshape(-1, THUMBNAIL_BYTES)

    def finish(self) -> list[FrameFaces]:
        """Return the other faces; no frame follows."""
        self._hard_cuts.finish()
        self._soft_cuts.open_from = None
        return self._settle(self._search.finish() if self._search else (), (), NO_THUMBNAILS)

    def _new_search(self, start: int) -> FaceSearch:
        if not self.looks_at(start):
            raise ValueError(f"the detector does not run on frame {start}")
        return FaceSearch(self._media, self._detector, start, self._step, self._tracker)

    def _settle(
        self,
        faces: Iterable[FrameFaces],
        changes: Iterable[float],
        thumbnails: NDArray[np.uint8],
    ) -> list[FrameFaces]:
        """Add faces, changes and thumbnails; return the faces before the last settled cut."""
        self._waiting.extend(faces)
        self._thumbnails += thumbnails.tobytes()
        samples = iter(thumbnails)
        for change in changes:
            number = self._start + len(self.changes)
            self.changes.append(change)
            is_sample = (number - self._start) % self._sample_step == 0
            self._find_cuts(number, change, next(samples, None) if is_sample else None)
        final: list[FrameFaces] = []
        while self._waiting and self._waiting[0].frame < self.settled_end:
            row = self._waiting.popleft()
            if not self._is_past_cut(row.frame):
                final.append(row)
        return final

    def _find_cuts(self, number: int, change: float, picture: NDArray[np.uint8] | None) -> None:
        """Add the cuts that the next frame makes known; a soft one is after all hard ones."""
        count = len(self._hard_cuts.cuts)
        self._hard_cuts.push(change)
        for cut in self._hard_cuts.cuts[count:]:
            self._soft_cuts.drop_before(cut)
            self._cuts.append(cut)
        if picture is not None:
            soft = self._soft_cuts.push(number, picture)
            self._cuts += [] if soft is None else [soft]

    def _is_past_cut(self, frame: int) -> bool:
        """Whether a camera cut lies between the detection that the faces come from and `frame`."""
        detector_frame = frame - (frame - self._start) % self._step
        return bisect_right(self.cuts, detector_frame) < bisect_right(self.cuts, frame)


class DetectionColumns:
    """Collects faces frame by frame, in 24 bytes each."""

    def __init__(self) -> None:
        self._frames, self._detected_frames = array("i"), array("i")
        self._boxes, self._confidences = array("f"), array("f")

    def add(self, faces: Iterable[FrameFaces]) -> None:
        """Add the faces of the next frames."""
        for row in faces:
            self._detected_frames.append(row.frame)
            self._frames.extend([row.frame] * len(row.boxes))
            self._boxes.frombytes(row.boxes.astype(np.float32).tobytes())
            self._confidences.frombytes(row.confidences.astype(np.float32).tobytes())

    def detections(self, cuts: Sequence[int]) -> Detections:
        """Return all faces, with the camera cuts."""
        return Detections(
            frames=np.array(self._frames, np.int32),
            boxes=np.array(self._boxes, np.float32).reshape(-1, 4),
            confidences=np.array(self._confidences, np.float32),
            detected_frames=np.array(self._detected_frames, np.int32),
            camera_cuts=np.array(cuts, np.int32),
        )
