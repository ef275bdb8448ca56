"""The command that makes of a source one that we and the editors read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
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


def shift_sound(path: PurePath | str, seconds: float) -> str:
    """Return an ffmpeg command that moves all sound later by `seconds`, earlier where negative."""
    source, out = _names(path, "shifted")
    return (
        f"ffmpeg -i {source} -itsoffset {seconds:.3f} -i {source} -map 0 -map -0:a -map 1:a "
        f"-ignore_unknown -c copy {out}"
    )


def film_first(path: PurePath | str, index: int) -> str:
    """Return an ffmpeg command that copies a source with only the picture stream number `index`."""
    source, out = _names(path, "film")
    kept = f"-map 0:{index} -map 0:a? -map 0:s?"
    return f"ffmpeg -i {source} {kept} -ignore_unknown -c copy {out}"


def to_matroska(path: PurePath | str) -> str:
    """Return an ffmpeg command that copies all that Matroska holds of a source into such a file."""
    source, _ = _names(path, "")
    out = _quoted(str(PurePath(path).with_suffix(".mkv")))
    return f"ffmpeg -i {source} -map 0 -map -0:d -ignore_unknown -c copy -c:s srt {out}"


def mix_channels(path: PurePath | str, channels: Mapping[int, int]) -> str:
    """Return an ffmpeg command that makes one channel of each of some streams of sound.

    `channels` has a stream's number among those of sound, from 0, and how many channels it has.
    """
    source, out = _names(path, "mixed")
    mixed = " ".join(
        f"-c:a:{n} pcm_s16le -filter:a:{n} 'pan=mono|c0<{'+'.join(f'c{c}' for c in range(count))}'"
        for n, count in channels.items()
    )
    return f"ffmpeg -i {source} -map 0 -ignore_unknown -c copy {mixed} {out}"


def _names(path: PurePath | str, what: str) -> tuple[str, str]:
    """Return the source and the file to be made beside it, for a shell."""
    source = PurePath(path)
    suffix = ".mkv" if source.suffix.lower() in _TO_MATROSKA else ".mov"
    return _quoted(str(source)), _quoted(str(source.with_name(f"{source.stem}_{what}{suffix}")))


def _quoted(name: str) -> str:
    """Return a name for a shell, which ffmpeg takes for no option and no address."""
    return shlex.quote(f"file:{name}" if name.startswith("-") or ":" in name else name)
