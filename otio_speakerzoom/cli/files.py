"""What a verb would read and write, checked before it runs: nothing of a user's is written over.

The parser lists the arguments that name files (`arguments.files`), so a new option cannot forget
to be checked.
"""

from __future__ import annotations

import argparse
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.errors import SpeakerZoomError

_RESULTS = ".speakerzoom"  # as in store/folder.py, which loads NumPy
_LONGEST = 255  # bytes of a file's name, on every common file system


def check_files(arguments: argparse.Namespace) -> None:
    """Raise SpeakerZoomError, in one line, where a file cannot be read, or cannot be written."""
    inputs = list(_named(arguments, Input))
    for action, path in inputs:
        _check_input(action, path)
    earlier: list[tuple[str, Path]] = []
    for action, path in _named(arguments, Output):
        flag = action.option_strings[0]
        if str(path) == "-":
            continue
        for other, file in inputs:
            if _same(path, file):
                raise SpeakerZoomError(
                    f"{flag} {path}: is {_role(other)} itself; write to another name"
                )
        for other, file in earlier:
            if _same(path, file):
                raise SpeakerZoomError(f"{flag} {path}: is also {other}'s; give each its own name")
        _check_output(flag, path)
        earlier.append((flag, path))
    for action, path in _named(arguments, Folder):
        _check_folder(f"{(*action.option_strings, action.dest)[0]} {path}", path)


def _named(arguments: argparse.Namespace, kind: type) -> Iterator[tuple[argparse.Action, Path]]:
    for action in arguments.files:
        path = getattr(arguments, action.dest)
        if isinstance(action.type, kind) and path is not None:
            yield action, path


def _role(action: argparse.Action) -> str:
    return (
        f"the file of {action.option_strings[-1]}"
        if action.option_strings
        else f"the {action.dest}"
    )


def _check_input(action: argparse.Action, path: Path) -> None:
    kind = action.type
    assert isinstance(kind, Input)
    if str(path) in kind.names or (kind.names and not path.exists()):
        return  # a name, right or wrong: whoever knows the names tells
    if kind.folder and path.suffix.lower() == kind.folder and path.is_dir():
        return
    from otio_speakerzoom.store.user_files import check_readable  # NumPy comes with the store

    check_readable(path, kind.what)
    if action.dest == "source":
        try:
            str(path.absolute()).encode("utf-8")
        except UnicodeEncodeError as error:
            raise SpeakerZoomError(
                f"{path}: its name or its folder's is not UTF-8, and timelines name it; rename it"
            ) from error


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file: by links of any kind, or as spelled.

    Names that differ in case or composition only count as one, as on most editors' file systems.
    """
    try:
        if one.exists() and other.exists():
            return one.samefile(other)
        return _spelled(one) == _spelled(other)
    except OSError:  # which reading or writing it tells
        return False


def _spelled(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _check_output(flag: str, path: Path) -> None:
    if len(os.fsencode(path.name)) > _LONGEST:
        raise SpeakerZoomError(f"{flag} {path}: the name is too long; shorten it")
    if path.is_dir():
        raise SpeakerZoomError(f"{flag} {path}: is a folder; name a file in it")
    if path.exists() and not path.is_file():
        raise SpeakerZoomError(f"{flag} {path}: is no regular file; name a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise SpeakerZoomError(f"{flag} {path}: is write-protected; write to another name")
    if any(folder.name.endswith(_RESULTS) for folder in path.resolve().parents):
        raise SpeakerZoomError(
            f"{flag} {path}: lies where the results are kept; write to another folder"
        )
    if path.exists() and path.with_name(path.name + _RESULTS).is_dir():
        raise SpeakerZoomError(
            f"{flag} {path}: is a recording too, whose results lie beside it; write to another name"
        )
    _check_folder(f"{flag} {path}", path.parent)


def _check_folder(label: str, folder: Path) -> None:
    """Raise where `folder` is not there and cannot be made, or not be written into.

    `label` is what the user asked for. A folder of results that is there may only be looked at.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise SpeakerZoomError(f"{label}: {there} is a file, not a folder; choose another")
    if there == folder and label.startswith("--work "):
        return
    if not os.access(there, os.W_OK | os.X_OK):
        raise SpeakerZoomError(f"{label}: {there} may not be written into; choose another folder")
