"""Files on Windows: one that another program has open is not replaced, and paths are short.

The tests run elsewhere too: they pretend the system's answers, which Windows gives.
"""

import errno
import sys
from pathlib import Path

import pytest

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store import atomic
from otio_speakerzoom.store.atomic import atomic_write, write_text


@pytest.fixture
def refusals(monkeypatch):
    """Let the system refuse so many times to replace a file, as Windows does while it is open."""
    remaining, replace = [], Path.replace

    def refuse(self, target):
        if remaining:
            remaining.pop()
            raise PermissionError(errno.EACCES, "Access is denied", str(self), None, str(target))
        return replace(self, target)

    def pretend(count):
        remaining.extend(range(count))
        return remaining

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(atomic, "IN_USE_POLL_S", 0)
    return pretend


def test_a_file_that_somebody_reads_for_a_moment_is_replaced_after_it(
    refusals, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "platform", "win32")
    remaining = refusals(3)
    path = tmp_path / "cutlist.json"
    path.write_text("old")

    write_text(path, "new")

    assert remaining == []
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_stays_open_keeps_its_content_and_the_error_says_what_to_do(
    refusals, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(atomic, "MAX_IN_USE_S", 0.05)
    refusals(1_000_000)
    path = tmp_path / "cutlist.json"
    path.write_text("old")

    with pytest.raises(StoreError, match=r"Access is denied\); close it in other programs, or"):
        write_text(path, "new")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_elsewhere_a_refusal_is_final(refusals, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    remaining = refusals(2)
    with pytest.raises(StoreError, match="cannot be written"):
        write_text(tmp_path / "cutlist.json", "new")
    assert len(remaining) == 1


def test_a_path_that_windows_cannot_hold_is_named_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    gone = FileNotFoundError(errno.ENOENT, "The system cannot find the path specified")
    long, short = Path("/", *["a" * 80] * 3, "talk.otio"), Path("/a/talk.otio")

    assert "the path is too long for Windows: write elsewhere" in str(
        atomic.write_error(long, gone)
    )
    assert "too long" not in str(atomic.write_error(short, gone))
    monkeypatch.setattr(sys, "platform", "linux")
    assert "too long" not in str(atomic.write_error(long, gone))


def test_whether_another_process_runs_is_not_checked_by_a_signal_that_would_end_it(monkeypatch):
    def end(*_):
        raise AssertionError("a signal is sent, which ends a process on Windows")

    monkeypatch.setattr(atomic.os, "kill", end)
    monkeypatch.setattr(atomic, "os", Windows(atomic.os))

    assert atomic.is_running(4) is None


class Windows:
    """The module `os` with the name of Windows."""

    name = "nt"

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)


def test_the_temporary_file_is_closed_before_it_takes_its_name(tmp_path, monkeypatch):
    """Windows renames no open file; Linux shows in /proc which ones are."""
    numbers = Path("/proc/self/fd")
    if not numbers.is_dir():
        pytest.skip("only Linux lists the open files of a process")
    opened, replace = [], Path.replace

    def look(self, target):
        for number in numbers.iterdir():
            try:
                opened.append(str(number.readlink()))
            except OSError:  # that of the listing itself
                continue
        assert str(self) not in opened
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    with atomic_write(tmp_path / "a.bin") as temporary:
        temporary.write_bytes(b"1")
    atomic.write_texts([(tmp_path / "b.json", "{}"), (tmp_path / "c.json", "{}")], lambda: None)
    assert opened
