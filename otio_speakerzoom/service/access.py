"""Who may use the service: launch secrets, the cookie of the page, and the bearer token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from http.cookies import CookieError, SimpleCookie

TOKEN_BYTES = 32
"""Of each secret: 256 bits cannot be guessed."""


class Access:
    """The secrets of one run of the service; nothing of it is ever logged."""

    def __init__(self, port: int, bearer: str = "") -> None:
        self.port = port
        self.bearer = bearer or secrets.token_urlsafe(TOKEN_BYTES)
        """For programs of the same user, who can read the service's file."""
        self.cookie_name = f"speakerzoom-{port}"
        """With the port, because browsers share cookies between the ports of a host."""
        self._cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self._launch_secrets: set[str] = set()
        self._lock = threading.Lock()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The values of the Host header that are ours."""
        return tuple(f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    @property
    def origins(self) -> tuple[str, ...]:
        """The values of the Origin header that are ours."""
        return tuple(f"http://{host}" for host in self.hosts)

    def launch_path(self, source_id: str) -> str:
        """Return a path that opens the page of a source, once, in a browser without the cookie."""
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        with self._lock:
            self._launch_secrets.add(secret)
        return f"/launch?secret={secret}&to={source_id}"

    def redeem(self, secret: str) -> bool:
        """Whether a launch secret is valid; it is not valid a second time."""
        with self._lock:
            valid = [own for own in self._launch_secrets if _same(own, secret)]
            self._launch_secrets.difference_update(valid)
        return bool(valid)

    def set_cookie(self) -> str:
        """Return the value of the Set-Cookie header for the page."""
        return f"{self.cookie_name}={self._cookie}; HttpOnly; SameSite=Strict; Path=/"

    def has_cookie(self, header: str) -> bool:
        """Whether a Cookie header has our cookie, of this run."""
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(header)
        except CookieError:
            return False
        morsel = cookies.get(self.cookie_name)
        return morsel is not None and _same(self._cookie, morsel.value)

    def has_bearer(self, header: str) -> bool:
        """Whether an Authorization header has our bearer token."""
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and _same(self.bearer, token.strip())

    def proof(self, challenge: str) -> str:
        """Return what only a holder of the bearer token can answer to a challenge."""
        return proof(self.bearer, challenge)


def proof(bearer: str, challenge: str) -> str:
    """Return the answer to a challenge: a program asks before it sends the token to a port."""
    return hmac.new(bearer.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def _same(own: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(own.encode(), other.encode("utf-8", "surrogateescape"))
