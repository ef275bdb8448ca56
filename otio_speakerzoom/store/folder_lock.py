"""One process at a time works in a folder; the next one waits, and says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.atomic import remove_leftovers

log = logging.getLogger(__name__)

OFTEN = 0.2
"""Seconds between two looks whether the other process is done."""


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Work alone in `folder`, which is created if need be; what dead runs left in it is removed.

    The system takes the lock from a process that dies, so an old `.lock` stops nobody.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", mode=0o666)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("%s: another speakerzoom works there; waiting for it", folder)
            lock.acquire(poll_interval=OFTEN)
    except NotImplementedError:  # a file system without locks: as good as before
        yield
        return
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written ({error.strerror or error}); "
            "check its permissions, or keep the results elsewhere (--work DIR)"
        ) from error
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()
