"""Media for the page: answers so short that a browser never holds a connection open for them.

A browser opens six connections to a host at most, for all tabs together. It asks for a film from
some byte on, reads as much as it wants ahead, and then leaves the connection as it is: three paused
films, each with a stream of events beside it, would hold up every other request. A short answer is
in the browser's buffers before it stops reading, and it asks for more when it needs it. (Measured
with Chromium 156, which plays 25 Mbit/s so without a wait. A server may answer with less of a range
than was requested: RFC 9110, 15.3.7.)
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

MAX_ANSWER_BYTES = 256 << 10
"""Half of what Chromium takes off a connection that nobody reads from."""

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-\s*(\d{0,18})\s*")


class FilmResponse(FileResponse):
    """A film, or the range of it that a request names; of a long one its beginning."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        match = _ONE_RANGE.fullmatch(Headers(scope=scope).get("range", ""))
        if match:
            start, last = int(match[1]), int(match[1]) + MAX_ANSWER_BYTES - 1
            if not match[2] or int(match[2]) > last:
                scope = {**scope, "headers": [*scope["headers"]]}
                MutableHeaders(scope=scope)["range"] = f"bytes={start}-{last}"
        await super().__call__(scope, receive, send)
