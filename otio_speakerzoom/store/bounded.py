"""Opens files to read them: only regular ones, and none that is larger than such a file can be.

A pipe in the place of a file waits for a writer, a device may never end, and a file of gigabytes
fills the memory before anything can be said about it.
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path
from typing import Any

MAX_DOCUMENT_BYTES = 32 << 20
"""Of JSON and TOML: two hours of shots take 0.4 MB, with moving crops some 2 MB."""


class UnfitFileError(OSError):
    """What is at a path is not a regular file, or too large a one.

    Handled as what the system refuses to read. The fault is worded to follow the file's name;
    `remedy` says what to do.
    """

    def __init__(self, path: Path, fault: str, remedy: str) -> None:
        super().__init__(errno.EINVAL, fault, str(path))
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return UnfitFileError, (Path(self.filename), self.strerror, self.remedy)


def fault_of(error: OSError) -> str:
    """Return why a file cannot be read, to follow its name."""
    if isinstance(error, UnfitFileError):
        return str(error.strerror)
    return f"cannot be read ({error.strerror})"


def open_regular(path: Path, flags: int = os.O_RDONLY) -> FileIO:
    """Open a regular file without buffer; OSError where there is none, or it is something else.

    Nothing but a regular file is ever waited for. A link is followed, unless `flags` forbid it.
    """
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    if not flags & os.O_CREAT:
        _check(path, path.stat().st_mode)  # opening a device can already do something
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    try:
        number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    except BlockingIOError:  # a file server takes back a client's lease on it first
        number = os.open(path, flags, 0o666)
    file = FileIO(number, "r+" if writes else "r")
    try:
        _check(path, os.fstat(number).st_mode)
    except OSError:
        file.close()
        raise
    return file


def read_bytes(path: Path, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Return the bytes of a regular file; OSError where it has more than `max_bytes`."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = read_up_to(file, max_bytes + 1) if size <= max_bytes else b""
    if size > max_bytes or len(content) > max_bytes:  # one that grows has more than it says
        raise UnfitFileError(path, f"is larger than {size_text(max_bytes)}", "check its content")
    return content


def read_text(path: Path, max_bytes: int = MAX_DOCUMENT_BYTES) -> str:
    """Return the text of a regular file in UTF-8, with or without a byte order mark.

    OSError as in `read_bytes`; UnicodeDecodeError where it is not UTF-8.
    """
    return read_bytes(path, max_bytes).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def read_up_to(file: FileIO, max_bytes: int) -> bytes:
    """Return the bytes from where a file stands, `max_bytes` at most."""
    chunks: list[bytes] = []
    while max_bytes > 0 and (chunk := file.read(max_bytes)):
        chunks.append(chunk)
        max_bytes -= len(chunk)
    return b"".join(chunks)


def size_text(count: int) -> str:
    """Return a number of bytes as a person reads it: 64 MiB."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024 or count % 1024:
            return f"{count} {unit}"
        count //= 1024
    return f"{count} GiB"


def _check(path: Path, mode: int) -> None:
    """Raise OSError unless a mode is that of a regular file."""
    if stat.S_ISDIR(mode):
        raise UnfitFileError(path, "is a folder", "move it aside")
    if not stat.S_ISREG(mode):
        raise UnfitFileError(path, "is not a regular file", "move it aside")
