"""Bounds connections: other users of the machine can open them too, and must not hold them."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 200
"""At once; a browser opens six to a host. More get 503, so that files can still be opened: a
process may have 1,024 of both."""
MAX_REQUEST_S = 10.0
"""For the line and the headers of a request, and for a body that nobody reads any more."""


class BoundedProtocol(H11Protocol):
    """Ends a connection whose next request does not arrive in time, however slowly it comes."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Start the clock where no request is being answered, and stop it where one is."""
        is_waiting = self.cycle is None or self.cycle.response_complete
        if not is_waiting:
            self._cancel()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(MAX_REQUEST_S, self.transport.close)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
