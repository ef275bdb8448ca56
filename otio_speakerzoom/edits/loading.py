"""Reads what a work folder holds of a cut, and only what has changed since the last time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.one_shot import OneShotDirector
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.edits.content import Content, StyleChoice
from otio_speakerzoom.edits.history import finish
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import CutList, Person
from otio_speakerzoom.pipeline import Analysis, Job
from otio_speakerzoom.pipeline.digests import locks_digest, preferences_digest
from otio_speakerzoom.pipeline.plan_cut import (
    Plan,
    changed_file,
    cut_style,
    reframe_misfits,
    require_cut_analysis,
)
from otio_speakerzoom.pipeline.run_analysis import cut_analysis
from otio_speakerzoom.pipeline.session import Session, open_session

ANALYSIS_FILES = ("tracks.npz", "detections.npz", "scores.npz", "voice.npz", "panels.npz")
EDITED_FILES = ("locks.json", "people.json", "options.json", "cutlist.json")
"""In the order in which they are replaced. The cut list is last: until it is replaced, it does not
fit the new files, so that other programs plan again and obey them."""

MAX_LOADS = 5
"""How often a cut is read without the lock, because a file of it changed meanwhile."""

MAX_WAIT_S = 10.0
"""For another process that works in the folder: an export takes a second or two, and whoever waits
for an analysis is better told."""

Signature = tuple[object, ...]
"""Of a file's metadata, which differ after every write."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What a work folder holds of a cut, as the command line would use it now."""

    session: Session
    cached: store.CachedCut
    """Its people have no names. `edited` if its file has the changes of a text editor."""
    content: Content
    analysis: Analysis
    """That the cut was planned from."""
    files: dict[Path, str]
    """Digests of the files that operations change, by path, in the order of `EDITED_FILES`."""
    journal: store.EditJournal
    is_adopted: bool = False
    """Whether hand edits of cutlist.json have become locks, and are to be saved."""

    @property
    def revision(self) -> str:
        """A short digest of these files."""
        return store.digest(*self.files.values())[:16]

    @property
    def people_folder(self) -> Path:
        """Where the people.json of the cut lies."""
        return list(self.files)[1].parent


