"""The kept cut, looked at: whole or a part, large or small, in another shape; nothing changes."""

from __future__ import annotations

from dataclasses import replace

from otio_speakerzoom import store
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FrameRange, Lock
from otio_speakerzoom.pipeline.job import Job, Session, open_session
from otio_speakerzoom.pipeline.plan_cut import (
    Plan,
    current_cut,
    cut,
    planned_from,
    style_of,
)
from otio_speakerzoom.timeline.transform import trim_shot

SHAPE = 0.01
"""By which two canvases may differ in shape, as a share, and one picture still serves both:
rounding to even sizes makes as much."""


def view_cut(job: Job) -> CutList:
    """Return what a render of the job shows: the kept cut, as far and as large as asked for.

    Another style or shape is planned for the occasion, with what is kept of the analysis. Where
    nothing is cut yet, the source is cut, and that is kept, but for the canvas.
    """
    whole = replace(job, within=None, canvas=None, options=store.Options())
    cut_list = current_cut(whole, keep=False)
    if cut_list is None:
        cut_list = cut(replace(job, canvas=None))
        job = replace(job, options=store.Options(), force=False)
    session = open_session(whole)
    _refuse_another_analysis(job, session)
    if job.options.style or job.options.style_values:
        cut_list = _in_style(job, session, cut_list)
    if job.canvas:
        cut_list = _on_canvas(session, cut_list, job.canvas(session.media))
    if job.within:
        cut_list = part(cut_list, job.within(session.media))
    return cut_list


def part(cut_list: CutList, span: FrameRange) -> CutList:
    """Return the shots of a part of a cut."""
    whole, media = cut_list.range, cut_list.media
    if span.start < whole.start or span.end > whole.end:
        raise SpeakerZoomError(
            f"{media.path}: --in and --out give frames {span.start} to {span.end}, but the kept "
            f"cut has frames {whole.start} to {whole.end}; choose a part of it"
        )
    shots = []
    for shot in cut_list.shots:
        start, end = max(shot.range.start, span.start), min(shot.range.end, span.end)
        if start < end:
            shots.append(trim_shot(shot, FrameRange(start, end), media.size, cut_list.canvas))
    return replace(cut_list, shots=tuple(shots), angles=())


def _refuse_another_analysis(job: Job, session: Session) -> None:
    """Raise where a render asks for another analysis than is kept: it only shows."""
    names = ("detector", "detect_every", "tracker", "scorer", "audio_stream", "channels")
    flags = {"detect_every": "--detect-every", "audio_stream": "--audio-stream"}
    for name in names:
        said, kept = getattr(job.options, name), getattr(session.options, name)
        if name == "scorer" and (said == "auto" or session.kept.scorer is None):
            continue  # any scorer will do, or an older version did not say which it was
        if said is not None and said != kept:
            flag = flags.get(name, f"--{name}")
            said, kept = ("auto" if value == 0 else value for value in (said, kept))
            raise SpeakerZoomError(
                f"{job.source}: render shows the kept cut, which was made with {flag} "
                f"{kept}; run `speakerzoom cut` with {flag} {said} first"
            )
    if job.force:
        raise SpeakerZoomError(
            f"{job.source}: render shows the kept cut; `speakerzoom cut --force` plans it again"
        )


def _in_style(job: Job, session: Session, cut_list: CutList) -> CutList:
    kept = _kept(session)
    if kept.edited:
        raise SpeakerZoomError(
            f"{session.folder / 'cutlist.json'}: was edited, so it cannot be shown in another "
            "style; "
            "leave out the style, or run `speakerzoom cut --force`, which keeps a copy of the edit"
        )
    options = job.options.over(session.options)
    style = read_style(options.style or "standard", options.style_values)
    analysis = planned_from(session, kept, "another style is asked for")
    locks = store.load_locks(session.folder, session.media)
    return store.stored_form(Plan(analysis, style, cut_list.canvas, locks).directed())


def _on_canvas(session: Session, cut_list: CutList, canvas: tuple[int, int]) -> CutList:
    """Return the cut on another canvas; each shot is framed anew if that has another shape."""
    width, height = cut_list.canvas
    if abs(canvas[0] * height / (canvas[1] * width) - 1) <= SHAPE:
        return replace(cut_list, canvas=canvas)
    kept = _kept(session)
    analysis = planned_from(session, kept, "a canvas of another shape is asked for")
    style = style_of(session, kept)
    if not kept.edited:
        locks = store.load_locks(session.folder, session.media)
        return store.stored_form(Plan(analysis, style, canvas, locks).directed())
    # every shot stays and shows whom it shows: only the framing is another one
    locks = tuple(Lock(shot.range, shot.subjects) for shot in cut_list.shots)
    framed = Plan(analysis, style, canvas, locks, of_shots=True).directed()
    shots = tuple(
        replace(new, reason=old.reason, confidence=old.confidence, locked=old.locked)
        for new, old in zip(framed.shots, cut_list.shots, strict=True)
    )
    return store.stored_form(replace(framed, shots=shots))


def _kept(session: Session) -> store.CachedCut:
    kept = store.load_cut_list(session.folder, session.media, content=session.content)
    assert kept is not None  # the caller has shown it
    return kept
