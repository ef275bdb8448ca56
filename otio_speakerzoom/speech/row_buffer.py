"""A growing array of rows that moves to disk once it is long, so memory does not grow with it."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Callable
from io import BytesIO
from typing import IO

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError

MAX_MEMORY_BYTES = 8 << 20
"""After this the rows move to a file: four minutes of one face for LR-ASD."""

FileSource = Callable[[], IO[bytes]]
"""Opens a new file without a name, to write and read: nothing stays behind when it is closed."""


def temporary_file() -> IO[bytes]:
    """Open a file in the system's folder for temporary files."""
    return tempfile.TemporaryFile()


class RowBuffer:
    """A (n, width) float32 array that only grows at its end, in a file once it is long.

    The file is closed with the object. One thread may read it while another one adds to it.
    """

    def __init__(self, width: int, new_file: FileSource = temporary_file) -> None:
        self.width = width
        self._new_file = new_file
        self._rows = 0
        self._lock = threading.Lock()
        self._file: IO[bytes] = BytesIO()

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: NDArray[np.float32]) -> None:
        """Append (n, width) `rows`."""
        if rows.shape[1:] != (self.width,):
            raise ValueError(f"need (n, {self.width}) rows, got {rows.shape}")
        try:
            with self._lock:
                self._append(np.ascontiguousarray(rows, np.float32).tobytes())
        except OSError as error:
            raise ToolError(self._message(error)) from error
        self._rows += len(rows)

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Return rows `start` up to `end`, as far as there are any."""
        start, end = max(0, start), min(end, self._rows)
        count = 4 * self.width * max(0, end - start)
        with self._lock:
            self._file.seek(4 * self.width * start)
            data = self._file.read(count)
        return np.frombuffer(data, np.float32).reshape(-1, self.width)

    def _append(self, data: bytes) -> None:
        size = 4 * self.width * self._rows
        if isinstance(self._file, BytesIO) and size + len(data) > MAX_MEMORY_BYTES:
            rows = self._file.getbuffer()
            self._file = self._new_file()
            weakref.finalize(self, self._file.close)
            self._file.write(rows)
        self._file.seek(size)
        self._file.write(data)

    def _message(self, error: OSError) -> str:
        """What the user can do about a file that cannot be written."""
        reason = f"cannot store intermediate scores ({error.strerror})"
        if self._new_file is not temporary_file:
            return f"{reason}; free some space on the disk of the work folder"
        advice = "free some space, or set TMPDIR to a folder on a larger disk"
        return f"{tempfile.gettempdir()}: {reason}; {advice}"
