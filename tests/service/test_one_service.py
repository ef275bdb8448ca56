"""One service for each user: its file, a second start, a killed one, and how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from review_service import Client, running

from otio_speakerzoom.service import runtime_file
from otio_speakerzoom.service.runtime_file import RunningService

pytest_plugins = ["talks"]

LAUNCH = re.compile(r"http://127\.0\.0\.1:(\d+)/launch\?secret=[\w-]{43}&to=(\w+)\n")


class Process:
    """`speakerzoom review` or `serve` as a process, and a client of it."""

    def __init__(self, runtime, *arguments):
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "otio_speakerzoom", *map(str, arguments), "--no-browser"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.url = self.process.stdout.readline()

    def client(self):
        match = LAUNCH.fullmatch(self.url)
        assert match, (self.url, self.process.stderr.read())
        client = Client.__new__(Client)
        client.port, client.base = int(match[1]), f"/s/{match[2]}/"
        client.origin, client.cookie = f"http://127.0.0.1:{client.port}", ""
        assert client.sign_in(self.url.strip()).status == 303
        return client

    def end(self, number=signal.SIGINT):
        """Send a signal; return the exit code and what was written to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@contextmanager
def started(runtime, *arguments):
    process = Process(runtime, *arguments)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.process.communicate()


@pytest.fixture
def runtime(tmp_path):
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    return folder


def test_ctrl_c_ends_the_service_at_once_though_a_page_listens(runtime, talk):
    with started(runtime, "review", talk) as process:
        client = process.client()
        with socket.create_connection(("127.0.0.1", client.port)) as listening:
            listening.sendall(
                f"GET {client.base}api/events HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n"
                f"Cookie: {client.cookie}\r\n\r\n".encode()
            )
            assert b"event: state" in b"".join(listening.recv(4096) for _ in range(2))
            begin = time.monotonic()
            code, errors = process.end()

    assert (code, errors) == (130, "the page is closed; every edit is saved\n")
    assert time.monotonic() - begin < 3
    assert not (runtime / "speakerzoom" / "service.json").exists()


def test_a_second_start_opens_its_source_in_the_first(runtime, talk, cut_talk):
    with started(runtime, "serve") as first:
        client = first.client()
        assert client.get("api/state").json["status"] == "no source"
        with started(runtime, "review", talk) as second:
            assert second.process.wait(20) == 0
            other = second.client()
        assert other.port == client.port
        assert other.get("api/state").json["status"] == "cut"
        assert client.get("api/style").status == 404
        errands = client.get("api/state").json["errands"]
        assert errands == [{"name": "talk.mp4", "url": f"../{other.base.split('/')[2]}/"}]
        with started(runtime, "review", runtime / "missing.mp4") as third:
            assert third.process.wait(20) == 1
        code, errors = first.end(signal.SIGTERM)

    assert code == 143
    assert not re.search(r"secret|Bearer|[\w-]{43}", errors)


def test_the_edits_survive_a_kill_and_the_old_page_is_told_to_sign_in(runtime, talk):
    with started(runtime, "review", talk) as first:
        client = first.client()
        revision = client.get("api/state").json["revision"]
        body = {"operations": [{"name": "split", "frame": 30}]}
        assert client.change("PATCH", "api/cut", body, if_match=f'"{revision}"').status == 200
        edited = client.get("api/state").json
        record = json.loads((runtime / "speakerzoom" / "service.json").read_text())
        first.end(signal.SIGKILL)
    assert (runtime / "speakerzoom" / "service.json").exists()

    with started(runtime, "review", talk) as again:
        fresh = again.client()
        assert (fresh.port, fresh.base) == (client.port, client.base)
        stale = client.get("api/state")
        assert stale.status == 401
        assert stale.json["error"].endswith("run `speakerzoom review` again to open it")
        bearer = f"Bearer {record['bearer']}"
        assert client.get("api/state", cookie=None, authorization=bearer).status == 401
        assert fresh.get("api/state").json["shots"] == edited["shots"]
        assert fresh.get("api/state").json["undo"] == edited["undo"]


def test_the_file_is_for_its_user_only(tmp_path):
    folder = tmp_path / "speakerzoom"
    folder.mkdir(mode=0o700)
    own = RunningService(1234, os.getpid(), "token", "1")
    runtime_file.write(folder, own)

    assert (folder / "service.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["service.json"]
    assert runtime_file.read(folder) == own
    (folder / "service.json").chmod(0o644)
    assert runtime_file.read(folder) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"port": 1}', '{"port": "1", "pid": 1, "bearer": "x", "version": "1"}',
     '{"port": 99999, "pid": 1, "bearer": "x", "version": "1"}',
     '{"port": 1, "pid": -1, "bearer": "x", "version": "1"}', "\udcff"],
)  # fmt: skip
def test_a_damaged_file_counts_as_none(tmp_path, text):
    runtime_file.write_private(tmp_path / "service.json", text.encode("utf-8", "replace").decode())

    assert runtime_file.read(tmp_path) is None


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path):
    runtime_file.write(tmp_path, RunningService(1234, os.getpid(), "token", "1"))
    (tmp_path / "service.json").rename(tmp_path / "elsewhere.json")
    (tmp_path / "service.json").symlink_to(tmp_path / "elsewhere.json")

    assert runtime_file.read(tmp_path) is None


def test_a_folder_that_others_can_change_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_file.runtime_folder().stat().st_mode & 0o777 == 0o700
    (tmp_path / "speakerzoom").chmod(0o777)

    with pytest.raises(runtime_file.StoreError, match="other users can change it"):
        runtime_file.runtime_folder()


def test_a_dead_process_or_another_program_at_the_port_is_no_service(cut_talk):
    with running(cut_talk) as (service, _):
        own = RunningService(service.port, os.getpid(), service.access.bearer, "1")
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()

        assert runtime_file.is_alive(own)
        assert not runtime_file.is_alive(RunningService(own.port, ended.pid, own.bearer, "1"))
        assert not runtime_file.is_alive(RunningService(own.port, own.pid, "another", "1"))
    assert not runtime_file.is_alive(own)


def test_a_program_that_took_over_the_port_never_gets_the_token():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        stranger.settimeout(10)
        received = []

        def answer():
            connection, _ = stranger.accept()
            with connection:
                received.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n")
                connection.sendall(b'{"proof": "x"}')

        thread = threading.Thread(target=answer)
        thread.start()
        alive = runtime_file.is_alive(RunningService(port, os.getpid(), "secret-token", "1"))
        thread.join()

    assert not alive
    assert b"secret-token" not in received[0]


def test_another_version_is_named_in_one_line(runtime, talk):
    with running(talk) as (service, _):
        folder = runtime / "speakerzoom"
        folder.mkdir(mode=0o700)
        own = RunningService(service.port, os.getpid(), service.access.bearer, "99.1")
        runtime_file.write(folder, own)
        with started(runtime, "review", talk) as second:
            assert second.process.wait(20) == 1
            errors = second.process.stderr.read()

    assert "speakerzoom 99.1 runs the review page" in errors
    assert errors.count("\n") == 1
    assert runtime_file.read(folder) == own
