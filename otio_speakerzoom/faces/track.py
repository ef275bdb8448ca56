"""Multi-face tracking: detections to face tracks.

`association` joins the detections frame by frame, `handover` what belongs to one head, and
`false_tracks` drops what is not a participant. Boxes between detections are interpolated. A track
never crosses a cut of the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from otio_speakerzoom.faces.association import extend_tracklets
from otio_speakerzoom.faces.false_tracks import is_false, is_shadow, largest_sides
from otio_speakerzoom.faces.handover import join_handovers
from otio_speakerzoom.faces.tracklet import Tracklet, interpolate
from otio_speakerzoom.model import Detections, FaceTrack, FrameRange


def track_faces(
    detections: Detections,
    rate: Fraction,
    within: FrameRange,
    *,
    high_confidence: float = 0.5,
    max_gap_s: float = 1.2,
    min_duration_s: float = 0.4,
) -> tuple[FaceTrack, ...]:
    """Return the tracks in order of their first frame, then from left to right.

    Detections below `high_confidence` only continue tracks. A track ends when its face is missing
    for longer than `max_gap_s`: 1 s, the longest gap worth interpolating (a hand before the face,
    somebody who walks past), and the detections around it. Tracks shorter than `min_duration_s` are
    dropped: TalkNet's own chain drops tracks of up to 10 frames at 25 fps, too short to hear a
    syllable in.
    """
    max_gap = max_gap_s * rate
    tracklets = _associate(detections, rate, within.start, high_confidence, max_gap)
    tracklets = join_handovers(tracklets, detections, within, max_gap)
    tracks = [interpolate(tracklet, detections, within) for tracklet in tracklets]
    faces = [
        (tracklet, track)
        for tracklet, track, largest in zip(tracklets, tracks, largest_sides(tracks), strict=True)
        if len(track.boxes) >= min_duration_s * rate
        and not is_false(tracklet, largest, detections.detected_frames, rate, high_confidence)
    ]
    return _numbered(_without_shadows(faces, detections, high_confidence))


def _associate(
    detections: Detections,
    rate: Fraction,
    first_frame: int,
    high_confidence: float,
    max_gap: Fraction | float,
) -> list[Tracklet]:
    """Return the tracklets of all detections; each ends after `max_gap` frames, or at a cut."""
    cuts = set(detections.camera_cuts.tolist())
    active, ended = list[Tracklet](), list[Tracklet]()
    starts = np.searchsorted(detections.frames, detections.detected_frames)
    stops = np.searchsorted(detections.frames, detections.detected_frames, side="right")
    previous = first_frame
    for frame, start, stop in zip(detections.detected_frames.tolist(), starts, stops, strict=True):
        has_cut = any(between in cuts for between in range(previous + 1, frame + 1))
        over = [t for t in active if has_cut or frame - t.frames[-1] > max_gap]
        ended += over
        active = [tracklet for tracklet in active if tracklet not in over]
        boxes, confidences = detections.boxes[start:stop], detections.confidences[start:stop]
        extend_tracklets(active, frame, boxes, confidences, rate, high_confidence)
        previous = frame
    return [*ended, *active]


def _without_shadows(
    faces: Sequence[tuple[Tracklet, FaceTrack]], detections: Detections, high_confidence: float
) -> list[FaceTrack]:
    """Return the tracks that are not a second box on another one's head."""
    tracklets = [tracklet for tracklet, _ in faces]
    return [
        track
        for tracklet, track in faces
        if not is_shadow(tracklet, tracklets, detections.detected_frames, high_confidence)
    ]


def _numbered(tracks: Sequence[FaceTrack]) -> tuple[FaceTrack, ...]:
    """Return the tracks by first frame, then from the left, with ids from 1."""
    ordered = sorted(tracks, key=lambda track: (track.start, float(track.boxes[0, 0])))
    return tuple(replace(track, id=n) for n, track in enumerate(ordered, 1))
