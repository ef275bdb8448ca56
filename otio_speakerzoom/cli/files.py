"""Checks which files a verb would read and write before it runs: no file of a user is overwritten.

The request lists every argument that names a file (`Request.files`), so a new option cannot escape
the check.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from otio_speakerzoom.cli.request import FileArgument, Request
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.errors import SpeakerZoomError

log = logging.getLogger("otio_speakerzoom")

_RESULTS = ".speakerzoom"  # as in store/folder.py, which loads NumPy
_MAX_NAME_BYTES = 255  # of a file name, on every common file system
# names of devices, in any folder and with any suffix; characters with a meaning; what is cut off at
# the end (https://learn.microsoft.com/windows/win32/fileio/naming-a-file)
_NO_NAME_ON_WINDOWS = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(\..*)?"
    r'|.*[<>:"|?*\x00-\x1f].*|.*[. ]',
    re.IGNORECASE | re.DOTALL,
)


def check_files(request: Request) -> None:
    """Raise SpeakerZoomError, in one line, where a file cannot be read or cannot be written."""
    raise_all(
        partial(_check_input, argument, argument.kind)
        for argument in request.files
        if isinstance(argument.kind, Input)
    )
    _check_outputs(request)
    for argument in request.files:
        if isinstance(argument.kind, Folder):
            label = (*argument.flags, argument.name)[0]
            _check_folder(f"{label} {argument.path}", argument.path)


def raise_all(checks: Iterable[Callable[[], None]]) -> None:
    """Run all checks: raise the last SpeakerZoomError of them, after the others are reported."""
    errors = []
    for check in checks:
        try:
            check()
        except SpeakerZoomError as error:
            errors.append(error)
    for error in errors[:-1]:
        log.error("%s", error)
    if errors:
        raise errors[-1]


def _check_outputs(request: Request) -> None:
    """Raise where an output is an input or another output, or cannot be written."""
    inputs = [argument for argument in request.files if isinstance(argument.kind, Input)]
    earlier: list[tuple[str, Path]] = []
    for argument in request.files:
        if not isinstance(argument.kind, Output) or str(argument.path) == "-":
            continue
        flag, path = argument.flags[0], argument.path
        for other in inputs:
            if _same(path, other.path):
                raise SpeakerZoomError(
                    f"{flag} {path}: is {_role(other)} itself; write to another name"
                )
        for other, file in earlier:
            if _same(path, file):
                raise SpeakerZoomError(f"{flag} {path}: is also {other}'s; give each its own name")
        check_output(flag, path)
        earlier.append((flag, path))


def _role(argument: FileArgument) -> str:
    return f"the file of {argument.flags[-1]}" if argument.flags else f"the {argument.name}"


def _check_input(argument: FileArgument, kind: Input) -> None:
    from otio_speakerzoom.store.user_files import check_readable  # NumPy comes with the store

    path = argument.path
    if str(path) in kind.names or (kind.names and not path.exists()):
        return  # a name, right or wrong, which the code that knows the names checks
    if kind.folders and path.is_dir():
        return
    if kind.folder and path.suffix.lower() == kind.folder and path.is_dir():
        return
    check_readable(path, kind.what)
    if argument.name in ("source", "sources"):
        try:
            str(path.absolute()).encode("utf-8")
        except UnicodeEncodeError as error:
            raise SpeakerZoomError(
                f"{path}: the path is not UTF-8, so timelines cannot name it; rename it"
            ) from error


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file, by links of any kind or by their spelling.

    Names that differ only in case or Unicode composition count as one, as on most editors' file
    systems.
    """
    try:
        if one.exists() and other.exists():
            return one.samefile(other)
        return _spelling(one) == _spelling(other)
    except OSError:  # which reading or writing it will report
        return False


def file_keys(path: Path) -> set[object]:
    """Return keys of a file, of which two paths share one if they are one file, as in `_same`."""
    keys: set[object] = {_spelling(path)}
    with suppress(OSError):
        stat = path.stat()
        keys.add((stat.st_dev, stat.st_ino))
    return keys


def _spelling(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def check_output(flag: str, path: Path) -> None:
    """Raise where `path`, which the user set by `flag`, cannot be written or must not be."""
    if len(os.fsencode(path.name)) > _MAX_NAME_BYTES:
        raise SpeakerZoomError(f"{flag} {path}: the name is too long; shorten it")
    _check_name(f"{flag} {path}", path)
    if path.is_dir():
        raise SpeakerZoomError(f"{flag} {path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise SpeakerZoomError(f"{flag} {path}: is not a regular file; name a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise SpeakerZoomError(f"{flag} {path}: is write-protected; write to another name")
    if any(folder.name.endswith(_RESULTS) for folder in path.resolve().parents):
        raise SpeakerZoomError(
            f"{flag} {path}: is in the folder of the results; write to another folder"
        )
    if path.exists() and path.with_name(path.name + _RESULTS).is_dir():
        raise SpeakerZoomError(
            f"{flag} {path}: is a recording with results beside it; write to another name"
        )
    _check_folder(f"{flag} {path}", path.parent)


def _check_name(label: str, path: Path) -> None:
    """Raise where Windows takes the name for a device, or for another name."""
    if sys.platform == "win32" and _NO_NAME_ON_WINDOWS.fullmatch(path.name):
        raise SpeakerZoomError(f"{label}: Windows has no files of that name; choose another")


def _check_folder(label: str, folder: Path) -> None:
    """Raise where `folder` does not exist and cannot be created, or is not writable.

    `label` is the argument as the user wrote it. An existing folder of results may be read-only.
    """
    if folder.name != "..":
        _check_name(label, folder)
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise SpeakerZoomError(f"{label}: {nearest} is a file, not a folder; choose another")
    if nearest == folder and label.startswith("--work "):
        return
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SpeakerZoomError(f"{label}: {nearest} is not writable; choose another folder")
