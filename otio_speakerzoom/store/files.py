"""Files that are whole or not there, and say what they were made from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from otio_speakerzoom.errors import StoreError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What a file held."""

    value: T
    made_from: str
    """Digest of the stage, options and inputs it was made from."""
    edited: bool = False
    """Whether somebody changed it since we wrote it (JSON only)."""


def digest(*parts: object) -> str:
    """Return a digest of JSON-able parts: a stage's name and version, options, input digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place only if all goes well."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        remedy = "free some space" if full else "write elsewhere (-o FILE, --work DIR)"
        raise StoreError(f"{path}: cannot be written ({error.strerror}); {remedy}") from error
    finally:
        with suppress(OSError):  # the folder itself may be what is wrong
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, kind: str, made_from: str, content: dict[str, object]) -> None:
    """Write a document of that kind, with its schema and what it was made from before it."""
    head = {
        "schema": f"speakerzoom.{kind}/1",
        "made_from": {"inputs": made_from, "as_written": digest(content)},
    }
    write_text(path, _pretty({**head, **content}))


def _pretty(document: dict[str, object]) -> str:
    """Return JSON with one shot or person a line, so that hand edits and diffs stay readable."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_json(path: Path, kind: str) -> Kept[dict[str, Any]] | None:
    """Return the document of that kind in `path`; None where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); delete it to start over") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{path}: line {error.lineno} is not JSON ({error.msg}); mend it, or delete the file"
        ) from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: is not a speakerzoom file; delete it to start over")
    _check_schema(path, kind, content.pop("schema", None))
    made_from = content.pop("made_from", None)
    made_from = made_from if isinstance(made_from, dict) else {}
    edited = made_from.get("as_written") != digest(content)
    return Kept(content, str(made_from.get("inputs", "")), edited)


def _check_schema(path: Path, kind: str, schema: object) -> None:
    if schema == f"speakerzoom.{kind}/1":
        return
    if isinstance(schema, str) and schema.startswith(f"speakerzoom.{kind}/"):
        raise StoreError(f"{path}: is {schema}, from a newer speakerzoom; update, or delete it")
    raise StoreError(f"{path}: is no {kind} of speakerzoom; move it away, or delete it")


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Turn what a wrong value does to our records into one line that names the file."""
    try:
        yield
    except KeyError as error:
        raise StoreError(f"{path}: {error} is missing; mend it, or delete the file") from error
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise StoreError(f"{path}: {error}; mend it, or delete the file") from error


def write_arrays(path: Path, kind: str, made_from: str, arrays: dict[str, Any]) -> None:
    """Write arrays of that kind, with their schema and what they were made from."""
    head = {"schema": np.array(f"speakerzoom.{kind}/1"), "made_from": np.array(made_from)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **head, **arrays)


def read_arrays(path: Path, kind: str) -> Kept[dict[str, Any]] | None:
    """Return the arrays of that kind in `path`; None where there is no such file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path}: is damaged; delete it, and it is made again") from error
    _check_schema(path, kind, str(arrays.pop("schema", None)))
    return Kept(arrays, str(arrays.pop("made_from", "")))
