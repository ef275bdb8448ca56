"""The kept cut: planned, planned anew where it must be, and never against its editor."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import PRESETS, Style, with_new_names
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, CutList, Lock
from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.digests import digest, locks_digest
from otio_speakerzoom.pipeline.job import (
    Job,
    Session,
    exclusive_session,
    keep_options,
    open_session,
)
from otio_speakerzoom.pipeline.locks import resolve_locks, with_sightings
from otio_speakerzoom.pipeline.run_analysis import (
    analysis_of,
    analysis_of_cut,
    cached_analysis,
    scorer_option,
)

log = logging.getLogger("otio_speakerzoom.pipeline")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a cut is planned from."""

    analysis: Analysis
    style: Style
    canvas: tuple[int, int]
    locks: tuple[Lock, ...]
    """As they stand in locks.json."""
    stacked: bool = False
    """Whether to add the angles that were not chosen."""
    of_shots: bool = False
    """Whether the locks stand for the shots of an edited cutlist.json instead."""

    @property
    def digest(self) -> str:
        asked = (asdict(self.style), self.canvas, self.stacked, locks_digest(self.locks))
        return digest("cut", asked, self.analysis.digest)

    def directed(self) -> CutList:
        """Return the cut.

        The director knows people by their numbers alone, so that no name gets into what is kept.
        """
        known = self.analysis
        planned = direct(
            known.media, known.tracks, [replace(p, name="") for p in known.people],
            known.speech.scores, self.style, canvas=self.canvas,
            camera_cuts=known.detections.camera_cuts.tolist(), within=known.within,
            voice=known.voice, locks=resolve_locks(self.locks, known, of_shots=self.of_shots),
            stacked=self.stacked,
        )  # fmt: skip
        return replace(planned, people=known.people)


def cut(job: Job) -> CutList:
    """Return the cut of the source, planned anew where what it was made from has changed.

    What is not said of the analysis, the style or the canvas is as it was. The locks beside the
    source are kept. A cut list that somebody edited is returned as it is, unless the job is forced.
    """
    with exclusive_session(replace(job, force=False)) as session:
        style, size = requested_style(session), requested_canvas(session)
        locks = store.load_locks(session.folder, session.media)
        version = store.file_digest(session.folder / "cutlist.json")
        kept = _load(session)
        if kept and kept.edited and not job.force:
            return _edited(session, kept)
        _check_people(session, locks)
        plan = Plan(analysis_of(session), style, size, locks, session.options.layout == "stacked")
        if not kept or kept.input_digest != plan.digest or job.force:
            if kept and kept.edited:
                copy = store.back_up(session.folder / "cutlist.json")
                log.info("your edited cut is kept as %s", copy)
            kept = _save(session, plan, version)
        named = _absolute(session.options.style)
        keep_options(session, **scorer_option(plan.analysis), canvas=size, style=named)
        return kept.value


def cached_cut(job: Job) -> CutList | None:
    """Return the cut that is kept beside the source; None where there is none.

    A shot whose subjects were edited, but whose crop is ours, is framed for whom it shows now.
    """
    session = open_session(job)
    kept = _load(session)
    return _framed_for_its_subjects(session, kept).value if kept else None


def current_cut(job: Job, *, keep: bool = True) -> CutList | None:
    """Return the kept cut, planned anew in its own style where the locks have changed.

    Nothing is looked at or listened to again. None where nothing is cut yet. With `keep` what was
    planned anew is kept, so that what is exported can be compared when it comes back.
    """
    session = open_session(job)
    kept = _load(session)
    locks = store.load_locks(session.folder, session.media)
    if kept is None or _obeys(kept, locks):
        return kept and _framed_for_its_subjects(session, kept).value
    if kept.edited:
        log.warning(
            "%s: is not applied, because the kept cut was edited; `speakerzoom cut --force` plans "
            "again and keeps a copy of the edited cut", session.folder / "locks.json",
        )  # fmt: skip
        return _framed_for_its_subjects(session, kept).value
    analysis = planned_from(session, kept, "locks.json has changed")
    style, stacked = style_of(session, kept), bool(kept.value.angles)
    plan = Plan(analysis, style, kept.value.canvas, locks, stacked)
    if not keep:
        return store.stored_form(plan.directed())
    with store.exclusive_lock(session.folder):
        return _save(session, plan, kept.version).value


def requested_style(session: Session) -> Style:
    """Return the style that a session asks for: what was said, over what is kept."""
    return read_style(session.options.style or "standard", session.options.style_values)


