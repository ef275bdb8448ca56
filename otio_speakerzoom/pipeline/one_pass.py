"""Detects, tracks and scores the faces of a source while it is decoded once.

    decode -> [frames] -> reduce -> [small] -> detect -> [faces] -> track -> [growth] -> crop, score

Each arrow between brackets is a queue between two threads. The results are those of the stages run
one after the other, each over the whole source.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.faces.detect import (
    DetectionColumns,
    FaceDetection,
    detector_size,
    search_frame,
)
from otio_speakerzoom.faces.divider_edges import DividerEdges
from otio_speakerzoom.faces.embed import Looks
from otio_speakerzoom.faces.face_samples import FaceSamples
from otio_speakerzoom.faces.panel_search import PanelSearch
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.faces.track import FaceTracker
from otio_speakerzoom.model import (
    Detections,
    FaceTrack,
    FrameFaces,
    FrameRange,
    Media,
    Panel,
    Progress,
    TrackGrowth,
)
from otio_speakerzoom.pipeline.detection_log import DetectionLog
from otio_speakerzoom.pipeline.frame_ring import FrameRing
from otio_speakerzoom.pipeline.segment import SegmentResult
from otio_speakerzoom.pipeline.segment_crops import SegmentCrops
from otio_speakerzoom.pipeline.worker_thread import WorkerThread
from otio_speakerzoom.speech.scoring import SpeechScoring
from otio_speakerzoom.speech.ticks import frames_at_ticks

MAX_REDUCED_FRAMES = 3
"""Ahead of the detector: one run of it takes as long as decoding three frames."""
MAX_DETECTED_FRAMES = 3
"""Between the detector and tracking, which takes longer at the end of a shot."""
MAX_WAITING_FRAMES = 4
"""Between tracking and scoring: enough to keep both busy, and 50 MB of decoded 4K."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Every face of a source, and the tracks with their keys in the growth that was scored."""

    detections: Detections
    tracks: tuple[FaceTrack, ...]
    keys: tuple[int, ...]
    looks: Looks | None
    """Of the tracks; None where the pass made none."""
    panels: tuple[Panel, ...] | None
    """None where the pass looked for none."""


