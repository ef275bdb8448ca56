"""Lets an interrupted detection go on: what its journal holds is not computed again.

The result is the same, bit for bit, as without the interruption: detections depend on the source
alone, and the tracks are tracked again from the detections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.faces.detect import DetectionColumns, FaceDetection, read_search_frames
from otio_speakerzoom.model import Detections, FrameFaces, FrameRange, Media, Progress

RECORD_FRAMES = 250
"""Frames whose faces are appended at once: an interruption loses the search of ten seconds."""


class DetectionLog:
    """Feeds a new detection from a journal, and appends to it what that detection returns."""

    def __init__(self, detection: FaceDetection, journal: store.DetectionJournal) -> None:
        self._detection, self._journal = detection, journal
        self._start = detection.next_frame
        self._end = journal.end or self._start
        self._faces: list[FrameFaces] = []

    def replay(self) -> Iterator[list[FrameFaces]]:
        """Yield the final faces of the frames in the journal, part by part.

        The detection has searched them then: push the frames from its `next_frame` on.
        """
        for faces, changes, thumbnails in self._journal.parts():
            yield self._detection.extend(faces, changes, thumbnails)

    def add(self, faces: Iterable[FrameFaces]) -> None:
        """Add faces that the detection has returned since the replay."""
        self._faces += [row for row in faces if row.frame >= self._end]
        end = self._detection.complete_end
        if end >= self._end + RECORD_FRAMES:
            changes = self._detection.changes[self._end - self._start : end - self._start]
            complete = [row for row in self._faces if row.frame < end]
            thumbnails = self._detection.thumbnails(self._end, end)
            self._journal.append(complete, np.array(changes, np.float64), thumbnails, end)
            self._faces = self._faces[len(complete) :]
            self._end = end


def detect_with_log(
    media: Media,
    within: FrameRange,
    detection: FaceDetection,
    log: DetectionLog,
    on_progress: Progress,
) -> Detections:
    """Return the faces in `within`, of which those in `log` are not searched for again."""
    columns = DetectionColumns()
    for faces in log.replay():
        columns.add(faces)
    remaining = FrameRange(detection.next_frame, within.end)
    with closing(read_search_frames(media, remaining)) as frames:
        for frame in frames:
            faces = detection.push(frame)
            log.add(faces)
            columns.add(faces)
            on_progress(frame.number - within.start + 1, within.duration)
    columns.add(detection.finish())
    return columns.detections(detection.cuts)
