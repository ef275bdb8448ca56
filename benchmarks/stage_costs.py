"""What an analysis costs: as it runs, in one pass, and its stages apart, one after the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from unittest.mock import patch

from costs import Cost, Meter, total
from floors import open_detector, open_scorer
from watch import Watch

from otio_speakerzoom import source
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import AudioSelection, Detections, Media, no_progress
from otio_speakerzoom.store import Options

if TYPE_CHECKING:
    from otio_speakerzoom.faces.detectors.interface import FaceDetector
    from otio_speakerzoom.speech.scorer import Scorer

T = TypeVar("T")

START, STAGES = "start", "stages apart"


@dataclass(frozen=True)
class AnalysisCost:
    """What an analysis costs as the command runs it, results saved, and how much it is."""

    cost: Cost
    """Its memory is that of all processes together."""
    temporary_bytes: int
    store_bytes: int
    """At the end."""
    peak_store_bytes: int
    thread_cpu_s: dict[str, float]
    tracks: int
    face_s: float
    """Length of all face tracks together."""


def measure_analysis(media: Media, options: Options, jobs: int = 1) -> AnalysisCost:
    """Return the cost of an analysis by so many processes, libraries and networks included."""
    from otio_speakerzoom.pipeline import Job, analyze

    with tempfile.TemporaryDirectory() as folder:
        work, temporary = Path(folder) / "work", Path(folder) / "temporary"
        work.mkdir()
        temporary.mkdir()
        job = Job(media.path, work=work, options=options, device="cpu", jobs=jobs)
        with (
            patch.object(tempfile, "tempdir", str(temporary)),
            patch.dict(os.environ, TMPDIR=str(temporary)),  # for programs
            Watch(temporary, work) as watch,
        ):
            analysis, cost = Meter().measure(lambda: analyze(job))
        stored = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    frames = sum(len(track.boxes) for track in analysis.tracks)
    return AnalysisCost(
        replace(cost, peak_mb=watch.peak_mb), watch.temporary_bytes, stored, watch.store_bytes,
        watch.thread_cpu_s, len(analysis.tracks), float(frames / media.rate),
    )  # fmt: skip


def measure_stages(media: Media, options: Options) -> dict[str, Cost]:
    """Return the cost of every stage of an analysis and a cut run apart, and of all of them.

    People are grouped by position.
    """
    meter, costs = Meter(), dict[str, Cost]()

    def stage(name: str, call: Callable[[], T]) -> T:
        result, costs[name] = meter.measure(call)
        return result

    detector, scorer = stage(START, lambda: open_networks(options))
    from otio_speakerzoom.faces.people import group_people
    from otio_speakerzoom.faces.track import track_faces
    from otio_speakerzoom.speech.analyze import detect_voice, score_source

    whole = media.range
    stage("probe", lambda: source.probe(media.path))
    with detector as opened:
        detections = stage("detect", lambda: detect(media, opened, options))
    tracks = stage("track", lambda: track_faces(detections, media.rate, whole))
    cuts = detections.camera_cuts
    people = stage("group", lambda: group_people(tracks, cuts))
    voice = stage("voice", lambda: detect_voice(media, whole, AudioSelection(), no_progress))
    speech = stage(
        "score", lambda: score_source(media, tracks, voice, scorer, whole, no_progress)
    )  # fmt: skip
    stage("cut", lambda: direct(
        media, tracks, people, speech.scores, Style(), canvas=media.size,
        camera_cuts=cuts.tolist(), voice=voice,
    ))  # fmt: skip
    return {**costs, STAGES: total(costs.values())}


def open_networks(options: Options) -> tuple[FaceDetector, Scorer]:
    """Return the detector and the scorer of an analysis."""
    return open_detector(options.detector or ""), open_scorer(options.scorer or "")


def detect(media: Media, detector: FaceDetector, options: Options) -> Detections:
    """Return the faces in a film."""
    from otio_speakerzoom.faces.detect import detect_faces, read_search_frames

    every = options.detect_every or None
    with closing(read_search_frames(media)) as frames:
        return detect_faces(frames, media, detector, every=every)
