"""Multi-face tracking: detections to face tracks.

`association` joins the detections frame by frame, `handover` what belongs to one head, and
`false_tracks` drops what is not a participant. Boxes between detections are interpolated. A track
never crosses a cut of the source.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from otio_speakerzoom.faces.association import extend_tracklets
from otio_speakerzoom.faces.false_tracks import participants
from otio_speakerzoom.faces.handover import Handover
from otio_speakerzoom.faces.tracklet import GrowingTrack, Tracklet
from otio_speakerzoom.model import Detections, FaceTrack, FrameFaces, FrameRange, TrackGrowth

MIN_DURATION_S = 0.4
"""TalkNet's own chain drops tracks of up to 10 frames at 25 fps: too short to hear a syllable."""


def track_faces(
    detections: Detections,
    rate: Fraction,
    within: FrameRange,
    *,
    high_confidence: float = 0.5,
    max_gap_s: float = 1.2,
    min_duration_s: float = MIN_DURATION_S,
) -> tuple[FaceTrack, ...]:
    """Return the tracks in order of their first frame, then from left to right.

    The options are those of `FaceTracker`.
    """
    tracker = FaceTracker(
        rate, within, high_confidence=high_confidence, max_gap_s=max_gap_s,
        min_duration_s=min_duration_s,
    )  # fmt: skip
    cuts = detections.camera_cuts.tolist()
    for faces in frame_faces(detections):
        tracker.push(faces, cuts)
    _, tracks, _ = tracker.finish(cuts)
    return tracks


def frame_faces(detections: Detections) -> Iterator[FrameFaces]:
    """Yield the faces of each frame that the detector, or a visual tracker, has processed."""
    starts = np.searchsorted(detections.frames, detections.detected_frames)
    stops = np.searchsorted(detections.frames, detections.detected_frames, side="right")
    for frame, start, stop in zip(detections.detected_frames.tolist(), starts, stops, strict=True):
        yield FrameFaces(frame, detections.boxes[start:stop], detections.confidences[start:stop])


