"""`auto` gets a better scorer by one quick attempt, or goes on without, and never hangs."""

import hashlib
import io
import logging
import socket
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from otio_speakerzoom.cli import doctor, weights_list
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.weights import best_scorer, catalogue, fetch, quick_fetch, wheels

CONTENT = bytes(range(256)) * 1000
ADDRESS = "https://127.0.0.1/net.model"


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("SPEAKERZOOM_WEIGHTS", raising=False)
    monkeypatch.delenv("SPEAKERZOOM_OFFLINE", raising=False)
    caplog.set_level(logging.INFO)


@pytest.fixture
def named(tmp_path):
    """Return a function that writes a weights.toml with lr-asd, of this content and address."""

    def write(address=ADDRESS, content=CONTENT):
        path = tmp_path / "checkout" / "weights.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f'[lr-asd]\nfile = "net.model"\nsize = {len(content)}\n'
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"\nlicence = "MIT"\n'
            f'kind = "scorer"\nwhat = "A net."\nsources = ["{address}"]\n',
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def network(monkeypatch):
    """Answer for every address as `answer` says, and count the requests."""
    state = SimpleNamespace(requests=[], content=CONTENT, url=ADDRESS, error=None)

    @contextmanager
    def open_address(address, accept="*/*", timeout_s=10):
        state.requests.append(address)
        if state.error:
            raise state.error
        response = io.BytesIO(state.content)
        yield SimpleNamespace(read=response.read, url=state.url, headers={})

    monkeypatch.setattr(wheels, "open_address", open_address)
    return state


def cached():
    return sorted(path.name for path in fetch.cache_folder().rglob("*"))


def attempt(path):
    return quick_fetch.try_download("lr-asd", "it is better", path=path)


def test_one_line_says_what_is_fetched_and_why(named, network, caplog):
    file = attempt(named())

    assert file.read_bytes() == CONTENT
    assert cached() == ["net.model"]
    assert caplog.messages == [
        f"fetching lr-asd (0.3 MB, {ADDRESS}): it is better; --offline forbids it"
    ]


def test_a_failed_attempt_is_not_repeated_for_a_day(named, network, caplog, monkeypatch):
    network.error = URLError("Network is unreachable")

    assert attempt(named()) is None
    assert "could not be fetched (Network is unreachable)" in caplog.messages[1]
    assert attempt(named()) is None
    assert len(network.requests) == 1
    assert len(caplog.messages) == 2

    now, network.error = time.time(), None
    monkeypatch.setattr(time, "time", lambda: now + quick_fetch.RETRY_S + 1)
    assert attempt(named()).read_bytes() == CONTENT
    assert cached() == ["net.model"]


@pytest.mark.parametrize(
    "note", ["", "{", "[1]", '{"time": "soon", "reason": "x"}', '{"time": 9e99, "reason": "x"}']
)
def test_a_note_that_is_damaged_or_from_the_future_does_not_count(note, named, network):
    fetch.cache_folder().mkdir(parents=True)
    fetch.failure_file("lr-asd").write_text(note)

    assert attempt(named())


def test_a_download_by_name_works_within_the_day_and_clears_the_note(named, network):
    network.error = URLError("gone")
    attempt(named())
    network.error = None
    assert quick_fetch.failure("lr-asd") == "gone"

    fetch.download("lr-asd", path=named())
    assert quick_fetch.failure("lr-asd") == ""
    assert cached() == ["net.model"]


@pytest.mark.parametrize("change", [{"content": CONTENT[:-1]}, {"content": CONTENT + b"x"},
                                    {"content": b"x" * len(CONTENT)},
                                    {"url": "http://elsewhere/net.model"}])  # fmt: skip
def test_nothing_but_the_right_file_over_https_is_stored(change, named, network):
    for name, value in change.items():
        setattr(network, name, value)

    assert attempt(named()) is None
    assert cached() == ["lr-asd.failed.json"]


def test_only_https_is_tried(named, network):
    assert attempt(named("http://127.0.0.1/net.model")) is None
    assert network.requests == []


def test_offline_nothing_is_tried(named, network, monkeypatch):
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")

    assert attempt(named()) is None
    assert (network.requests, cached()) == ([], [])


def test_where_the_cache_cannot_be_written_nothing_is_tried(named, network, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert attempt(named()) is None
    assert network.requests == []


def test_a_server_that_never_answers_is_left_in_time(named, monkeypatch):
    monkeypatch.setattr(quick_fetch, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = named(f"https://127.0.0.1:{server.getsockname()[1]}/net.model")
        before = time.monotonic()
        assert attempt(path) is None
        assert time.monotonic() - before < 5


def test_a_name_server_that_never_answers_is_left_in_time(named, monkeypatch):
    end = threading.Event()
    monkeypatch.setattr(quick_fetch, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60) and [])
    before = time.monotonic()
    assert attempt(named("https://weights.invalid/net.model")) is None
    assert time.monotonic() - before < 5
    assert "took longer than 0.2 s" in quick_fetch.failure("lr-asd")
    end.set()


def test_an_attempt_is_only_made_where_no_better_scorer_is_here(monkeypatch, network, tmp_path):
    here = {"lr-asd": tmp_path, "sync-asd": tmp_path}
    monkeypatch.setattr(fetch, "find", lambda name, path=None: here.get(name))
    assert best_scorer.get_best_scorer() == "lr-asd"
    assert network.requests == []

    del here["lr-asd"]
    network.error = URLError("gone")
    assert best_scorer.get_best_scorer() == "sync-asd"
    assert network.requests == list(catalogue.entry("lr-asd").sources)


def test_a_better_scorer_is_one_that_is_here_or_could_be_fetched(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "find", lambda name, path=None: None)
    assert best_scorer.better_scorer("sync-asd") == ""
    assert best_scorer.better_scorer("sync-asd", at_all=True) == "lr-asd"
    assert best_scorer.better_scorer("lr-asd", at_all=True) == ""
    monkeypatch.setattr(fetch, "find", lambda name, path=None: tmp_path)
    assert best_scorer.better_scorer("lr-asd") == "talknet"
    assert best_scorer.better_scorer("talknet") == ""


def test_doctor_and_the_list_say_what_became_of_the_attempt(named, network, monkeypatch):
    assert "is fetched when the first recording is analyzed" in doctor._scorer()
    network.error = URLError("gone")
    best_scorer.get_best_scorer()
    assert "could not be fetched within the last day: gone" in doctor._scorer()
    assert weights_list._why_missing("lr-asd").endswith("within the last day: gone")
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    assert "forbids" in doctor._scorer()


def test_weights_from_elsewhere_are_checked_before_they_are_used(named):
    path = named()
    with pytest.raises(WeightsError, match="sha256"):
        fetch.add_to_cache("lr-asd", b"x" * len(CONTENT), path=path)
    assert cached() == []
    assert fetch.add_to_cache("lr-asd", CONTENT, path=path).read_bytes() == CONTENT
