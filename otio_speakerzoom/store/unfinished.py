"""unfinished/ in a work folder: what a run has computed of results that are not complete yet.

Whoever uses it must have the exclusive lock of the work folder. An interrupted run leaves the
journals there, and the next one goes on from them; every other verb ignores the folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from otio_speakerzoom.store.atomic import write_error
from otio_speakerzoom.store.files import digest
from otio_speakerzoom.store.journal import Journal, journal_digest

NAME = "unfinished"
SUFFIX = ".journal"


def open_journal(folder: Path, name: str, input_digest: str, *, restart: bool = False) -> Journal:
    """Open `unfinished/NAME.journal` in a work folder.

    It has the records of an interrupted run with the same input digest, unless `restart`. Those of
    another release do not count: how it divides its work may differ.
    """
    path = _create(folder) / f"{name}{SUFFIX}"
    return Journal(path, _journal_digest(name, input_digest), restart=restart)


def unnamed_file(folder: Path) -> IO[bytes]:
    """Return a new file in `unfinished/` to write and read.

    It has no name, so nothing is left of it once it is closed or the program ends, however that
    happens.
    """
    path = _create(folder)
    try:
        return tempfile.TemporaryFile(dir=path)
    except OSError as error:
        raise write_error(path, error) from error


def has_unfinished(folder: Path) -> bool:
    """Whether a run has left something in a work folder."""
    return (folder / NAME).is_dir()


def remove_unfinished(folder: Path, saved: Collection[str] | None = None) -> None:
    """Remove the journals of a work folder, once their results are saved, and `unfinished/`.

    With `saved`, the input digests of the saved results, only the journals of these: a run with
    other options may go on from the others. Files that are not ours stay.
    """
    path = folder / NAME
    with suppress(OSError):
        if not path.is_symlink():
            for journal in path.glob(f"*{SUFFIX}"):
                name = journal.name.removesuffix(SUFFIX)
                digests = None if saved is None else {_journal_digest(name, each) for each in saved}
                if digests is None or journal_digest(journal) in digests:
                    journal.unlink()
            path.rmdir()


def _journal_digest(name: str, input_digest: str) -> str:
    return digest(name, _release(), input_digest)


def _release() -> str:
    """Return the version of this program; "" in a checkout that is not installed."""
    try:
        return version("otio-speakerzoom")
    except PackageNotFoundError:
        return ""


def _create(folder: Path) -> Path:
    """Return the path of `unfinished/`, a folder and no link."""
    path = folder / NAME
    try:
        if path.is_symlink():
            path.unlink()
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    return path
