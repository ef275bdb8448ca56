"""The inbox: what other programs of the user hand to the service, and its page before a source."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.events import EventHub
from otio_speakerzoom.service.guard import refuse
from otio_speakerzoom.service.json_body import json_object

ID = "inbox"
"""In place of a source's id in the address of the page that has none."""


def errands(request: Request) -> list[dict[str, object]]:
    """Return the sources that are open, the latest first, with the addresses of their pages."""
    sources = reversed(list(request.app.state.sources.values()))
    return [{"name": source.media.path.name, "url": f"../{source.id}/"} for source in sources]


def state(request: Request) -> Response:
    """Return the state of the page that has no source yet."""
    return JSONResponse({
        "status": "no source", "version": version("otio-speakerzoom"), "revision": "",
        "people": [], "shots": [], "errands": errands(request),
    })  # fmt: skip


def events(request: Request) -> Response:
    """Stream `state` events to the page that has no source, whenever one is opened."""
    hub: EventHub = request.app.state.inbox_events
    stream = hub.stream(lambda: " ".join(request.app.state.sources))
    return StreamingResponse(stream, media_type="text/event-stream")


def read_inbox(request: Request) -> Response:
    """Return what was handed over."""
    return JSONResponse({"errands": errands(request)})


async def take(request: Request) -> Response:
    """Open the source of an errand; return its id, and a path that opens its page, once.

    Only with the bearer token, which shows a program of the same user: a page never names a path.
    """
    if not request.scope.get("has_bearer"):
        return refuse(403, "only a program with the bearer token hands over errands")
    errand = await json_object(request)
    job = _job(errand)
    opened = await run_in_threadpool(request.app.state.open, job) if job else None
    id_ = opened.id if opened else ID
    return JSONResponse({"launch": request.app.state.access.launch_path(id_), "source": id_})


def _job(errand: dict[str, Any]) -> Job | None:
    """Return the source of an errand; None for one that only opens the inbox."""
    source, work = errand.get("source"), errand.get("work")
    if source is None:
        return None
    for name, value in (("source", source), ("work", work)):
        if value is not None and not (isinstance(value, str) and Path(value).is_absolute()):
            raise SpeakerZoomError(f"{name}: must be an absolute path, not {value!r:.60}")
        if value is not None and not _is_text(value):
            raise SpeakerZoomError(f"{name}: the path is not UTF-8 text; rename it")
    return Job(Path(source), Path(work) if work else None)


PAGE_ROUTES = [
    Route("/api/state", state, methods=["GET"]),
    Route("/api/events", events, methods=["GET"]),
]
"""Of the page that has no source."""


def _is_text(path: str) -> bool:
    """Whether a path can be a file's, and be written to JSON."""
    try:
        return b"\0" not in path.encode("utf-8")
    except UnicodeEncodeError:
        return False


ROUTES = [
    Route("/api/inbox", read_inbox, methods=["GET"]),
    Route("/api/inbox", take, methods=["POST"]),
]
