"""Opens the page in the user's browser, without showing the secret to other users."""

from __future__ import annotations

import html
import logging
import os
import secrets
import sys
import time
import webbrowser
from contextlib import suppress
from pathlib import Path

from otio_speakerzoom.service.runtime_file import runtime_folder, write_private
from otio_speakerzoom.source import forget_opencvs_qt

log = logging.getLogger(__name__)

MAX_FILE_AGE_S = 60
"""Of a file that leads a browser to the page: it has been read by then."""


def open_browser(url: str) -> None:
    """Open the launch URL in the browser; say so where this machine has none to show.

    Every user of a machine sees the arguments of its programs. So the browser gets a file that only
    its user may read, which leads on to the address.
    """
    forget_opencvs_qt()
    if has_screen() and webbrowser.open(_private_link(url).as_uri()):
        log.info("the page opens in the browser; if it does not, open the address above yourself")
        return
    log.info("no browser opens here; open the address above in one")


def has_screen() -> bool:
    """Whether a browser would have a window: else a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _private_link(url: str) -> Path:
    """Return a file that leads on to `url`; those of earlier starts are removed."""
    folder = runtime_folder()
    for old in folder.glob("open-*.html"):
        with suppress(OSError):
            if time.time() - old.lstat().st_mtime > MAX_FILE_AGE_S:
                old.unlink()
    path = folder / f"open-{secrets.token_hex(8)}.html"
    link = html.escape(url, quote=True)
    write_private(path, (
        f'<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}">'
        f'<title>SpeakerZoom</title><a href="{link}">Open the page</a>\n'
    ))  # fmt: skip
    return path
