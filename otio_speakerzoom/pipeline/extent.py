"""Where results end: one that reaches beyond the source was not computed from it."""

from __future__ import annotations

from collections.abc import Sequence

from otio_speakerzoom.model import Detections, FaceTrack, Panel, Speech, VoiceActivity

Result = Detections | Speech | VoiceActivity | Sequence[FaceTrack | Panel]


def end_of(result: Result) -> int:
    """Return the frame after the last one that a result says something about; 0 for an empty one.

    It is that of the source at most, unless somebody changed the file.
    """
    if isinstance(result, Detections):
        columns = (result.frames, result.detected_frames, result.camera_cuts)
        return max((int(frames.max()) + 1 for frames in columns if len(frames)), default=0)
    if isinstance(result, VoiceActivity):
        return result.start + len(result.probability)
    if isinstance(result, Speech):
        return max((row.start + len(row.logits) for row in result.scores), default=0)
    return max((item.range.end for item in result), default=0)