class GrowingTracks:
    """Tracks faces as they are detected; collects the detections, faces to embed, and panels."""

    def __init__(
        self,
        media: Media,
        within: FrameRange,
        detection: FaceDetection,
        samples: FaceSamples | None = None,
        panels: PanelSearch | None = None,
    ) -> None:
        self._detection = detection
        self._tracker = FaceTracker(media.rate, within)
        self._columns = DetectionColumns()
        self._samples = samples
        self._panels = panels

    @property
    def settled_end(self) -> int:
        """The frame up to which the boxes of all tracks were returned."""
        return self._tracker.settled_end

    def replay(self, log: DetectionLog | None) -> Iterator[list[TrackGrowth]]:
        """Add the faces in a log, and yield what grew, part by part."""
        for faces in log.replay() if log else ():
            yield self.push(faces)

    def push_frame(self, frame: SearchFrame, log: DetectionLog | None) -> list[TrackGrowth]:
        """Detect the faces in the next frame, and return what grew."""
        if self._samples:
            self._samples.push_frame(frame)
        if self._panels and self._panels.is_sample(frame.number):
            self._panels.push_frame(frame.number, frame.rgb())
        return self.push(self._detection.push(frame), log)

    def push_edges(self, samples: Iterable[tuple[int, DividerEdges]]) -> None:
        """Take the edges of the next frames that are samples for dividers, with their numbers."""
        if self._panels:
            for number, edges in samples:
                self._panels.push(number, edges)

    def push(
        self, faces: Sequence[FrameFaces], log: DetectionLog | None = None
    ) -> list[TrackGrowth]:
        """Add the faces of the next frames, also to a log, and return what grew."""
        if log:
            log.add(faces)
        self._columns.add(faces)
        cuts = self._detection.cuts
        growths = [growth for row in faces for growth in self._tracker.push(row, cuts)]
        if self._samples:
            self._samples.push_faces(faces)
            self._samples.push_growth(growths, self._tracker.settled_end)
        if self._panels:
            self._panels.settle(cuts, self._detection.settled_end)
        return growths

    def finish(self) -> tuple[list[TrackGrowth], Faces]:
        """Return the last growth, and all faces."""
        growths = self.push(self._detection.finish())
        cuts = self._detection.cuts
        last, tracks, keys = self._tracker.finish(cuts)
        looks = None
        if self._samples:
            self._samples.push_growth(last, self._tracker.settled_end)
            looks = self._samples.finish(keys)
        panels = self._panels.finish(cuts) if self._panels else None
        faces = Faces(self._columns.detections(cuts), tracks, keys, looks, panels)
        return [*growths, *last], faces


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A frame, and the growth that its detections settled."""

    frame: source_file.SourceFrame
    growths: Sequence[TrackGrowth]
    settled_end: int


def detect_and_score(
    media: Media,
    within: FrameRange,
    detection: FaceDetection,
    scoring: SpeechScoring,
    on_progress: Progress,
    log: DetectionLog | None = None,
    samples: FaceSamples | None = None,
    panels: PanelSearch | None = None,
) -> Faces:
    """Push every frame of `within` through `detection`, a tracker and `scoring`.

    All growth is pushed when this returns: `scoring.finish` returns the scores of the tracks. What
    is in `log`, which is that of `detection`, is not searched again; `samples` and `panels` need
    every frame, so they go with an empty log only.
    """
    tracks = GrowingTracks(media, within, detection, samples, panels)
    ring = _TickRing(media, within)
    for growths in tracks.replay(log):
        scoring.push(growths, tracks.settled_end, _first_frame(detection, scoring), ring.crop)

    def score(step: _Step) -> None:
        ring.push(step.frame)
        scoring.push(step.growths, step.settled_end, step.frame.number + 1, ring.crop)
        ring.drop_before(scoring.needed_from)

    remaining = FrameRange(_first_frame(detection, scoring), within.end)
    frames = _with_faces(media, remaining, detection)
    with closing(frames), WorkerThread(score, MAX_WAITING_FRAMES, "score") as scorer:
        for frame, to_search in frames:
            growths = [] if to_search is None else tracks.push_frame(to_search, log)
            scorer.put(_Step(frame, growths, tracks.settled_end))
            on_progress(frame.number + 1 - within.start, within.duration)
        growths, faces = tracks.finish()
        scorer.finish()
    scoring.push(growths, within.end, within.end, ring.crop)
    return faces


def _with_faces(
    media: Media, remaining: FrameRange, detection: FaceDetection
) -> Generator[tuple[source_file.SourceFrame, SearchFrame | None], None, None]:
    """Yield what `_with_small` does after the detector has run; each in a thread that is ahead."""

    def detected() -> Generator[tuple[source_file.SourceFrame, SearchFrame | None], None, None]:
        small = _with_small(media, remaining, detection)
        with closing(source_file.prefetch(small, MAX_REDUCED_FRAMES, "reduce")) as frames:
            for frame, to_search in frames:
                if to_search:
                    detection.detect_ahead(to_search)
                yield frame, to_search

    return source_file.prefetch(detected(), MAX_DETECTED_FRAMES, "detect")


def _with_small(
    media: Media, remaining: FrameRange, detection: FaceDetection
) -> Generator[tuple[source_file.SourceFrame, SearchFrame | None], None, None]:
    """Yield frames, also as the detection searches them, reduced and converted."""
    size, search_from = detector_size(media), detection.next_frame
    with closing(source_file.read_source_frames(media, remaining)) as frames:
        for frame in frames:
            to_search = None
            if frame.number >= search_from:
                to_search = search_frame(frame, media, size)
                if detection.looks_at(frame.number):
                    to_search.rgb()
            yield frame, to_search


def join_segments(
    media: Media,
    within: FrameRange,
    results: Iterable[SegmentResult],
    crops: SegmentCrops,
    detection: FaceDetection,
    scoring: SpeechScoring,
    on_progress: Progress,
    log: DetectionLog | None = None,
    panels: PanelSearch | None = None,
) -> Faces:
    """Put together what the segments of `within` returned, in order.

    The same as `detect_and_score`, with the crops from the segments. These begin where `log` ends;
    `panels` go with an empty one only.
    """
    tracks = GrowingTracks(media, within, detection, panels=panels)
    for growths in tracks.replay(log):
        scoring.push(growths, tracks.settled_end, _first_frame(detection, scoring), crops.crop)
    for result in results:
        tracks.push_edges(result.edges)
        new_faces = detection.extend(result.faces, result.changes, result.thumbnails)
        growths = tracks.push(new_faces, log)
        crops.add(result.crops)
        scoring.push(growths, tracks.settled_end, result.span.end, crops.crop)
        crops.drop_before(scoring.needed_from)
        on_progress(result.span.end - within.start, within.duration)
    growths, faces = tracks.finish()
    scoring.push(growths, within.end, within.end, crops.crop)
    return faces


def _first_frame(detection: FaceDetection, scoring: SpeechScoring) -> int:
    """Return the first frame whose pixels are needed."""
    return min(detection.next_frame, scoring.crops_from)


class _TickRing(FrameRing):
    """A ring that takes only frames that are shown at a tick."""

    def __init__(self, media: Media, within: FrameRange) -> None:
        super().__init__()
        self._start = within.start
        self._is_at_tick: NDArray[np.bool_] = np.zeros(within.duration, np.bool_)
        self._is_at_tick[frames_at_ticks(within.duration, media.rate)] = True

    def push(self, frame: source_file.SourceFrame) -> None:
        """Add the next frame if it is shown at a tick."""
        if self._is_at_tick[frame.number - self._start]:
            super().push(frame)
