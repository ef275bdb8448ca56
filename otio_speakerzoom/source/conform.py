"""The command that makes of a source one that we and the editors read."""

from __future__ import annotations

import shlex
from pathlib import PurePath

_TO_MATROSKA = (".mkv", ".webm", ".flv", ".ogv", ".ogg", ".wmv", ".asf")
"""What may hold sound or subtitles that a .mov cannot."""


def conform(path: PurePath | str, *filters: str, sound: str = "") -> str:
    """Return an ffmpeg command that encodes the picture anew through `filters`, for a shell.

    All tracks are kept, of which none but the picture is changed, unless there is a filter for the
    `sound`, which is then encoded without loss. The result lies beside the source. It is Matroska
    where the source is, which most editors do not read, else QuickTime.
    """
    source, out = _names(path, "conformed")
    heard = f"-c:a pcm_s16le -filter:a {shlex.quote(sound)} " if sound else ""
    return (
        f"ffmpeg -i {source} -map 0 -ignore_unknown -c copy -c:V libx264 -crf 16 "
        f"-filter:V {shlex.quote(','.join(filters))} {heard}{out}"
    )


def remux(path: PurePath | str) -> str:
    """Return an ffmpeg command that copies what can be read of a source into a whole file."""
    source, out = _names(path, "whole")
    return f"ffmpeg -i {source} -map 0 -ignore_unknown -c copy {out}"


def _names(path: PurePath | str, what: str) -> tuple[str, str]:
    """Return the source and the file to be made beside it, for a shell."""
    source = PurePath(path)
    to_matroska = source.suffix.lower() in _TO_MATROSKA
    out = source.with_name(f"{source.stem}_{what}{'.mkv' if to_matroska else '.mov'}")
    return shlex.quote(_for_ffmpeg(str(source))), shlex.quote(_for_ffmpeg(str(out)))


def _for_ffmpeg(name: str) -> str:
    """Return a name that ffmpeg takes for no option and no address."""
    return f"file:{name}" if name.startswith("-") or ":" in name else name
