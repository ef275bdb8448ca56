"""Names for files that we write beside the source, where a file of the user may be already."""

from __future__ import annotations

import os
from pathlib import Path

MAX_NUMBER = 999
"""Of a name: whoever has so many files of one name should clear up."""


def free_name(path: Path, content: bytes | None = None) -> Path:
    """Return `path`, or `NAME-2.SUFFIX` and so on where a file is in the way; none is replaced.

    A file that has the `content` already is not in the way.
    """
    for number in range(1, MAX_NUMBER + 1):
        name = path.name if number == 1 else f"{path.stem}-{number}{path.suffix}"
        candidate = path.with_name(name)
        if not os.path.lexists(candidate) or _has_content(candidate, content):
            return candidate
    raise FileExistsError(f"{path}: {MAX_NUMBER} files of that name are there; move some away")


def _has_content(path: Path, content: bytes | None) -> bool:
    if content is None or path.is_symlink():
        return False
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
