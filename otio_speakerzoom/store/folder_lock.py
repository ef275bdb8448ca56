"""Lets one process at a time work in a folder; the next one waits, with a message."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.atomic import remove_leftovers

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 0.05
"""Between two tries to get the lock; the page edits several times a second."""


@contextmanager
def exclusive_lock(folder: Path, timeout_s: float | None = None) -> Iterator[None]:
    """Lock `folder` against other processes; create it if need be, and remove leftovers in it.

    The system releases the lock of a process that dies, so an old `.lock` blocks nobody. Whoever
    cannot have it within `timeout_s` gets a StoreError; None waits as long as it takes.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / ".lock"
        if file.is_symlink():  # opening would empty the file that it points to
            file.unlink()
        lock = FileLock(file, mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if timeout_s is None:
                log.info("%s: another speakerzoom is working there; waiting for it", folder)
            _wait_for(lock, folder, timeout_s)
    except NotImplementedError:  # a file system without locks: go on without one
        yield
        return
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written ({error.strerror or error}); "
            "check its permissions, or save the results elsewhere (--work DIR)"
        ) from error
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


def _wait_for(lock: FileLock, folder: Path, timeout_s: float | None) -> None:
    try:
        lock.acquire(timeout=-1 if timeout_s is None else timeout_s, poll_interval=POLL_INTERVAL_S)
    except Timeout as error:
        raise StoreError(
            f"{folder}: another speakerzoom is working there; try again when it is done"
        ) from error
