"""One run of the command: its messages, how it ends, and its exit code.

stdout carries only the result. Progress and messages go to stderr: live bars at a terminal, a line
per stage elsewhere. The exit codes are in `parser.EXIT_CODES`.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from otio_speakerzoom.cli import streams
from otio_speakerzoom.cli.parser import parse
from otio_speakerzoom.cli.signals import raise_on_signals
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.cli.request import Request

log = logging.getLogger("otio_speakerzoom")

OFFLINE = "SPEAKERZOOM_OFFLINE"
"""Environment variable that forbids downloads where it is 1 (`weights.fetch`)."""


def run(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; KeyboardInterrupt where a signal ends it."""
    with raise_on_signals():
        if argv is None:
            streams.prepare()
        request = parse(argv)
        if argv is None and not request.verbose:
            streams.silence_native_stderr()
        with _offline(request):
            return _run_verb(request)


@contextmanager
def _offline(request: Request) -> Iterator[None]:
    """Forbid downloads with `--offline`, for the processes that we start too."""
    before = os.environ.get(OFFLINE)
    if request.offline:
        os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if request.offline:
            os.environ.pop(OFFLINE)
            os.environ.update({OFFLINE: before} if before is not None else {})


def _run_verb(request: Request) -> int:
    """Check the files of the request, then run its verb; whatever fails becomes one line."""
    from otio_speakerzoom.cli.console import message_console, show_messages
    from otio_speakerzoom.cli.files import check_files
    from otio_speakerzoom.cli.verbs import VERBS

    console = message_console()
    show_messages(console, quiet=request.quiet, verbose=request.verbose)
    for old, new in request.renamed_flags:
        log.warning("%s is now called %s; the old name still works", old, new)
    try:
        check_files(request)
        code = VERBS[request.verb](request, console) or 0
        streams.flush_stdout()
    except Exception as error:
        code = _report(error)
        if code and request.verbose and not isinstance(error, SpeakerZoomError):
            console.print(traceback.format_exc(), markup=False, highlight=False)
    return code


def _report(error: Exception) -> int:
    """Say in one line what went wrong, and return the exit code."""
    if isinstance(error, BrokenPipeError) and streams.stdout_has_no_reader():
        streams.discard_stdout()
        return 0
    log.error("%s", error_line(error))
    if isinstance(error, OSError):
        streams.discard_stdout()
    return 1


def error_line(error: Exception) -> str:
    """Return the message for whatever went wrong; of an error that is our bug, write a log."""
    if isinstance(error, SpeakerZoomError):
        return str(error)
    if isinstance(error, OSError):
        return _system_message(error)
    if isinstance(error, MemoryError):
        return "out of memory; close other programs, or use a part (--in, --out)"
    if isinstance(error, ImportError):
        return f"{error}; `speakerzoom doctor` shows what is broken, and what to do"
    return _bug_message(error)


def _system_message(error: OSError) -> str:
    """Return what the system refused, and what may help."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "stdout"
    remedies = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.EACCES: "check its permissions",
        errno.EPERM: "check its permissions",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }
    remedy = remedies.get(error.errno or 0, "check the disk and the path")
    return f"{where}: {error.strerror or error}; {remedy}"


def _bug_message(error: Exception) -> str:
    """Write a log of an error that is our bug, and return how to report it."""
    import platform
    import tempfile
    from importlib.metadata import version

    line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    report = (
        f"speakerzoom {version('otio-speakerzoom')}, Python {platform.python_version()}, "
        f"{platform.platform()}\n{sys.argv[1:]!r}\n\n{traceback.format_exc()}"
    )
    try:
        number, path = tempfile.mkstemp(prefix="speakerzoom-", suffix=".log")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123
            file.write(report)
    except OSError:
        return f"a bug in speakerzoom ({line}); please report it with the output of -v"
    return f"a bug in speakerzoom ({line}); please report it with {path}"
