"""The script for Resolve: its text for one machine, and in which folders Resolve looks for it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path, PurePath

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.plugins.lua_text import lua_text
from otio_speakerzoom.plugins.mailbox import VARIABLE, mailbox_folder

NAME = "SpeakerZoom.lua"
MARK = "-- mark: otio-speakerzoom/resolve-script"
"""Begins a line of every version of the script, and of no other file."""
MAX_MARK_BYTES = 4096
"""The mark is within the first bytes of the file."""

_PACKAGE = Path(__file__).parents[1]
_VERSION_LINE = re.compile(r"^local VERSION = .*$", re.MULTILINE)
_MAILBOX_LINE = re.compile(r'^local MAILBOX = "[^"]*"', re.MULTILINE)


def script_text(mailbox: str) -> str:
    """Return the script for a machine, in ASCII, that uses the mailbox of this name.

    The name may begin with a variable of the environment: `$HOME/...`.
    """
    installed = _PACKAGE / "adapters"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "adapters"
    text = (folder / "resolve" / NAME).read_text(encoding="ascii")
    for line, name, value in (
        (_VERSION_LINE, "VERSION", version("otio-speakerzoom")),
        (_MAILBOX_LINE, "MAILBOX", mailbox),
    ):
        text, count = line.subn(lambda _, n=name, v=value: f"local {n} = {lua_text(v)}", text)
        if count != 1:
            raise SpeakerZoomError(f"{NAME}: has no line for {name}; reinstall otio-speakerzoom")
    return text


def mailbox_name(
    *, all_users: bool, environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> str:
    """Return the mailbox as the script names it: for all users, by each user's variables.

    On Windows Lua opens files by names in the system's code page, so one user's mailbox must have a
    name in ASCII; its short name (8.3) is taken if need be. SpeakerZoomError if it has none.
    """
    if all_users:
        return {
            "win32": "$LOCALAPPDATA/SpeakerZoom/resolve",
            "darwin": "$HOME/Library/Application Support/SpeakerZoom/resolve",
        }.get(platform, "$HOME/.local/share/speakerzoom/resolve")
    folder = mailbox_folder(environ, platform=platform)
    if platform != "win32":
        return str(folder)
    name = (str(folder) if str(folder).isascii() else _short_name(folder)).replace("\\", "/")
    if not name.isascii():
        raise SpeakerZoomError(
            f"{folder}: Resolve's Lua cannot open this name; set {VARIABLE} to a folder of yours "
            "whose name has letters from a to z only, and install again"
        )
    return name


def script_folder(
    *,
    all_users: bool,
    environ: Mapping[str, str] = os.environ,
    home: Path | None = None,
    platform: str = sys.platform,
) -> Path:
    """Return the folder for scripts that Resolve shows on all pages, of one user or of all."""
    home = home or Path.home()
    if platform == "win32":
        shared = Path(environ.get("PROGRAMDATA") or "C:/ProgramData")
        own = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        top = shared if all_users else own
        product = top / "Blackmagic Design" / "DaVinci Resolve"
        return (product if all_users else product / "Support") / "Fusion" / "Scripts" / "Utility"
    if platform == "darwin":
        top = Path("/Library") if all_users else home / "Library"
        product = top / "Application Support" / "Blackmagic Design" / "DaVinci Resolve"
        return product / "Fusion" / "Scripts" / "Utility"
    product = Path("/opt/resolve") if all_users else home / ".local" / "share" / "DaVinciResolve"
    return product / "Fusion" / "Scripts" / "Utility"


def is_ours(path: Path) -> bool:
    """Whether a file carries our mark; a link never counts as ours."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(MAX_MARK_BYTES)


def _short_name(folder: PurePath) -> str:
    """Return the name of a folder in ASCII that old programs on Windows use, if it has one."""
    import ctypes

    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 (only on Windows)
    buffer = ctypes.create_unicode_buffer(32768)  # the longest path on Windows
    length = kernel.GetShortPathNameW(str(folder), buffer, len(buffer))
    return buffer.value if 0 < length < len(buffer) else str(folder)
