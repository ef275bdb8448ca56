"""The one line that a user reads of any error; one that is our bug also leaves a log."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.cli.request import Request

log = logging.getLogger("otio_speakerzoom")

MAX_LOGS = 20
"""In a folder of results; further ones go into the system's folder for temporary files."""


def error_line(error: BaseException, folder: Callable[[], Path | None] = lambda: None) -> str:
    """Return the message for whatever went wrong; of an error that is our bug, write a log.

    `folder` returns the one of the results, where the log belongs; None where there is none.
    """
    if isinstance(error, SpeakerZoomError):
        return str(error)
    if isinstance(error, OSError):
        return _system_message(error)
    if isinstance(error, MemoryError):
        return "out of memory; close other programs, or use a part (--in, --out)"
    if isinstance(error, ImportError):
        return f"{error}; `speakerzoom doctor` shows what is broken, reinstall that"
    return _bug_message(error, folder())


def results_folder(request: Request | None) -> Path | None:
    """Return the folder with the results of a request's source; None where there is none yet."""
    with suppress(Exception):  # whatever is wrong with the source was said before, or will be
        from otio_speakerzoom.store import find_folder

        if request is not None:
            folder = find_folder(request.source, request.work)
            return folder if folder.is_dir() else None
    return None


def report_everywhere(folder: Callable[[], Path | None]) -> None:
    """Report also what no caller can catch in one line: of threads, destructors and libraries.

    `folder` returns where logs go.
    """

    def in_thread(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is not None and failure.exc_type is not SystemExit:
            log.error("%s", error_line(failure.exc_value, folder))

    def unraisable(failure: sys.UnraisableHookArgs) -> None:
        error = failure.exc_value
        if error is not None and not isinstance(error, KeyboardInterrupt):
            # a signal is raised again by what checks for it (`signals.raise_if_interrupted`)
            log.error("%s", error_line(error, folder))

    threading.excepthook, sys.unraisablehook = in_thread, unraisable
    logging.lastResort = _LibraryHandler(folder)
    warnings.showwarning = lambda *_, **__: None  # which are for those who write programs


class _LibraryHandler(logging.Handler):
    """Reports the errors that libraries log, such as those of an event loop."""

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        super().__init__(logging.ERROR)
        self._folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log.error("%s", error_line(error, self._folder))
        else:
            log.error("%s: %s", record.name, record.getMessage())


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


def _bug_message(error: BaseException, folder: Path | None) -> str:
    """Write a log of an error that is our bug, and return how to report it."""
    line = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    for place in (folder, Path(tempfile.gettempdir())):
        with suppress(OSError, ValueError):
            if place is not None and (path := _new_log(place, error)):
                return f"a bug in speakerzoom ({line}); please report it with {path}"
    return f"a bug in speakerzoom ({line}); please report it with the output of -v"


def _new_log(folder: Path, error: BaseException) -> Path | None:
    """Write a log into a folder under the first free name; None where it has enough of them."""
    import platform
    from importlib.metadata import version

    text = (
        f"speakerzoom {version('otio-speakerzoom')}, Python {platform.python_version()}, "
        f"{platform.platform()}\n{sys.argv[1:]!r}\n\n" + "".join(traceback.format_exception(error))
    )
    new = _new_temporary if folder == Path(tempfile.gettempdir()) else _new_numbered
    if (place := new(folder)) is None:
        return None
    number, path = place
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path


def _new_temporary(folder: Path) -> tuple[int, Path]:
    """Create a file for its user only, under a name that cannot be guessed; return it open."""
    number, path = tempfile.mkstemp(prefix="speakerzoom-", suffix=".log", dir=folder)
    return number, Path(path)


def _new_numbered(folder: Path) -> tuple[int, Path] | None:
    """Create the next log in a folder of results, and return it open; None where it has enough."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    for count in range(1, MAX_LOGS + 1):
        path = folder / f"error-{count}.log"
        with suppress(FileExistsError):
            return os.open(path, flags, 0o666), path
    return None
