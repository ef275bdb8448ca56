"""Checks files that a user names before they are opened, and reports a fault in one line.

Pipes and devices are refused too: reading one could block, or never end.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.store.bounded import UnfitFileError, read_text


def check_readable(path: Path, what: str = "a file") -> None:
    """Raise SpeakerZoomError unless `path` is a regular file that we may read.

    `what` is the kind of file to name in the message, with its article: "a recording".
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):  # a drive has one letter
            address = str(path).replace(":/", "://", 1)
            raise SpeakerZoomError(f"{address}: is a URL, not a file; download it first") from error
        raise SpeakerZoomError(f"{path}: no such file; check the name of {what}") from error
    except OSError as error:
        raise SpeakerZoomError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
    if stat.S_ISDIR(mode):
        raise SpeakerZoomError(f"{path}: is a folder; name {what} in it")
    if not stat.S_ISREG(mode):
        raise SpeakerZoomError(f"{path}: is not a regular file; copy its content into {what} first")
    if not os.access(path, os.R_OK):
        raise SpeakerZoomError(f"{path}: cannot be read (Permission denied); {_REMEDY}")


def read_user_text(path: Path, what: str = "a file") -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark."""
    check_readable(path, what)
    try:
        return read_text(path)
    except UnfitFileError as error:
        raise SpeakerZoomError(f"{path}: {error.strerror}; name {what}") from error
    except OSError as error:
        raise SpeakerZoomError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
    except UnicodeDecodeError as error:
        raise SpeakerZoomError(
            f"{path}: byte {error.start} is not UTF-8; save it as text in UTF-8"
        ) from error


_REMEDY = "check its name and its permissions"
