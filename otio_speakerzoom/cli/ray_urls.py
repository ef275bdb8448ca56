"""Works on recordings that a machine of a Ray cluster fetches by their URLs.

The machine fetches the recording into a temporary folder, works there on a copy of the results so
far, and sends back what is new, which the driver writes. So it needs no storage that it shares
with the driver. A recording that is fetched is not split into segments for other machines, as each
of them would fetch it again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from otio_speakerzoom.cli.batch_worker import Event, Message, Outcome, run_request
from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.cli.request import FileArgument, Request
from otio_speakerzoom.cli.streams import one_line
from otio_speakerzoom.cli.values import Input
from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.errors import MediaError, SpeakerZoomError

BLOCK_BYTES = 4 << 20
"""Of a recording that is fetched; a signal is noticed between two of them."""
MAX_FILE_BYTES = 1 << 30
"""Of a file of results: that of the arrays of an .npz."""

Files = Mapping[str, bytes]
"""Contents by the path in a folder, with slashes."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the driver has of a recording: results, timeline, style."""

    results: Files
    timeline: bytes | None = None
    style: bytes | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a machine sends back of a recording."""

    events: tuple[Event, ...]
    """Messages and the Outcome."""
    folder: str = ""
    """Name of the folder of results; empty if there is none."""
    snapshot: Snapshot = Snapshot({})


def take_snapshot(request: Request) -> Snapshot:
    """Return what a machine needs of the driver's files to work on a URL."""
    from otio_speakerzoom.store.bounded import read_bytes

    style = request.style
    is_file = style is not None and str(style) not in PRESETS
    return Snapshot(
        _read_folder(_results_folder(request)),
        _read_timeline(request),
        read_bytes(style) if is_file and style else None,
    )


def work_on_url(request: Request, before: Snapshot) -> Gathered:
    """Fetch the recording of a request, analyse and cut it in a temporary folder of this machine.

    The folder is removed at the end, however that comes about, unless the process is killed.
    """
    from otio_speakerzoom.store import find_folder

    assert request.url
    with tempfile.TemporaryDirectory(prefix="speakerzoom-ray-") as folder:
        here = _request_in(request, Path(folder).resolve())
        events: list[Event] = []
        try:
            _write_snapshot(here, before)
            fetch(request.url, here.source)
        except (SpeakerZoomError, OSError) as error:
            return Gathered((Outcome("failed", one_line(str(error))),))
        run_request(here, events.append)
        visible = [event for event in events if isinstance(event, Message | Outcome)]
        named = tuple(_as_named(event, here, request) for event in visible)
        results = find_folder(here.source, here.work)
        if not results.is_dir():
            return Gathered(named)
        after = Snapshot(_read_folder(results), _read_timeline(here))
        return Gathered(named, results.name, after)


def fetch(url: RecordingUrl, to: Path) -> None:
    """Write the recording of a URL to a new file; MediaError, in one line, if that fails."""
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url.text)
        size = system.info(path).get("size")
        free = shutil.disk_usage(to.parent).free
        if size is not None and size > free:
            raise OSError(
                f"{size >> 20} MB are needed in {to.parent.parent}, {free >> 20} are free"
            )
        with system.open(path, "rb") as source, to.open("xb") as file:
            while block := source.read(BLOCK_BYTES):
                file.write(block)
            if size is not None and file.tell() != size:
                raise OSError(f"{file.tell()} of {size} bytes arrived")
    except Exception as error:  # each file system and its libraries raise their own
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        reason = reason.replace(url.text, str(url))  # no key in a message
        raise MediaError(
            f"{url}: cannot be fetched ({reason}); check the address, and that the machines of the "
            "cluster may read it"
        ) from error


