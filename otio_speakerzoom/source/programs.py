"""Finds programs of this machine, never in the working folder, and writes commands to paste.

The working folder is often where footage came from somebody else. Windows looks for programs there
before anywhere else, and a shell does where PATH has an empty entry or a dot.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def find_program(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the absolute path of a program in a folder of PATH; None where there is none."""
    file = f"{name}.exe" if sys.platform == "win32" else name
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = Path(folder.strip('"'), file)  # on Windows some are in quotes
        if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def shell_command(words: Sequence[str], platform: str = sys.platform) -> str:
    """Return words as one command, for POSIX shells or for PowerShell on Windows.

    On Windows what needs no more than double quotes is right in cmd, too.
    """
    if platform != "win32":
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
