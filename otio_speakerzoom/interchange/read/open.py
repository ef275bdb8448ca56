"""A timeline's file, whichever format it is in, as one record; or one line that says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.read import fcpxml, mlt, otio_json, xmeml
from otio_speakerzoom.interchange.read.edited_timeline import EditedTimeline, MediaHints
from otio_speakerzoom.interchange.read.safe_xml import encoding_of
from otio_speakerzoom.interchange.read.sequences import SequenceChoiceError
from otio_speakerzoom.interchange.read.values import FAULTS, reason

READERS: dict[str, Callable[[str, MediaHints], EditedTimeline]] = {
    ".otio": otio_json.read,
    ".fcpxml": fcpxml.read,
    ".fcpxmld": fcpxml.read,
    ".xml": xmeml.read,
    ".mlt": mlt.read,
}
DIALECTS = {".fcpxml": fcpxml.DIALECTS, ".fcpxmld": fcpxml.DIALECTS, ".xml": xmeml.DIALECTS}
"""Suffix -> the hosts that mean different things by the same numbers. An .otio names its host."""

_LARGEST = 1 << 29  # bytes; 10,000 shots with every effect that Resolve exports are some 300 MB


def read_timeline(path: Path, given: MediaHints | None = None) -> EditedTimeline:
    """Return what the timeline at `path` says: .otio, .fcpxml, .xml, .mlt, or a .fcpxmld bundle.

    Raises TimelineError, in one line, over anything that is not such a timeline.
    """
    text = text_of(path)
    try:
        timeline = READERS[path.suffix.lower()](text, given or MediaHints())
    except SequenceChoiceError as choice:
        which, remedy = choice.args
        raise TimelineError(f"{path}: {' '.join(which.split())}; {remedy}") from choice
    except (RecursionError, ZeroDivisionError) as error:
        raise _unreadable(path, "it is built as no timeline is") from error
    except FAULTS as error:
        raise _unreadable(path, reason(error)) from error
    if not any(timeline.tracks):
        raise _unreadable(path, "; ".join(("no clip in it has a picture", *timeline.notes[:1])))
    return timeline


def text_of(path: Path) -> str:
    """Return the text of the timeline at `path`; of a bundle, of the document inside."""
    if path.suffix.lower() not in READERS:
        raise TimelineError(f"{path}: not a timeline; the name must end in {', '.join(READERS)}")
    document = path
    try:
        document = path / "Info.fcpxml" if path.is_dir() else path
        if not document.is_file():
            raise TimelineError(f"{document}: no such file; check the name")
        if document.stat().st_size > _LARGEST:
            raise _unreadable(path, f"it is larger than {_LARGEST >> 20} MiB")
        data = document.read_bytes()
    except OSError as error:
        raise TimelineError(
            f"{document}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    encoding = encoding_of(data)
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise _unreadable(path, f"it is not {encoding.removesuffix('-SIG')} text") from error


def _unreadable(path: Path, what: str) -> TimelineError:
    line = " ".join(what.split())
    return TimelineError(
        f"{path}: not a timeline that can be read ({line}); export it from the editor again"
    )