class FaceTracker:
    """Tracks faces frame by frame, and returns each box as soon as nothing can change it.

    Detections below `high_confidence` only continue tracks. A track ends when its face is missing
    for longer than `max_gap_s`: 1 s, the longest gap worth interpolating (a hand before the face,
    somebody who walks past), and the detections around it. Tracks shorter than `min_duration_s` are
    dropped.

    Boxes are final up to the frame before `settled_end`. While every face is detected that is the
    last frame pushed; a missing face delays it by `max_gap_s` at most, as its boxes are
    interpolated when it returns. A new face that may have taken over the head of another delays it
    until that is decided: about half of `max_gap_s` where both are seen apart, and 3 times
    `max_gap_s` and a detector step in the worst case, in which a face is missing for `max_gap_s`
    before a new one appears, returns for as long, and is missing again.
    """

    def __init__(
        self,
        rate: Fraction,
        within: FrameRange,
        *,
        high_confidence: float = 0.5,
        max_gap_s: float = 1.2,
        min_duration_s: float = MIN_DURATION_S,
    ) -> None:
        self._rate, self._within = rate, within
        self._high_confidence = high_confidence
        self._max_gap, self._min_duration = max_gap_s * rate, min_duration_s * rate
        self._detected_frames = array("i")
        self._alive: list[Tracklet] = []  # in order of their first frame, as all of these
        self._undecided: list[Handover] = []
        self._growing: list[GrowingTrack] = []
        self._tracks: list[GrowingTrack] = []  # those that grow, and those that have ended
        self._settled_end = within.start

    @property
    def settled_end(self) -> int:
        """The frame up to which the boxes of all tracks are final, and were returned."""
        return self._settled_end

    def push(self, faces: FrameFaces, cuts: Sequence[int]) -> list[TrackGrowth]:
        """Return the boxes that became final, in order of the tracks' keys.

        `cuts` are the first frames after each camera cut, ascending, and complete up to
        `faces.frame`, which is after the frames before. Tracks may be returned that `finish` drops.
        """
        frame, detected = faces.frame, self._detected_frames
        if detected and frame <= detected[-1]:
            raise ValueError(f"frames must ascend, got {frame} after {detected[-1]}")
        previous = detected[-1] if detected else frame
        has_cut = bisect_right(cuts, frame) > bisect_right(cuts, previous)
        detected.append(frame)
        lost = [t for t in self._alive if has_cut or frame - t.last_frame > self._max_gap]
        self._end(lost, cuts)
        count = len(self._alive)
        extend_tracklets(
            self._alive, frame, faces.boxes, faces.confidences, self._rate, self._high_confidence
        )
        for n in range(count, len(self._alive)):
            self._undecided.append(Handover(self._alive[n], self._alive[:n], self._max_gap))
        return self._settle(frame + 1)

    def finish(
        self, cuts: Sequence[int]
    ) -> tuple[list[TrackGrowth], tuple[FaceTrack, ...], tuple[int, ...]]:
        """Return the last boxes, all tracks, and the key of each in the growth.

        The tracks are ordered by their first frame, then from left to right. False ones are
        dropped: those of flickering detections and of pictures, and second boxes on one head.
        """
        self._end(self._alive, cuts)
        growth = self._settle(self._within.end)
        faces = participants(
            self._tracks,
            np.array(self._detected_frames, np.int32),
            self._rate,
            self._min_duration,
            self._high_confidence,
        )
        self._tracks = []
        faces.sort(key=lambda track: (track.start, float(track.detections.boxes[0, 0])))
        keys = tuple(face.key or 0 for face in faces)
        return growth, tuple(_final_tracks(faces)), keys

    def _end(self, tracklets: Sequence[Tracklet], cuts: Sequence[int]) -> None:
        """End tracklets that were lost, each at the next processed frame or camera cut."""
        for tracklet in tracklets:
            after = bisect_right(self._detected_frames, tracklet.last_frame)
            following = self._detected_frames[after : after + 1].tolist() or [self._within.end]
            next_cut = bisect_right(cuts, tracklet.last_frame)
            tracklet.track.end = int(min([*following, *cuts[next_cut : next_cut + 1]]))
        self._alive = [tracklet for tracklet in self._alive if tracklet.end is None]

    def _settle(self, settled_end: int) -> list[TrackGrowth]:
        """Decide what can be decided, and return what became final before `settled_end`."""
        self._decide()
        self._settled_end = min(
            [settled_end]
            + [tracklet.last_frame + 1 for tracklet in self._alive]
            + [handover.settled_end for handover in self._undecided]
        )
        growth = [boxes for track in self._growing if (boxes := track.grow(self._settled_end))]
        ended = {boxes.key for boxes in growth if boxes.ended}
        self._growing = [track for track in self._growing if track.key not in ended]
        return growth

    def _decide(self) -> None:
        """Let new tracklets, in order of their first frame, continue a track or begin one."""
        while self._undecided:
            self._undecided[0].exclude()
            if self._undecided[0].is_open():
                break
            handover = self._undecided.pop(0)
            if earlier := handover.decide():
                earlier.hand_over(handover.tracklet)
                continue
            track = handover.tracklet.track
            track.key = len(self._tracks)
            self._tracks.append(track)
            self._growing.append(track)
        for handover in self._undecided:
            handover.exclude()


def _final_tracks(faces: list[GrowingTrack]) -> Iterator[FaceTrack]:
    """Yield the tracks, numbered from 1; the list is emptied, so that memory does not double."""
    faces.reverse()
    for number in range(1, len(faces) + 1):
        face = faces.pop()
        span = face.frame_range
        boxes, has_detection = face.detections.interpolate(span.start, span.end)
        yield FaceTrack(number, face.start, boxes, has_detection)
