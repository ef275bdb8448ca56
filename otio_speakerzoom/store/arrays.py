"""detections.npz, tracks.npz, voice.npz and scores.npz: what is too much for anybody to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import (
    Detections,
    FaceTrack,
    Microphone,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.store.files import Cached, read_arrays, report_faults, write_arrays


def save_detections(folder: Path, detections: Detections, input_digest: str) -> None:
    """Keep every face that was seen, and the source's own cuts."""
    arrays = {
        "frames": detections.frames,
        "boxes": detections.boxes,
        "confidences": detections.confidences,
        "looked_at": detections.detected_frames,
        "camera_cuts": detections.camera_cuts,
    }
    write_arrays(folder / "detections.npz", "detections", input_digest, arrays)


def load_detections(folder: Path) -> Cached[Detections] | None:
    """Return the kept detections; None where there are none."""
    path = folder / "detections.npz"
    kept = read_arrays(path, "detections")
    if kept is None:
        return None
    with report_faults(path):
        names = ("frames", "looked_at", "camera_cuts")
        frames, detected_frames, camera_cuts = (_column(kept.value, name, "i") for name in names)
        boxes = _column(kept.value, "boxes", "f", 2)
        confidences = _column(kept.value, "confidences", "f")
        if (np.diff(frames) < 0).any():
            raise ValueError("frames must not fall")
        value = Detections(frames, boxes, confidences, detected_frames, camera_cuts)
    return Cached(value, kept.input_digest)


def save_tracks(folder: Path, tracks: tuple[FaceTrack, ...], input_digest: str) -> None:
    """Keep the face tracks, laid end to end."""
    arrays = {
        "ids": np.array([track.id for track in tracks], np.int32),
        "starts": np.array([track.start for track in tracks], np.int32),
        "lengths": np.array([len(track.boxes) for track in tracks], np.int32),
        "boxes": np.concatenate([np.empty((0, 4), np.float32), *(t.boxes for t in tracks)]),
        "seen": np.concatenate([np.empty(0, np.bool_), *(t.has_detection for t in tracks)]),
    }
    write_arrays(folder / "tracks.npz", "tracks", input_digest, arrays)


def load_tracks(folder: Path) -> Cached[tuple[FaceTrack, ...]] | None:
    """Return the kept face tracks; None where there are none."""
    path = folder / "tracks.npz"
    kept = read_arrays(path, "tracks")
    if kept is None:
        return None
    with report_faults(path):
        a = kept.value
        ids, starts = _column(a, "ids", "i"), _column(a, "starts", "i")
        boxes, seen = _column(a, "boxes", "f", 2), _column(a, "seen", "b")
        if len(set(ids.tolist())) != len(ids):
            raise ValueError("two tracks have one id")
        tracks = tuple(
            FaceTrack(int(i), int(s), boxes[span], seen[span])
            for i, s, span in zip(ids, starts, _spans(a, len(boxes)), strict=True)
        )
    return Cached(tracks, kept.input_digest)


def save_voice(folder: Path, voice: VoiceActivity, input_digest: str) -> None:
    """Keep when anybody is heard, and with which microphones."""
    microphones = [(m.stream, -1 if m.channel is None else m.channel) for m in voice.microphones]
    arrays = {
        "start": np.array(voice.start, np.int32),
        "probability": voice.probability,
        "microphones": np.array(microphones, np.int32).reshape(-1, 2),
    }
    write_arrays(folder / "voice.npz", "voice", input_digest, arrays)


def load_voice(folder: Path) -> Cached[VoiceActivity] | None:
    """Return what is kept of when anybody is heard; None where nothing is."""
    path = folder / "voice.npz"
    kept = read_arrays(path, "voice")
    if kept is None:
        return None
    with report_faults(path):
        a = kept.value
        rows = _column(a, "microphones", "i", 2).tolist()
        microphones = tuple(Microphone(s, None if c < 0 else c) for s, c in rows)
        value = VoiceActivity(int(a["start"]), _column(a, "probability", "f"), microphones)
    return Cached(value, kept.input_digest)


def save_scores(folder: Path, speech: Speech, input_digest: str) -> None:
    """Keep the speech scores, calibrated log odds, laid end to end, and how late the sound is."""
    scores = speech.scores
    arrays = {
        "late": np.array(np.nan if speech.av_offset_s is None else speech.av_offset_s),
        "track_ids": np.array([score.track_id for score in scores], np.int32),
        "starts": np.array([score.start for score in scores], np.int32),
        "lengths": np.array([len(score.logits) for score in scores], np.int32),
        "logits": np.concatenate([np.empty(0, np.float32), *(s.logits for s in scores)]),
    }
    write_arrays(folder / "scores.npz", "scores", input_digest, arrays)


def load_scores(folder: Path) -> Cached[Speech] | None:
    """Return the kept scores; None where there are none."""
    path = folder / "scores.npz"
    kept = read_arrays(path, "scores")
    if kept is None:
        return None
    with report_faults(path):
        a = kept.value
        ids, starts = _column(a, "track_ids", "i"), _column(a, "starts", "i")
        logits = _column(a, "logits", "f")
        scores = tuple(
            SpeechScores(int(i), int(s), logits[span])
            for i, s, span in zip(ids, starts, _spans(a, len(logits)), strict=True)
        )
        late = float(a.get("late", np.nan))
    return Cached(Speech(scores, None if np.isnan(late) else late), kept.input_digest)


def _spans(arrays: dict[str, Any], total: int) -> list[slice]:
    lengths = _column(arrays, "lengths", "i")
    if (lengths < 0).any() or lengths.sum() != total:
        raise ValueError(f"lengths must sum to {total}")
    ends = np.cumsum(lengths)
    return [slice(int(end - length), int(end)) for end, length in zip(ends, lengths, strict=True)]


def _column(arrays: dict[str, Any], name: str, kind: str, dimensions: int = 1) -> NDArray[Any]:
    """Return the array of that name, whole numbers (i), finite floats (f) or truths (b)."""
    array = arrays[name]
    if array.dtype.kind != kind or array.ndim != dimensions:
        raise ValueError(f"{name} cannot be {array.dtype} in {array.ndim} dimensions")
    if kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} holds what is no number")
    return array
