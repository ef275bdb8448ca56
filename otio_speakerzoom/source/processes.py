"""Starts processes of our own, which load no module of the working folder."""

from __future__ import annotations

import os
import threading
from multiprocessing.context import SpawnProcess

_starting = threading.Lock()
VARIABLE = "PYTHONSAFEPATH"


def start_process(process: SpawnProcess) -> None:
    """Start a process, and the helpers of `multiprocessing` that it needs.

    Each runs `python -c`, which would load a `multiprocessing.py` from the working folder, where
    footage of somebody else may be. The variable is set while they start only: another program that
    we start may rely on its scripts finding their own folder.
    """
    with _starting:
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = "1"
        try:
            process.start()
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
