"""One run of the command: its messages, how it ends, and its exit code.

stdout carries only the result. Progress and messages go to stderr: live bars at a terminal, a line
per stage elsewhere. The exit codes are in `parser.EXIT_CODES`.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from otio_speakerzoom.cli import streams
from otio_speakerzoom.cli.error_lines import error_line, report_everywhere, results_folder
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
        try:
            request = parse(argv)
        except (SystemExit, OSError) as ending:  # after a help text, or a line about wrong usage
            return _end_of_parsing(ending)
        if argv is None:
            report_everywhere(partial(results_folder, request))
            if not request.verbose:
                streams.silence_native_stderr()
        with _offline(request):
            code = _run_verb(request)
        if argv is None:
            streams.end_stderr()
        return code


def _end_of_parsing(ending: SystemExit | OSError) -> int:
    """Raise SystemExit again, unless what was printed before does not reach stdout."""
    try:
        streams.flush_stdout()
        raise ending
    except OSError as error:
        from otio_speakerzoom.cli.console import message_console, show_messages

        show_messages(message_console(), quiet=0, verbose=0)
        return _report(error, None)
    finally:
        streams.end_stderr()


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
        code = _report(error, request)
        if code and request.verbose and not isinstance(error, SpeakerZoomError):
            console.print(traceback.format_exc(), markup=False, highlight=False)
    return code


def _report(error: Exception, request: Request | None) -> int:
    """Say in one line what went wrong, and return the exit code."""
    if isinstance(error, BrokenPipeError) and streams.stdout_has_no_reader():
        streams.discard_stdout()
        return 0
    log.error("%s", error_line(error, partial(results_folder, request)))
    if isinstance(error, OSError):
        streams.discard_stdout()
    return 1
