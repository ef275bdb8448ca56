"""Paths of media: as file URLs, and as another machine names them."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PureWindowsPath
from urllib.parse import quote

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import absolute_path


def relocate(path: str, old: str, new: str) -> str:
    r"""Return `path` as another machine names it, where the folder `old` is called `new`.

    `old` may be relative or contain links. `new` may be a Windows path (C:\footage,
    \\server\share); the result then uses its slashes. Raise TimelineError if the media is not in
    `old`.
    """
    inside = _inside(Path(path), absolute_path(Path(old)))
    if inside is None:
        raise TimelineError(f"{path}: is not in {old}; give --media-root a folder that contains it")
    windows = re.match(r"[A-Za-z]:|\\\\", new)
    if not windows and not new.startswith("/"):
        raise TimelineError(f"{new}: is not an absolute path, which timelines need for their media")
    if windows and "\\" in new:
        return "\\".join((new.rstrip("\\"), *inside.parts))
    return "/".join((new.rstrip("/"), *inside.parts))


def url_path(path: str, *, keep: str = "") -> str:
    """Return `path` as the path of a file URL: UTF-8, percent-encoded, from the first slash on.

    Only letters, digits, `_.-~/` and the characters in `keep` are not encoded: stricter than RFC
    3986, so that the result needs no escaping in XML either.
    """
    slashed = with_slashes(path)
    return quote(slashed if slashed.startswith("/") else f"/{slashed}", safe=f"/{keep}")


def _inside(path: Path, folder: Path) -> PurePath | None:
    """Return `path` relative to `folder`, by name or by what the names point to; None if outside.

    The operating system decides whether two names are the same folder: one may be a link, or differ
    in case on some disks.
    """
    if folder in path.parents:
        return path.relative_to(folder)
    for whole in (path, path.resolve()):
        for above in whole.parents:
            try:
                if above.samefile(folder):
                    return whole.relative_to(above)
            except OSError:
                continue
    return None


def with_slashes(path: str) -> str:
    """Return an absolute POSIX path unchanged, a Windows path with forward slashes."""
    return path if path.startswith("/") else PureWindowsPath(path).as_posix()


def require_utf8(path: str) -> None:
    """Raise TimelineError for a path that is not UTF-8, which no text format can hold."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        printable = path.encode(errors="replace").decode()
        raise TimelineError(
            f"{printable}: the file name is not valid UTF-8, so no timeline can hold it; rename it"
        ) from error
