"""Faults in a child of `warm`: a signal, or an error of the system, at the n-th place.

A place is a call by which Python changes a file in the folders of a test, as the interpreter's
audit events tell: a file opened to be written, a rename, a new or removed file or folder; and each
fsync, each file opened to be read, and steps of each stage's progress. So no function of ours is
replaced, and none can be forgotten. What libraries in C write is limited by the system instead
(RLIMIT_FSIZE).
"""

import errno
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.link",
           "os.symlink"}  # fmt: skip
"""Audit events of which each names a file first (https://docs.python.org/3/library/audit_events.html)."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NOT_REMOVALS = ("open", "os.rename", "os.mkdir", "fsync", "os.truncate")
"""Places where a disk that is full, or broken, refuses; what it holds can still be removed."""


def install(task, report_number):
    """Install the fault that a task asks for in this process; return its record."""
    for name in task["fakes"]:
        _FAKES[name]()
    record = Fault(task["fault"], task["roots"], report_number)
    record.watch()
    return record


class Fault:
    """Counts places, and lets its fault happen at one of them."""

    def __init__(self, wanted, roots, report_number):
        self._wanted, self._roots, self._number = wanted, roots, report_number
        self._lock, self._places, self._hit, self._on = threading.RLock(), [], False, True
        self._pid = os.getpid()

    def watch(self):
        kind = self._wanted["kind"]
        if kind == "file size":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            limit = self._wanted["bytes"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        sync = os.fsync

        def fsync(number):
            self._at("fsync", str(Path(f"/proc/self/fd/{number}").readlink()))
            sync(number)

        os.fsync = fsync
        self._count_progress()
        sys.addaudithook(self._on_event)

    def report(self):
        """Write what happened; from then on nothing does."""
        self._on = False
        self._write()

    def _count_progress(self):
        from otio_speakerzoom.cli import jobs

        build_job = jobs.build_job

        def counted(request, on_stage):
            def begin(name):
                self._at("stage", name)
                step = on_stage(name)

                def go_on(done, total):
                    if done in (1, total // 2, total):
                        self._at("step", f"{name} {done}")
                    return step(done, total)

                return go_on

            return build_job(request, begin)

        jobs.build_job = counted

    def _on_event(self, event, arguments):
        if not self._on or os.getpid() != self._pid:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(flags, int) and flags & WRITES
            if not writes and not (isinstance(mode, str) and set(mode) & set("wax+")):
                event = "read"
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, bytes | str | os.PathLike):
            self._at(event, os.fsdecode(path))

    def _at(self, what, path):
        if not self._on or not self._is_ours(what, path):
            return
        with self._lock:
            wanted = self._wanted
            kind = wanted["kind"]
            if kind == "error" and what not in (*NOT_REMOVALS, *wanted.get("also", ())):
                return
            number = len(self._places)
            self._places.append((what, Path(path).name))
            if kind == "signal" and number == wanted["at"]:
                self._hit = True
                self._write()
                os.kill(self._pid, wanted["signal"])
            elif kind == "pause" and number == wanted["at"]:
                self._hit = True
                time.sleep(wanted["seconds"])
            elif kind == "error" and (
                number == wanted["at"] or (wanted["lasting"] and number > wanted["at"])
            ):
                self._hit = True
                raise OSError(wanted["errno"], os.strerror(wanted["errno"]), path)

    def _is_ours(self, what, path):
        """Whether a path is in the folders of the test, or of our package, but for its modules."""
        if what in ("stage", "step"):
            return True
        roots = [*self._roots, str(REPOSITORY)] if what == "read" else self._roots
        return path.startswith(tuple(roots)) and not path.endswith((".py", ".pyc"))

    def _write(self):
        data = json.dumps({"places": self._places, "hit": self._hit}).encode()
        os.write(self._number, data + b"\n")


def _fake_stages():
    import pytest
    from faked_stages import fake_stages

    fake_stages(pytest.MonkeyPatch())


def _fake_weights():
    """Let the weights `pickled` be fetched from a file, by its address."""
    from otio_speakerzoom.weights import catalogue, fetch

    listed = Path(os.environ["FAULTS_WEIGHTS"])
    catalogue.catalogue_path = fetch.catalogue_path = lambda: listed


def _fake_chart():
    """Let the film of the test chart be short."""
    from otio_speakerzoom.interchange import test_chart

    test_chart.SHOT_FRAMES = 2


_FAKES = {"stages": _fake_stages, "weights": _fake_weights, "chart": _fake_chart}
ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES")}
