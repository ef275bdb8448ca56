"""One source and what is to be done with it; its folder, opened to look or to work in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.director.style import Style, with_new_names
from otio_speakerzoom.errors import MediaError, SpeakerZoomError, StoreError
from otio_speakerzoom.model import AudioSelection, FrameRange, Media, Progress, no_progress
from otio_speakerzoom.pipeline.digests import digest
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights.names import AUTO, DETECTORS, NO_TRACKER, SCORERS, TRACKERS

log = logging.getLogger("otio_speakerzoom.pipeline")

DEFAULTS = Options(
    detector="blazeface",
    detect_every=0,
    tracker=NO_TRACKER,
    scorer=AUTO,
    audio_stream=0,
    channels="auto",
    layout="programme",
    style="standard",
)


STYLE_VALUES = {f.name for f in fields(Style)}


def no_stage_progress(stage: str) -> Progress:
    """Report no stage's progress to anybody."""
    return no_progress


@dataclass(frozen=True, slots=True)
class Job:
    """One source, and what was said of how it is to be analysed and cut."""

    source: Path
    work: Path | None = None
    """Folder for the results, instead of the source's own."""
    options: Options = field(default_factory=Options)
    """What is None in them is as it is kept beside the source, else as in `DEFAULTS`."""
    device: str = "auto"
    within: Callable[[Media], FrameRange] | None = None
    """Which part of the source; None for the part that was looked at last, at first all of it."""
    canvas: Callable[[Media], tuple[int, int]] | None = None
    """The delivered picture; None for the kept one, at first the source's."""
    force: bool = False
    """Run every stage again."""
    on_stage: Callable[[str], Progress] = no_stage_progress

    @property
    def folder(self) -> Path:
        return store.find_folder(self.source, self.work)


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A job whose source is open."""

    job: Job
    folder: Path
    media: Media
    facts: str
    """Digest of the facts of the source."""
    content: str
    """Digest of the source's file."""
    kept: Options
    """As they are kept; empty where nothing is."""
    options: Options
    """What was said, over what is kept, over the defaults; nothing in it is None but the canvas."""

    @property
    def within(self) -> FrameRange:
        """The part of the source that is asked for."""
        return FrameRange(*(self.options.part or (0, self.media.duration)))

    @property
    def audio_selection(self) -> AudioSelection:
        channels = self.options.channels or "auto"
        number = int(channels) if channels.isdecimal() else None
        return AudioSelection(self.options.audio_stream or None, number, mixed=channels == "mix")

    def check_unchanged(self) -> None:
        """Raise where the source is not the file any more that was opened: it is being written."""
        if store.source_digest(self.job.source) != self.content:
            raise MediaError(
                f"{self.job.source}: was changed while it was read, so no results were kept; "
                "run again when it is complete"
            )


def open_source(job: Job, folder: Path | None = None) -> tuple[Media, str]:
    """Return the facts of the source, and their digest; nothing is written."""
    if not job.source.is_file():
        return source_file.probe(job.source), ""  # which says what is wrong
    input_digest = digest("media", store.source_digest(job.source))
    kept = store.load_media(folder or job.folder)
    named = source_file.absolute_path(job.source)
    if kept and not kept.edited and (kept.input_digest, kept.value.path) == (input_digest, named):
        return kept.value, input_digest
    return source_file.probe(job.source), input_digest


def open_session(job: Job) -> Session:
    """Open the source and what is kept of it; nothing is written."""
    return _session(job, job.folder)


@contextmanager
def exclusive_session(job: Job) -> Iterator[Session]:
    """Open the source and its folder to work in it, alone; the facts of the source are kept."""
    folder = job.folder
    open_source(job, folder)  # before a folder is created for what is no source
    folder = store.rename_folder(folder, job.source)
    usual = folder.with_name(store.folder_name(job.source.name))
    if folder != usual and usual.exists():
        log.info("%s: belongs to another recording; the results are kept in %s", usual, folder.name)
    with store.exclusive_lock(folder):
        session = _session(job, folder)
        kept = store.load_media(folder)
        if not kept or (kept.value, kept.input_digest) != (session.media, session.facts):
            store.save_media(folder, session.media, session.facts, session.content)
        yield session


def missing_result(job: Job, what: str, verb: str) -> SpeakerZoomError:
    """Return the error that nothing is `what` (cut, known) yet; a copy's results are pointed to."""
    advice = f"run `speakerzoom {verb}` on it first"
    if job.source.is_file() and (other := store.find_copy(job.source, job.work)):
        advice += f"; {other} holds the results of a recording with the same content"
    return SpeakerZoomError(f"{job.source}: nothing is {what} yet; {advice}")


def keep_options(session: Session, **values: Any) -> None:
    """Keep the options of this run, with some `values` as they came to be."""
    kept = replace(session.options, **values)
    if kept != session.kept:
        store.save_options(session.folder, kept, session.content)


def _session(job: Job, folder: Path) -> Session:
    content = store.source_digest(job.source) if job.source.is_file() else ""
    media, facts = open_source(job, folder)
    kept = _kept_options(folder, media, content)
    part = job.within(media) if job.within else None
    said = replace(
        job.options,
        part=(part.start, part.end) if part else None,
        canvas=job.canvas(media) if job.canvas else None,
    )
    defaults = replace(DEFAULTS, part=(0, media.duration))
    return Session(job, folder, media, facts, content, kept, said.over(kept).over(defaults))


def _check_options(path: Path, kept: Options, media: Media) -> None:
    """Raise where options.json says what this version does not know, or what the source lacks."""
    known = {
        "detector": (None, *DETECTORS),
        "tracker": (None, *TRACKERS),
        "scorer": (None, AUTO, *SCORERS),
        "layout": (None, "programme", "stacked"),
    }
    faults = [n for n, values in known.items() if getattr(kept, n) not in values]
    channels = kept.channels or "auto"
    if channels not in ("auto", "mix") and not (channels.isdecimal() and int(channels)):
        faults.append("channels")
    start, end = kept.part or (0, 1)
    if not start < end <= media.duration:
        faults.append("part")
    faults += [f"style_values.{n}" for n in kept.style_values if n not in STYLE_VALUES]
    if faults:
        raise StoreError(
            f"{path}: {faults[0]}: is unknown to this version; correct it, or move the file "
            "aside to go back to the defaults"
        )


def _kept_options(folder: Path, media: Media, content: str) -> Options:
    """Return the kept options; where an older version kept none, what its cut list tells."""
    path = folder / "options.json"
    kept = store.load_options(folder, content)
    kept = replace(kept, style_values=_with_new_names(path, "style_values", kept.style_values))
    _check_options(path, kept, media)
    if kept != Options() or not (cut := store.load_cut_list(folder, media, (), content)):
        return kept
    standard, style = Style(), _with_new_names(folder / "cutlist.json", "style", cut.style)
    known = STYLE_VALUES & style.keys()
    values = {n: style[n] for n in known if style[n] != getattr(standard, n)}
    span = cut.value.range
    return Options(part=(span.start, span.end), canvas=cut.value.canvas, style_values=values)


def _with_new_names(path: Path, field_name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the style values of a field of `path` under the names they have now."""
    try:
        return with_new_names(values)
    except ValueError as error:
        raise StoreError(
            f"{path}: {field_name}: {error}; correct it, or move the file aside"
        ) from error
