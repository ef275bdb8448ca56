"""Commands that install and remove packages in the environment that we run in.

pipx and `uv tool` give each program an environment of its own, where the `pip` of the shell has no
effect, and uv's environments have no pip at all.
"""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

PIPX_FILE = "pipx_metadata.json"
"""In the top folder of an environment that pipx made; the folder has the program's name."""


def install_command(requirement: str, *, again: bool = False) -> str:
    """Return the command that installs a requirement; `again`: its files alone, if it is there."""
    tool, is_uv = _tool()
    options = []
    if again:
        options = ["--reinstall" if is_uv else "--force-reinstall", "--no-deps"]
    return " ".join((*tool, "install", *_in_this_environment(is_uv), *options, _quote(requirement)))


def uninstall_command(package: str) -> str:
    """Return the command that removes a package."""
    tool, is_uv = _tool()
    options = () if is_uv else ("-y",)
    return " ".join((*tool, "uninstall", *_in_this_environment(is_uv), *options, package))


def _tool() -> tuple[tuple[str, ...], bool]:
    """Return the program that installs packages here, and whether it is uv."""
    environment = Path(sys.prefix)
    if (environment / PIPX_FILE).is_file():
        return ("pipx", "runpip", environment.name), False
    if find_spec("pip") is None:
        return ("uv", "pip"), True
    return ("pip",), False


def _in_this_environment(is_uv: bool) -> tuple[str, ...]:
    return ("--python", _quote(sys.prefix)) if is_uv else ()


def _quote(word: str) -> str:
    """Quote a word for the shell; those of Windows know no single quotes."""
    quoted = shlex.quote(word)
    return f'"{word}"' if os.name == "nt" and quoted != word else quoted
