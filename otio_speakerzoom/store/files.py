"""JSON documents that people may edit, and what every file of a work folder has in common.

A document begins with a header: its schema, the digest of the inputs that the result was computed
from, and the digest of the content as we wrote it, which shows whether somebody edited the file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store import version_1
from otio_speakerzoom.store.atomic import atomic_write, write_text
from otio_speakerzoom.store.bounded import (
    MAX_DOCUMENT_BYTES,
    UnfitFileError,
    open_regular,
    read_bytes,
    size_text,
)
from otio_speakerzoom.store.json_values import parse_json

T = TypeVar("T")

VERSION = 2
"""Of every schema: `speakerzoom.people/2`."""

MOVE_ASIDE = "or move the file aside"
"""What to do with a file that somebody may have worked on: this loses nothing."""


@dataclass(frozen=True, slots=True)
class Cached(Generic[T]):
    """The content of a file."""

    value: T
    input_digest: str
    """Digest of the stage's version, options and inputs."""
    edited: bool = False
    """Whether somebody changed the file since we wrote it (JSON only)."""
    provenance: dict[str, str] = field(default_factory=dict)
    """More about the inputs: digests and folders by name."""


class ConcurrentChangeError(StoreError):
    """Another program changed a file between our reading and our writing it."""


def digest(*parts: object) -> str:
    """Return a digest of JSON-able parts: a stage's name and version, options, input digests."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """Return a digest of a file's bytes, to detect changes later; "" where there is no file."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        if is_missing(path, error):
            return ""
        raise read_error(path, error) from error


def text_digest(text: str) -> str:
    """Return the `file_digest` of a file with that text."""
    return hashlib.sha256(text.encode()).hexdigest()


def back_up(path: Path) -> Path:
    """Copy an edited file to `NAME.bak-1`, or to the next free number; return the copy.

    Where the latest copy is the same, that one counts: a run that was interrupted has made it.
    """
    n, latest = 1, path
    while (copy := path.with_name(f"{path.name}.bak-{n}")).exists():
        n, latest = n + 1, copy
    if latest != path and latest.is_file() and file_digest(latest) == file_digest(path):
        return latest
    try:
        original = open_regular(path)
    except OSError as error:
        raise read_error(path, error) from error
    with original, atomic_write(copy) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(original, file)
    return copy


def write_json(
    path: Path,
    kind: str,
    input_digest: str,
    content: dict[str, object],
    *,
    provenance: dict[str, str] | None = None,
    expected_digest: str | None = None,
) -> None:
    """Write a document of that kind with its header.

    With `expected_digest` the file must still have that `file_digest`.
    """
    text = json_text(kind, input_digest, content, provenance=provenance)
    if expected_digest is not None and file_digest(path) != expected_digest:
        raise ConcurrentChangeError(
            f"{path}: another program changed it just before it was to be written; it was left "
            "unchanged: run again"
        )
    write_text(path, text)


def json_text(
    kind: str,
    input_digest: str,
    content: dict[str, object],
    *,
    provenance: dict[str, str] | None = None,
    last_written: str | None = None,
) -> str:
    """Return the text of a document of that kind with its header.

    `last_written` is the digest of the content as we last wrote it, where it counts as edited.
    """
    header: dict[str, object] = {
        "schema": schema(kind),
        "input_digest": input_digest,
        "content_digest": digest(content) if last_written is None else last_written,
    }
    if provenance:
        header["provenance"] = provenance
    text = _format({**header, **content})
    if len(text.encode()) > MAX_DOCUMENT_BYTES:  # what nothing reads again is not written
        raise StoreError(
            f"{kind}.json: would be larger than {size_text(MAX_DOCUMENT_BYTES)}, which is the most "
            "that is read; work on parts (--in, --out)"
        )
    return text


def _format(document: dict[str, object]) -> str:
    """Return JSON with one shot or person per line, which keeps hand edits and diffs readable."""
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"    {_format_row(row)}" for row in value)
            lines.append(f"  {json.dumps(key)}: [\n{rows}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {_format_row(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _format_row(value: object) -> str:
    """Return JSON without escapes, or with them where a file name is not UTF-8."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def read_json(path: Path, kind: str) -> Cached[dict[str, Any]] | None:
    """Return the document of that kind in `path`, of this version or of version 1; None if absent.

    Keys of version 1 have their names of this version in the result, also where somebody pasted a
    row of a backup into a newer document. The file stays as it is.
    """
    content = _parse(path)
    if content is None:
        return None
    if check_schema(path, kind, content.pop("schema", None)) == 1:
        input_digest, content_digest, provenance = version_1.pop_header(content)
    else:
        input_digest = content.pop("input_digest", "")
        content_digest = content.pop("content_digest", None)
        provenance = version_1.texts(content.pop("provenance", None))
    edited = content_digest != digest(content)
    with report_faults(path):
        content = version_1.upgrade(kind, content)
    return Cached(
        content, input_digest if isinstance(input_digest, str) else "", edited, provenance
    )


def content_digest(path: Path) -> str:
    """Return the digest of the content of a document as we last wrote it; "" if it has none."""
    written = (_parse(path) or {}).get("content_digest", "")
    return written if isinstance(written, str) else ""


def _parse(path: Path) -> dict[str, Any] | None:
    """Return the object in a file of JSON; None where there is no such file."""
    try:
        document = parse_json(read_bytes(path))
    except OSError as error:
        if is_missing(path, error):
            return None
        raise read_error(path, error) from error
    except ValueError as error:
        raise StoreError(f"{path}: {error}; correct it, {MOVE_ASIDE}") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path}: is not a speakerzoom file; move it aside")
    return document


def is_missing(path: Path, error: OSError) -> bool:
    """Whether an error of reading says that there is no file, nor a link to one that is away."""
    return isinstance(error, FileNotFoundError) and not path.is_symlink()


def read_error(path: Path, error: OSError) -> StoreError:
    """Return the error for a file that we cannot read, or that is none, or a link to nothing."""
    if isinstance(error, UnfitFileError):
        return StoreError(f"{path}: {error.strerror}; {error.remedy}")
    if isinstance(error, FileNotFoundError):
        return StoreError(
            f"{path}: is a link to a file that is not there; put that back, or move the link aside"
        )
    return StoreError(f"{path}: cannot be read ({error.strerror}); check its permissions")


def schema(kind: str) -> str:
    """Return the schema that this version writes."""
    return f"speakerzoom.{kind}/{VERSION}"


def check_schema(path: Path, kind: str, written: object) -> int:
    """Return the version of a schema that we can read; raise for any other."""
    if written == schema(kind):
        return VERSION
    if written == f"speakerzoom.{kind}/1":
        return 1
    if isinstance(written, str) and written.startswith(f"speakerzoom.{kind}/"):
        raise StoreError(
            f"{path}: is {written}, from a newer speakerzoom; update speakerzoom, {MOVE_ASIDE}"
        )
    raise StoreError(f"{path}: holds no {kind} of speakerzoom; move it aside")


@contextmanager
def report_faults(path: Path, remedy: str = f"correct it, {MOVE_ASIDE}") -> Iterator[None]:
    """Turn the errors that wrong values raise into one line that names the file."""
    try:
        yield
    except KeyError as error:
        raise StoreError(f"{path}: {error} is missing; {remedy}") from error
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise StoreError(f"{path}: {error}; {remedy}") from error
