"""edits.jsonl: what was done to a cut by hand, undone and redone; lines are only appended.

    {"schema": "speakerzoom.edits/2", "source": DIGEST}
    {"do": 1, "time": "2026-05-04T10:31:07+00:00", "operations": [...], "changes": {...}}
    {"finished": 1}
    {"undo": 1, "time": ...}      {"redo": 1, "time": ...}

A line is on the disk before the files change, and `finished` follows once all of them have: so
that whoever opens the folder after a crash can tell what is still to be written. A torn last line
does not count, and is cut off by the next append.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from threading import RLock
from typing import Any

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.atomic import sync_folder, write_error
from otio_speakerzoom.store.bounded import MAX_DOCUMENT_BYTES, open_regular, size_text
from otio_speakerzoom.store.fields import Field
from otio_speakerzoom.store.files import (
    MOVE_ASIDE,
    back_up,
    check_schema,
    is_missing,
    read_error,
    schema,
)
from otio_speakerzoom.store.json_values import parse_json

MAX_LINE_BYTES = MAX_DOCUMENT_BYTES
"""Of one edit: a style applied to two hours takes 1 MB."""
MAX_BYTES = 1 << 30
"""Of the file: a thousand such edits. They are read line by line."""

VERBS = ("do", "undo", "redo", "finished")


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: what was done with which edit."""

    verb: str
    """do, undo, redo or finished"""
    edit: int
    """Number of the edit, from 1."""
    operations: tuple[dict[str, Any], ...]
    """As they were requested (do only)."""
    offset: int
    """Where the line begins in the file, in bytes."""


class EditJournal:
    """The lines of one file. What an edit changed is read only when it is asked for."""

    def __init__(self, folder: Path, source_digest: str) -> None:
        self.path = folder / "edits.jsonl"
        self._source_digest = source_digest
        self._lines: list[JournalLine] = []
        self._end = 0  # in bytes, of the last whole line
        self._inode = 0
        self._lock = RLock()

    def is_of(self, folder: Path, source_digest: str) -> bool:
        """Whether this is the journal of a source in a folder."""
        return (self.path.parent, self._source_digest) == (folder, source_digest)

    def lines(self) -> list[JournalLine]:
        """Return all lines; only what was appended since the last call is read.

        There are none if the file is of another source. StoreError for a line that is damaged.
        """
        with self._lock:
            self._read_new()
            return list(self._lines)

    def _read_new(self) -> None:
        try:
            with BufferedReader(open_regular(self.path)) as file:
                status = os.fstat(file.fileno())
                if status.st_size < self._end or status.st_ino != self._inode:
                    self._lines, self._end, self._inode = [], 0, status.st_ino
                file.seek(self._end)
                self._parse(file)
        except OSError as error:
            if is_missing(self.path, error):
                self._lines, self._end = [], 0
                return
            raise read_error(self.path, error) from error

    def read(self, line: JournalLine) -> dict[str, Any]:
        """Return all of a line, as it was appended."""
        try:
            with BufferedReader(open_regular(self.path)) as file:
                file.seek(line.offset)
                return dict(parse_json(file.readline(MAX_LINE_BYTES + 1)))
        except OSError as error:
            raise read_error(self.path, error) from error
        except (ValueError, TypeError) as error:
            raise self._damaged(self.lines().index(line) + 2) from error

    @contextmanager
    def reporting_faults(self) -> Iterator[None]:
        """Turn the errors that wrong values in an edit raise into one line."""
        try:
            yield
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            raise StoreError(
                f"{self.path}: an edit in it is damaged, so nothing can be undone; correct it, "
                f"{MOVE_ASIDE}"
            ) from error

    def append(self, line: dict[str, Any]) -> None:
        """Append a line; raise StoreError, and leave the file as it was, if that fails.

        It survives a power cut after the return, but for `finished`: the next reader finds out
        that again. Whoever appends must have the exclusive lock of the folder.
        """
        with self._lock:
            self._read_new()
            self._append(line)

    def _append(self, line: dict[str, Any]) -> None:
        if not self._end and self.path.exists():  # of another source, or nothing but a torn line
            back_up(self.path)
            self.path.unlink()
        header = {"schema": schema("edits"), "source": self._source_digest}
        rows = [line] if self._end else [header, line]
        data = b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)
        if len(data) > MAX_LINE_BYTES:
            raise StoreError(
                f"{self.path}: an edit of more than {size_text(MAX_LINE_BYTES)} does not fit in "
                "it; edit fewer shots at once"
            )
        if self._end + len(data) > MAX_BYTES:
            raise StoreError(
                f"{self.path}: is full, with {size_text(MAX_BYTES)}; move it aside: what it did "
                "to the cut stays, but can no longer be undone"
            )
        try:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            file = open_regular(self.path, flags)
        except OSError as error:
            raise write_error(self.path, error) from error
        with file:
            try:
                file.truncate(self._end)
                file.seek(self._end)
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
                if "finished" not in line:
                    os.fsync(file.fileno())
            except OSError as error:
                with suppress(OSError):
                    file.truncate(self._end)
                raise write_error(self.path, error) from error
        if not self._end:
            sync_folder(self.path.parent)

    def _parse(self, file: BufferedReader[FileIO]) -> None:
        """Add the whole lines from where a file stands; what follows the last newline is torn."""
        while (text := file.readline(MAX_LINE_BYTES + 1)).endswith(b"\n"):
            try:
                row = parse_json(text)
                line = self._line(row) if self._end else None
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                if not file.readline(MAX_LINE_BYTES + 1).endswith(b"\n"):
                    return  # torn, by a disk that lost power
                raise self._damaged(len(self._lines) + 2) from error
            if line:
                self._lines.append(line)
            elif not self._is_ours(row):
                return
            self._end += len(text)
        if len(text) > MAX_LINE_BYTES:
            raise self._damaged(len(self._lines) + 2)

    def _line(self, row: dict[str, Any]) -> JournalLine:
        verb = next((name for name in VERBS if name in row), "")
        line = Field(row)
        operations = tuple(operation.object() for operation in line.rows_at("operations"))
        return JournalLine(verb, line.at(verb).integer(1), operations, self._end)

    def _is_ours(self, header: object) -> bool:
        if not isinstance(header, dict):
            raise self._damaged(1)
        check_schema(self.path, "edits", header.get("schema"))
        return header.get("source") == self._source_digest

    def _damaged(self, number: int) -> StoreError:
        return StoreError(
            f"{self.path}: line {number} is damaged, so nothing can be undone; correct it, "
            f"{MOVE_ASIDE}"
        )
