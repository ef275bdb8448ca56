"""Requests of others to the service of the review page; tests/service/test_guard.py has more."""

import logging
import re
import socket
import time
from contextlib import ExitStack

import pytest
from hostile import HOSTILE, SERVICE, cut_talk  # noqa: F401 (a fixture)
from review_service import running

from otio_speakerzoom.service import connections
from otio_speakerzoom.service.runtime_file import RunningService

pytest_plugins = ["talks"]


def raw(port, data, seconds=60):
    """Send bytes as they are; return all that comes back until the service closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")


def request(client, line="GET {base}api/state", **headers):
    """A request as it is sent, with the cookie; a header of None is left out."""
    rows = {"host": f"127.0.0.1:{client.port}", "cookie": client.cookie, **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in rows.items() if value]
    return "\r\n".join([f"{line.format(base=client.base)} HTTP/1.1", *lines,
                        "connection: close", "", ""])  # fmt: skip


def statuses(answers):
    return " or ".join(sorted({str(answer.status) for answer in answers}))


def test_a_rebinding_name_is_refused(read_only):
    url = read_only.service.launch_url(None).removeprefix(read_only.origin)
    answers = [
        read_only.send("GET", path, host=f"rebind.example:{read_only.port}")
        for path in (url, f"{read_only.base}api/state", "/service?challenge=x")
    ]

    assert not any("set-cookie" in answer.headers or b"proof" in answer.body for answer in answers)
    assert read_only.send("GET", url, cookie=None).status == 303  # the secret is not used up
    HOSTILE.check(SERVICE[0], f"{statuses(answers)}, before anything else is looked at")


def test_only_our_own_hosts_are_answered(read_only):
    port = read_only.port
    hosts = ["127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1:0{port}", f"127.0.0.1:{port}0",
             f"localhost.:{port}", f"[::1]:{port + 1}", f"[0:0:0:0:0:0:0:1]:{port}",
             f"[::ffff:127.0.0.1]:{port}", f"::1:{port}", f"2130706433:{port}", f"0x7f.1:{port}",
             f"LOCALHOST.localdomain:{port}", f"127.0.0.1:{port}@evil.example"]  # fmt: skip
    answers = [read_only.get("api/state", host=host) for host in hosts]
    two = raw(port, request(read_only, host=f"127.0.0.1:{port}\r\nhost: evil.example"))
    none = raw(port, f"GET / HTTP/1.0\r\ncookie: {read_only.cookie}\r\n\r\n")

    assert {text.split()[1] for text in (two, none)} == {"400"}
    assert read_only.get("api/state", host=f"[::1]:{port}").status == 200
    HOSTILE.check(SERVICE[1], statuses(answers))


def test_the_service_listens_on_this_machine_only(read_only):
    assert read_only.service._listener.getsockname() == ("127.0.0.1", read_only.port)


def test_nothing_is_answered_without_the_cookie(read_only):
    with running() as (_, other):
        stale = other.cookie
    paths = ("", "api/state", "media/source", "page/app.js", "api/events", "api/frames/0")
    answers = [
        read_only.get(path, cookie=cookie)
        for path in paths
        for cookie in (None, stale, read_only.cookie[:-1], f"{read_only.cookie}x")
    ]

    assert all(len(answer.body) < 200 for answer in answers)
    HOSTILE.check(SERVICE[2], f"{statuses(answers)}, with what to do")


def test_no_other_site_changes_anything(read_only):
    before = read_only.get("api/state").json
    body = {"operations": [{"name": "split", "frame": 30}]}
    revision = f'"{before["revision"]}"'
    answers = [
        read_only.change("PATCH", "api/cut", body, if_match=revision, **headers)
        for headers in (
            {"origin": "http://evil.example"}, {"origin": None}, {"origin": "null"},
            {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"},
            {"origin": f"http://127.0.0.1:{read_only.port + 1}"},
            {"origin": f"https://127.0.0.1:{read_only.port}"},
        )
    ]  # fmt: skip
    plain = read_only.change("PATCH", "api/cut", body, if_match=revision, content_type="text/plain")

    assert plain.status == 415
    assert read_only.get("api/state").json == before
    HOSTILE.check(SERVICE[3], f"{statuses(answers)}; nothing changes")


def test_a_preflight_allows_nothing(read_only):
    answers = [
        read_only.send("OPTIONS", f"{read_only.base}api/cut", origin="http://evil.example",
                       access_control_request_method=method)
        for method in ("GET", "PATCH", "DELETE")
    ]  # fmt: skip

    assert not any(name.startswith("access-control") for a in answers for name in a.headers)
    HOSTILE.check(SERVICE[4], f"{statuses(answers)}, without any header of CORS")


def test_there_is_no_websocket(read_only):
    upgrade = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_version": "13",
               "sec_websocket_key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
    answers = [
        read_only.get("api/state", cookie=cookie, **upgrade) for cookie in (None, read_only.cookie)
    ]

    assert [answer.status for answer in answers] == [401, 200]
    assert not any("upgrade" in answer.headers for answer in answers)
    HOSTILE.check(SERVICE[5], "answered as any other request: 401 without the cookie")


def test_head_tells_no_more_than_get(read_only):
    paths = ("", "api/state", "media/source")
    answers = [read_only.send("HEAD", read_only.base + path, cookie=None) for path in paths]

    assert not any(answer.body for answer in answers)
    assert read_only.send("HEAD", f"{read_only.base}media/source").status == 200
    HOSTILE.check(SERVICE[6], f"{statuses(answers)}, without a body")


@pytest.mark.parametrize("prefix", ["/", "{base}", "{base}page/", "{base}media/", "{base}api/"])
def test_no_path_leads_to_another_file(read_only, prefix):
    prefix = prefix.format(base=read_only.base)
    names = ("../" * 9 + "etc/passwd", "%2e%2e/" * 9 + "etc/passwd", "..%2f" * 9 + "etc/passwd",
             "%00", "index.html%00.js", "..\\..\\etc\\passwd", "%5c%5c127.0.0.1%5cshare",
             "C:%5cWindows%5cwin.ini", "file:///etc/passwd", "%252e%252e/etc/passwd",
             "%ff%fe", "\u00e9".encode().decode("latin-1"), "." * 300)  # fmt: skip
    texts = [
        raw(read_only.port, request(read_only, f"GET {prefix}{name}")).split("\r\n\r\n", 1)
        for name in names
    ]

    assert {head.split()[1] for head, _ in texts} <= {"404", "400"}
    assert all(len(body) < 200 and "root:" not in body for _, body in texts)
    HOSTILE.check(SERVICE[7], "400 or 404: names are looked up in a table")


def test_huge_headers_are_refused(read_only):
    text = raw(read_only.port, request(read_only, x_large="x" * 100_000))

    assert read_only.get("api/state").status == 200
    HOSTILE.check(SERVICE[8], f"{text.split()[1]}; the connection is closed")


@pytest.mark.parametrize("begins", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\nx: "])
def test_a_request_that_never_ends_is_ended(monkeypatch, begins):
    with running() as (_, client):
        with monkeypatch.context() as hasty:
            hasty.setattr(connections, "MAX_REQUEST_S", 0.3)
            with socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection:
                assert dribble(connection, begins)
        assert client.get("api/state").status == 200
    HOSTILE.check(SERVICE[9], "the connection is closed after 10 s; others are answered meanwhile")


def test_a_body_that_nobody_reads_is_not_waited_for(monkeypatch):
    with (
        running() as (_, client),
        socket.create_connection(("127.0.0.1", client.port), timeout=60) as connection,
    ):
        refused = request(client, "POST {base}api/jobs", cookie=None, content_length="1000000")
        connection.sendall(refused.replace("connection: close\r\n", "").encode())
        assert b"401" in connection.recv(65536)
        monkeypatch.setattr(connections, "MAX_REQUEST_S", 0.3)
        assert dribble(connection, b"x")


def dribble(connection, begins):
    """Send byte after byte; return whether the other side has closed within a minute."""
    end = time.monotonic() + 60
    try:
        connection.sendall(begins)
        connection.settimeout(0.05)
        while time.monotonic() < end:
            try:
                if not connection.recv(65536):
                    return True
            except TimeoutError:
                connection.sendall(b"x" if begins else b"")
    except OSError:  # it was reset
        return True
    return False


def test_connections_of_others_are_bounded(monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 10)
    with running() as (_, client):
        with ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(socket.create_connection(("127.0.0.1", client.port)))
            full = client.get("api/state").status
        end = time.monotonic() + 60
        while client.get("api/state").status != 200:
            assert time.monotonic() < end
    HOSTILE.check(SERVICE[10], f"{full} beyond 200, until they are closed")


def test_no_path_writes_into_the_log(read_only, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("%0d%0aerror:%20forged", "%1b[2Jerased", "\x1b[2J"):
        raw(read_only.port, request(read_only, f"GET {read_only.base}{name}"))
        raw(read_only.port, request(read_only, f"GET /launch?secret={name}"))
    text = "".join(record.getMessage() for record in caplog.records if ours(record))

    assert not re.search(r"forged|erased|\x1b", text)
    HOSTILE.check(SERVICE[11], "no request is logged")


def ours(record):
    return record.name.startswith(("otio_speakerzoom", "uvicorn"))


def test_tokens_stay_out_of_the_log_and_of_addresses(caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    with running() as (service, client):
        url = service.launch_url(None).removeprefix(client.origin)
        launched = client.send("GET", url, cookie=None)
        answers = [launched, client.get("api/state"), client.get(""), client.get("", cookie=None)]
        page = client.get("page/api.js").body.decode()
    secrets = [service.access.bearer, client.cookie.partition("=")[2], url.split("=")[1][:43]]
    texts = [record.getMessage() for record in caplog.records if ours(record)]
    texts += [answer.body.decode() for answer in answers] + [launched.headers["location"], page]

    assert all(len(secret) == 43 for secret in secrets)
    assert not [secret for secret in secrets for text in texts if secret in text]
    assert {answer.headers["referrer-policy"] for answer in answers} == {"no-referrer"}
    assert "token" not in repr(RunningService(1, 1, "token", "1"))
    HOSTILE.check(SERVICE[12], "in none of them, but for the launch secret, which works once")
