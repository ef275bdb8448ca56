"""Media for the page: answers so short that a browser never holds a connection open for them.

A browser opens six connections to a host at most, for all tabs together. It asks for a film from
some byte on, reads as much as it wants ahead, and then leaves the connection as it is: three paused
films, each with a stream of events beside it, would hold up every other request. A short answer is
in the browser's buffers before it stops reading, and it asks for more when it needs it. (Measured
with Chromium 156, which plays 25 Mbit/s so without a wait. A server may answer with less of a range
than was requested: RFC 9110, 15.3.7.)

Only the index of an MP4 comes in one piece: a browser reads all of it before the first picture, and
that of two hours would take twenty answers, one after another.
"""

from __future__ import annotations

import re
from pathlib import Path

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from otio_speakerzoom.source.quicktime import index_span

MAX_ANSWER_BYTES = 256 << 10
"""Half of what Chromium takes off a connection that nobody reads from."""

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{1,18})\s*-\s*(\d{0,18})\s*")


class FilmResponse(FileResponse):
    """A film, or the range of it that a request names; of a long one its beginning."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        match = _ONE_RANGE.fullmatch(Headers(scope=scope).get("range", ""))
        if match:
            start = int(match[1])
            last = await to_thread.run_sync(_last_byte, Path(self.path), start)
            if not match[2] or int(match[2]) > last:
                scope = {**scope, "headers": [*scope["headers"]]}
                MutableHeaders(scope=scope)["range"] = f"bytes={start}-{last}"
        await super().__call__(scope, receive, send)


def _last_byte(path: Path, start: int) -> int:
    """Return the last byte of an answer that begins at `start`."""
    last = start + MAX_ANSWER_BYTES - 1
    index = index_span(path)
    if index and start < index[1] and last >= index[0]:
        return max(last, index[1] - 1)
    return last
