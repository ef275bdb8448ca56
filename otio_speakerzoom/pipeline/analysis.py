"""The analysis of a source, and the same cropped to a part of the source."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import (
    Detections,
    FaceTrack,
    FrameRange,
    Media,
    Panel,
    Person,
    Speech,
    VoiceActivity,
)

NO_DETECTIONS = Detections(
    np.zeros(0, np.int32),
    np.zeros((0, 4), np.float32),
    np.zeros(0, np.float32),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
)


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Everything that a cut of a source, or of a part of it, is planned from."""

    media: Media
    within: FrameRange
    detections: Detections
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: VoiceActivity | None
    """None if the source has no audio."""
    speech: Speech
    scorer: str
    """`none` if there is no audio; empty if the faces have no scores yet."""
    digest: str
    """Of everything here but people's names and panels."""
    people_folder: str
    """Folder, inside the work folder, of the people.json; empty for the work folder itself."""
    panels: tuple[Panel, ...] = ()
    """Of split screens, by camera shot; none in analyses of versions that did not look for them."""

    def __post_init__(self) -> None:
        """Raise StoreError where a stored result lies beyond the source: frames index arrays."""
        for name, spans in _spans(self).items():
            if any(not 0 <= start <= end <= self.media.duration for start, end in spans):
                raise StoreError(
                    f"{self.media.path}: {name} in its folder of results reaches beyond it; move "
                    "that file aside, and it is computed again"
                )


def _spans(analysis: Analysis) -> dict[str, list[tuple[int, int]]]:
    """Return the frames that each stored file is about, by the file's name."""
    detections, voice = analysis.detections, analysis.voice
    columns = (detections.frames, detections.detected_frames, detections.camera_cuts)
    return {
        "detections.npz": [(int(c.min()), int(c.max()) + 1) for c in columns if len(c)],
        "tracks.npz": [(t.start, t.start + len(t.boxes)) for t in analysis.tracks],
        "scores.npz": [(s.start, s.start + len(s.logits)) for s in analysis.speech.scores],
        "voice.npz": [(voice.start, voice.start + len(voice.probability))] if voice else [],
        "panels.npz": [(p.range.start, p.range.end) for p in analysis.panels],
    }


def slice_analysis(analysis: Analysis, within: FrameRange) -> Analysis:
    """Return the analysis of a part of its range."""
    if within == analysis.within:
        return analysis
    speech, voice = analysis.speech, analysis.voice
    tracks = tuple(t for t in (_slice_track(t, within) for t in analysis.tracks) if t)
    present = {track.id for track in tracks}
    people = (
        replace(p, track_ids=tuple(t for t in p.track_ids if t in present)) for p in analysis.people
    )
    return replace(
        analysis,
        within=within,
        detections=slice_detections(analysis.detections, within),
        tracks=tracks,
        people=tuple(person for person in people if person.track_ids),
        voice=voice and _slice_voice(voice, within),
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


def _slice_track(track: FaceTrack, within: FrameRange) -> FaceTrack | None:
    if track.start >= within.end or track.range.end <= within.start:
        return None
    span = slice(max(0, within.start - track.start), within.end - track.start)
    return replace(
        track,
        start=max(track.start, within.start),
        boxes=track.boxes[span],
        has_detection=track.has_detection[span],
    )


def _slice_voice(voice: VoiceActivity, within: FrameRange) -> VoiceActivity:
    span = slice(within.start - voice.start, within.end - voice.start)
    return replace(voice, start=within.start, probability=voice.probability[span])


def slice_detections(detections: Detections, within: FrameRange) -> Detections:
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
