"""Where media lies: in a file URL, and on another machine."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PureWindowsPath
from urllib.parse import quote

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import absolute_path


def relocate(path: str, old: str, new: str) -> str:
    r"""Return `path` with its folder `old` called `new`, as another machine names it.

    `old` may be relative, or go through links. `new` may be one of Windows (C:\footage,
    \\server\share); what follows then has its slashes.
    Raise TimelineError where the media does not lie in `old`.
    """
    inside = _inside(Path(path), absolute_path(Path(old)))
    if inside is None:
        raise TimelineError(f"{path}: does not lie in {old}; give --media-root a folder above it")
    windows = re.match(r"[A-Za-z]:|\\\\", new)
    if not windows and not new.startswith("/"):
        raise TimelineError(f"{new}: is not an absolute path; timelines need one for their media")
    if windows and "\\" in new:
        return "\\".join((new.rstrip("\\"), *inside.parts))
    return "/".join((new.rstrip("/"), *inside.parts))


def url_path(path: str, *, keep: str = "") -> str:
    """Return `path` as the path of a file URL: UTF-8, percent-encoded, from its first slash on.

    Only letters, digits, `_.-~/` and the characters in `keep` stay as they are. Stricter than
    RFC 3986 asks, so that the result needs no escaping in XML either.
    """
    slashed = with_slashes(path)
    return quote(slashed if slashed.startswith("/") else f"/{slashed}", safe=f"/{keep}")


def _inside(path: Path, folder: Path) -> PurePath | None:
    """Return where `path` lies in `folder`, by their names or by what those point to; else None.

    The system decides whether two names are one folder: a link, or another case on some disks.
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
    """An absolute POSIX path as it is, a Windows path with forward slashes."""
    return path if path.startswith("/") else PureWindowsPath(path).as_posix()


def require_utf8(path: str) -> None:
    """Raise where no text format can hold the path: bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="replace").decode()
        raise TimelineError(
            f"{shown}: the file's name is not valid UTF-8, which no timeline can hold; rename it"
        ) from error
