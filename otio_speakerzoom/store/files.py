"""Files that say what they were made from: JSON for people, npz for arrays."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.atomic import atomic_write, write_text

T = TypeVar("T")

ASIDE = "or move the file aside"
"""What to do with a file that somebody may have worked on: nothing is lost by it."""


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """What a file held."""

    value: T
    input_digest: str
    """Digest of the stage, options and inputs it was made from."""
    edited: bool = False
    """Whether somebody changed it since we wrote it (JSON only)."""
    notes: dict[str, str] = field(default_factory=dict)
    """What else it says of what it was made from."""


class ConcurrentChangeError(StoreError):
    """A file was changed by somebody else between our reading and our writing it."""


def digest(*parts: object) -> str:
    """Return a digest of JSON-able parts: a stage's name and version, options, input digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """Return a digest of a file's bytes, to see later whether somebody changed it; "" for none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _cannot_read(path, error) from error


def back_up(path: Path) -> Path:
    """Copy a file that somebody edited to `NAME.bak-1`, or the next number that is free."""
    n = 1
    while (copy := path.with_name(f"{path.name}.bak-{n}")).exists():
        n += 1
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _cannot_read(path, error) from error
    with atomic_write(copy) as temporary:
        temporary.write_bytes(content)
    return copy


def write_json(
    path: Path,
    kind: str,
    input_digest: str,
    content: dict[str, object],
    *,
    notes: dict[str, str] | None = None,
    version: str | None = None,
) -> None:
    """Write a document of that kind, with its schema and what it was made from before it.

    With `version` the file must still be the one that `file_digest` was asked about.
    """
    head = {
        "schema": f"speakerzoom.{kind}/1",
        "made_from": {"inputs": input_digest, "as_written": digest(content), **(notes or {})},
    }
    text = _pretty({**head, **content})
    if version is not None and file_digest(path) != version:
        raise ConcurrentChangeError(
            f"{path}: was changed by another program just before it was to be written; it was "
            "left unchanged: run again"
        )
    write_text(path, text)


def _pretty(document: dict[str, object]) -> str:
    """Return JSON with one shot or person a line, so that hand edits and diffs stay readable."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"    {_json(row)}" for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {_json(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: object) -> str:
    """Return JSON as people read it; escaped where a file's name is not UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def read_json(path: Path, kind: str) -> Cached[dict[str, Any]] | None:
    """Return the document of that kind in `path`; None where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot_read(path, error) from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: is not UTF-8 text; save it as UTF-8, {ASIDE}") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path}: line {error.lineno} is not JSON ({error.msg}); correct it, {ASIDE}"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of a million digits, endless nesting
        raise StoreError(f"{path}: cannot be understood ({error}); correct it, {ASIDE}") from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: is not a speakerzoom file; move it aside")
    _check_schema(path, kind, content.pop("schema", None))
    head = content.pop("made_from", None)
    head = head if isinstance(head, dict) else {}
    notes = {key: value for key, value in head.items() if isinstance(value, str)}
    edited = notes.pop("as_written", None) != digest(content)
    return Cached(content, notes.pop("inputs", ""), edited, notes)


def _cannot_read(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be read ({error.strerror}); check its permissions")


def _check_schema(path: Path, kind: str, schema: object) -> None:
    if schema == f"speakerzoom.{kind}/1":
        return
    if isinstance(schema, str) and schema.startswith(f"speakerzoom.{kind}/"):
        raise StoreError(
            f"{path}: is {schema}, from a newer speakerzoom; update speakerzoom, {ASIDE}"
        )
    raise StoreError(f"{path}: is no {kind} of speakerzoom; move it aside")


@contextmanager
def report_faults(path: Path) -> Iterator[None]:
    """Turn what a wrong value does to our records into one line that names the file."""
    try:
        yield
    except KeyError as error:
        raise StoreError(f"{path}: {error} is missing; correct it, {ASIDE}") from error
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise StoreError(f"{path}: {error}; correct it, {ASIDE}") from error


def write_arrays(path: Path, kind: str, input_digest: str, arrays: dict[str, Any]) -> None:
    """Write arrays of numbers of that kind, with their schema and what they were made from.

    Objects would be pickled, and never read again: TypeError. NumPy's own `allow_pickle` cannot
    tell: before 2.2 it does not know the option and keeps it as one more array.
    """
    head = {"schema": np.array(f"speakerzoom.{kind}/1"), "made_from": np.array(input_digest)}
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)}: only arrays of numbers are kept")
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **head, **arrays)


def read_arrays(path: Path, kind: str) -> Cached[dict[str, Any]] | None:
    """Return the arrays of that kind in `path`; None where there is no such file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno:
            raise _cannot_read(path, error) from error
        raise _damaged(path) from error
    except (ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise _damaged(path) from error
    except (NotImplementedError, RuntimeError, zlib.error) as error:  # of zipfile
        raise _damaged(path) from error
    _check_schema(path, kind, str(arrays.pop("schema", None)))
    return Cached(arrays, str(arrays.pop("made_from", "")))


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path}: is damaged; move it aside, and it is made again")
