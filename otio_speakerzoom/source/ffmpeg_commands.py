"""The ffmpeg commands that make of a source one that we and the editors read.

We print them and never run them. ffmpeg-python spells them; the ffmpeg that they name is the
system's, or the one inside the package imageio-ffmpeg, so that they run as they are printed.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_TO_MATROSKA = (".mkv", ".webm", ".flv", ".ogv", ".ogg", ".wmv", ".asf")
"""What may hold sound or subtitles that a .mov cannot."""


def conform_command(path: PurePath | str, *filters: str, sound: str = "") -> str:
    """Return an ffmpeg command that encodes the picture anew through `filters`, for a shell.

    All tracks are kept, of which none but the picture is changed, unless there is a filter for the
    `sound`, which is then encoded without loss. The result lies beside the source. It is Matroska
    where the source is, which most editors do not read, else QuickTime.
    """
    picture = {"c:V": "libx264", "crf": 16, "filter:V": ",".join(filters)}
    heard = {"c:a": "pcm_s16le", "filter:a": sound} if sound else {}
    return _command(path, _beside(path, "conformed"), map="0", **picture, **heard)


def remux_command(path: PurePath | str) -> str:
    """Return an ffmpeg command that copies what can be read of a source into a whole file."""
    return _command(path, _beside(path, "whole"), map="0")


def shift_audio_command(path: PurePath | str, seconds: float) -> str:
    """Return an ffmpeg command that moves all sound later by `seconds`, earlier where negative."""
    return _command(path, _beside(path, "shifted"), late=f"{seconds:.3f}", map="-0:a")


def film_only_command(path: PurePath | str, index: int) -> str:
    """Return an ffmpeg command that copies a source with only the picture stream number `index`."""
    return _command(path, _beside(path, "film"), str(index), "a?", "s?")


def matroska_command(path: PurePath | str) -> str:
    """Return an ffmpeg command that copies all that Matroska holds of a source into such a file."""
    all_but_data = ("v", "a?", "s?", "t?")
    return _command(path, PurePath(path).with_suffix(".mkv"), *all_but_data, **{"c:s": "srt"})


def mixdown_command(path: PurePath | str, channels: Mapping[int, int]) -> str:
    """Return an ffmpeg command that makes one channel of each of some streams of sound.

    `channels` has a stream's number among those of sound, from 0, and how many channels it has.
    """
    mixed: dict[str, str] = {}
    for n, count in channels.items():
        mixed[f"c:a:{n}"] = "pcm_s16le"
        mixed[f"filter:a:{n}"] = f"pan=mono|c0<{'+'.join(f'c{c}' for c in range(count))}"
    return _command(path, _beside(path, "mixed"), map="0", **mixed)


def _command(
    source: PurePath | str, out: PurePath, *streams: str, late: str = "", **options: Any
) -> str:
    """Return the command for a shell; what `options` do not encode is copied.

    `streams` are those of the source that are mapped, where `options` do not map all of them. With
    `late` the source's sound is mapped once more, that many seconds later.
    """
    import ffmpeg

    given = ffmpeg.input(_named(source))
    inputs = [given[stream] for stream in streams] or [given]
    if late:
        inputs.append(ffmpeg.input(_named(source), itsoffset=late)["a"])
    options = {"c": "copy", "ignore_unknown": None, **options}
    output = ffmpeg.output(*inputs, _named(out), **options)
    return shlex.join(ffmpeg.compile(output, cmd=_program()))


def _program() -> str:
    """Return the system's ffmpeg by its name, else the path of the one from imageio-ffmpeg."""
    if shutil.which("ffmpeg"):
        return "ffmpeg"
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:  # there is none for this machine; the command is right all the same
        return "ffmpeg"


def _beside(path: PurePath | str, what: str) -> PurePath:
    """Return the name of what is made of a source."""
    source = PurePath(path)
    suffix = ".mkv" if source.suffix.lower() in _TO_MATROSKA else ".mov"
    return source.with_name(f"{source.stem}_{what}{suffix}")


def _named(path: PurePath | str) -> str:
    """Return a name that ffmpeg takes for no option and no address."""
    name = str(path)
    return f"file:{name}" if name.startswith("-") or ":" in name else name
