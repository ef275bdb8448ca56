"""Opens the page in the user's browser, without showing the secret to other users."""

from __future__ import annotations

import logging
import os
import sys
import webbrowser

log = logging.getLogger(__name__)


def open_browser(url: str) -> None:
    """Open the launch URL in the browser; say so where this machine has none to show."""
    if has_screen() and webbrowser.open(url):
        return
    log.info("no browser opens here; open the address above in one")


def has_screen() -> bool:
    """Whether a browser would have a window: else a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
