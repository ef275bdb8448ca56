"""Plans a cut and caches it; a cut that its editor changed is never replaced without a request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import PRESETS, Style
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, CutList, Lock
from otio_speakerzoom.pipeline.analysis import Analysis
from otio_speakerzoom.pipeline.digests import cut_digest, locks_digest, preferences_digest
from otio_speakerzoom.pipeline.job import Job
from otio_speakerzoom.pipeline.locks import resolve_locks, with_sightings
from otio_speakerzoom.pipeline.run_analysis import (
    cached_analysis,
    cut_analysis,
    session_analysis,
)
from otio_speakerzoom.pipeline.session import (
    Session,
    exclusive_session,
    open_session,
    save_options,
)

log = logging.getLogger("otio_speakerzoom.pipeline")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything that a cut is planned from."""

    analysis: Analysis
    style: Style
    canvas: tuple[int, int]
    locks: tuple[Lock, ...]
    """As in locks.json."""
    stacked: bool = False
    """Whether to add alternative framings."""
    of_shots: bool = False
    """Whether the locks stand for the shots of an edited cutlist.json instead."""

    @property
    def digest(self) -> str:
        """Input digest of the cut."""
        return cut_digest(
            self.style, self.canvas, self.stacked, self.locks, self.analysis.people,
            self.analysis.digest, self.analysis.panels,
        )  # fmt: skip

    def cut_list(self) -> CutList:
        """Return the cut.

        The director knows people by their ids only, so that no names get into the reasons.
        """
        analysis = self.analysis
        cut_list = direct(
            analysis.media, analysis.tracks, [replace(p, name="") for p in analysis.people],
            analysis.speech.scores, self.style, canvas=self.canvas,
            camera_cuts=analysis.detections.camera_cuts.tolist(), within=analysis.within,
            voice=analysis.voice,
            locks=resolve_locks(self.locks, analysis, of_shots=self.of_shots),
            stacked=self.stacked, panels=analysis.panels,
        )  # fmt: skip
        return replace(cut_list, people=analysis.people)


def cut(job: Job) -> CutList:
    """Return the cut of the source; it is planned again if its inputs have changed.

    Options that the job leaves out stay as they were. Locks are obeyed. An edited cut is returned
    as it is, unless the job has `force`.
    """
    with exclusive_session(replace(job, force=False)) as session:
        style, canvas = requested_style(session), requested_canvas(session)
        locks = store.load_locks(session.folder, session.media)
        expected_digest = store.file_digest(session.folder / "cutlist.json")
        cached = load_cut(session)
        if cached and cached.edited and not job.force:
            return _check_edited(session, cached)
        _check_people(session, locks)
        stacked = session.options.layout == "stacked"
        plan = Plan(session_analysis(session), style, canvas, locks, stacked)
        if not cached or cached.input_digest != plan.digest or job.force:
            if cached and cached.edited:
                copy = store.back_up(session.folder / "cutlist.json")
                log.info("your edited cut was copied to %s", copy)
            cached = _save(session, plan, expected_digest)
        style_name = _absolute(session.options.style)
        save_options(session, canvas=canvas, style=style_name)
        return cached.value


def cached_cut(job: Job) -> CutList | None:
    """Return the cached cut; None if there is none.

    A shot whose subjects were edited, but not the crop that we chose, is framed for its subjects.
    """
    session = open_session(job)
    cached = load_cut(session)
    return reframe_misfits(session, cached).value if cached else None


