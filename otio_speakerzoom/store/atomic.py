"""Files that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from otio_speakerzoom.errors import StoreError

LONGEST_NAME = 255
"""Bytes that a name may have in the file systems of Linux and macOS."""

OLD = 7 * 24 * 3600
"""Seconds after which a leftover goes where nobody can say whether its process still runs."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place only if all goes well.

    The file is there already, empty, under a name that nobody can guess, so that no link can have
    been laid in its way. What dead runs left of the same file is removed first.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.stem)
        temporary = _new_file(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield temporary
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def remove_leftovers(folder: Path, stem: str | None = None) -> None:
    """Remove the temporary files of runs that are dead; only those for `stem`, if given."""
    begins = "." if stem is None else _begins(stem)
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(begins) and ".part" in path.name and _is_dead(path):
                with suppress(OSError):
                    path.unlink()


def is_running(pid: int) -> bool | None:
    """Whether a process of this machine runs; None where the system is not asked."""
    if os.name == "nt":  # where the signal 0 would end it
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def host() -> str:
    """Return a short mark of this machine, for names: a folder may be shared by several."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _new_file(path: Path) -> Path:
    """Create the temporary file for `path`: `.talk.HOST-PID-RANDOM.part.mp4`."""
    mark = f".{host()}-{os.getpid()}-{secrets.token_hex(4)}.part"
    suffix = path.suffix if len(os.fsencode(path.suffix)) < 32 else ""
    temporary = path.with_name(f"{_begins(path.stem)}{mark}{suffix}")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(temporary, flags, 0o666))
    return temporary


def _begins(stem: str) -> str:
    """Return how temporary names for a file of that stem begin; short enough for any mark."""
    while len(os.fsencode(stem)) > LONGEST_NAME - 80:
        stem = stem[:-1]
    return f".{stem}"


def _is_dead(temporary: Path) -> bool:
    """Whether the process that wrote a temporary file is gone."""
    mark = temporary.name.partition(".part")[0].rpartition(".")[2]
    where, dash, rest = mark.partition("-")
    pid = rest.partition("-")[0] if dash else mark  # the number alone, by an older version
    if not pid.isascii() or not pid.isdigit():
        return False
    running = is_running(int(pid)) if not dash or where == host() else None
    if running is None or not dash:
        return not running and time.time() - temporary.lstat().st_mtime > OLD
    return not running


def _cannot_write(path: Path, error: OSError) -> StoreError:
    full = error.errno == errno.ENOSPC
    remedy = "free some space" if full else "write elsewhere (-o FILE, --work DIR)"
    return StoreError(f"{path}: cannot be written ({error.strerror or error}); {remedy}")
