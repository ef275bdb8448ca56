"""What the timeline of the page draws from an analysis: probabilities, pauses, turns, faces."""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import moving_average, runs, slices_in
from otio_speakerzoom.director.speaker_activity import SpeakerActivity, speaker_activity_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import MIN_VOICE
from otio_speakerzoom.model import FaceTrack, Person
from otio_speakerzoom.pipeline import Analysis
from otio_speakerzoom.service.pyramids import Levels, pyramid

MAX_FACE_FRAMES = 1000
"""Of one answer with face boxes: 40 s at 25 fps, more than a page asks ahead of the playhead."""


class Curves:
    """The curves of one analysis, each computed when it is first asked for; for any thread."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._lock = threading.RLock()

    @property
    def ribbons(self) -> Levels:
        """P(speaks) of each person as 0 to 255, 0 where they are not visible."""
        with self._lock:
            return self._ribbons

    @property
    def voice(self) -> Levels:
        """P(somebody is heard) as 0 to 255, in one row."""
        with self._lock:
            return self._voice

    @property
    def activity(self) -> SpeakerActivity:
        """Who speaks when, by the standard style, as in the reports."""
        with self._lock:
            return self._activity

    def marks(self) -> dict[str, list[object]]:
        """Return pauses, starts of turns and camera cuts, in source frames."""
        style, rate = Style(), self.analysis.media.rate
        shortest = round(style.min_pause_seconds * rate)
        turns = sorted({start for starts in self.activity.turn_starts() for start in starts})
        return {
            "pauses": [[a, b] for a, b in self._silent_runs() if b - a >= shortest],
            "turns": list(turns),
            "camera_cuts": self.analysis.detections.camera_cuts.tolist(),
        }

    def faces(self, start: int, end: int) -> list[dict[str, object]]:
        """Return the boxes of each person's tracks in these frames, in whole pixels."""
        tracks = {track.id: track for track in self.analysis.tracks}
        return [
            {"person": person.id, **_boxes(tracks[id_], start, end)}
            for person in self.analysis.people
            for id_ in person.track_ids
            if id_ in tracks and tracks[id_].start < end and start < tracks[id_].range.end
        ]

    def speaking_frames(self, start: int, end: int) -> list[int]:
        """Return in how many of these frames each person speaks."""
        totals = self._speaking_totals
        return (totals[:, end] - totals[:, start]).tolist()

    def visible_frames(self, person: Person) -> int:
        """Return in how many frames a person's face is."""
        own = set(person.track_ids)
        return sum(len(track.boxes) for track in self.analysis.tracks if track.id in own)

    @cached_property
    def _ribbons(self) -> Levels:
        people, duration = self.analysis.people, self.analysis.media.duration
        row_of = {track: n for n, person in enumerate(people) for track in person.track_ids}
        values = np.zeros((len(people), duration), np.uint8)
        width = round(Style().smooth_seconds * self.analysis.media.rate)
        for scores in self.analysis.speech.scores:
            if scores.track_id in row_of:
                source, target = slices_in(
                    self.analysis.media.range, scores.start, len(scores.logits)
                )
                smooth = moving_average(scores.logits, width)[source]
                row = values[row_of[scores.track_id], target]
                np.maximum(row, _as_bytes(1 / (1 + np.exp(-smooth))), out=row)
        return pyramid(values, values)

    @cached_property
    def _voice(self) -> Levels:
        values = _as_bytes(self._voice_probability)[None]
        return pyramid(values, values)

    @cached_property
    def _activity(self) -> SpeakerActivity:
        analysis = self.analysis
        return speaker_activity_of(
            analysis.media, analysis.tracks, analysis.people, analysis.speech.scores,
            analysis.voice, Style(), analysis.media.range,
        )  # fmt: skip

    @cached_property
    def _speaking_totals(self) -> NDArray[np.int64]:
        """(P, T + 1) in how many frames before each one a person speaks."""
        speaks = self.activity.speaks
        totals = np.zeros((len(speaks), speaks.shape[1] + 1), np.int64)
        np.cumsum(speaks, axis=1, out=totals[:, 1:])
        return totals

    @cached_property
    def _voice_probability(self) -> NDArray[np.float32]:
        """(T,) over the whole source; 0 where nothing was analysed."""
        values, voice = np.zeros(self.analysis.media.duration, np.float32), self.analysis.voice
        if voice is not None:
            source, target = slices_in(
                self.analysis.media.range, voice.start, len(voice.probability)
            )
            values[target] = voice.probability[source]
        return values

    def _silent_runs(self) -> list[tuple[int, int]]:
        """Return the runs of frames, in the analysed part, in which nobody is heard."""
        if self.analysis.voice is None:
            return []
        with self._lock:
            silent = self._voice_probability < MIN_VOICE
        within = self.analysis.within
        part = silent[within.start : within.end]
        return [(a + within.start, b + within.start) for a, b in runs(part)]


def _as_bytes(probability: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(255 * np.nan_to_num(probability)).astype(np.uint8)


def _boxes(track: FaceTrack, start: int, end: int) -> dict[str, object]:
    first = max(start, track.start)
    boxes = track.boxes[first - track.start : max(0, end - track.start)]
    return {"start": first, "boxes": np.rint(boxes).astype(int).tolist()}
