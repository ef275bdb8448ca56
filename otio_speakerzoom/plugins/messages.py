"""What the script inside Resolve says: messages in Fusion's preferences, or in the mailbox.

Free Resolve lets a script write no files, but it saves preferences, where each message is one
string: `SPEAKERZOOM1:kind:id:time:key=hex,key=hex:END`. Everything is ASCII whatever the code page
of the file, and a file read while it is written has no complete message.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otio_speakerzoom.plugins.mailbox import ANSWER, HAND_OVER, mailbox_folder
from otio_speakerzoom.store.bounded import read_bytes

MAX_FILE_BYTES = 64 * 2**20
"""Of a file to search: preferences have some hundred kilobytes."""
MAX_HAND_OVER_AGE_S = 600
"""An older hand-over is not what the user wants now."""

MAX_TEXT = 400
"""Characters of what Resolve says in a message of ours: two lines of a terminal or three."""

_MESSAGE = re.compile(
    rb"SPEAKERZOOM1:([a-z]{1,16}):([0-9A-Za-z-]{1,64}):(\d{1,12}):((?:[a-z_]+=[0-9a-f]*(?:,|(?=:END)))*):END"
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the script."""

    kind: str
    """`answer` to a request; `clips` or `timeline` handed over; `nothing` to do, and why."""
    id: str
    """Of the request that it answers, or of its own."""
    time: int
    """When it was written, in seconds since 1970."""
    fields: tuple[tuple[str, str], ...]
    """Names and values, in order; a name may occur several times."""

    def get(self, name: str) -> str:
        """Return the first value of that name, or an empty string."""
        return next((value for key, value in self.fields if key == name), "")

    def describe(self) -> str:
        """Return the message in one line: its kind, and all its names and values."""
        return _in_line("; ".join((self.kind, *(f"{key}: {value}" for key, value in self.fields))))

    def all(self, name: str) -> list[str]:
        """Return all values of that name."""
        return [value for key, value in self.fields if key == name]

    def text(self, name: str) -> str:
        """Return the first value of that name for a message: on one line, and not too long."""
        return _in_line(self.get(name), MAX_TEXT)

    def texts(self, name: str) -> str:
        """Return all values of that name for a message, with commas, as in `text`."""
        return _in_line(", ".join(self.all(name)), MAX_TEXT)


def answer_to(request: str, folder: Path | None = None) -> Message | None:
    """Return the newest answer to a request; None if there is none yet."""
    answers = [m for m in messages(folder) if m.kind == "answer" and m.id == request]
    # both states of one request may have the same second: the final one counts
    return max(answers, key=lambda m: (m.time, m.get("state") != "building"), default=None)


def hand_over(since: float = 0, folder: Path | None = None) -> Message | None:
    """Return what the script handed over last, later than `since`; None if nothing, or too old.

    For a service that looks once a second or two: kind `clips` has a `path` for each recording that
    the user selected in Resolve, `timeline` has the `path` of an exported timeline and the `media`
    that it shows, and `nothing` has a `reason`. `since` is the `time` of the last one it handled.
    """
    oldest = max(since, time.time() - MAX_HAND_OVER_AGE_S)
    fresh = [m for m in messages(folder) if m.kind != "answer" and m.time > oldest]
    return max(fresh, key=lambda m: m.time, default=None)


def messages(folder: Path | None = None) -> list[Message]:
    """Return all messages in the preferences and in the mailbox, in no particular order."""
    mailbox = folder or mailbox_folder()
    result: list[Message] = []
    for path in (mailbox / ANSWER, mailbox / HAND_OVER, *preference_files()):
        with suppress(OSError):
            result.extend(parse(read_bytes(path, MAX_FILE_BYTES)))
    return result


def parse(content: bytes) -> Iterator[Message]:
    """Yield the complete messages in the bytes of a file."""
    for kind, request, seconds, fields in _MESSAGE.findall(content):
        with suppress(ValueError):  # an odd number of hexadecimal digits
            rows = [row.split("=") for row in fields.decode().split(",") if row]
            values = tuple((name, _text(bytes.fromhex(value))) for name, value in rows)
            yield Message(kind.decode(), request.decode(), int(seconds), values)


def preference_files(
    environ: Mapping[str, str] = os.environ, home: Path | None = None, platform: str = sys.platform
) -> list[Path]:
    """Return Fusion's preferences, of each profile of Resolve's that exists.

    The place on Linux is inferred from where Resolve keeps the rest.
    """
    home = home or Path.home()
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        tops = [roaming / "Blackmagic Design" / "DaVinci Resolve" / "Support" / "Fusion"]
    elif platform == "darwin":
        support = home / "Library" / "Application Support"
        tops = [support / "Blackmagic Design" / "DaVinci Resolve" / "Fusion"]
    else:
        tops = [home / ".local" / "share" / "DaVinciResolve" / "Fusion", home / ".fusion",
                Path("/opt/resolve/Fusion"), Path("/home/resolve/Fusion")]  # fmt: skip
    files: list[Path] = []
    for top in tops:
        with suppress(OSError):
            files.extend(sorted(top.glob("Profiles/*/Fusion.prefs")))
    return files


def _in_line(text: str, length: int | None = None) -> str:
    """Return a text on one line, shortened to a length."""
    line = " ".join(text.split())
    return line if length is None or len(line) <= length else f"{line[: length - 3]}..."


def _text(content: bytes) -> str:
    """Return text that Resolve gave the script: UTF-8, or on Windows the system's code page."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("mbcs" if sys.platform == "win32" else "latin-1", "replace")
