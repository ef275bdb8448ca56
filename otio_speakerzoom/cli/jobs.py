"""The work of `analyze` and `cut` on one recording, apart from how its progress is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from otio_speakerzoom import pipeline
from otio_speakerzoom.cli.preflight import check_plan
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FrameRange, Media, Progress
from otio_speakerzoom.pipeline import Job, Options

log = logging.getLogger("otio_speakerzoom")


def build_job(request: Request, on_stage: Callable[[str], Progress]) -> Job:
    """Return the job that the request describes; each stage reports to `on_stage` of its name."""
    limited = request.begin or request.end
    return Job(
        source=request.source,
        work=request.work,
        options=_options(request),
        auto_scorer=request.auto_scorer,
        device=request.device,
        jobs=request.jobs or 0,
        within=partial(_range, request) if limited else None,
        canvas=request.canvas,
        force=request.force,
        on_stage=on_stage,
    )


def analyze_recording(request: Request, job: Job) -> Path:
    """Analyze the recording; return the folder of the results."""
    check_plan(request, job)
    analysis = pipeline.analyze(job)
    log.info("%d people, scored by %s", len(analysis.people), analysis.scorer)
    return job.folder / analysis.people_folder


def cut_recording(request: Request, job: Job) -> CutList:
    """Analyze the recording if needed, and return its cut."""
    check_plan(request, job)
    cut_list = pipeline.cut(job)
    shots, singles = len(cut_list.shots), sum(s.kind == "single" for s in cut_list.shots)
    log.info("%d shot%s, %d of them singles", shots, "" if shots == 1 else "s", singles)
    return cut_list


def requested_timeline(request: Request, cut_list: CutList) -> str:
    """Return the timeline of a cut in the format that the request names."""
    if covered := sum(bool(shot.covers) for shot in cut_list.shots):
        log.warning(
            "%s: %d shots obscure another face in the film only; timelines cannot",
            cut_list.media.path, covered,
        )  # fmt: skip
    return pipeline.timeline_text(
        cut_list, request.adapter, dict(request.adapter_options), media_root=request.media_root
    )


def _options(request: Request) -> Options:
    """Return the options that the user set; the others stay as they are stored."""
    return Options(
        detector=request.detector,
        detect_every=request.detect_every,
        tracker=request.tracker,
        scorer=request.scorer,
        audio_stream=request.audio_stream,
        channels=None if request.channels is None else str(request.channels),
        layout=request.layout,
        style=None if request.style is None else str(request.style),
        style_values=dict(request.style_values),
    )


def _range(request: Request, media: Media) -> FrameRange:
    start = request.begin(media) if request.begin else 0
    end = request.end(media) if request.end else media.duration
    if not 0 <= start < end <= media.duration:
        raise SpeakerZoomError(
            f"{media.path}: --in and --out give frames {start} to {end}, "
            f"but the source has frames 0 to {media.duration}; choose a part of it"
        )
    return FrameRange(start, end)
