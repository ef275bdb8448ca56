"""Gathers what is stored beside a source: media, people, speech, the cut and its evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import pipeline
from otio_speakerzoom.director.speaker_activity import speaker_activity_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FaceTrack, Media, Person, Shot, Speech, VoiceActivity
from otio_speakerzoom.reports.evaluation import CutFigures, framed_talkers, measure
from otio_speakerzoom.reports.labels import read_labels
from otio_speakerzoom.reports.talkers import Talker, talkers_of_labels, talkers_of_tracks

VOICED = 0.5
"""Probability of voice activity above which somebody is heard: Silero VAD's own default."""


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisSummary:
    """Everything that is stored beside one source."""

    media: Media
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: VoiceActivity | None
    speech: Speech
    speaks: NDArray[np.bool_]
    """(P, frames) who is an active speaker, by the standard style."""
    cut_list: CutList | None
    camera_cuts: tuple[int, ...] = ()
    """First frame after each of the source's own cuts."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A cut compared with who speaks."""

    talkers: tuple[Talker, ...]
    figures: CutFigures
    framed: list[list[int]]
    """For each shot, the numbers of the talkers it frames."""
    against: str
    """Who says who speaks: the scores, or the name of a file of ground-truth labels."""


def summarize(job: pipeline.Job) -> AnalysisSummary:
    """Return what is stored beside the job's source; only the speaker activity is computed."""
    analysis = pipeline.cached_analysis(job)
    if analysis is None:
        raise pipeline.missing_result(job, "known", "analyze")
    activity = speaker_activity_of(
        analysis.media, analysis.tracks, analysis.people, analysis.speech.scores, analysis.voice,
        Style(), analysis.media.range,
    )  # fmt: skip
    return AnalysisSummary(
        analysis.media,
        analysis.tracks,
        analysis.people,
        analysis.voice,
        analysis.speech,
        activity.speaks,
        pipeline.cached_cut(job),
        tuple(analysis.detections.camera_cuts.tolist()),
    )


def evaluate(summary: AnalysisSummary, labels: Path | None = None) -> Evaluation | None:
    """Return the stored cut compared with `labels`, or with the scores; None without a cut."""
    if summary.cut_list is None:
        if labels:
            raise SpeakerZoomError(f"{labels}: nothing is cut yet; run `speakerzoom cut` first")
        return None
    if labels is None:
        counted = np.array([not person.ignore for person in summary.people], bool)[:, None]
        speaks = summary.speaks & counted  # the cut need not show who is ignored
        talkers = talkers_of_tracks(summary.media, summary.tracks, summary.people, speaks)
    else:
        talkers = talkers_of_labels(read_labels(labels, summary.media), summary.media)
    return Evaluation(
        tuple(talkers),
        measure(summary.cut_list, summary.tracks, talkers, summary.camera_cuts),
        framed_talkers(summary.cut_list, summary.tracks, talkers),
        labels.name if labels else "the scores",
    )


def least_certain_first(cut_list: CutList) -> list[tuple[int, Shot]]:
    """Return the shots with their numbers, the least certain first."""
    return sorted(enumerate(cut_list.shots, 1), key=lambda row: (row[1].confidence, row[0]))


def screen_time(summary: AnalysisSummary) -> Iterator[tuple[Person, float, float, float]]:
    """Yield each person with the seconds they are visible, speak, and are shown alone."""
    lengths = {track.id: len(track.boxes) for track in summary.tracks}
    shots = summary.cut_list.shots if summary.cut_list else ()
    for person, speaks in zip(summary.people, summary.speaks, strict=True):
        visible = sum(lengths.get(track, 0) for track in person.track_ids)
        alone = sum(shot.range.duration for shot in shots if shot.subjects == (person.id,))
        frames = np.array([visible, int(speaks.sum()), alone]) / float(summary.media.rate)
        visible_s, speaking_s, alone_s = frames.round(3).tolist()
        yield person, visible_s, speaking_s, alone_s


def audio_facts(summary: AnalysisSummary) -> dict[str, Any] | None:
    """Return for how long voices are heard, and for how long while nobody visible speaks.

    None where no audio was analysed. The keys are those of `inspect --json`.
    """
    if summary.voice is None:
        return None
    voice, rate = summary.voice, float(summary.media.rate)
    voiced = voice.probability > VOICED
    span = slice(voice.start, voice.start + len(voiced))
    off_screen = voiced & ~summary.speaks[:, span].any(axis=0)
    return {
        "microphones": [microphone.label for microphone in voice.microphones],
        "heard_s": round(int(voiced.sum()) / rate, 3),
        "heard_unseen_s": round(int(off_screen.sum()) / rate, 3),
        "late_s": summary.speech.av_offset_s,
    }