def current_cut(job: Job, *, save: bool = True) -> CutList | None:
    """Return the cached cut, planned again in its own style if locks or preferences have changed.

    Nothing is analyzed. None if there is no cut yet. With `save` a new plan is saved, so that its
    export can be compared with it when it comes back.
    """
    session = open_session(job)
    cached = load_cut(session)
    locks = store.load_locks(session.folder, session.media)
    if cached is None or not (changed := changed_file(cached, locks)):
        return cached and reframe_misfits(session, cached).value
    if cached.edited:
        log.warning(
            "%s: is ignored, because the cut was edited; `speakerzoom cut --force` plans "
            "again and makes a copy of the edited cut", session.folder / changed,
        )  # fmt: skip
        return reframe_misfits(session, cached).value
    analysis = require_cut_analysis(session, cached, f"{changed} has changed")
    style, stacked = cut_style(session, cached), bool(cached.value.angles)
    plan = Plan(analysis, style, cached.value.canvas, locks, stacked)
    if not save:
        return store.stored_form(plan.cut_list())
    with store.exclusive_lock(session.folder):
        return _save(session, plan, cached.file_digest).value


def requested_style(session: Session) -> Style:
    """Return the style that a session requests."""
    return read_style(session.options.style or "standard", session.options.style_values)


