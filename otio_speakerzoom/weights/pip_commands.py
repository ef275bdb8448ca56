"""Commands that install and remove packages in the environment that we run in.

pipx and `uv tool` give each program an environment of its own, where the `pip` of the shell has no
effect, and uv's environments have no pip at all.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from otio_speakerzoom.source.programs import shell_command

PIPX_FILE = "pipx_metadata.json"
"""In the top folder of an environment that pipx made; the folder has the program's name."""


def has_pip() -> bool:
    """Return whether this environment has pip, without a trace in the import system.

    `importlib.util.find_spec` asks setuptools' finder too, which takes the question for pip's own
    start and stops to provide `distutils`: then torch's compiler cannot be imported.
    """
    return PathFinder.find_spec("pip") is not None


def install_command(requirement: str, *, again: bool = False) -> str:
    """Return the command that installs a requirement; `again`: its files alone, if it is there."""
    tool, is_uv = _tool()
    options: list[str] = ["--python", sys.prefix] if is_uv else []
    if again:
        options += ["--reinstall" if is_uv else "--force-reinstall", "--no-deps"]
    return shell_command([*tool, "install", *options, requirement], sys.platform)


def uninstall_command(package: str) -> str:
    """Return the command that removes a package."""
    tool, is_uv = _tool()
    options = ["--python", sys.prefix] if is_uv else ["-y"]
    return shell_command([*tool, "uninstall", *options, package], sys.platform)


def _tool() -> tuple[list[str], bool]:
    """Return the program that installs packages here, and whether it is uv."""
    environment = Path(sys.prefix)
    if (environment / PIPX_FILE).is_file():
        return ["pipx", "runpip", environment.name], False
    if not has_pip():
        return ["uv", "pip"], True
    return ["pip"], False