def save(request: Request, before: Snapshot, gathered: Gathered) -> tuple[Event, ...]:
    """Write what a machine sent back, where it is new; return the events.

    If files have changed since they were sent there, nothing is written, and the recording failed.
    """
    from otio_speakerzoom import store

    if not gathered.folder:
        return gathered.events
    folder = _results_folder(request)
    try:
        if gathered.folder != folder.name:
            raise SpeakerZoomError(
                f"{folder}: belongs to another recording; choose another folder (--work)"
            )
        with store.exclusive_lock(folder):
            now = take_snapshot(request)
            if (now.results, now.timeline) != (before.results, before.timeline):
                raise SpeakerZoomError(
                    f"{folder}: was changed while {request.url} was worked on, so nothing was "
                    "written; run it again"
                )
            _write_new(request, folder, before, gathered.snapshot)
    except (SpeakerZoomError, OSError) as error:
        messages = [event for event in gathered.events if isinstance(event, Message)]
        return (*messages, Outcome("failed", one_line(str(error))))
    return gathered.events


def _write_new(request: Request, folder: Path, before: Snapshot, after: Snapshot) -> None:
    """Write the results and the timeline that differ from those before."""
    for name, content in after.results.items():
        if before.results.get(name) != content:
            _write(folder / name, content)
    if after.timeline is not None and after.timeline != before.timeline:
        _write(request.output, after.timeline)


def _write(path: Path, content: bytes) -> None:
    from otio_speakerzoom.store import atomic_write

    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _request_in(request: Request, folder: Path) -> Request:
    """Return the request for the copies in a folder of this machine."""
    assert request.url
    work, output = folder / "results", folder / "timeline" / request.output.name
    source = folder / "recording" / request.url.name
    style = folder / "style.toml" if _has_style_file(request) else request.style
    paths = {"work": work, "output": output, "style": style}
    files = [replace(f, path=path) for f in request.files if (path := paths.get(f.name))]
    files.insert(0, FileArgument(Input("a recording"), source, "source"))
    root = (str(source.parent), _media_folder(request))
    return replace(
        request, source=source, work=work, output=output, style=style, files=tuple(files),
        media_root=root if request.verb == "cut" else None,
    )  # fmt: skip


def _media_folder(request: Request) -> str:
    """Return the folder in which a timeline names the recording.

    That of the timeline, unless `--media-root` says what the folder of the URL is called.
    """
    address = request.url.text if request.url else ""
    if request.media_root and address.startswith(request.media_root[0].rstrip("/") + "/"):
        old, new = request.media_root
        inside = address[len(old.rstrip("/")) :].rpartition("/")[0]
        return new.rstrip("/") + inside
    return str(request.output.parent)


def _has_style_file(request: Request) -> bool:
    return request.style is not None and str(request.style) not in PRESETS


def _as_named(event: Message | Outcome, here: Request, request: Request) -> Event:
    """Return an event in which files have the names that the user knows."""
    names = {
        str(here.output): str(request.output),
        str(here.source): str(request.url),
        str(here.work): str(request.work),
    }

    def rename(text: str) -> str:
        for name, other in names.items():
            text = text.replace(name, other)
        return text

    if isinstance(event, Message):
        return replace(event, text=rename(event.text))
    return replace(event, detail=rename(event.detail))


def _results_folder(request: Request) -> Path:
    """Return the driver's folder of results of a request for a URL."""
    from otio_speakerzoom.store import folder_name

    assert request.work
    assert request.url
    return request.work / folder_name(request.url.name)


def _read_timeline(request: Request) -> bytes | None:
    from otio_speakerzoom.store.bounded import read_bytes

    if request.verb != "cut" or not request.output.is_file():
        return None
    return read_bytes(request.output, MAX_FILE_BYTES)


def _read_folder(folder: Path) -> Files:
    """Return the files of results; locks, temporary files and journals are of that machine only."""
    from otio_speakerzoom.store.bounded import read_bytes

    return {
        inside.as_posix(): read_bytes(path, MAX_FILE_BYTES)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
        if not (inside := path.relative_to(folder)).name.startswith(".")
        and inside.parts[0] != "unfinished"
    }


def _write_snapshot(here: Request, before: Snapshot) -> None:
    """Write what the driver has into the folder of this machine."""
    for path in (here.source, here.output):
        path.parent.mkdir()
    folder = _results_folder(here)
    folder.parent.mkdir()
    for name, content in before.results.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if before.timeline is not None:
        here.output.write_bytes(before.timeline)
    if before.style is not None and here.style is not None:
        here.style.write_bytes(before.style)