def requested_canvas(session: Session) -> tuple[int, int]:
    """Return the canvas that a session requests; by default the frame size, rounded to even."""
    width, height = session.media.size
    return session.options.canvas or (max(2, width // 2 * 2), max(2, height // 2 * 2))


def require_cut_analysis(session: Session, cached: store.CachedCut, why: str) -> Analysis:
    """Return the analysis that a cached cut was planned from; raise StoreError if it is gone."""
    analysis = cut_analysis(session, cached)
    if analysis is None:
        raise StoreError(
            f"{session.folder}: {why}, but the analysis that the cut was planned from is gone; "
            "`speakerzoom cut` analyzes and plans again"
        )
    return analysis


def cut_style(session: Session, cached: store.CachedCut) -> Style:
    """Return the style that a cached cut was planned with, without values unknown to us."""
    names = {field.name for field in fields(Style)}
    path = session.folder / "cutlist.json"
    for name in cached.style.keys() - names:
        log.warning("%s: style.%s is of another version and is left out", path, name)
    try:
        return Style(**{name: cached.style[name] for name in cached.style.keys() & names})
    except (ValueError, TypeError) as error:
        name, colon, fault = str(error).partition(":")
        name = store.key_in_file(cached.style, name)
        raise StoreError(
            f"{path}: style: {name}{colon}{fault}; correct it, or move the file aside"
        ) from error


def load_cut(session: Session) -> store.CachedCut | None:
    """Return the cached cut of the source as it is now; None if there is none."""
    return store.load_cut_list(session.folder, session.media, source_digest=session.source_digest)


def _check_edited(session: Session, cached: store.CachedCut) -> CutList:
    """Return an edited cut; raise StoreError if the job requests another part or canvas."""
    path, span = session.folder / "cutlist.json", cached.value.range
    if session.job.within and session.within != span:
        raise StoreError(
            f"{path}: was edited, and covers frames {span.start} to {span.end}; "
            "--force plans again and makes a copy of it"
        )
    if session.job.canvas and session.options.canvas != cached.value.canvas:
        width, height = cached.value.canvas
        raise StoreError(
            f"{path}: was edited, and its canvas is {width}x{height}; "
            "--force plans again and makes a copy of it"
        )
    log.warning("%s: was edited and stays; --force plans again and makes a copy of it", path)
    return reframe_misfits(session, cached).value


def _check_people(session: Session, locks: Sequence[Lock]) -> None:
    """Raise StoreError, before anything is analyzed, if a lock shows an unknown person."""
    analysis = cached_analysis(session.job) if locks else None
    if analysis and analysis.digest and analysis.within == session.within:
        resolve_locks(locks, analysis)


def _save(session: Session, plan: Plan, expected_digest: str) -> store.CachedCut:
    """Plan a cut and save it, unless the file changed meanwhile: then return that edited cut.

    `expected_digest` is that of the file before the plan began.
    """
    cut_list = plan.cut_list()
    _save_sightings(session, plan.locks, plan.analysis)  # first: a current cut is not saved again
    try:
        cached = store.save_cut_list(
            session.folder, cut_list, plan.digest, asdict(plan.style),
            analysis_digest=plan.analysis.digest, locks_digest=locks_digest(plan.locks),
            preferences_digest=preferences_digest(plan.analysis.people),
            people_folder=plan.analysis.people_folder, source_digest=session.source_digest,
            expected_digest=expected_digest,
        )  # fmt: skip
    except store.ConcurrentChangeError:
        edited = load_cut(session)
        if edited is None:
            raise
        path = session.folder / "cutlist.json"
        log.warning("%s: was edited while the cut was planned; your edit stays", path)
        return edited
    return cached


def _save_sightings(session: Session, locks: Sequence[Lock], analysis: Analysis) -> None:
    """Add sightings to locks.json, which identify its people if they are numbered again."""
    locks_now = with_sightings(locks, analysis)
    if locks_now != tuple(locks):
        try:
            store.write_sightings(session.folder, locks_now)
        except store.ConcurrentChangeError:
            log.debug("locks.json is being edited: sightings are added next time")


def _absolute(style: str | None) -> str | None:
    """Return a style that can be found from any folder."""
    return style if style is None or style in PRESETS else str(Path(style).absolute())


def reframe_misfits(session: Session, cached: store.CachedCut) -> store.CachedCut:
    """Return the cut with every shot framed for its subjects, if only they were edited."""
    if not cached.misfits:
        return cached
    path, shots = session.folder / "cutlist.json", list(cached.value.shots)
    analysis = cut_analysis(session, replace(cached, analysis_digest=""))
    if analysis is None:
        raise StoreError(
            f"{path}: shots[{cached.misfits[0]}].subjects: was edited, but the crop is still that "
            "of the people before; edit the crop too, or run `speakerzoom analyze`, which allows "
            "framing it"
        )
    locks = [Lock(s.range, s.subjects, None if n in cached.misfits else s.crop)
             for n, s in enumerate(shots)]  # fmt: skip
    style, canvas = cut_style(session, cached), cached.value.canvas
    plan = Plan(analysis, style, canvas, tuple(locks), of_shots=True)
    by_range = {shot.range: shot for shot in plan.cut_list().shots}
    for n in cached.misfits:
        shots[n] = replace(by_range[shots[n].range], reason="edited", locked=shots[n].locked)
        log.info("%s: shots[%d] is now framed for %s", path, n, cached.value.shot_label(shots[n]))
    return replace(cached, value=store.stored_form(replace(cached.value, shots=tuple(shots))))


def changed_file(cached: store.CachedCut, locks: Sequence[Lock]) -> str:
    """Return which file of the editor's a cut does not follow any more; empty if there is none."""
    if not _obeys(cached, locks):
        return "locks.json"
    now = preferences_digest(cached.value.people)
    return "" if cached.preferences_digest == now else "people.json"


def _obeys(cached: store.CachedCut, locks: Sequence[Lock]) -> bool:
    """Whether a cut was planned with these locks; early files show that by their shots only."""
    if cached.locks_digest:
        return cached.locks_digest == locks_digest(locks)
    span = cached.value.range
    shots = [shot for shot in cached.value.shots if shot.locked]
    inside = [lock for lock in locks if lock.range.start < span.end and span.start < lock.range.end]
    return len(shots) == len(inside) and all(
        set(shot.subjects) == set(lock.subjects)
        and shot.range.start <= max(lock.range.start, span.start)
        and min(lock.range.end, span.end) <= shot.range.end
        and (lock.crop is None or _equal(lock.crop, shot.crop))
        for shot, lock in zip(shots, inside, strict=True)
    )


def _equal(a: Box, b: Box) -> bool:
    """Whether two crops are the same to a thousandth of a pixel, as they are stored."""
    return all(abs(one - other) < 1e-3 for one, other in zip(astuple(a), astuple(b), strict=True))
