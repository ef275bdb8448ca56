"""Finds and starts programs of this machine, never in the working folder; writes commands to paste.

The working folder is often where footage came from somebody else. Windows looks for programs there
before anywhere else, and a shell does where PATH has an empty entry or a dot.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
"""Where OpenCV's package for desktops stores the folders of its own Qt, when it is loaded."""


def find_program(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the absolute path of a program in a folder of PATH; None where there is none."""
    file = f"{name}.exe" if sys.platform == "win32" else name
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = Path(folder.strip('"'), file)  # on Windows some are in quotes
        if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def start_program(command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C does not end it; OSError if not."""
    forget_opencvs_qt()
    return subprocess.Popen(  # nosec B603 # every caller names a program by its absolute path
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def forget_opencvs_qt(environ: MutableMapping[str, str] = os.environ) -> None:
    """Remove the folders of OpenCV's Qt from the environment; those of the user stay.

    OpenCV would need them for windows, which we never open. Every Qt program that we start
    (Shotcut, Kdenlive, Resolve) would load these plugins in place of its own, and abort.
    """
    for name in QT_VARIABLES:
        if Path(environ.get(name, "")).parts[-3:-1] == ("cv2", "qt"):
            del environ[name]


def shell_command(words: Sequence[str], platform: str = sys.platform) -> str:
    """Return words as one command, for POSIX shells or for PowerShell on Windows.

    On Windows what needs no more than double quotes is right in cmd, too.
    """
    if platform != "win32":
        if any(word.endswith("\n") for word in words):  # which $() would drop
            return f"eval {_posix_word(shlex.join(words))}"
        return " ".join(map(_posix_word, words))
    command = " ".join(map(_windows_word, words))
    return f"& {command}" if command[0] in "\"'" else command  # a quoted program, to PowerShell


def _posix_word(word: str) -> str:
    """Return a word for every POSIX shell, in one line of characters that a terminal shows.

    Other characters, and bytes that are no text, are written as printf's octal escapes.
    """
    if word.isprintable():
        return shlex.quote(word)
    return f"\"$(printf '{''.join(map(_printf_escape, word))}')\""


def _printf_escape(letter: str) -> str:
    if letter in "%\\":
        return 2 * letter
    if letter != "'" and letter.isprintable():
        return letter
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(letter))


def _windows_word(word: str) -> str:
    if re.fullmatch(r"[\w.\\/:=+-]+", word):
        return word
    if not re.search(r"[$`\"\u2018-\u201f]", word):  # PowerShell takes curly quotes for quotes
        return f'"{word}"'
    return "'" + re.sub(r"(['\u2018-\u201b])", r"\1\1", word) + "'"
