"""Opens the file of a timeline and reads it, whichever format it is in; errors are one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.read import fcpxml, mlt, otio_json, xmeml
from otio_speakerzoom.interchange.read.edited_timeline import EditedTimeline, MediaHints
from otio_speakerzoom.interchange.read.safe_xml import encoding_of
from otio_speakerzoom.interchange.read.sequences import SequenceChoiceError
from otio_speakerzoom.interchange.read.values import READ_ERRORS, in_line, reason
from otio_speakerzoom.store.bounded import UnfitFileError, read_bytes

READERS: dict[str, Callable[[str, MediaHints], EditedTimeline]] = {
    ".otio": otio_json.read,
    ".fcpxml": fcpxml.read,
    ".fcpxmld": fcpxml.read,
    ".xml": xmeml.read,
    ".mlt": mlt.read,
    ".kdenlive": mlt.read,
}
DIALECTS = {".fcpxml": fcpxml.DIALECTS, ".fcpxmld": fcpxml.DIALECTS, ".xml": xmeml.DIALECTS}
"""Suffix -> the hosts that mean different things by the same numbers. An .otio names its host."""

HOST_NAMES = {
    "resolve": "Resolve",
    "premiere": "Premiere",
    "fcp": "Final Cut",
    "shotcut": "Shotcut",
    "kdenlive": "Kdenlive",
    "speakerzoom": "an editor (framing in our own metadata only)",
}
"""Every `EditedTimeline.host` -> its name in messages."""

MAX_TIMELINE_BYTES = 128 << 20
"""An .otio with 2,000 shots has 22 MB, and the other formats less."""


def read_timeline(path: Path, hints: MediaHints | None = None) -> EditedTimeline:
    """Return the timeline at `path`: .otio, .fcpxml, .xml, .mlt, .kdenlive, or a .fcpxmld bundle.

    Raise TimelineError, in one line, for anything else.
    """
    text = text_of(path)
    try:
        timeline = READERS[path.suffix.lower()](text, hints or MediaHints())
    except SequenceChoiceError as choice:
        problem, remedy = choice.args
        raise TimelineError(f"{path}: {' '.join(problem.split())}; {remedy}") from choice
    except (RecursionError, ZeroDivisionError) as error:
        raise _unreadable(path, "its structure is not that of a timeline") from error
    except READ_ERRORS as error:
        raise _unreadable(path, reason(error)) from error
    timeline = _in_lines(timeline)
    if not any(timeline.tracks):
        raise _unreadable(path, "; ".join(("it has no video clip", *timeline.warnings[:1])))
    return timeline


def _in_lines(timeline: EditedTimeline) -> EditedTimeline:
    """Return a timeline whose texts for the user are one line each, whatever names are in them."""
    tracks = tuple(
        tuple(
            replace(clip, unsupported=in_line(clip.unsupported)) if clip.unsupported else clip
            for clip in track
        )
        for track in timeline.tracks
    )
    return replace(timeline, tracks=tracks, warnings=tuple(map(in_line, timeline.warnings)))


def text_of(path: Path) -> str:
    """Return the text of the timeline at `path`; of a bundle, of the document inside."""
    if path.suffix.lower() not in READERS:
        raise TimelineError(f"{path}: not a timeline; the name must end in {', '.join(READERS)}")
    document = path
    try:
        document = path / "Info.fcpxml" if path.is_dir() else path
        if not document.is_file():
            raise TimelineError(f"{document}: no such file; check the name")
        data = read_bytes(document, MAX_TIMELINE_BYTES)
    except UnfitFileError as error:
        raise _unreadable(path, f"it {error.strerror}") from error
    except OSError as error:
        raise TimelineError(
            f"{document}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    try:
        encoding = encoding_of(data)
    except LookupError as error:
        raise _unreadable(path, f"its encoding, {error}, is unknown") from error
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not {encoding.removesuffix('-SIG')} text") from error


def _unreadable(path: Path, problem: str) -> TimelineError:
    line = " ".join(problem.split())
    return TimelineError(
        f"{path}: not a timeline that can be read ({line}); export it from the editor again"
    )
