"""Runs the service: a free port of 127.0.0.1, uvicorn, the browser, and a graceful end."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import TracebackType
from typing import Self

import uvicorn

from otio_speakerzoom import store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service import connections, inbox, runtime_file
from otio_speakerzoom.service.access import Access
from otio_speakerzoom.service.app import build_app
from otio_speakerzoom.service.browser import open_browser
from otio_speakerzoom.service.events import EventHub
from otio_speakerzoom.service.job_process import ErrorLine, message_of
from otio_speakerzoom.service.jobs import JobContext, Turns
from otio_speakerzoom.service.open_source import OpenSource, source_id
from otio_speakerzoom.service.resolve_watch import watch_resolve
from otio_speakerzoom.service.runtime_file import ADDRESS, RunningService
from otio_speakerzoom.source import absolute_path

log = logging.getLogger(__name__)

MAX_END_S = 2
"""How long answers may take to end once the service ends: a paused video holds one open."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How to start the service."""

    port: int = 0
    """0 for a free one."""
    browser: bool = True
    """Whether to open the page."""
    error_line: ErrorLine = message_of
    """Returns what a user reads of an error; it must be picklable."""


class Service:
    """The service, listening; a context that ends it."""

    def __init__(self, port: int = 0, error_line: ErrorLine = message_of) -> None:
        self._context = JobContext(Turns(), error_line, lambda: self.is_ending)
        self._listener = _listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.access = Access(self.port)
        self._opening = threading.Lock()
        self.sources: dict[str, OpenSource] = {}
        app = build_app(
            self.access, self.sources, self.open, EventHub(self._context.is_closing), error_line
        )
        self._server = uvicorn.Server(uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off",
            ws="none", http=connections.BoundedProtocol,
            limit_concurrency=connections.MAX_CONNECTIONS, timeout_graceful_shutdown=MAX_END_S,
        ))  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.end()
        self._listener.close()
        self.wait_for_jobs()

    @property
    def is_ending(self) -> bool:
        """Whether the service ends, so that what takes long should stop."""
        return self._server.should_exit

    def open(self, job: Job) -> OpenSource:
        """Open a source, or return it if it is open; what nobody has analysed yet is analysed."""
        work = job.work and absolute_path(job.work)
        job = replace(job, source=absolute_path(job.source), work=work)
        with self._opening:
            id_ = source_id(job)
            source = self.sources.pop(id_, None) or OpenSource(job, self._context)
            self.sources[id_] = source  # the latest is last
        source.analyse_if_needed()
        return source

    def launch_url(self, source: OpenSource | None) -> str:
        """Return an address that opens the page of a source, or of the inbox, once."""
        path = self.access.launch_path(source.id if source else inbox.ID)
        return f"http://{ADDRESS}:{self.port}{path}"

    def run(self) -> None:
        """Answer requests until a signal comes, or `end` is called."""
        # its lines hold addresses with secrets
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        self._server.run([self._listener])

    def end(self) -> None:
        """Let `run` return soon; from any thread."""
        self._server.should_exit = True

    def wait_for_jobs(self) -> None:
        """Wait until the processes of unfinished jobs have ended."""
        for source in self.sources.values():
            source.jobs.wait()


def serve(job: Job | None, options: ServiceOptions, on_ready: Callable[[str], None]) -> None:
    """Run the service until a signal ends it; `on_ready` gets the address that opens the page.

    Where one runs already, it gets the source, and this returns at once.
    """
    folder = runtime_file.runtime_folder()
    with store.exclusive_lock(folder):  # two that start at once become one service
        earlier = runtime_file.read(folder)
        if earlier and runtime_file.is_alive(earlier):
            _show(_hand_over(earlier, job, options), options, on_ready)
            return
        service = _start(options, earlier)
        with _closing_on_error(service):
            source = service.open(job) if job else None
            runtime_file.write(folder, _record(service))
    try:
        with service:
            _show(service.launch_url(source), options, on_ready)
            watch_resolve(
                lambda job: _show(service.launch_url(service.open(job)), options, on_ready),
                lambda: service.is_ending,
            )
            service.run()
    finally:
        runtime_file.remove(folder, _record(service))


@contextmanager
def _closing_on_error(service: Service) -> Iterator[None]:
    try:
        yield
    except BaseException:
        service.__exit__(None, None, None)
        raise


def _show(url: str, options: ServiceOptions, on_ready: Callable[[str], None]) -> None:
    on_ready(url)
    if options.browser:
        open_browser(url)


def _record(service: Service) -> RunningService:
    own = version("otio-speakerzoom")
    return RunningService(service.port, os.getpid(), service.access.bearer, own)


def _hand_over(running: RunningService, job: Job | None, options: ServiceOptions) -> str:
    """Hand a source to the service that runs; return the address of its page."""
    own = version("otio-speakerzoom")
    if running.version != own:
        raise SpeakerZoomError(
            f"speakerzoom {running.version} runs the review page (process {running.pid}), and this "
            f"is {own}; end it with Ctrl-C where it was started, and run this again"
        )
    if options.port not in (0, running.port):
        log.warning("the service runs already, on port %d, so --port does nothing", running.port)
    log.info("the service runs already, as process %d, and opens the page", running.pid)
    source = job and absolute_path(job.source)
    return runtime_file.hand_over(running, source, job and job.work and absolute_path(job.work))


def _start(options: ServiceOptions, earlier: RunningService | None) -> Service:
    """Start the service, on the port of one that was killed if it is free.

    A page that was open then goes on where it was, once the user has signed in again.
    """
    if not options.port and earlier:
        with suppress(SpeakerZoomError):
            return Service(earlier.port, options.error_line)
    return Service(options.port, options.error_line)


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # elsewhere a port that was just given up is free again; on Windows that option would let
    # another program take a port that is in use
    option = "SO_EXCLUSIVEADDRUSE" if sys.platform == "win32" else "SO_REUSEADDR"
    listener.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SpeakerZoomError(
            f"--port {port}: cannot be used ({error.strerror}); leave it out for a free one"
        ) from error
    return listener
