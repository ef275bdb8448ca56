"""One run of the command: its messages, how it ends, and its exit code.

stdout carries only the result. Progress and messages go to stderr: live bars at a terminal, a line
per stage elsewhere. The exit codes are in `parser.EXIT_CODES`.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version

from rich.console import Console

from otio_speakerzoom.cli import streams
from otio_speakerzoom.cli.files import check_files
from otio_speakerzoom.cli.parser import parse
from otio_speakerzoom.cli.signals import heeding_signals
from otio_speakerzoom.cli.verbs import VERBS
from otio_speakerzoom.errors import SpeakerZoomError

log = logging.getLogger("otio_speakerzoom")


def run(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; KeyboardInterrupt where a signal ends it."""
    with heeding_signals():
        if argv is None:
            streams.prepare()
        arguments = parse(argv)
        if argv is None and not arguments.verbose:
            streams.keep_native_notes_off_stderr()
        arguments.console = Console(stderr=True, soft_wrap=True)
        _listen(arguments)
        try:
            check_files(arguments)
            code = VERBS[arguments.verb](arguments) or 0
            streams.flush_stdout()
        except Exception as error:
            code = _ended_by(error, arguments)
        return code


def _ended_by(error: Exception, arguments: argparse.Namespace) -> int:
    """Tell in one line what went wrong, and return the exit code."""
    if isinstance(error, BrokenPipeError) and streams.stdout_has_no_reader():
        streams.give_up_stdout()
        return 0
    if isinstance(error, SpeakerZoomError):
        log.error("%s", error)
    elif isinstance(error, OSError):
        log.error("%s", _of_the_system(error))
        streams.give_up_stdout()
    elif isinstance(error, MemoryError):
        log.error("there is not enough memory; end other programs, or take a part (--in, --out)")
    elif isinstance(error, ImportError):
        log.error("%s; `speakerzoom doctor` says what is broken, install that again", error)
    else:
        log.error("%s", _unexpected(error))
    if arguments.verbose and not isinstance(error, SpeakerZoomError):
        arguments.console.print(traceback.format_exc(), markup=False, highlight=False)
    return 1


def _of_the_system(error: OSError) -> str:
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


def _unexpected(error: Exception) -> str:
    """Write down a fault of ours, and return what to do about it."""
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
        return f"a fault of speakerzoom ({line}); please report it with what -v prints"
    return f"a fault of speakerzoom ({line}); please report it with {path}"


def _listen(arguments: argparse.Namespace) -> None:
    """Send our messages to stderr, at the loudness asked for."""
    level = logging.INFO - 10 * arguments.verbose + 10 * arguments.quiet
    log.handlers[:] = [_Lines(arguments.console)]
    log.setLevel(level)
    log.propagate = False


class _Lines(logging.Handler):
    """Prints each message as one line, above any bars, with its level where that is not INFO.

    A warning is printed once a run, however often the same thing is met.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._warnings: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            if record.getMessage() in self._warnings:
                return
            self._warnings.add(record.getMessage())
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = streams.one_line(level + record.getMessage())
        with suppress(OSError):  # whoever read stderr has left
            self._console.print(line, markup=False, highlight=False)
