"""The verb `batch`: which recordings it works on, what it refuses, and how it ends."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from otio_speakerzoom.cli.batch_processes import default_processes, run_side_by_side
from otio_speakerzoom.cli.batch_ray import cluster_processes, connect, run_on_ray
from otio_speakerzoom.cli.batch_view import print_rows, show_batch, summary_line
from otio_speakerzoom.cli.batch_worker import Event
from otio_speakerzoom.cli.files import check_output, file_keys, raise_all
from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.cli.request import FileArgument, Request
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.weights.names import AUTO

if TYPE_CHECKING:
    from rich.console import Console

log = logging.getLogger("otio_speakerzoom")

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".mkv", ".m4v", ".mxf", ".mts", ".m2ts", ".ts", ".avi", ".webm", ".mpg",
    ".mpeg", ".wmv",
)  # fmt: skip
"""Suffixes of the files in a folder that count as recordings, in lower or upper case."""


def run_batch(request: Request, console: Console) -> int:
    """Work on all recordings, print the table, and return 1 if one of them failed."""
    requests = requests_of_batch(request)
    sources = [one.url or one.source for one in requests]
    with (
        show_batch(sources, console, hidden=request.quiet > 0) as view,
        closing(_events(request, requests)) as events,
    ):
        for number, event in events:
            view.on_event(number, event)
    outcomes = list(view.outcomes.values())
    log.info("%s", summary_line(outcomes))
    print_rows(view.rows())
    return int(any(outcome.state == "failed" for outcome in outcomes))


def _events(
    request: Request, requests: Sequence[Request]
) -> Generator[tuple[int, Event], None, None]:
    """Return the events of the work on all requests, here or on a Ray cluster."""
    ray = connect(request.ray) if request.ray else None
    at_a_time = request.jobs or (cluster_processes(ray) if ray else default_processes())
    at_a_time = min(at_a_time, len(requests))
    plural = "" if len(requests) == 1 else "s"
    log.info("%d recording%s, %d at a time", len(requests), plural, at_a_time)
    requests = _with_auto_scorer(requests)
    return run_on_ray(ray, requests, at_a_time) if ray else run_side_by_side(requests, at_a_time)


def _with_auto_scorer(requests: Sequence[Request]) -> Sequence[Request]:
    """Return the requests with the scorer that `auto` stands for, the same for all of them.

    A better one than ours is fetched here, once, if need be, and only if there is a recording
    without scores.
    """
    if requests[0].scorer not in (None, AUTO):
        return requests
    from otio_speakerzoom.weights.best_scorer import best_scorer, get_best_scorer

    name = get_best_scorer() if any(map(_needs_scores, requests)) else best_scorer()
    return [replace(request, auto_scorer=name) for request in requests]


def _needs_scores(request: Request) -> bool:
    """Whether no scores lie where those of a recording usually are, or all are computed again."""
    from otio_speakerzoom import store

    folder = (request.work or request.source.parent) / store.folder_name(request.source.name)
    return request.force or not (folder / "scores.npz").exists()


def requests_of_batch(request: Request) -> list[Request]:
    """Return a request for each recording: `cut` with an output folder, else `analyze`.

    SpeakerZoomError, after one line for each further fault, where two would write one file, or a
    timeline would replace an input.
    """
    requests = [_request_for(request, source) for source in find_recordings(request.sources)]
    requests += [_request_for_url(request, url) for url in request.urls]
    _check_output_folder(request)
    _check_names(requests)
    raise_all(partial(check_output, "-o", one.output) for one in requests if one.verb == "cut")
    return requests


def find_recordings(sources: Sequence[Path]) -> list[Path]:
    """Return the recordings, each once: files as they are, of folders the video files in them."""
    recordings: dict[Path, Path] = {}
    for source in sources:
        files = _videos_in(source) if source.is_dir() else [source]
        for file in files:
            recordings.setdefault(file.parent.resolve() / file.name, file)
    return list(recordings.values())


def _videos_in(folder: Path) -> list[Path]:
    """Return the video files in a folder, by name; hidden ones are temporary files."""
    try:
        files = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in VIDEO_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        ]
    except OSError as error:
        raise SpeakerZoomError(
            f"{folder}: cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not files:
        raise SpeakerZoomError(
            f"{folder}: has no video files ({', '.join(VIDEO_SUFFIXES)}); name the recordings"
        )
    return files


def _request_for(request: Request, source: Path) -> Request:
    """Return the request to analyze or to cut one recording, in a single process."""
    request = replace(request, source=source, sources=(), jobs=1)
    files = [file for file in request.files if file.name in ("work", "style")]
    files.insert(0, FileArgument(Input("a recording"), source, "source"))
    if request.output_folder is None:
        return replace(request, verb="analyze", files=tuple(files))
    output = request.output_folder / f"{source.stem}{request.format}"
    files.append(FileArgument(Output(tuple(FORMATS)), output, "output", ("-o",)))
    return replace(request, verb="cut", output=output, files=tuple(files))


def _request_for_url(request: Request, url: RecordingUrl) -> Request:
    """Return the request for a recording that is fetched; its results lie with the timelines."""
    request = replace(request, work=request.work or request.output_folder)
    if not any(file.name == "work" for file in request.files):
        folder = FileArgument(Folder(), request.work or Path(), "work", ("--work",))
        request = replace(request, files=(*request.files, folder))
    one = _request_for(request, Path(url.name))
    files = tuple(file for file in one.files if file.name != "source")
    return replace(one, url=url, urls=(), files=files)


def _check_output_folder(request: Request) -> None:
    """Raise if `-o` names a file, as it does for `cut`."""
    folder = request.output_folder
    if folder is not None and (folder.suffix in FORMATS or str(folder) == "-"):
        raise SpeakerZoomError(
            f"-o {folder}: is not a folder; name a folder, and choose the format by --for or "
            "--format"
        )


def _check_names(requests: Sequence[Request]) -> None:
    """Raise where two recordings would write one file, or one would replace an input."""
    inputs: dict[object, Path] = {}
    for one in requests:
        for file in one.files:
            if isinstance(file.kind, Input):
                inputs.update(dict.fromkeys(file_keys(file.path), file.path))
    earlier: dict[object, Path | RecordingUrl] = {}
    checks = [partial(_check_name, one, inputs, earlier) for one in requests]
    raise_all(checks)


def _check_name(
    request: Request, inputs: dict[object, Path], earlier: dict[object, Path | RecordingUrl]
) -> None:
    """Raise where the output of a request is an input, or that of an earlier request."""
    source, keys = request.url or request.source, set[object]()
    if request.verb == "cut":
        keys = file_keys(request.output)
        if other := next((inputs[key] for key in keys & inputs.keys()), None):
            raise SpeakerZoomError(
                f"-o {request.output}: is {other} itself; write to another folder"
            )
    if request.work:  # where results have the name of the recording
        keys.add(("results", unicodedata.normalize("NFC", source.name).casefold()))
    if other := next((earlier[key] for key in keys & earlier.keys()), None):
        raise SpeakerZoomError(
            f"{source}: its output would have the same name as that of {other}; rename one of "
            "them, or run them separately"
        )
    earlier.update(dict.fromkeys(keys, source))
