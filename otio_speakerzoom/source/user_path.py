"""A path as the user names it: absolute, with the links that they went through left in it."""

from __future__ import annotations

import os
from pathlib import Path


def absolute_path(path: Path) -> Path:
    """Return `path` made absolute without following a link, and without `.` and `..`.

    An editor looks for media where its user does: on a volume's name, not on what the name points
    to. The working folder is the one that the shell shows (PWD, as POSIX `pwd -L` has it). Only a
    link that is left again through `..` is followed, because the system does so too.
    """
    named, parts = _working_folder(), path.parts
    if path.is_absolute():
        named, parts = Path(path.anchor), parts[1:]
    for part in parts:
        if part == "..":
            named = (named.resolve() if named.is_symlink() else named).parent
        else:
            named /= part
    return named


def _working_folder() -> Path:
    shown = os.environ.get("PWD", "")
    try:
        if Path(shown).is_absolute() and Path(shown).samefile(Path()):
            return Path(shown)
    except OSError:
        pass
    return Path.cwd()
