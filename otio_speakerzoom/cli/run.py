"""One run of the command: its messages, how it ends, and its exit code.

stdout carries only the result. Progress and messages go to stderr: live bars at a terminal, a line
per stage elsewhere. Exit codes: 0 done, 1 could not, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from otio_speakerzoom.cli.parser import build_parser
from otio_speakerzoom.cli.verbs import VERBS
from otio_speakerzoom.errors import SpeakerZoomError

log = logging.getLogger("otio_speakerzoom")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if argv is None and not arguments.verbose:
        _keep_native_notes_off_stderr()
    arguments.console = Console(stderr=True, soft_wrap=True)
    _listen(arguments)
    try:
        return VERBS[arguments.verb](arguments) or 0
    except SpeakerZoomError as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; stages that were finished are kept")
        return 130
    except BrokenPipeError:  # the reader of our stdout has left, which is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _keep_native_notes_off_stderr() -> None:
    """Let only Python write to stderr, which belongs to progress and messages; -v shows all.

    MediaPipe's runtime notes things on file descriptor 2 at any time and at any log level.
    """
    try:
        ours = os.dup(2)
    except OSError:  # started without a stderr
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = open(ours, "w", buffering=1, encoding=sys.stderr.encoding)  # noqa: PTH123, SIM115


def _listen(arguments: argparse.Namespace) -> None:
    """Send our messages to stderr, at the loudness asked for."""
    level = logging.INFO - 10 * arguments.verbose + 10 * arguments.quiet
    log.handlers[:] = [_Lines(arguments.console)]
    log.setLevel(level)
    log.propagate = False


class _Lines(logging.Handler):
    """Prints each message as one line, above any bars, with its level where that is not INFO."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        self._console.print(level + record.getMessage(), markup=False, highlight=False)
