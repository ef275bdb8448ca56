"""The mailbox: a folder of the user's through which a script inside an editor gets its work.

The script can read it, but in some editions not write to it, and it must name it in ASCII on
Windows. Nobody but the user may write there, because the editor loads a file of it as code.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store.atomic import write_text
from otio_speakerzoom.store.bounded import open_regular, read_up_to

VARIABLE = "SPEAKERZOOM_MAILBOX"
"""Environment variable that names another folder; `install` writes it into the script."""
RECIPE, TIMELINE, OUTBOX = "recipe.lua", "cut.otio", "outbox"
LOG = "log.txt"
"""What the script answered to each request, for whoever must find out why something went wrong."""
MAX_LOG_BYTES = 2**18
ANSWER, HAND_OVER = "answer.txt", "hand-over.txt"
"""Messages of the script, as `messages` reads them, in editions that let a script write files."""


def mailbox_folder(
    environ: Mapping[str, str] = os.environ, home: Path | None = None, platform: str = sys.platform
) -> Path:
    """Return the user's mailbox; it may not exist yet. The script knows these places too."""
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).absolute()
    home = home or Path.home()
    if platform == "win32":
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return local / "SpeakerZoom" / "resolve"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "SpeakerZoom" / "resolve"
    return home / ".local" / "share" / "speakerzoom" / "resolve"


def open_mailbox(folder: Path | None = None) -> Path:
    """Create the mailbox if need be, for its user only, and return it.

    StoreError if it is a link or another user's: whoever writes there decides what an editor runs.
    """
    folder = folder or mailbox_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != _own_id(status.st_uid):
            raise StoreError(
                f"{folder}: is a link, or belongs to another user; set {VARIABLE} to a folder of "
                "yours and run `speakerzoom install resolve` again"
            )
        if os.name != "nt" and status.st_mode & 0o077:
            folder.chmod(0o700)
        (folder / OUTBOX).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written ({error.strerror or error}); check its permissions, or "
            f"set {VARIABLE} to another folder and run `speakerzoom install resolve` again"
        ) from error
    return folder


@contextmanager
def post(folder: Path, recipe: str, timeline: str) -> Iterator[None]:
    """Hold a recipe and its timeline in the mailbox while the context lasts; then remove both.

    So nothing stays that a later run of the script would build by surprise. The recipe is written
    last, because the script takes it for ready.
    """
    _remove(folder / RECIPE)
    try:
        write_text(folder / TIMELINE, timeline)
        write_text(folder / RECIPE, recipe)
        yield
    finally:
        _remove(folder / RECIPE)
        _remove(folder / TIMELINE)


def add_to_log(folder: Path, line: str) -> None:
    """Add a line to the log, with the time; the first half is dropped where it becomes too long."""
    path = folder / LOG
    with suppress(OSError, StoreError):  # no answer is lost because its copy cannot be written
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        write_text(path, f"{_read_log(path)}{stamp} {' '.join(line.split())}\n")


def _read_log(path: Path) -> str:
    """Return the log so far; of one that is too long, the last lines."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0 if size <= MAX_LOG_BYTES else size - MAX_LOG_BYTES // 2)
            text = read_up_to(file, MAX_LOG_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return text if size <= MAX_LOG_BYTES else text.partition("\n")[2]


def _own_id(default: int) -> int:
    """Return the id of this process's user; `default` where users have none."""
    return os.getuid() if hasattr(os, "getuid") else default


def _remove(path: Path) -> None:
    """Remove a file; on Windows it may stay while the script reads it, and is then too old soon."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
