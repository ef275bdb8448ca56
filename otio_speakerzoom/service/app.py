"""The app: the routes of the open sources, below the guard."""

from __future__ import annotations

import html
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.service import reading
from otio_speakerzoom.service.access import Access
from otio_speakerzoom.service.guard import STALE, Guard, refuse
from otio_speakerzoom.service.open_source import OpenSource
from otio_speakerzoom.service.page_files import page_file, page_table

MAX_CHALLENGE = 128
"""Characters of a challenge."""


def build_app(access: Access, sources: Mapping[str, OpenSource]) -> ASGIApp:
    """Return the app for these sources, guarded; sources may be added while it runs."""
    below = [
        Route("/", page_file, methods=["GET"]),
        Route("/page/{name}", page_file, methods=["GET"]),
        *reading.ROUTES,
    ]
    app = Starlette(
        routes=[
            Route("/", newest, methods=["GET"]),
            Route("/launch", launch, methods=["GET"]),
            Route("/service", answer_challenge, methods=["GET"]),
            Mount("/s/{source}", routes=below),
        ],
        exception_handlers={HTTPException: _refused, SpeakerZoomError: _failed},
    )
    app.router.redirect_slashes = False
    app.state.access, app.state.sources, app.state.page = access, sources, page_table()
    return Guard(app, access)


def newest(request: Request) -> Response:
    """Go to the source that was opened last."""
    ids = list(request.app.state.sources)
    return RedirectResponse(f"/s/{ids[-1] if ids else 'inbox'}/", 303)


def launch(request: Request) -> Response:
    """Exchange a one-time secret for the cookie, and go to the page."""
    access: Access = request.app.state.access
    if not access.redeem(request.query_params.get("secret", "")):
        return refuse(401, STALE)
    source = request.query_params.get("to", "")
    target = f"/s/{source}/" if source in request.app.state.sources else "/"
    headers = {"Set-Cookie": access.set_cookie()}
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return RedirectResponse(target, 303, headers=headers)
    # a browser sends a Strict cookie neither to another site's link nor along a redirect from
    # there; but it does from a page of ours, such as this one
    text = html.escape(target, quote=True)
    return HTMLResponse(
        f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={text}">'
        f'<title>SpeakerZoom</title><a href="{text}">Open the page</a>',
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
    return refuse(422, str(error))
