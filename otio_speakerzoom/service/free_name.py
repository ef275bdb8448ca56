"""Names for files that we write beside the source, where a file of the user may be already."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from otio_speakerzoom import store

MAX_NUMBER = 999
"""Of a name: whoever has so many files of one name should clear up."""
WHOLE_BYTES = 64 << 20
"""Up to this size a whole file is compared, as a timeline is; of a film, its beginning and end."""


def free_name(path: Path, may_replace: Collection[str] = ()) -> Path:
    """Return `path`, or `NAME-2.SUFFIX` and so on where a file is in the way.

    A file is not in the way if its digest is among `may_replace`: we wrote it, and nobody has
    changed it since.
    """
    for number in range(1, MAX_NUMBER + 1):
        name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
        candidate = path.with_name(name)
        if not os.path.lexists(candidate) or _is_ours(candidate, may_replace):
            return candidate
    raise FileExistsError(f"{path}: {MAX_NUMBER} files of that name are there; move some away")


def result_digest(path: Path) -> str:
    """Return a digest by which we know a file again that we wrote; a film's is quick too."""
    if path.stat().st_size <= WHOLE_BYTES:
        return store.file_digest(path)
    return store.source_digest(path)


def _is_ours(path: Path, may_replace: Collection[str]) -> bool:
    if not may_replace or path.is_symlink() or not path.is_file():
        return False
    return result_digest(path) in may_replace