def requested_canvas(session: Session) -> tuple[int, int]:
    """Return the canvas that a session asks for; the source's picture, made even, at first."""
    width, height = session.media.size
    return session.options.canvas or (max(2, width // 2 * 2), max(2, height // 2 * 2))


def planned_from(session: Session, kept: store.CachedCut, why: str) -> Analysis:
    """Return what a kept cut was planned from; raise where it is not kept any more."""
    analysis = analysis_of_cut(session, kept)
    if analysis is None:
        raise StoreError(
            f"{session.folder}: {why}, but the analysis that the kept cut was planned from is "
            "gone; `speakerzoom cut` analyses and plans again"
        )
    return analysis


def style_of(session: Session, kept: store.CachedCut) -> Style:
    """Return the style that a kept cut was planned in; what it says beyond ours is left out."""
    known = {field.name for field in fields(Style)}
    path = session.folder / "cutlist.json"
    try:
        values = with_new_names(kept.style)
        for name in values.keys() - known:
            log.warning("%s: style.%s is of another version and is left out", path, name)
        return Style(**{name: values[name] for name in values.keys() & known})
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}: style: {error}; correct it, or move the file aside") from error


def _load(session: Session) -> store.CachedCut | None:
    return store.load_cut_list(session.folder, session.media, content=session.content)


def _edited(session: Session, kept: store.CachedCut) -> CutList:
    """Return a cut that somebody edited, if it has the part and canvas that are asked for."""
    path, span = session.folder / "cutlist.json", kept.value.range
    if session.job.within and session.within != span:
        raise StoreError(
            f"{path}: was edited, and is of frames {span.start} to {span.end}; "
            "--force plans anew and keeps a copy of it"
        )
    if session.job.canvas and session.options.canvas != kept.value.canvas:
        width, height = kept.value.canvas
        raise StoreError(
            f"{path}: was edited, and its canvas is {width}x{height}; "
            "--force plans anew and keeps a copy of it"
        )
    log.warning("%s was edited: it is kept; --force plans anew and keeps a copy of it", path)
    return _framed_for_its_subjects(session, kept).value


def _check_people(session: Session, locks: Sequence[Lock]) -> None:
    """Raise before anything is looked at where a lock shows somebody who is not known."""
    known = cached_analysis(session.job) if locks else None
    if known and known.digest and known.within == session.within:
        resolve_locks(locks, known)


def _save(session: Session, plan: Plan, version: str) -> store.CachedCut:
    """Plan and keep a cut, unless somebody edited the list meanwhile: then theirs is kept.

    `version` is that of the list from before the plan began.
    """
    planned = plan.directed()
    try:
        kept = store.save_cut_list(
            session.folder, planned, plan.digest, asdict(plan.style),
            analysis=plan.analysis.digest, locks=locks_digest(plan.locks),
            people_folder=plan.analysis.people_folder, content=session.content, version=version,
        )  # fmt: skip
    except store.ConcurrentChangeError:
        theirs = _load(session)
        if theirs is None:
            raise
        path = session.folder / "cutlist.json"
        log.warning("%s: was edited while the cut was planned: your edit is kept", path)
        return theirs
    _explain(session, plan.locks, plan.analysis)
    return kept


def _explain(session: Session, locks: Sequence[Lock], analysis: Analysis) -> None:
    """Write into locks.json what its numbers mean, where it does not say."""
    now = with_sightings(locks, analysis)
    if now != tuple(locks):
        try:
            store.add_sightings(session.folder, now)
        except store.ConcurrentChangeError:
            log.debug("locks.json is being edited: what its numbers mean is added next time")


def _absolute(style: str | None) -> str | None:
    """Return a style as another folder can find it again."""
    return style if style is None or style in PRESETS else str(Path(style).absolute())


def _framed_for_its_subjects(session: Session, kept: store.CachedCut) -> store.CachedCut:
    """Return the cut in which edited shots are framed for whom they show now."""
    if not kept.misfits:
        return kept
    path, shots = session.folder / "cutlist.json", list(kept.value.shots)
    known = analysis_of_cut(session, replace(kept, analysis=""))
    if known is None:
        raise StoreError(
            f"{path}: shots[{kept.misfits[0]}].subjects: was edited, but the crop is still that of "
            "the people before; edit the crop too, or run `speakerzoom analyze`, which allows "
            "framing it"
        )
    locks = [Lock(s.range, s.subjects, None if n in kept.misfits else s.crop)
             for n, s in enumerate(shots)]  # fmt: skip
    plan = Plan(known, style_of(session, kept), kept.value.canvas, tuple(locks), of_shots=True)
    framed = {shot.range: shot for shot in plan.directed().shots}
    for n in kept.misfits:
        anew = framed[shots[n].range]
        shots[n] = replace(anew, reason="edited", locked=shots[n].locked)
        log.info("%s: shots[%d] is now framed for %s", path, n, kept.value.names(shots[n]))
    return replace(kept, value=store.stored_form(replace(kept.value, shots=tuple(shots))))


def _obeys(kept: store.CachedCut, locks: Sequence[Lock]) -> bool:
    """Whether a cut was planned with these locks; by its shots, where an older one does not say."""
    if kept.locks:
        return kept.locks == locks_digest(locks)
    span = kept.value.range
    shots = [shot for shot in kept.value.shots if shot.locked]
    inside = [lock for lock in locks if lock.range.start < span.end and span.start < lock.range.end]
    return len(shots) == len(inside) and all(
        set(shot.subjects) == set(lock.subjects)
        and shot.range.start <= max(lock.range.start, span.start)
        and min(lock.range.end, span.end) <= shot.range.end
        and (lock.crop is None or _alike(lock.crop, shot.crop))
        for shot, lock in zip(shots, inside, strict=True)
    )


def _alike(a: Box, b: Box) -> bool:
    """Whether two crops are the same once written to a thousandth of a pixel, as they are kept."""
    pairs = zip(astuple(a), astuple(b), strict=True)
    return all(abs(one - other) < 1e-3 for one, other in pairs)
