"""Refuses every request that is not from our own page or a program of the same user.

A page on the web can let the browser send requests to this machine: under a name of its own that it
points to 127.0.0.1 (DNS rebinding), or across sites. Other users of the machine can connect to the
port. So the checks come in this order, before any route is looked at: the Host header is exactly
ours; the cookie or the bearer token; and for anything that changes something, our own origin and a
JSON body. There are no CORS headers: no other origin may read an answer.
"""

from __future__ import annotations

import html
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otio_speakerzoom.service.access import Access

MAX_BODY_BYTES = 1 << 20
"""Of a request: 1,500 operations, one for each shot of two hours, take a quarter of it."""

MAX_TARGET_LENGTH = 2000
"""Characters of an address: ours have a tenth."""
MAX_DIGITS = 18
"""Of a number in an address; frames of a year have ten."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every answer."""

OPEN_PATHS = ("/launch", "/service")
"""Answered without a cookie: what exchanges a launch secret, and what answers a challenge."""

READING, CHANGING = ("GET", "HEAD"), ("POST", "PATCH", "DELETE")

STALE = "this page is not from the service that runs now; run `speakerzoom review` again to open it"


class Guard:
    """The checks, around the app; ASGI."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, by the app only if nothing speaks against it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        send = _with_headers(send)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, _bounded(receive), send)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer that refuses a request; None if it may pass."""
        headers, method = Headers(scope=scope), scope["method"]
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._access.hosts:
            return refuse(400, "the Host header is not this service's")
        if method not in (*READING, *CHANGING):
            return refuse(405, "the method is not allowed", Allow=", ".join(READING + CHANGING))
        if len(scope["path"]) + len(scope["query_string"]) > MAX_TARGET_LENGTH:
            return refuse(414, "the address is too long")
        if int_or(headers.get("content-length"), 0) > MAX_BODY_BYTES:
            return refuse(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        if method in READING and scope["path"] in OPEN_PATHS:
            return None
        has_bearer = self._access.has_bearer(headers.get("authorization", ""))
        if not has_bearer and not self._access.has_cookie(headers.get("cookie", "")):
            return _show_stale(headers)
        if not has_bearer and (fault := self._cross_site_fault(headers, method)):
            return refuse(403, fault)
        if method in ("POST", "PATCH") and not _is_json(headers.get("content-type", "")):
            return refuse(415, "the body must be application/json")
        scope["has_bearer"] = has_bearer
        return None

    def _cross_site_fault(self, headers: Headers, method: str) -> str:
        """Return what shows that another site sent a request with the cookie; empty if nothing."""
        site = headers.get("sec-fetch-site", "none")
        navigates = method in READING and headers.get("sec-fetch-dest") == "document"
        if site not in ("same-origin", "none") and not navigates:
            return "the request comes from another site"
        if method in CHANGING and headers.get("origin") not in self._access.origins:
            return "the Origin header is not this page's"
        return ""


def refuse(status: int, line: str, **headers: str) -> JSONResponse:
    """Return an answer that says in one line why a request is refused."""
    return JSONResponse({"error": line}, status, headers=headers or None)


def int_or(text: str | None, default: int) -> int:
    """Return a whole number; `default` where the text is none, or has more digits than any."""
    is_number = text and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if text and is_number else default


def _show_stale(headers: Headers) -> Response:
    """Return the answer for who has no cookie: as a page where a browser asks for one."""
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(
            f"<!DOCTYPE html><title>SpeakerZoom</title><p>{html.escape(STALE)}</p>", 401
        )
    return refuse(401, STALE)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _with_headers(send: Send) -> Send:
    """Add the headers that every answer has; an answer is never stored, unless it says so."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


class BodyTooLargeError(Exception):
    """A body without a declared length is longer than allowed."""


def _bounded(receive: Receive) -> Receive:
    """Stop reading a body that is larger than it may be, whatever length it declares."""
    length = 0

    async def receiving() -> Any:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > MAX_BODY_BYTES:
            raise BodyTooLargeError
        return message

    return receiving
