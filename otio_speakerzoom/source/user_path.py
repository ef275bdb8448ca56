"""Absolute paths as the user sees them, with links unresolved."""

from __future__ import annotations

import os
from pathlib import Path


def absolute_path(path: Path) -> Path:
    """Return `path` as an absolute path without `.` and `..`, and without resolving links.

    Editors look for media where their users do: under a volume's name, not under what the name
    points to. Relative paths start at the shell's working folder (PWD, as in POSIX `pwd -L`). Only
    a link followed by `..` is resolved, as the operating system does.
    """
    result, parts = _working_folder(), path.parts
    if path.is_absolute():
        result, parts = Path(path.anchor), parts[1:]
    for part in parts:
        if part == "..":
            result = (result.resolve() if result.is_symlink() else result).parent
        else:
            result /= part
    return result


def _working_folder() -> Path:
    shell = os.environ.get("PWD", "")
    try:
        if Path(shell).is_absolute() and Path(shell).samefile(Path()):
            return Path(shell)
    except OSError:
        pass
    return Path.cwd()
