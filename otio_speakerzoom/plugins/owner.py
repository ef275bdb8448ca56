"""Refuses to replace or remove a file that we did not install."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError, StoreError


def check_owner(path: Path, is_ours: Callable[[Path], bool]) -> None:
    """Raise SpeakerZoomError if the file at `path` is somebody else's; it may be missing."""
    try:
        foreign = (path.exists() or path.is_symlink()) and not is_ours(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    if foreign:
        raise SpeakerZoomError(
            f"{path}: is not of speakerzoom, so it stays as it is; move it elsewhere first"
        )
