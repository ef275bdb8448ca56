"""A growing array of rows that moves to disk once it is long, so memory does not grow with it."""

from __future__ import annotations

import tempfile
import threading
import weakref

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError

MAX_MEMORY_BYTES = 8 << 20
"""After this the rows move to a temporary file: four minutes of one face for LR-ASD."""


class RowBuffer:
    """A (n, width) float32 array that only grows at its end, on disk once it is long.

    The file has no name, so nothing stays behind however the program ends; it is closed with the
    object. One thread may read it while another one adds to it.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._rows = 0
        self._lock = threading.Lock()
        self._file = tempfile.SpooledTemporaryFile(max_size=MAX_MEMORY_BYTES)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: NDArray[np.float32]) -> None:
        """Append (n, width) `rows`."""
        if rows.shape[1:] != (self.width,):
            raise ValueError(f"need (n, {self.width}) rows, got {rows.shape}")
        try:
            with self._lock:
                self._file.seek(0, 2)
                self._file.write(np.ascontiguousarray(rows, np.float32).tobytes())
        except OSError as error:
            raise ToolError(
                f"{tempfile.gettempdir()}: cannot store intermediate scores ({error.strerror}); "
                "free some space, or set TMPDIR to a folder on a larger disk"
            ) from error
        self._rows += len(rows)

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Return rows `start` up to `end`, as far as there are any."""
        start, end = max(0, start), min(end, self._rows)
        count = 4 * self.width * max(0, end - start)
        with self._lock:
            self._file.seek(4 * self.width * start)
            read = self._file.read(count)
        return np.frombuffer(read, np.float32).reshape(-1, self.width)
