"""A warm process that forks a child for each run of a verb, and installs faults in it.

    python -m warm          reads a task in JSON from each line of stdin, and answers with a line

A child is a process of its own, with its own session: it ends as a command ends, by an exit code or
by a signal. What takes a second in a new interpreter takes a tenth here, so that hundreds of kills
are affordable. `Warm` is the other end.
"""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]
MAX_RUN_S = 120
"""Of one run; a fault that makes a verb wait without an end shows itself here."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    """The exit code; negative for the signal that ended it."""
    stdout: str
    stderr: str
    places: list = field(default_factory=list)
    """What could have failed, in order: (what, name of the file)."""
    hit: bool = False
    """Whether the fault happened."""
    left: list = field(default_factory=list)
    """Processes of its session that still run."""

    @property
    def lines(self):
        return self.stderr.splitlines()


class Warm:
    """A warm process, and the runs that it forks."""

    def __init__(self, environment):
        paths = [TESTS.parent, TESTS, TESTS / "robustness"]
        path = os.pathsep.join(map(str, paths))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "warm"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": path, **environment},
        )  # fmt: skip

    def run(self, words, fault=None, roots=(), environment=None, fakes=()):
        """Run the command line `words` in a new child, with a fault of `faults.INSTALL`."""
        task = {
            "words": [str(word) for word in words], "fault": fault or {"kind": "none"},
            "roots": [str(root) for root in roots], "environment": environment or {},
            "fakes": list(fakes),
        }  # fmt: skip
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def serve():
    """Answer each task until stdin ends."""
    for name in MODULES:
        __import__(name)
    answers = os.fdopen(os.dup(1), "w")
    tasks = os.fdopen(os.dup(0), "r")
    for line in tasks:
        task = json.loads(line)
        answers.write(json.dumps(_run(task)) + "\n")
        answers.flush()


MODULES = (
    "torch", "cv2", "av", "numpy", "opentimelineio", "rich.console", "rich.progress", "uvicorn",
    "otio_speakerzoom.cli.run", "otio_speakerzoom.cli.verbs", "otio_speakerzoom.cli.jobs",
    "otio_speakerzoom.pipeline", "otio_speakerzoom.pipeline.analysis_pass",
    "otio_speakerzoom.speech.analyze", "otio_speakerzoom.speech.scorers",
    "otio_speakerzoom.interchange.import_edits", "otio_speakerzoom.interchange.lint",
    "otio_speakerzoom.interchange.test_chart", "otio_speakerzoom.render.film",
    "otio_speakerzoom.reports.contact_sheet", "otio_speakerzoom.reports.overlay",
    "otio_speakerzoom.reports.page", "otio_speakerzoom.reports.data_files",
    "otio_speakerzoom.service.server", "otio_speakerzoom.cli.editors",
    "otio_speakerzoom.plugins.resolve_install", "otio_speakerzoom.plugins.resolve_send",
    "otio_speakerzoom.plugins.premiere_install", "otio_speakerzoom.cli.doctor",
)  # fmt: skip
"""Loaded once, for all children."""


def _run(task):
    pipes = {name: os.pipe() for name in ("stdout", "stderr", "report")}
    child = os.fork()
    if not child:
        _be_command(task, {name: write for name, (_, write) in pipes.items()})
    texts = {}
    for _, write in pipes.values():
        os.close(write)
    readers = [
        threading.Thread(target=_collect, args=(texts, name, read))
        for name, (read, _) in pipes.items()
    ]
    for reader in readers:
        reader.start()
    end = time.monotonic() + MAX_RUN_S
    while not (status := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.killpg(child, 9)
            status = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    left = left_of(child)
    for reader in readers:
        reader.join()  # before the next fork: a child has one thread
    report = json.loads((texts.pop("report").splitlines() or ["{}"])[-1])
    return {"code": os.waitstatus_to_exitcode(status[1]), **texts, **report, "left": left}


def _collect(texts, name, number):
    with os.fdopen(number, "rb") as file:
        texts[name] = file.read().decode("utf-8", "replace")


def left_of(session):
    """Return the names of the processes of a session that go on for ten seconds."""
    end = time.monotonic() + 10
    while (names := _members(session)) and time.monotonic() < end:
        time.sleep(0.02)
    return names


def _members(session):
    names = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(") ")
        except OSError:  # it has just ended
            continue
        state, *numbers = rest.split()
        if numbers[2] == str(session) and state != "Z":
            names.append(name)
    return names


def _be_command(task, files):
    """Be the command in this child, and end with its exit code."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run under nohup
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(files["stdout"], 1)
    os.dup2(files["stderr"], 2)
    os.close(files["stdout"])
    os.close(files["stderr"])
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(n, "w", closefd=False), "utf-8", write_through=n == 2,
                         errors="surrogateescape" if n == 1 else "backslashreplace")
        for n in (1, 2)
    )  # fmt: skip
    sys.argv = ["speakerzoom", *task["words"]]
    sys.dont_write_bytecode = True
    os.environ.update(task["environment"])
    import faults

    fault = faults.install(task, files["report"])
    try:
        code = _code_of_main()
    except BaseException:
        traceback.print_exc()
        code = 99
    fault.report()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _code_of_main():
    """Do what `otio_speakerzoom.__main__` does."""
    try:
        from otio_speakerzoom.cli.main import main

        return main() or 0
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


if __name__ == "__main__":
    serve()
