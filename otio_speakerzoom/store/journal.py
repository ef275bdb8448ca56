"""An append-only file of records that a run which is interrupted leaves to the next one.

    speakerzoom.journal/2 INPUT_DIGEST                       a line of text
    of each record: its length as u64, its CRC-32 as u32, then named arrays as in `array_record`

The CRC covers the length too. A process that is killed, or a disk that is full, leaves a torn
record at the end at worst; it is cut off when the file is opened again. Whoever opens a journal
must have the exclusive lock of the work folder.
"""

from __future__ import annotations

import os
import struct
import weakref
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.array_record import pack, unpack
from otio_speakerzoom.store.atomic import write_error
from otio_speakerzoom.store.bounded import open_regular
from otio_speakerzoom.store.files import read_error, schema

T = TypeVar("T")

RECORD_HEADER = struct.Struct("<QI")
"""Length of a record in bytes, and the CRC-32 of that length and of the record."""
CHUNK_BYTES = 1 << 20
"""Read at once while a journal is checked."""
_MAX_HEADER_BYTES = 128  # the schema and a digest have 54
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Journal:
    """The records of one file, in the order in which they were appended.

    Only their positions are in memory; each record is read when it is asked for.
    """

    def __init__(self, path: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal at `path` with the intact records of an earlier run.

        There are none if that run had another input digest, or with `restart`.
        """
        self.path = path
        self._header = f"{schema('journal')} {input_digest}\n".encode()
        self._positions = array("q")
        self._end = len(self._header)  # of the last record
        self._file = self._open(restart)
        weakref.finalize(self, self._file.close)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield all records, each read when it is its turn."""
        return (self.read(n) for n in range(len(self)))

    def append(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Append a record; raise StoreError, and leave the journal as it was, if that fails."""
        pieces = pack(arrays)
        length = struct.pack("<Q", sum(len(piece) for piece in pieces))
        crc = zlib.crc32(length)
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
        try:
            self._file.seek(self._end)
            for piece in (memoryview(length + struct.pack("<I", crc)), *pieces):
                _write_all(self._file, piece)
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise write_error(self.path, error) from error
        self._positions.append(self._end)
        self._end = self._file.tell()

    def read(self, number: int) -> dict[str, NDArray[Any]]:
        """Return the arrays of a record, by its number from 0."""
        try:
            self._file.seek(self._positions[number])
            length, crc = RECORD_HEADER.unpack(self._file.read(RECORD_HEADER.size))
            record = bytearray(length)
            view = memoryview(record)
            while view and (count := self._file.readinto(view)):
                view = view[count:]
            if view or zlib.crc32(record, zlib.crc32(struct.pack("<Q", length))) != crc:
                raise ValueError("is not what was written")
            return unpack(record)
        except OSError as error:
            raise read_error(self.path, error) from error
        except (ValueError, MemoryError, struct.error) as error:
            raise self._changed() from error

    def parse(self, number: int, parser: Callable[[dict[str, NDArray[Any]]], T]) -> T:
        """Return what `parser` makes of a record; StoreError for arrays that it cannot take."""
        record = self.read(number)
        try:
            return parser(record)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise self._changed() from error

    def _changed(self) -> StoreError:
        return StoreError(f"{self.path}: was changed by another program; run again with --force")

    def close(self) -> None:
        """Close the file; what was appended stays for the next run."""
        self._file.close()

    def _open(self, restart: bool) -> FileIO:
        """Open the file and find its records, or start a new one."""
        if not restart:
            with suppress(OSError):
                file = open_regular(self.path, os.O_RDWR | _NO_LINK)
                if file.read(len(self._header)) == self._header:
                    self._find_records(file)
                    file.truncate(self._end)
                    return file
                file.close()
        self._positions, self._end = array("q"), len(self._header)
        try:
            self.path.unlink(missing_ok=True)  # never written through, whatever it links to
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            file = open_regular(self.path, flags | _NO_LINK)
            _write_all(file, memoryview(self._header))
        except OSError as error:
            raise write_error(self.path, error) from error
        return file

    def _find_records(self, file: FileIO) -> None:
        """Find the intact records, up to the first that is not, and where they end."""
        size = os.fstat(file.fileno()).st_size
        while len(header := file.read(RECORD_HEADER.size)) == RECORD_HEADER.size:
            length, crc = RECORD_HEADER.unpack(header)
            end = self._end + RECORD_HEADER.size + length
            if end > size or _checksum(file, length) != crc:
                return
            self._positions.append(self._end)
            self._end = end


def journal_digest(path: Path) -> str:
    """Return the input digest of the journal at `path`; "" where it is none that we can read."""
    try:
        with open_regular(path, os.O_RDONLY | _NO_LINK) as file:
            name, _, input_digest = file.read(_MAX_HEADER_BYTES).partition(b"\n")[0].partition(b" ")
    except OSError:
        return ""
    return input_digest.decode("ascii", "replace") if name == schema("journal").encode() else ""


def _checksum(file: FileIO, length: int) -> int:
    """Return the CRC-32 of a length and of as many bytes of the file, from where it stands."""
    crc = zlib.crc32(struct.pack("<Q", length))
    while length and (chunk := file.read(min(length, CHUNK_BYTES))):
        crc = zlib.crc32(chunk, crc)
        length -= len(chunk)
    return crc


def _write_all(file: FileIO, data: memoryview) -> None:
    """Write all bytes; the system may take them in several parts."""
    while data:
        data = data[file.write(data) :]
