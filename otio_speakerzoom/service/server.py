"""Runs the service: a free port of 127.0.0.1, uvicorn, the browser, and a graceful end."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import uvicorn

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.access import Access
from otio_speakerzoom.service.app import build_app
from otio_speakerzoom.service.browser import open_browser
from otio_speakerzoom.service.open_source import OpenSource

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
MAX_END_S = 3
"""How long answers may take to end once the service ends: a paused video holds one open."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """How to start the service."""

    port: int = 0
    """0 for a free one."""
    browser: bool = True
    """Whether to open the page."""


class Service:
    """The service, listening; a context that ends it."""

    def __init__(self, port: int = 0) -> None:
        self._listener = _listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.access = Access(self.port)
        self.sources: dict[str, OpenSource] = {}
        app = build_app(self.access, self.sources)
        self._server = uvicorn.Server(uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off",
            ws="none", http="h11", timeout_graceful_shutdown=MAX_END_S,
        ))  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.end()
        self._listener.close()

    @property
    def is_ending(self) -> bool:
        """Whether the service ends, so that what takes long should stop."""
        return self._server.should_exit

    def open(self, job: Job) -> OpenSource:
        """Open a source, or return it if it is open."""
        source = OpenSource(job, lambda: self.is_ending)
        self.sources.pop(source.id, None)
        self.sources[source.id] = source
        return source

    def launch_url(self, source: OpenSource | None) -> str:
        """Return an address that opens the page of a source, or of the inbox, once."""
        path = self.access.launch_path(source.id if source else "")
        return f"http://{ADDRESS}:{self.port}{path}"

    def run(self) -> None:
        """Answer requests until a signal comes, or `end` is called."""
        # its lines hold addresses with secrets
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        self._server.run([self._listener])

    def end(self) -> None:
        """Let `run` return soon; from any thread."""
        self._server.should_exit = True


def serve(job: Job | None, options: ServiceOptions, on_ready: Callable[[str], None]) -> None:
    """Run the service until a signal ends it; `on_ready` gets the launch URL."""
    with Service(options.port) as service:
        url = service.launch_url(service.open(job) if job else None)
        on_ready(url)
        if options.browser:
            open_browser(url)
        service.run()


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SpeakerZoomError(
            f"--port {port}: cannot be used ({error.strerror}); leave it out for a free one"
        ) from error
    return listener
