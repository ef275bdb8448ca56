"""Writes a file whole or not at all: under a temporary name that is then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from otio_speakerzoom.errors import DiskFullError, StoreError

MAX_NAME_BYTES = 255
"""Of a file name in the file systems of Linux and macOS."""

MAX_IN_USE_S = 2
"""How long a file is tried to be replaced that another program has open, on Windows: a reader of
ours, or a virus scanner, has read it in a fraction of that."""
IN_USE_POLL_S = 0.02
"""Between two tries."""
MAX_WINDOWS_PATH = 259
"""Characters of a path on Windows, where long ones are not switched on (MAX_PATH less its end)."""

MAX_LEFTOVER_AGE_S = 7 * 24 * 3600
"""Of a temporary file whose process cannot be checked; an older one is removed."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file that replaces `path` if the block raises nothing.

    The file exists already, empty, under a name that cannot be guessed, so that nobody can have
    placed a link there. Temporary files of dead processes for the same `path` are removed first.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.stem)
        temporary = _new_file(path)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield temporary
        if path.exists():
            shutil.copymode(path, temporary)
        replace_file(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):  # the folder itself may be the problem
            temporary.unlink(missing_ok=True)


def replace_file(temporary: Path, path: Path) -> None:
    """Rename a file to `path`; OSError if the system does not allow it.

    On Windows it does not while anybody has `path` open, so that is tried for a while.
    """
    end = time.monotonic() + (MAX_IN_USE_S if sys.platform == "win32" else 0)
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(IN_USE_POLL_S)
        else:
            return


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_texts(texts: Sequence[tuple[Path, str]], before_first: Callable[[], None]) -> None:
    """Write several files, all of them or, if one cannot be written, none.

    All are on the disk under temporary names before `before_first` is called, and only then
    replace their files, in order. A process that is killed between two of these leaves the files
    before it new and the others old. If `before_first` raises, nothing changes. After the return
    the new files survive a power cut.
    """
    with ExitStack() as stack:  # which leaves the blocks in reverse order
        for path, text in reversed(texts):
            temporary = stack.enter_context(atomic_write(path))
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        before_first()
    for folder in {path.parent for path, _ in texts}:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Let the names of the files in a folder survive a power cut, where the system can do that."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def remove_leftovers(folder: Path, stem: str | None = None) -> None:
    """Remove the temporary files of dead processes; only those for `stem`, if given."""
    prefix = "." if stem is None else _prefix(stem)
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(prefix) and ".part" in path.name and _is_dead(path):
                with suppress(OSError):
                    path.unlink()


def is_running(pid: int) -> bool | None:
    """Whether a process of this machine runs; None on Windows, where that cannot be checked."""
    if os.name == "nt":  # signal 0 would end the process
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def host() -> str:
    """Return a short id of this machine for file names: several may share a folder."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _new_file(path: Path) -> Path:
    """Create the temporary file for `path`, empty."""
    temporary = path.with_name(_temporary_name(path))
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(temporary, flags, 0o666))
    return temporary


def _temporary_name(path: Path) -> str:
    """Return a name that nobody can guess: `.talk.HOST-PID-RANDOM.part.mp4`."""
    tag = f".{host()}-{os.getpid()}-{secrets.token_hex(4)}.part"
    suffix = path.suffix if len(os.fsencode(path.suffix)) < 32 else ""
    return f"{_prefix(path.stem)}{tag}{suffix}"


def _prefix(stem: str) -> str:
    """Return the start of temporary names for a file of that stem, short enough for any suffix."""
    while len(os.fsencode(stem)) > MAX_NAME_BYTES - 80:
        stem = stem[:-1]
    return f".{stem}"


def _is_dead(temporary: Path) -> bool:
    """Whether the process that wrote a temporary file no longer runs."""
    tag = temporary.name.partition(".part")[0].rpartition(".")[2]
    machine, dash, rest = tag.partition("-")
    pid = rest.partition("-")[0] if dash else tag  # an early version wrote the pid only
    if not pid.isascii() or not pid.isdigit():
        return False
    running = is_running(int(pid)) if not dash or machine == host() else None
    if running is None or not dash:
        return not running and time.time() - temporary.lstat().st_mtime > MAX_LEFTOVER_AGE_S
    return not running


def write_error(path: Path, error: OSError) -> StoreError:
    """Return the error for a file that the system does not let us write."""
    fault = f"{path}: cannot be written ({error.strerror or error})"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return DiskFullError(f"{fault}; free some space")
    remedy = "write elsewhere (-o FILE, --work DIR)"
    if sys.platform == "win32":
        if len(str(path.absolute().with_name(_temporary_name(path)))) > MAX_WINDOWS_PATH:
            return StoreError(f"{fault}; the path is too long for Windows: {remedy}")
        if isinstance(error, PermissionError):
            remedy = f"close it in other programs, or {remedy}"
    return StoreError(f"{fault}; {remedy}")
