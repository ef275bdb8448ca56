"""A service that runs in a thread, and a client that sends exactly what a test tells it."""

import http.client
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.server import Service


@dataclass
class Answer:
    """What came back: status, headers by their names in lower case, and the body."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Sends requests to a service, as the page does unless a test says otherwise."""

    def __init__(self, service, source=None):
        self.service, self.port = service, service.port
        self.base = f"/s/{source.id}/" if source else "/s/inbox/"
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookie = ""

    def sign_in(self, url=None):
        """Exchange a launch secret for the cookie."""
        url = url or self.service.launch_url(None)
        answer = self.send("GET", url.removeprefix(self.origin), cookie=None)
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def get(self, path, **headers):
        return self.send("GET", self.base + path, **headers)

    def change(self, method, path, value=None, **headers):
        """Send a change as the page does: own origin, JSON."""
        sent = {"origin": self.origin, "sec_fetch_site": "same-origin"}
        if method != "DELETE":
            sent["content_type"] = "application/json"
        body = b"" if method == "DELETE" else json.dumps({} if value is None else value).encode()
        return self.send(method, self.base + path, body=body, **{**sent, **headers})

    def send(self, method, path, *, body=b"", **headers):
        """Send a request with these headers; None leaves out one that is sent by default."""
        sent = {"host": f"127.0.0.1:{self.port}", "cookie": self.cookie or None, **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name.replace("_", "-"), value)
            if body or method in ("POST", "PATCH"):
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()


@contextmanager
def running(*sources, work=None):
    """Run a service with these sources open; yield it and a client that has the cookie."""
    with Service() as service:
        opened = [service.open(Job(source, work)) for source in sources]
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()
        try:
            client = Client(service, opened[-1] if opened else None)
            client.sign_in()
            yield service, client
        finally:
            service.end()
            thread.join(10)
            assert not thread.is_alive()
