"""A source that is open in the service, with everything that its page may ask for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits import Programme, State
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError
from otio_speakerzoom.model import Person
from otio_speakerzoom.pipeline import Analysis, Job
from otio_speakerzoom.service import pictures
from otio_speakerzoom.service.curves import Curves
from otio_speakerzoom.service.events import EventHub
from otio_speakerzoom.service.frame_times import frame_times
from otio_speakerzoom.service.jobs import JobContext, JobTable
from otio_speakerzoom.service.proxy import proxy_path
from otio_speakerzoom.service.state_json import CutJson, media_to_json
from otio_speakerzoom.service.tasks import Task
from otio_speakerzoom.service.waveform import Waveform
from otio_speakerzoom.service.words import find_transcript, read_words

SOURCE, PROXY = "source", "proxy"
"""Ids of the media that are not results of jobs."""


class OpenSource:
    """One source: its job, its cut, and what is computed from it once. For any thread."""

    def __init__(self, job: Job, context: JobContext) -> None:
        """Open the source; MediaError if it is none."""
        self.job = job
        self.programme = Programme(job)
        self.media, _ = pipeline.open_source(job)
        self._digest = store.source_digest(self.media.path)
        self.id = source_id(job)
        self.events = EventHub(context.is_closing)
        self._lock, self._reading = threading.RLock(), threading.Lock()
        # two, so that an edit does not wait until a picture is decoded
        self._curves: Curves | None = None
        self._cut_json: CutJson | None = None
        self._media_json: dict[str, Any] | None = None
        self._frame_times: bytes | None = None
        self._pictures: dict[tuple[int, tuple[int, ...]], bytes | None] = {}
        self.waveform = Waveform(
            self.media, job.folder, context.is_closing, lambda: self.events.publish("peaks", {})
        )
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()
        self.jobs = JobTable(job, context, lambda row: self.events.publish("job", row))

    def check_unchanged(self) -> None:
        """Raise MediaError if the file is another one now than when the source was opened."""
        if store.source_digest(self.media.path) != self._digest:
            raise MediaError(
                f"{self.media.path}: has changed since the page was opened; end the service with "
                "Ctrl-C, and run `speakerzoom review` again"
            )

    def cut_state(self) -> State | None:
        """Return the cut as it is now; None if nothing is cut yet.

        StoreError or MediaError where a file is damaged.
        """
        try:
            return self.programme.state()
        except (StoreError, MediaError):
            raise
        except SpeakerZoomError:  # nothing is cut
            return None

    def revision(self) -> str:
        """Return the revision of the cut; empty if there is none, or it cannot be read."""
        try:
            state = self.cut_state()
        except SpeakerZoomError:
            return ""
        return state.revision if state else ""

    def cut_json(self, state: State) -> CutJson:
        """Return a state as JSON values; those of the same state only once."""
        with self._lock:
            if self._cut_json is None or self._cut_json.state is not state:
                self._cut_json = CutJson(state, self.curves(state.analysis))
            return self._cut_json

    def curves(self, analysis: Analysis) -> Curves:
        """Return the curves of an analysis, the same object as long as the analysis is the same."""
        key = _key(analysis)
        with self._lock:
            if self._curves is None or _key(self._curves.analysis) != key:
                self._curves = Curves(analysis)
            return self._curves

    def media_json(self) -> dict[str, Any]:
        """Return what the page must know of the source to play it."""
        with self._reading:
            if self._media_json is None:
                self._media_json = media_to_json(self.media)
            return self._media_json

    def person_picture(self, analysis: Analysis, person: Person) -> bytes | None:
        """Return a person's face as JPEG; it is decoded once."""
        key = (person.id, person.track_ids)
        with self._reading:
            if key not in self._pictures:
                self._pictures[key] = pictures.person_jpeg(analysis, person)
            return self._pictures[key]

    def transcript(self) -> Path | None:
        """Return the transcript beside the source; None without one."""
        return find_transcript(self.job.source)

    def words(self) -> list[dict[str, Any]] | None:
        """Return the words of the transcript; None without one."""
        path = self.transcript()
        return read_words(path, self.media) if path else None

    def frame_times(self) -> bytes:
        """Return when a browser shows each frame of the file; it is read once."""
        with self._reading:
            if self._frame_times is None:
                self._frame_times = frame_times(self.media)
            return self._frame_times

    def media_file(self, id_: str) -> Path | None:
        """Return a file that the page may read, by its id; None where there is none."""
        if id_ == SOURCE:
            return self.media.path
        return self.proxy() if id_ == PROXY else self.jobs.result(id_)

    def proxy(self) -> Path | None:
        """Return the proxy of the source's file as it is now; None if there is none."""
        try:
            path = proxy_path(self.job.folder, self.media.path)
        except MediaError:
            return None
        return path if path.is_file() and not path.is_symlink() else None

    def analyse_if_needed(self) -> None:
        """Begin the analysis where nothing is cut yet."""
        try:
            if self.cut_state() is None:
                self.jobs.submit(Task("analyse", self.job.source, self.job.work))
        except SpeakerZoomError:  # a damaged file: the state names it
            return

    def _prepare(self) -> None:
        """Compute what the page asks for first, while the browser starts."""
        try:
            if state := self.cut_state():
                self.cut_json(state)
        except SpeakerZoomError:  # a damaged file: the state names it
            return


def source_id(job: Job) -> str:
    """Return the id of a source with absolute paths, the same in every run of the service."""
    return store.digest(str(job.source), str(job.work))[:8]


def _key(analysis: Analysis) -> object:
    """Return what curves depend on: not on names, nor on who is ignored or preferred."""
    return analysis.digest, tuple((person.id, person.track_ids) for person in analysis.people)
