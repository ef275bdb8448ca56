"""Opens our own files in other programs of this machine, where they are installed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.service.browser import has_screen
from otio_speakerzoom.source import find_program, start_program

MAC_APPLICATIONS, MAC_OPEN = Path("/Applications"), "/usr/bin/open"


@dataclass(frozen=True, slots=True)
class Opener:
    """A program that opens files."""

    id: str
    label: str
    suffixes: tuple[str, ...]
    """Of the files that it opens; none for every file."""
    command: Callable[[Path], list[str] | None]
    """Returns the program and its arguments for a file; None where it is not installed."""


def _folder_command(path: Path) -> list[str] | None:
    if sys.platform == "darwin":
        return [MAC_OPEN, "-R", str(path)]
    if sys.platform == "win32":  # a bare name would be looked for in the working folder first
        windows = Path(os.environ.get("SYSTEMROOT") or "C:/Windows")
        return [str(windows / "explorer.exe"), f"/select,{path}"]
    program = find_program("xdg-open")
    return [str(program), str(path.parent)] if program else None


def _application(mac_name: str, program: str = "") -> Callable[[Path], list[str] | None]:
    """Return the command of an editor, by its name on macOS and that of its program elsewhere."""

    def command(path: Path) -> list[str] | None:
        if sys.platform == "darwin" and (MAC_APPLICATIONS / f"{mac_name}.app").is_dir():
            return [MAC_OPEN, "-a", mac_name, str(path)]
        executable = find_program(program) if program else None
        return [str(executable), str(path)] if executable else None

    return command


OPENERS = (
    Opener("folder", "Show in its folder", (), _folder_command),
    Opener("shotcut", "Open in Shotcut", (".mlt",), _application("Shotcut", "shotcut")),
    Opener("kdenlive", "Open in Kdenlive", (".kdenlive",), _application("kdenlive", "kdenlive")),
    Opener("fcp", "Open in Final Cut Pro", (".fcpxml",), _application("Final Cut Pro")),
)


def openers_to_json() -> list[dict[str, Any]]:
    """Return the openers that work on this machine."""
    return [
        {"id": item.id, "with": item.id, "label": item.label,
         "suffixes": list(item.suffixes) or None}
        for item in OPENERS if has_screen() and item.command(Path.cwd())
    ]  # fmt: skip


def can_open(with_: str) -> bool:
    """Whether this machine has that program, and a screen to show it."""
    return with_ in {row["id"] for row in openers_to_json()}


def open_file(path: Path, with_: str) -> None:
    """Open one of our files; ToolError where the program is not there, or not for such a file."""
    opener = next((item for item in OPENERS if item.id == with_), None)
    path = path.absolute()
    command = opener.command(path) if opener and has_screen() else None
    if opener is None or command is None:
        raise ToolError(f"{with_}: no such program is installed here; open {path} yourself")
    if opener.suffixes and path.suffix not in opener.suffixes:
        raise ToolError(f"{path}: is nothing for {opener.id}, which opens {opener.suffixes[0]}")
    try:
        process = start_program(command)
        threading.Thread(target=process.wait, name="opener", daemon=True).start()
    except OSError as error:
        raise ToolError(
            f"{command[0]}: cannot be started ({error.strerror}); open {path} yourself"
        ) from error
