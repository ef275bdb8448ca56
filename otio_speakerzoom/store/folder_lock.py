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

POLL_INTERVAL_S = 0.2
"""Between two tries to get the lock."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock `folder` against other processes; create it if need be, and remove leftovers in it.

    The system releases the lock of a process that dies, so an old `.lock` blocks nobody.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("%s: another speakerzoom is working there; waiting for it", folder)
            lock.acquire(poll_interval=POLL_INTERVAL_S)
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
