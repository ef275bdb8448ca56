"""Shows the cached cut in another part, size, shape or style, and saves nothing."""

from __future__ import annotations

from dataclasses import replace

from otio_speakerzoom import store
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FrameRange, Lock
from otio_speakerzoom.pipeline.job import Job
from otio_speakerzoom.pipeline.plan_cut import (
    Plan,
    current_cut,
    cut,
    cut_style,
    load_cut,
    require_cut_analysis,
)
from otio_speakerzoom.pipeline.run_analysis import cut_analysis
from otio_speakerzoom.pipeline.session import Session, missing_result, open_session
from otio_speakerzoom.timeline.transform import trim_shot
from otio_speakerzoom.weights.names import AUTO

MAX_ASPECT_DIFFERENCE = 0.01
"""Relative, up to which one framing fits two canvases: as much as rounding to even sizes causes."""


def view_cut(job: Job, *, cut_if_missing: bool = True) -> CutList:
    """Return the cached cut as a render of the job shows it: in its part, canvas and style.

    Another style or shape is planned from the cached analysis and not saved. If there is no cut
    yet, the source is cut, and that is saved, except for the canvas; unless `cut_if_missing`, that
    is a SpeakerZoomError.
    """
    whole = replace(job, within=None, canvas=None, options=store.Options())
    cut_list = current_cut(whole, save=False)
    if cut_list is None:
        if not cut_if_missing:
            raise missing_result(job, "cut", "cut")
        cut_list = cut(replace(job, canvas=None))
        job = replace(job, options=store.Options(), force=False)
    session = open_session(whole)
    _check_options(job, session)
    if job.options.style or job.options.style_values:
        cut_list = _in_style(job, session)
    if job.canvas:
        cut_list = _on_canvas(session, cut_list, job.canvas(session.media))
    if job.within:
        cut_list = _trim(cut_list, job.within(session.media))
    return cut_list


def _trim(cut_list: CutList, span: FrameRange) -> CutList:
    """Return the shots of a part of a cut."""
    whole, media = cut_list.range, cut_list.media
    if span.start < whole.start or span.end > whole.end:
        raise SpeakerZoomError(
            f"{media.path}: --in and --out give frames {span.start} to {span.end}, but the "
            f"cut has frames {whole.start} to {whole.end}; choose a part of it"
        )
    shots = []
    for shot in cut_list.shots:
        start, end = max(shot.range.start, span.start), min(shot.range.end, span.end)
        if start < end:
            shots.append(trim_shot(shot, FrameRange(start, end), media.size, cut_list.canvas))
    return replace(cut_list, shots=tuple(shots), angles=())


def _check_options(job: Job, session: Session) -> None:
    """Raise SpeakerZoomError if a render requests another analysis than the cached one."""
    names = ("detector", "detect_every", "tracker", "scorer", "audio_stream", "channels")
    flags = {"detect_every": "--detect-every", "audio_stream": "--audio-stream"}
    for name in names:
        requested, cached = getattr(job.options, name), getattr(session.options, name)
        if name == "scorer" and requested:
            cached = _scorer_of_cut(session)
            if requested == AUTO or not cached:
                continue  # any scorer fits, or it is not known any more which one it was
        if requested is not None and requested != cached:
            flag = flags.get(name, f"--{name}")
            requested, cached = ("auto" if v == 0 else v for v in (requested, cached))
            raise SpeakerZoomError(
                f"{job.source}: render shows the cut, which was planned with {flag} "
                f"{cached}; run `speakerzoom cut` with {flag} {requested} first"
            )
    if job.force:
        raise SpeakerZoomError(
            f"{job.source}: render shows the cut as it is; `speakerzoom cut --force` plans it again"
        )


def _scorer_of_cut(session: Session) -> str:
    """Return the scorer that the cut was planned with; empty if its scores are gone."""
    analysis = cut_analysis(session, _require_cut(session))
    return analysis.scorer if analysis else ""


def _in_style(job: Job, session: Session) -> CutList:
    """Return the cut in the style that the job requests."""
    cached = _require_cut(session)
    if cached.edited:
        raise SpeakerZoomError(
            f"{session.folder / 'cutlist.json'}: was edited, so it cannot be shown in another "
            "style; leave out the style, or run `speakerzoom cut --force`, which makes a copy of "
            "the edited cut"
        )
    options = job.options.over(session.options)
    style = read_style(options.style or "standard", options.style_values)
    analysis = require_cut_analysis(session, cached, "another style is requested")
    locks = store.load_locks(session.folder, session.media)
    return store.stored_form(Plan(analysis, style, cached.value.canvas, locks).cut_list())


def _on_canvas(session: Session, cut_list: CutList, canvas: tuple[int, int]) -> CutList:
    """Return the cut on another canvas; if that has another shape, every shot is framed again."""
    width, height = cut_list.canvas
    if abs(canvas[0] * height / (canvas[1] * width) - 1) <= MAX_ASPECT_DIFFERENCE:
        return replace(cut_list, canvas=canvas)
    cached = _require_cut(session)
    analysis = require_cut_analysis(session, cached, "a canvas of another shape is requested")
    style = cut_style(session, cached)
    if not cached.edited:
        locks = store.load_locks(session.folder, session.media)
        return store.stored_form(Plan(analysis, style, canvas, locks).cut_list())
    # every shot keeps its range and its subjects: only the framing changes
    locks = tuple(Lock(shot.range, shot.subjects) for shot in cut_list.shots)
    plan = Plan(analysis, style, canvas, locks, of_shots=True)
    reframed = plan.cut_list()
    shots = tuple(
        replace(new, reason=old.reason, confidence=old.confidence, locked=old.locked)
        for new, old in zip(reframed.shots, cut_list.shots, strict=True)
    )
    return store.stored_form(replace(reframed, shots=shots))


def _require_cut(session: Session) -> store.CachedCut:
    cached = load_cut(session)
    assert cached is not None  # `view_cut` has loaded it
    return cached
