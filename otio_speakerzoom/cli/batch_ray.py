"""Runs the recordings of a batch on a Ray cluster, a task each, and one for each segment of it.

The machines need the recordings, the results and the output folder under the same paths, as on
shared storage, except for recordings that they fetch (`ray_urls`). A task whose worker is lost runs
again, and its finished stages are not repeated.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from otio_speakerzoom.cli.batch_worker import (
    MAX_CLEANUP_S,
    PROCESS_MEMORY_BYTES,
    Event,
    Message,
    Outcome,
    Started,
    run_request,
)
from otio_speakerzoom.cli.ray_urls import Gathered, Snapshot, save, take_snapshot, work_on_url
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.cli.signals import raise_if_interrupted
from otio_speakerzoom.cli.streams import one_line
from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.errors import SpeakerZoomError

MAX_RETRIES = 3
"""How often a task whose worker is lost runs again."""
MAX_CONNECT_S = 10
WAIT_S = 0.5
"""Between two checks for a signal."""


def connect(address: str) -> Any:
    """Return the module `ray`, connected to the cluster; SpeakerZoomError if that fails."""
    try:
        ray = import_module("ray")
    except ImportError as error:
        from otio_speakerzoom.weights.pip_commands import install_command  # which loads libav

        raise SpeakerZoomError(
            f"--ray: Ray cannot be loaded ({error}): {install_command('otio-speakerzoom[ray]')}"
        ) from error
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _check_address(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        with suppress(ValueError):  # outside the main thread, where Ray sets none either
            signal.signal(signal.SIGTERM, handler)  # Ray's own would skip our cleanup
    except (OSError, RuntimeError, ValueError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise SpeakerZoomError(
            f"--ray {address}: no cluster answers ({reason}); start one with `ray start --head`"
        ) from error
    return ray


def _check_address(address: str) -> None:
    """Raise OSError if nothing answers at an address with a port; Ray would try for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.hostname and parts.port:
        socket.create_connection((parts.hostname, parts.port), timeout=MAX_CONNECT_S).close()


def cluster_processes(ray: Any) -> int:
    """Return how many recordings the cluster can work on at a time."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


@dataclass(frozen=True, slots=True)
class _Task:
    """A task that runs on the cluster."""

    number: int
    """Of the recording."""
    request: Request
    before: Snapshot | None
    """What the machine got of a recording that it fetches."""


def run_on_ray(
    ray: Any, requests: Sequence[Request], processes: int
) -> Generator[tuple[int, Event], None, None]:
    """Work on all requests, `processes` at a time; yield events, each with its request's index.

    The last event of each request is an Outcome; there is no progress. Closing the iterator ends
    the tasks and the connection.
    """
    environment = {k: v for k, v in os.environ.items() if k.startswith("SPEAKERZOOM_")}
    weights = ray.put(_weights_of(requests[0].auto_scorer))
    waiting = deque(enumerate(requests))
    running: dict[Any, _Task] = {}
    with redirect_stdout(io.StringIO()):  # Ray prints there that a worker is lost
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    number, request = waiting.popleft()
                    yield number, Started()
                    try:
                        before = take_snapshot(request) if request.url else None
                    except (OSError, SpeakerZoomError) as error:
                        yield number, Outcome("failed", one_line(f"{request.url}: {error}"))
                        continue
                    task, remote = _Task(number, request, before), _remote(ray, request)
                    reference = remote.remote(
                        _with_absolute_paths(request), task.before, environment, weights
                    )
                    running[reference] = task
                for reference in _finished(ray, list(running)):
                    task = running.pop(reference)
                    for event in _events(ray, reference, task):
                        yield task.number, event
        finally:
            _end(ray, list(running))


def _finished(ray: Any, running: Sequence[Any]) -> Sequence[Any]:
    """Return the tasks that have finished; wait a moment for the first one."""
    try:
        return ray.wait(list(running), timeout=WAIT_S)[0] if running else ()
    except KeyboardInterrupt:  # Ray's own, whatever the signal was
        raise_if_interrupted()
        raise


def _weights_of(scorer: str) -> bytes:
    """Return the weights of the scorer that `auto` stands for, as machines may lack them."""
    from otio_speakerzoom.weights import fetch

    file = fetch.find(scorer) if scorer else None
    return file.read_bytes() if file else b""


def work_on_ray(
    request: Request, before: Snapshot | None, environment: Mapping[str, str], weights: bytes
) -> Gathered:
    """Analyse and cut one recording in a process of the cluster; return all but its progress.

    `before` is what the driver has of one that is fetched; `weights` are those of the request's
    `auto_scorer`.
    """
    os.environ.update(environment)
    from otio_speakerzoom.cli.ray_segments import RaySegments  # once the environment is set
    from otio_speakerzoom.weights import fetch

    if weights and not fetch.find(request.auto_scorer):
        fetch.add_to_cache(request.auto_scorer, weights)
    if before is not None:
        return work_on_url(request, before)
    events: list[Event] = []
    run_request(request, events.append, RaySegments(import_module("ray"), environment))
    return Gathered(tuple(event for event in events if isinstance(event, Message | Outcome)))


def _remote(ray: Any, request: Request) -> Any:
    """Return the remote function; Ray sets its number of threads by its number of cores."""
    return ray.remote(
        num_cpus=1,
        num_gpus=1 if request.device == "cuda" else 0,
        memory=PROCESS_MEMORY_BYTES,
        max_retries=MAX_RETRIES,
    )(work_on_ray)


def _with_absolute_paths(request: Request) -> Request:
    """Return the request for a process in another folder."""
    style = request.style
    return replace(
        request,
        source=request.source.absolute(),
        output=request.output.absolute(),
        work=request.work and request.work.absolute(),
        style=style if style is None or str(style) in PRESETS else style.absolute(),
        files=tuple(replace(file, path=_absolute(file.path)) for file in request.files),
    )


def _absolute(path: Path) -> Path:
    return path if str(path) in PRESETS else path.absolute()


def _events(ray: Any, reference: Any, task: _Task) -> Sequence[Event]:
    """Return the events of a finished task, and write its results; if it has none, the reason."""
    request = task.request
    try:
        gathered = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        source = request.url or request.source
        return [Outcome("failed", one_line(f"{source}: its task was lost: {reason}"))]
    return save(request, task.before, gathered) if task.before else gathered.events


def _end(ray: Any, running: Sequence[Any]) -> None:
    """Interrupt the tasks that still run, so that they clean up, and leave the cluster."""
    try:
        for reference in running:
            with suppress(ray.exceptions.RayError):
                ray.cancel(reference)
        if running:
            ray.wait(list(running), num_returns=len(running), timeout=MAX_CLEANUP_S)
    finally:
        ray.shutdown()
