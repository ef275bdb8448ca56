"""What is known of a source, and the same seen through a part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.model import (
    Detections,
    FaceTrack,
    FrameRange,
    Media,
    Person,
    Speech,
    VoiceActivity,
)


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What is known of a source, or of a part of it, before anything is cut."""

    media: Media
    within: FrameRange
    detections: Detections
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: VoiceActivity | None
    """None where the source has no sound."""
    speech: Speech
    scorer: str
    """`none` where there is no sound; empty where the faces are not scored yet."""
    digest: str
    """Of everything here but people's names, for what is made from it."""
    people_folder: str
    """Folder, inside the source's, that holds the people.json; empty for the source's own."""


def part_of(analysis: Analysis, within: FrameRange) -> Analysis:
    """Return what an analysis knows of a part of its range."""
    if within == analysis.within:
        return analysis
    speech, voice = analysis.speech, analysis.voice
    tracks = tuple(t for t in (_track_in(t, within) for t in analysis.tracks) if t)
    present = {track.id for track in tracks}
    people = (
        replace(p, track_ids=tuple(t for t in p.track_ids if t in present)) for p in analysis.people
    )
    return replace(
        analysis,
        within=within,
        detections=detections_in(analysis.detections, within),
        tracks=tracks,
        people=tuple(person for person in people if person.track_ids),
        voice=voice and _voice_in(voice, within),
        speech=replace(
            speech,
            scores=tuple(
                replace(
                    s, start=max(s.start, within.start),
                    logits=s.logits[max(0, within.start - s.start) : within.end - s.start],
                )
                for s in speech.scores if s.track_id in present
            ),
        ),
        digest=store.digest("part", within.start, within.end, analysis.digest),
    )  # fmt: skip


def _track_in(track: FaceTrack, within: FrameRange) -> FaceTrack | None:
    if track.start >= within.end or track.range.end <= within.start:
        return None
    span = slice(max(0, within.start - track.start), within.end - track.start)
    start = max(track.start, within.start)
    return replace(
        track, start=start, boxes=track.boxes[span], has_detection=track.has_detection[span]
    )


def _voice_in(voice: VoiceActivity, within: FrameRange) -> VoiceActivity:
    span = slice(within.start - voice.start, within.end - voice.start)
    return replace(voice, start=within.start, probability=voice.probability[span])


def detections_in(detections: Detections, within: FrameRange) -> Detections:
    """Return the detections in a part of the source."""

    def inside(frames: np.ndarray) -> np.ndarray:
        return (frames >= within.start) & (frames < within.end)

    rows = inside(detections.frames)
    return Detections(
        detections.frames[rows],
        detections.boxes[rows],
        detections.confidences[rows],
        detections.detected_frames[inside(detections.detected_frames)],
        detections.camera_cuts[inside(detections.camera_cuts)],
    )
