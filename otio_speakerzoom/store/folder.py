"""Finds the work folder of a source by its name and its content.

The folder is named after the source, suffix included, so that a recording and its remux have one
each. media.json in it identifies the source by a digest of its content: two recordings of one name
get separate folders in one `--work`, and a renamed recording finds its results again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.store import version_1
from otio_speakerzoom.store.atomic import MAX_NAME_BYTES
from otio_speakerzoom.store.bounded import open_regular, read_bytes, read_up_to
from otio_speakerzoom.store.files import digest
from otio_speakerzoom.store.folder_lock import exclusive_lock
from otio_speakerzoom.store.json_values import parse_json

SUFFIX = ".speakerzoom"

_OLD_MEDIA_VERSIONS = (1, 2)
"""Versions of the media stage whose media.json lacks the source's digest: it is only in the input
digest."""


def source_digest(path: Path) -> str:
    """Return a digest of a source from its size and its first and last MiB.

    Recordings run to many gigabytes: hashing all of one would take longer than opening it, and
    two takes never share both their head and their tail.
    """
    try:
        size, edge = path.stat().st_size, 1 << 20
        with open_regular(path) as file:
            head = read_up_to(file, edge)
            file.seek(max(0, size - edge))
            return digest(size, hashlib.sha256(head + read_up_to(file, edge)).hexdigest())
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be read ({error.strerror}); check that it is there and its permissions"
        ) from error


def check_unchanged(source: Path, content: str, result: str) -> None:
    """Raise MediaError if a source has another digest than `content`, from before it was read.

    What was read may then be a mix of both, and no `result` (film, sheet) is to be written. A
    source that was removed meanwhile was read as it was.
    """
    if source.exists() and source_digest(source) != content:
        raise MediaError(
            f"{source}: was changed while it was read, so no {result} was written; run again "
            "when it is complete"
        )


def folder_name(name: str) -> str:
    """Return the name of the work folder for a source of that name, shortened if too long."""
    if len(os.fsencode(name + SUFFIX)) <= MAX_NAME_BYTES:
        return name + SUFFIX
    end = f"~{digest(name)[:8]}{SUFFIX}"
    while len(os.fsencode(name + end)) > MAX_NAME_BYTES:
        name = name[:-1]
    return name + end


def find_folder(source: Path, work: Path | None = None) -> Path:
    """Return the work folder of `source`, inside `work` if given; it may not exist yet.

    Nothing is written. A folder under an earlier name counts if it holds results of the same
    content: a name without the source's suffix, or the name of a file that no longer exists.
    """
    parent = work or source.parent
    default = parent / folder_name(source.name)
    try:
        content = source_digest(source)
    except MediaError:
        return default  # opening the source reports the error
    owner = _read_owner(default)
    if owner is None:
        folders = _folders_in(parent)
        earlier = [default] if default in folders else _earlier_folders(folders, source, content)
        return earlier[0] if len(earlier) == 1 else default
    if owner.matches(content) or owner.is_at(source):
        return default
    return parent / folder_name(f"{source.name}.{content[:8]}")


def find_copy(source: Path, work: Path | None = None) -> Path | None:
    """Return a folder nearby with the results of a copy of `source` under another name, if any."""
    own, content = find_folder(source, work), source_digest(source)
    for folder in _folders_in(work or source.parent):
        owner = _read_owner(folder) if folder != own else None
        if owner and owner.matches(content):
            return folder
    return None


def rename_folder(folder: Path, source: Path) -> Path:
    """Rename a folder with an earlier name after `source`, if that is free; return the folder.

    It keeps the name of another existing file that is the same source, such as a link's target.
    While another process works in it, this one waits.
    """
    default = folder.parent / folder_name(source.name)
    if folder == default or os.path.exists(default) or not os.path.isdir(folder):  # noqa: PTH110, PTH112
        return folder
    if _is_named_after_link(folder, source):
        return folder
    with suppress(OSError), exclusive_lock(folder):  # the earlier name works as well
        return folder.rename(default)
    return folder


def _is_named_after_link(folder: Path, source: Path) -> bool:
    """Whether a folder has the name of an existing file that is `source` by a link."""
    name = folder.name.removesuffix(SUFFIX)
    with suppress(OSError):
        names = [source.parent / name, source.resolve().parent / name]
        return any(path.exists() and path.samefile(source) for path in names)
    return False


@dataclass(frozen=True, slots=True)
class _Owner:
    """The source whose results a folder holds."""

    path: str
    source_digest: str
    """Empty in an early version 1."""
    input_digest: str

    def matches(self, content: str) -> bool:
        if self.source_digest:
            return self.source_digest == content
        return self.input_digest in {digest("media", n, content) for n in _OLD_MEDIA_VERSIONS}

    def is_at(self, source: Path) -> bool:
        with suppress(OSError):
            return Path(self.path).samefile(source)
        return False

    @property
    def is_gone(self) -> bool:
        return not os.path.exists(self.path)  # noqa: PTH110 - unlike a Path's, it never raises


def _read_owner(folder: Path) -> _Owner | None:
    """Return the source whose results `folder` holds; None if it has no readable media.json."""
    try:
        document = parse_json(read_bytes(folder / "media.json"))
        media = document["media"]
        input_digest = version_1.input_digest_of(document)
        return _Owner(str(media["path"]), str(media.get("digest", "")), input_digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _folders_in(parent: Path) -> list[Path]:
    """Return the work folders in `parent`; none if it cannot be read."""
    with suppress(OSError):
        return sorted(path for path in parent.iterdir() if path.name.endswith(SUFFIX))
    return []


def _earlier_folders(folders: list[Path], source: Path, content: str) -> list[Path]:
    """Return the folders that hold results of this content under an earlier name."""
    owners = ((folder, _read_owner(folder)) for folder in folders)
    return [f for f, o in owners if o and o.matches(content) and (o.is_at(source) or o.is_gone)]
