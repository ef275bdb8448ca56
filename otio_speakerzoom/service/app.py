"""The app: the routes of the open sources, below the guard."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from otio_speakerzoom.errors import DiskFullError, SpeakerZoomError, StoreError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service import editing, inbox, job_routes, premiere, reading
from otio_speakerzoom.service.access import Access
from otio_speakerzoom.service.events import EventHub
from otio_speakerzoom.service.guard import MAX_BODY_BYTES, STALE, BodyTooLargeError, Guard, refuse
from otio_speakerzoom.service.job_process import ErrorLine, message_of
from otio_speakerzoom.service.open_source import OpenSource
from otio_speakerzoom.service.page_files import page_file, page_table

log = logging.getLogger(__name__)

MAX_CHALLENGE = 128
"""Characters of a challenge."""


def build_app(
    access: Access, sources: Mapping[str, OpenSource], open_source: Callable[[Job], OpenSource],
    inbox_events: EventHub, error_line: ErrorLine = message_of,
) -> ASGIApp:  # fmt: skip
    """Return the app for these sources, guarded; `open_source` adds one while it runs."""
    page = [
        Route("/", page_file, methods=["GET"]),
        Route("/page/{name}", page_file, methods=["GET"]),
    ]
    of_source = [*page, *reading.ROUTES, *editing.ROUTES, *job_routes.ROUTES, *premiere.ROUTES]
    of_inbox = [*page, *inbox.PAGE_ROUTES]
    app = Starlette(
        routes=[
            Route("/", newest, methods=["GET"]),
            Route("/launch", launch, methods=["GET"]),
            Route("/service", answer_challenge, methods=["GET"]),
            *inbox.ROUTES,
            Mount(f"/s/{inbox.ID}", routes=of_inbox),
            Mount("/s/{source}", routes=of_source),
        ],
        exception_handlers={
            HTTPException: _refused, SpeakerZoomError: _failed, BodyTooLargeError: _too_large,
            Exception: _broken,
        },
    )  # fmt: skip
    app.router.redirect_slashes = False
    app.state.access, app.state.sources, app.state.open = access, sources, open_source
    app.state.page, app.state.inbox_events = page_table(), inbox_events
    app.state.error_line = error_line
    return Guard(app, access)


def newest(request: Request) -> Response:
    """Go to the source that was opened last."""
    ids = list(request.app.state.sources)
    return RedirectResponse(f"/s/{ids[-1] if ids else inbox.ID}/", 303)


def launch(request: Request) -> Response:
    """Exchange a one-time secret for the cookie, and go to the page."""
    access: Access = request.app.state.access
    if not access.redeem(request.query_params.get("secret", "")):
        return refuse(401, STALE)
    source = request.query_params.get("to", "")
    is_ours = source in request.app.state.sources or source == inbox.ID
    target = f"/s/{source}/" if is_ours else "/"
    headers = {"Set-Cookie": access.set_cookie()}
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return RedirectResponse(target, 303, headers=headers)
    # a browser sends a Strict cookie neither to another site's link nor along a redirect from
    # there; but it does from a page of ours, such as this one
    text = html.escape(target, quote=True)
    return HTMLResponse(
        '<!DOCTYPE html><title>SpeakerZoom</title><link rel="icon" href="data:,">'
        f'<meta http-equiv="refresh" content="0; url={text}"><a href="{text}">Open the page</a>',
        headers=headers,
    )


def answer_challenge(request: Request) -> Response:
    """Show a program of the same user that this is the service whose token it holds."""
    access: Access = request.app.state.access
    challenge = request.query_params.get("challenge", "")[:MAX_CHALLENGE]
    return JSONResponse({"proof": access.proof(challenge)})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refuse(error.status_code, error.detail, **(error.headers or {}))


async def _failed(request: Request, error: Exception) -> Response:
    """Answer an error that a user can meet.

    An edit that does not fit (422) is wrong for good. What the disk or another program prevents
    (503, 507) is not: the page keeps the edit, and tries again.
    """
    if isinstance(error, DiskFullError):
        return refuse(507, str(error))
    return refuse(503 if isinstance(error, StoreError) else 422, str(error))


async def _too_large(request: Request, error: Exception) -> Response:
    return refuse(413, f"the body is larger than {MAX_BODY_BYTES} bytes")


async def _broken(request: Request, error: Exception) -> Response:
    """Answer an error that is our bug; who started the service learns where its log is."""
    source = request.app.state.sources.get(request.path_params.get("source", ""))
    log.error("%s", request.app.state.error_line(error, lambda: source and source.job.folder))
    line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return refuse(500, f"a bug in speakerzoom ({line}); please report it")
