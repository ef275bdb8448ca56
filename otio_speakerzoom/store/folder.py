"""Which folder holds the results for a source: found by its name, and by what is in it.

The folder is called as the source is, suffix and all, so that a recording and its remux have one
each. What it holds names the source by a digest of its content: two recordings of one name keep
apart in one `--work`, and a recording that was renamed finds its results again.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.store.atomic import LONGEST_NAME
from otio_speakerzoom.store.files import digest
from otio_speakerzoom.store.folder_lock import exclusive_lock

SUFFIX = ".speakerzoom"

_OLD_MEDIA_VERSIONS = (1, 2)
"""Of media.json before it named the source's digest itself: it was hashed with these."""


def source_digest(path: Path) -> str:
    """Return a digest of a source by its size and its first and last MiB.

    Recordings run to many gigabytes: hashing all of one would take longer than opening it, and
    two takes never share both their head and their tail.
    """
    try:
        size, edge = path.stat().st_size, 1 << 20
        with path.open("rb") as file:
            head = file.read(edge)
            file.seek(max(0, size - edge))
            return digest(size, hashlib.sha256(head + file.read(edge)).hexdigest())
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be read ({error.strerror}); check that it is there and its permissions"
        ) from error


def folder_name(name: str) -> str:
    """Return the name of the folder for a source of that name; a name too long is shortened."""
    if len(os.fsencode(name + SUFFIX)) <= LONGEST_NAME:
        return name + SUFFIX
    mark = f"~{digest(name)[:8]}{SUFFIX}"
    while len(os.fsencode(name + mark)) > LONGEST_NAME:
        name = name[:-1]
    return name + mark


def find_folder(source: Path, work: Path | None = None) -> Path:
    """Return the folder that holds the results for `source`, inside `work` if one is given.

    Where nothing is kept yet it is the one that will; nothing is written. An older folder counts
    if it holds results of this very content: one that was named without the source's suffix, or
    after a name that the source had before and that is gone.
    """
    parent = work or source.parent
    usual = parent / folder_name(source.name)
    try:
        content = source_digest(source)
    except MediaError:
        return usual  # whoever opens the source says what is wrong
    owner = _owner(usual)
    if owner is None:
        older = [usual] if usual in _inside(parent) else _older(parent, source, content)
        return older[0] if len(older) == 1 else usual
    if owner.has(content) or owner.is_at(source):
        return usual
    return parent / folder_name(f"{source.name}.{content[:8]}")


def find_copy(source: Path, work: Path | None = None) -> Path | None:
    """Return a folder nearby with the results of a copy of `source` under another name, if any."""
    own, content = find_folder(source, work), source_digest(source)
    for folder in _inside(work or source.parent):
        owner = _owner(folder) if folder != own else None
        if owner and owner.has(content):
            return folder
    return None


def rename_folder(folder: Path, source: Path) -> Path:
    """Give an older folder the name that `source` has now, if it can have it; return the folder.

    It stays where it is called after another name of the source that is still there: a link's
    target. While another process works in it, this one waits.
    """
    usual = folder.parent / folder_name(source.name)
    if folder == usual or os.path.exists(usual) or not os.path.isdir(folder):  # noqa: PTH110, PTH112
        return folder
    if _is_called_after(folder, source):
        return folder
    with suppress(OSError), exclusive_lock(folder):  # it is as good under its old name
        return folder.rename(usual)
    return folder


def _is_called_after(folder: Path, source: Path) -> bool:
    """Whether a folder has the name of a file that is `source` by a link."""
    name = folder.name.removesuffix(SUFFIX)
    with suppress(OSError):
        names = [source.parent / name, source.resolve().parent / name]
        return any(path.exists() and path.samefile(source) for path in names)
    return False


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose results a folder holds."""

    path: str
    content: str
    """Digest of the source; empty where an older version kept it."""
    input_digest: str

    def has(self, content: str) -> bool:
        if self.content:
            return self.content == content
        return self.input_digest in {digest("media", n, content) for n in _OLD_MEDIA_VERSIONS}

    def is_at(self, source: Path) -> bool:
        with suppress(OSError):
            return Path(self.path).samefile(source)
        return False

    @property
    def gone(self) -> bool:
        return not os.path.exists(self.path)  # noqa: PTH110 - unlike a Path's, it never raises


def _owner(folder: Path) -> _Owner | None:
    """Return whose results `folder` holds; None where it does not say."""
    try:
        document = json.loads((folder / "media.json").read_text(encoding="utf-8-sig"))
        media = document["media"]
        input_digest = str(document["made_from"]["inputs"])
        return _Owner(str(media["path"]), str(media.get("digest", "")), input_digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _inside(parent: Path) -> list[Path]:
    """Return the folders of results in `parent`; none where it cannot be read."""
    with suppress(OSError):
        return sorted(path for path in parent.iterdir() if path.name.endswith(SUFFIX))
    return []


def _older(parent: Path, source: Path, content: str) -> list[Path]:
    """Return the folders in `parent` that hold results of this content under an older name."""
    owners = ((folder, _owner(folder)) for folder in _inside(parent))
    return [f for f, o in owners if o and o.has(content) and (o.is_at(source) or o.gone)]