class Loader:
    """Loads a cut, and caches what was loaded while its files stay as they are."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._loaded: tuple[Signature, Loaded] | None = None
        self._analysis: tuple[Signature, Analysis] | None = None
        self._director: tuple[Signature, OneShotDirector] | None = None
        self._journal: store.EditJournal | None = None
        self._lock = RLock()
        self._paths = _paths(job, job.folder, job.folder)
        """Files that the cut depends on."""

    def load(self, *, is_locked: bool = False) -> Loaded:
        """Return what the folder holds; the error of `missing_result` if nothing is cut.

        An edit whose writing was interrupted counts as if it had been finished. Where other
        processes change the folder all the time, they wait until it is read; StoreError if they
        do not. `is_locked` says that this thread holds the folder's lock.
        """
        if loaded := self._load_unchanged():
            return loaded
        if not is_locked:
            with store.exclusive_lock(self._job.folder, MAX_WAIT_S):
                return self.load(is_locked=True)
        raise StoreError(f"{self._job.folder}: changes all the time; try again when it is quiet")

    def _load_unchanged(self) -> Loaded | None:
        """Return what the folder holds; None if it changes whenever it is read."""
        with self._lock:
            for _ in range(MAX_LOADS):
                signature = self._signature()
                if self._loaded and self._loaded[0] == signature:
                    return self._loaded[1]
                loaded = self._load()
                if loaded is None:
                    continue
                self._loaded = signature, loaded
                folder = loaded.session.folder
                self._paths = _paths(self._job, folder, loaded.people_folder)
                return loaded
        return None

    def accept(self, loaded: Loaded) -> None:
        """Take what was written for what the folder holds now, unless its files are others."""
        with self._lock:
            signature = self._signature()
            if _digests(loaded.files) == loaded.files:
                self._loaded = signature, loaded

    def analysis(self, session: Session, cached: store.CachedCut, content: Content) -> Analysis:
        """Return the analysis of a cut with the people of a content."""
        cast, folder = content.cast, self._people_folder(session.folder, cached.people_folder)
        groups = tuple((person.id, person.track_ids) for person in cast)
        files = tuple(_signature(folder / name) for name in ANALYSIS_FILES)
        signature = (files, session.media_digest, cached.value.range, groups)
        with self._lock:
            if self._analysis is None or self._analysis[0] != signature:
                self._analysis = signature, self._load_analysis(session, cached, content)
            analysis = self._analysis[1]
        people = {person.id: person for person in cast}
        return replace(analysis, people=tuple(
            replace(people[p.id], track_ids=p.track_ids) for p in analysis.people
        ))  # fmt: skip

    def director(
        self, analysis: Analysis, canvas: tuple[int, int], style: Style
    ) -> OneShotDirector:
        """Return who frames single shots."""
        people = tuple(replace(person, name="") for person in analysis.people)
        signature = (analysis.digest, people, canvas, style)
        if self._director is None or self._director[0] != signature:
            self._director = signature, OneShotDirector(
                analysis.media, analysis.tracks, people, analysis.speech.scores, style,
                canvas=canvas, camera_cuts=analysis.detections.camera_cuts.tolist(),
                within=analysis.within, voice=analysis.voice, panels=analysis.panels,
            )  # fmt: skip
        return self._director[1]

    def _load(self) -> Loaded | None:
        """Return what the folder holds; None if it changes while it is read."""
        session = open_session(self._job)
        folder = session.folder
        cached = store.load_cut_list(folder, session.media, (), session.source_digest)
        if cached is None:
            raise pipeline.missing_result(self._job, "cut", "cut")
        cached_digest = cached.file_digest
        people_folder = self._people_folder(folder, cached.people_folder)
        folders = {"people.json": people_folder}
        files = _digests([folders.get(name, folder) / name for name in EDITED_FILES])
        rows = tuple(store.people_rows(people_folder))
        cached = replace(cached, value=_with_cast(cached.value, store.people_from_rows(rows)))
        locks = store.load_locks(folder, session.media)
        style = StyleChoice(
            session.options.style or "standard",
            tuple(sorted(session.options.style_values.items())), cut_style(session, cached),
        )  # fmt: skip
        content = Content(cached.value.shots, cached.value.angles, locks, rows, style)
        journal = self._journal_of(session)
        content, header = finish(journal, content, session.media)
        if _digests(files) != files or cached_digest != files[folder / "cutlist.json"]:
            return None
        if header:
            analysis = self.analysis(session, cached, content)
            cached = replace(cached, value=cut_of(cached, content, analysis), **header)
        cached = self._as_planned(session, cached, content)
        content = replace(content, shots=cached.value.shots, angles=cached.value.angles)
        analysis = self.analysis(session, cached, content)
        return Loaded(session, cached, content, analysis, files, journal)

    def _journal_of(self, session: Session) -> store.EditJournal:
        """Return the journal of the folder; it is read only as far as it is new."""
        if self._journal is None or not self._journal.is_of(session.folder, session.source_digest):
            self._journal = store.EditJournal(session.folder, session.source_digest)
        return self._journal

    def _as_planned(
        self, session: Session, cached: store.CachedCut, content: Content
    ) -> store.CachedCut:
        """Return the cut as an export would use it: planned again if its locks are new."""
        if cached.misfits:
            return replace(reframe_misfits(session, cached), misfits=())
        why = changed_file(cached, content.locks)
        if cached.edited or not why:
            return cached
        analysis = self.analysis(session, cached, content)
        if cached.analysis_digest not in ("", analysis.digest):
            require_cut_analysis(session, cached, f"{why} has changed")  # says what to do
        return planned(analysis, cached, content)

    def _load_analysis(
        self, session: Session, cached: store.CachedCut, content: Content
    ) -> Analysis:
        analysis = cut_analysis(session, replace(cached, analysis_digest=""), content.cast)
        if analysis is None:
            raise StoreError(
                f"{session.folder}: the analysis that the cut was planned from is gone; "
                "`speakerzoom cut` analyzes and plans again"
            )
        return analysis

    def _people_folder(self, folder: Path, name: str) -> Path:
        own = folder / name
        return own if (own / "people.json").exists() else folder

    def _signature(self) -> Signature:
        """Return what differs if any file has changed that the cut depends on."""
        return tuple(_signature(path) for path in self._paths)


def planned(analysis: Analysis, cached: store.CachedCut, content: Content) -> store.CachedCut:
    """Return the cut with all shots planned again, with the locks and the style of a content."""
    plan = plan_of(analysis, cached, content)
    cut = plan.cut_list()
    nameless = tuple(replace(person, name="") for person in cut.people)
    cut = store.stored_form(replace(cut, people=nameless))
    return with_header(replace(cached, value=cut, edited=False, misfits=()), plan)


def with_header(cached: store.CachedCut, plan: Plan) -> store.CachedCut:
    """Return a cut that counts as one of a plan."""
    return replace(
        cached, input_digest=plan.digest, analysis_digest=plan.analysis.digest,
        locks_digest=locks_digest(plan.locks),
        preferences_digest=preferences_digest(plan.analysis.people),
        people_folder=plan.analysis.people_folder, style=asdict(plan.style),
    )  # fmt: skip


def plan_of(analysis: Analysis, cached: store.CachedCut, content: Content) -> Plan:
    """Return what a cut with this content is planned from."""
    cut = cached.value
    return Plan(analysis, content.style.style, cut.canvas, content.locks, bool(cut.angles))


def cut_of(cached: store.CachedCut, content: Content, analysis: Analysis) -> CutList:
    """Return the cut with a content: its people are those of the analysis.

    And everybody else whom a shot shows; a later analysis may lack somebody.
    """
    people = tuple(replace(person, name="") for person in analysis.people)
    shots, angles = content.shots, content.angles
    missing = {id_ for shot in (*shots, *angles) for id_ in shot.subjects}
    missing -= {person.id for person in people}
    people = (*people, *(Person(id_, ()) for id_ in sorted(missing)))
    return replace(cached.value, shots=shots, angles=angles, people=people)


def _with_cast(cut: CutList, people: Sequence[Person]) -> CutList:
    """Return a cut with its people as they are now, without their names."""
    now = {person.id: replace(person, name="") for person in people}
    return replace(cut, people=tuple(now.get(person.id, person) for person in cut.people))


def _paths(job: Job, folder: Path, people_folder: Path) -> list[Path]:
    """Return the files that a cut depends on."""
    own = [folder / name for name in (*EDITED_FILES, "edits.jsonl")]
    return [job.source, *own, *(people_folder / name for name in (*ANALYSIS_FILES, "people.json"))]


def _digests(paths: Iterable[Path]) -> dict[Path, str]:
    return {path: store.file_digest(path) for path in paths}


def _signature(path: Path) -> Any:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
