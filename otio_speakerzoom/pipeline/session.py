"""Opens a source and its work folder: to read only, or to write under an exclusive lock."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError
from otio_speakerzoom.model import AudioSelection, FrameRange, Media
from otio_speakerzoom.pipeline.digests import digest
from otio_speakerzoom.pipeline.job import DEFAULTS, Job
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights.names import AUTO, DETECTORS, SCORERS, TRACKERS

log = logging.getLogger("otio_speakerzoom.pipeline")

STYLE_VALUES = {f.name for f in fields(Style)}


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A job whose source is open."""

    job: Job
    folder: Path
    media: Media
    media_digest: str
    """Input digest of `media`."""
    source_digest: str
    """Of the source's file."""
    stored_options: Options
    """As in options.json; empty if there is none."""
    options: Options
    """The job's, over the stored ones, over the defaults; only the canvas may be None."""

    @property
    def within(self) -> FrameRange:
        """The requested part of the source."""
        return FrameRange(*(self.options.part or (0, self.media.duration)))

    @property
    def audio_selection(self) -> AudioSelection:
        """The requested microphones."""
        channels = self.options.channels or "auto"
        number = int(channels) if channels.isdecimal() else None
        return AudioSelection(self.options.audio_stream or None, number, mixed=channels == "mix")

    @property
    def scorer(self) -> str:
        """The scorer for new scores: its name, or `auto` for the best one that can be had."""
        name = self.options.scorer or AUTO
        return self.job.auto_scorer or AUTO if name == AUTO else name

    @property
    def scorer_reason(self) -> str:
        """Why it is that scorer, unless it is `auto`."""
        return "the best for all of the batch" if self.options.scorer == AUTO else "as requested"

    def check_unchanged(self) -> None:
        """Raise MediaError if the source's file has changed since it was opened."""
        if store.source_digest(self.job.source) != self.source_digest:
            raise MediaError(
                f"{self.job.source}: was changed while it was read, so no results were saved; "
                "run again when it is complete"
            )


def open_source(job: Job, folder: Path | None = None) -> tuple[Media, str]:
    """Return the properties of the source, and their input digest; nothing is written."""
    if not os.path.isfile(job.source):  # noqa: PTH113 - unlike a Path's, it never raises
        return source_file.probe(job.source), ""  # which raises an error that says why
    input_digest = digest("media", store.source_digest(job.source))
    cached = store.load_media(folder or job.folder)
    path = source_file.absolute_path(job.source)
    if (
        cached
        and not cached.edited
        and (cached.input_digest, cached.value.path) == (input_digest, path)
    ):
        return cached.value, input_digest
    return source_file.probe(job.source), input_digest


def open_session(job: Job) -> Session:
    """Open the source and its work folder to read; nothing is written."""
    return _session(job, job.folder, open_source(job))


@contextmanager
def exclusive_session(job: Job, timeout_s: float | None = None) -> Iterator[Session]:
    """Open the source and its work folder to write under an exclusive lock; save media.json.

    StoreError if another process has the lock for longer than `timeout_s`; None waits for it.
    """
    folder = job.folder
    opened = open_source(job, folder)  # raises before a folder is created for what is no source
    folder = store.rename_folder(folder, job.source)
    default = folder.with_name(store.folder_name(job.source.name))
    if folder != default and default.exists():
        log.info("%s: belongs to another recording; the results go to %s", default, folder.name)
    with store.exclusive_lock(folder, timeout_s):
        session = _session(job, folder, opened)
        cached = store.load_media(folder)
        if not cached or (cached.value, cached.input_digest) != (
            session.media,
            session.media_digest,
        ):
            store.save_media(folder, session.media, session.media_digest, session.source_digest)
        yield session


def missing_result(job: Job, what: str, verb: str) -> SpeakerZoomError:
    """Return the error that nothing is `what` (cut, known) yet; mentions results of a copy."""
    advice = f"run `speakerzoom {verb}` on it first"
    if job.source.is_file() and (other := store.find_copy(job.source, job.work)):
        advice += f"; {other} holds the results of a recording with the same content"
    return SpeakerZoomError(f"{job.source}: nothing is {what} yet; {advice}")


def save_options(session: Session, **values: Any) -> None:
    """Save the session's options, some of them replaced by `values`, if they are new."""
    options = replace(session.options, **values)
    if options != session.stored_options:
        store.save_options(session.folder, options, session.source_digest)


def _session(job: Job, folder: Path, opened: tuple[Media, str]) -> Session:
    source_digest = store.source_digest(job.source) if job.source.is_file() else ""
    media, media_digest = opened
    if media_digest != digest("media", source_digest):  # changed while we waited for the lock
        media, media_digest = open_source(job, folder)
    stored = _load_options(folder, media, source_digest)
    part = job.within(media) if job.within else None
    options = replace(
        job.options,
        part=(part.start, part.end) if part else None,
        canvas=job.canvas(media) if job.canvas else None,
    )
    defaults = replace(DEFAULTS, part=(0, media.duration))
    options = options.over(stored).over(defaults)
    return Session(job, folder, media, media_digest, source_digest, stored, options)


def _load_options(folder: Path, media: Media, source_digest: str) -> Options:
    """Return the stored options; if there are none, those that the cached cut shows.

    Early versions wrote no options.json.
    """
    options = store.load_options(folder, source_digest)
    _check_options(folder / "options.json", options, media)
    if options != Options():
        return options
    cached = store.load_cut_list(folder, media, (), source_digest)
    if not cached:
        return options
    standard, style = Style(), cached.style
    values = {n: style[n] for n in STYLE_VALUES & style.keys() if style[n] != getattr(standard, n)}
    span = cached.value.range
    return Options(part=(span.start, span.end), canvas=cached.value.canvas, style_values=values)


def _check_options(path: Path, options: Options, media: Media) -> None:
    """Raise StoreError for options that this version does not know or the source does not have."""
    choices = {
        "detector": (None, *DETECTORS),
        "tracker": (None, *TRACKERS),
        "scorer": (None, AUTO, *SCORERS),
        "layout": (None, "programme", "stacked"),
    }
    faults = [name for name, values in choices.items() if getattr(options, name) not in values]
    channels = options.channels or "auto"
    if channels not in ("auto", "mix") and not (channels.isdecimal() and int(channels)):
        faults.append("channels")
    start, end = options.part or (0, 1)
    if not start < end <= media.duration:
        faults.append("part")
    faults += [f"style_values.{name}" for name in options.style_values if name not in STYLE_VALUES]
    if faults:
        raise StoreError(
            f"{path}: {faults[0]}: is unknown to this version; correct it, or move the file "
            "aside to go back to the defaults"
        )
