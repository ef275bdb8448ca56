"""The service's app without its sockets: requests go in as a server passes them on."""

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.access import Access
from otio_speakerzoom.service.app import build_app
from otio_speakerzoom.service.events import EventHub
from otio_speakerzoom.service.guard import HEADERS
from otio_speakerzoom.service.job_process import message_of
from otio_speakerzoom.service.jobs import JobContext, Turns
from otio_speakerzoom.service.open_source import OpenSource

PORT = 54321
MAX_ANSWER_S = 15
FRAMES = 150
"""Of the film that is open."""


class NoTurns(Turns):
    """Never a turn: a job that is submitted stays in the list, and no process starts."""

    @contextmanager
    def turn(self, kind, is_over):
        yield False


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class AppClient:
    """The app with one source open, and what a signed-in page sends along."""

    def __init__(self, runner, film, work=None):
        self.runner, self.access = runner, Access(PORT)
        self.context = JobContext(NoTurns(), message_of, lambda: False)
        self.sources = {}
        self.source = self.open(Job(film, work))
        self.app = build_app(self.access, self.sources, self.open, EventHub(lambda: False))
        self.base = f"/s/{self.source.id}/"
        self.cookie = self.access.set_cookie().partition(";")[0]

    def open(self, job):
        source = OpenSource(job, self.context)
        self.sources[source.id] = source
        return source

    def headers(self):
        """The headers of a change that the page sends."""
        origin = self.access.origins[0]
        return {
            "host": self.access.hosts[0], "cookie": self.cookie, "origin": origin,
            "sec-fetch-site": "same-origin", "content-type": "application/json",
        }  # fmt: skip

    def send(self, method, target, headers, body=b"", *, may_wait=False):
        """Send a request; check what must hold for every answer."""
        answer = self.runner.run(self._send(method, target, headers, body))
        check_answer(answer, may_wait=may_wait)
        return answer

    async def _send(self, method, target, headers, body):
        path, _, query = target.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": method,
            "http_version": "1.1", "scheme": "http", "path": unquote(path), "root_path": "",
            "raw_path": path.encode("ascii"), "query_string": query.encode("ascii"),
            "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1), "state": {},
            "headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers],
        }  # fmt: skip
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        sent = []

        async def receive():
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await asyncio.wait_for(self.app(scope, receive, send), MAX_ANSWER_S)
        start, *parts = sent
        names = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in start["headers"]}
        return Answer(start["status"], names, b"".join(part.get("body", b"") for part in parts))


def check_answer(answer, *, may_wait=False):
    """Check that an answer is no failure of ours, and that a refusal is one line.

    With `may_wait` a file that cannot be read is none either.
    """
    waits = answer.status == 503 and (may_wait or "retry-after" in answer.headers)
    assert answer.status < 500 or waits, (answer.status, answer.body[:500])
    assert HEADERS.keys() <= {name.title() for name in answer.headers} | HEADERS.keys()
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    if answer.status >= 400 and answer.body and "html" not in answer.headers["content-type"]:
        is_json = answer.headers["content-type"].startswith("application/json")
        # Starlette answers itself to a range that is none, or that the file does not have
        line = answer.json["error"] if is_json else answer.body.decode()
        assert is_json or answer.status in (400, 416), answer
        assert line
        assert len(line.splitlines()) == 1, f"an error of several lines: {line!r:.300}"
        assert len(line) <= 2000, f"an error of {len(line)} characters: {line[:200]!r}"
