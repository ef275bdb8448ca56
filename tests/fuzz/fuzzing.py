"""Runs a target on random inputs: each within limits, and with nothing else touched.

The inputs of a target follow from the seed alone: input n of a seed is always the same, so a
failure is repeated by one command. A target says of each input whether it was accepted or refused;
whatever else comes of it is a failure.
"""

import logging
import math
import os
import signal
import sys
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from conftest import REPOSITORY

from otio_speakerzoom.errors import SpeakerZoomError

MAX_INPUT_S = 20
"""Of one input; a busy machine needs a tenth of a second."""
MAX_MEMORY = 1 << 30
"""Bytes that one input may add to the address space; the seeds add 50 MB at most."""
MAX_LINE = 2000
"""Characters of a message; paths and values in it are part of that."""
MAX_KINDS = 8
"""Different failures that a run reports; they are told apart by where they were raised."""


class TooSlowError(BaseException):
    """An input took longer than allowed; nothing that a parser catches."""


@dataclass
class Budget:
    """How many inputs a run tries, and which."""

    seed: int
    seconds: float | None = None
    """None for a fixed number of inputs."""
    only: int | None = None
    """Number of the only input to try."""

    def numbers(self, count):
        """The numbers of the inputs to try, `count` where no time is set."""
        if self.only is not None:
            yield self.only
            return
        end = math.inf if self.seconds is None else time.monotonic() + self.seconds
        number = 0
        while number < (count if self.seconds is None else math.inf) and time.monotonic() < end:
            yield number
            number += 1


@dataclass
class Result:
    """What came of the inputs of a target."""

    accepted: int = 0
    refused: int = 0
    failures: dict = field(default_factory=dict)
    """Where it was raised -> what to read of the first such failure."""
    failed: int = 0

    @property
    def inputs(self):
        return self.accepted + self.refused + self.failed


def try_inputs(name, budget, make, run, *, count, writable=(), command=""):
    """Run `run(make(random))` for each input of a budget; return what came of them.

    `run` returns whether the input was accepted. It may write below `writable` only.
    """
    result = Result()
    logging.disable()  # a warning about each damaged file
    try:
        return _try_all(name, budget, make, run, count, writable, command, result)
    finally:
        logging.disable(logging.NOTSET)


def _try_all(name, budget, make, run, count, writable, command, result):
    for number in budget.numbers(count):
        item = make(Random(f"{budget.seed}/{name}/{number}"))
        try:
            with limited(), Watch(writable):
                accepted = run(item)
        except (Exception, TooSlowError) as error:
            result.failed += 1
            text = f"input {number}: {type(error).__name__}: {str(error)[:600]}\n    {command} "
            text += f"--fuzz-seed {budget.seed} --fuzz-input {number}"
            trace = traceback.format_exc(limit=-8)
            result.failures.setdefault(_place(error), f"{text}\n{trace}")
            if len(result.failures) >= MAX_KINDS:
                break
            continue
        if accepted:
            result.accepted += 1
        else:
            result.refused += 1
    return result


def _place(error):
    """Where an error was raised: its kind and the innermost lines of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if str(REPOSITORY) in f.filename] or frames
    return (type(error).__name__, *((f.filename, f.lineno) for f in ours[-2:]))


@contextmanager
def limited():
    """Bound the time and the memory that the context may take, where the system can."""
    if sys.platform == "win32":
        yield
        return
    import resource

    def late(*_):
        raise TooSlowError(f"took more than {MAX_INPUT_S} s")

    before = signal.signal(signal.SIGALRM, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":  # elsewhere the limit does not count what is mapped
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MAX_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    signal.setitimer(signal.ITIMER_REAL, MAX_INPUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


# --- nothing else is touched ----------------------------------------------------------------------

CHANGES = {
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime",
}  # fmt: skip
"""Audit events that change what their first argument names."""
FORBIDDEN = {
    "subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.startfile",
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request",
    "pickle.find_class", "webbrowser.open",
}  # fmt: skip
"""Audit events that no damaged file may cause: programs, networks, pickles."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
READABLE = tuple(
    str(Path(path).resolve())
    for path in (REPOSITORY, sys.prefix, sys.base_prefix, "/proc", "/sys", "/usr/share", "/etc/ld")
)
"""Where modules and what they need lie."""


class Watch:
    """Notes what a target touches besides its own folder, and raises AssertionError at the end."""

    current = None

    def __init__(self, writable=()):
        self._writable = tuple(f"{Path(path).resolve()}{os.sep}" for path in writable)
        self._faults = []

    def __enter__(self):
        Watch.current = self
        return self

    def __exit__(self, kind, *_):
        Watch.current = None
        if kind is None:
            assert not self._faults, self._faults[:3]

    def note(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):
                return
            writes = flags & WRITING if isinstance(flags, int) else set(mode or "") & set("wax+")
            self._check(event, path, writes)
        elif event in CHANGES:
            path, *others = arguments
            if event in ("os.remove", "os.rmdir") and others[0] >= 0:  # relative to an open folder
                path = Path(f"/proc/self/fd/{others[0]}", path)
            self._check(event, path, True)
        elif event in FORBIDDEN:
            self._faults.append(f"{event} {arguments!r:.200}")

    def _check(self, event, path, writes):
        try:
            place = os.path.realpath(os.fsdecode(path))
        except (TypeError, ValueError):  # no path that a system takes
            return
        if f"{place}{os.sep}".startswith(self._writable) or (
            not writes and place.startswith(OWN + READABLE)
        ):
            return
        self._faults.append(f"{event} {'writes' if writes else 'reads'} {place[:200]}")


OWN = ()


def _audit(event, arguments):
    if Watch.current is not None:
        watch, Watch.current = Watch.current, None  # its own look at a path is no event
        try:
            watch.note(event, arguments)
        finally:
            Watch.current = watch


def install_watch(folder):
    """Let what lies below `folder` be read; the hook stays for as long as the process runs."""
    global OWN
    if not OWN:
        sys.addaudithook(_audit)
    OWN = (*OWN, f"{Path(folder).resolve()}{os.sep}")


# --- refusals -------------------------------------------------------------------------------------


def check_refusal(error, *names):
    """Check that an error is one line for a user that names a file or what else is wrong."""
    assert isinstance(error, SpeakerZoomError), repr(error)
    line = str(error)
    assert line.strip(), "the message is empty"
    assert len(line.splitlines()) == 1, f"the message has several lines: {line!r:.300}"
    assert len(line) <= MAX_LINE, f"the message has {len(line)} characters: {line[:200]!r}"
    assert any(str(name) in line for name in names), f"no file in {line!r:.300}"


def refused(run, *names):
    """Return whether `run` raises an error for a user, whose message names one of `names`."""
    try:
        run()
    except SpeakerZoomError as error:
        check_refusal(error, *names)
        return True
    return False
