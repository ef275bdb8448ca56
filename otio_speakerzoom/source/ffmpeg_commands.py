"""ffmpeg commands that convert a source into one that we and the editors can read.

We only print them. They are built by ffmpeg-python and call the system's ffmpeg, or the one in the
package imageio-ffmpeg, so that users can run them as printed, from any folder. As here, ffmpeg then
opens no network for a source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from otio_speakerzoom.source.programs import find_program, shell_command
from otio_speakerzoom.source.url import FILE_ONLY
from otio_speakerzoom.source.user_path import absolute_path

_TO_MATROSKA = (".mkv", ".webm", ".flv", ".ogv", ".ogg", ".wmv", ".asf")
"""Containers whose audio or subtitles may not fit into a .mov."""

_MAX_NAME_BYTES = 255  # of a file name, on every common file system


def conform_command(path: PurePath | str, *filters: str, audio: str = "") -> str:
    """Return a shell command that re-encodes the video through `filters`.

    It copies all other streams; with a filter for the `audio`, it encodes that without loss. The
    output is next to the source: Matroska if the source is, which most editors do not read,
    otherwise QuickTime.
    """
    video_options: dict[str, Any] = {"c:V": "libx264", "crf": 16, "filter:V": ",".join(filters)}
    audio_options: dict[str, Any] = {"c:a": "pcm_s16le", "filter:a": audio} if audio else {}
    return _command(
        path, _output_path(path, "conformed"), map="0", **video_options, **audio_options
    )


def remux_command(path: PurePath | str) -> str:
    """Return a command that copies what is readable of a source into a complete file."""
    return _command(path, _output_path(path, "whole"), map="0")


def unedited_command(path: PurePath | str) -> str:
    """Return a command that copies a source as if it had no edit list."""
    return _command(path, _output_path(path, "unedited"), edited=False, map="0")


def shift_audio_command(path: PurePath | str, seconds: float) -> str:
    """Return a command that delays all audio by `seconds`, or advances it if negative."""
    return _command(path, _output_path(path, "shifted"), late=f"{seconds:.3f}", map="-0:a")


def film_only_command(path: PurePath | str, index: int) -> str:
    """Return a command that copies a source with only the video stream at `index`."""
    return _command(path, _output_path(path, "film"), str(index), "a?", "s?")


def matroska_command(path: PurePath | str) -> str:
    """Return a command that copies a source to Matroska, without data streams, which do not fit."""
    all_but_data = ("v", "a?", "s?", "t?")
    subtitles: dict[str, Any] = {"c:s": "srt"}
    return _command(path, PurePath(path).with_suffix(".mkv"), *all_but_data, **subtitles)


def mixdown_command(path: PurePath | str, channels: Mapping[int, int]) -> str:
    """Return a command that mixes some audio streams down to mono.

    `channels` maps the index of each among the audio streams, from 0, to its number of channels.
    """
    options: dict[str, Any] = {}
    for n, count in channels.items():
        options[f"c:a:{n}"] = "pcm_s16le"
        options[f"filter:a:{n}"] = f"pan=mono|c0<{'+'.join(f'c{c}' for c in range(count))}"
    return _command(path, _output_path(path, "mixed"), map="0", **options)


def _command(
    source: PurePath | str,
    out: PurePath,
    *streams: str,
    late: str = "",
    edited: bool = True,
    **options: Any,
) -> str:
    """Return a shell command that copies every stream for which `options` name no encoder.

    `streams` are the streams to map, if `options` do not map all. `late` maps the audio once more,
    that many seconds later. `edited` is whether to follow the source's edit list.
    """
    import ffmpeg

    unedited = {} if edited else {"ignore_editlist": 1}
    whole = ffmpeg.input(_file_url(source), **FILE_ONLY, **unedited)
    inputs = [whole[stream] for stream in streams] or [whole]
    if late:
        inputs.append(ffmpeg.input(_file_url(source), itsoffset=late, **FILE_ONLY)["a"])
    options = {"c": "copy", "ignore_unknown": None, **options}
    result = ffmpeg.output(*inputs, _file_url(out), **options)
    return shell_command(ffmpeg.compile(result, cmd=_program()))


def _program() -> str:
    """Return the name of the system's ffmpeg, otherwise the path of the one in imageio-ffmpeg."""
    if find_program("ffmpeg"):
        return "ffmpeg"
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:  # none for this machine; the command is correct anyway
        return "ffmpeg"


def _output_path(path: PurePath | str, what: str) -> PurePath:
    """Return the path of the output, next to the source."""
    source = PurePath(path)
    end = f"_{what}" + (".mkv" if source.suffix.lower() in _TO_MATROSKA else ".mov")
    stem = source.stem
    while len(os.fsencode(stem + end)) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return source.with_name(stem + end)


def _file_url(path: PurePath | str) -> str:
    """Return a name that ffmpeg takes for this file, not for an option or another URL."""
    whole = PurePath(path)
    return f"file:{whole if whole.is_absolute() else absolute_path(Path(whole))}"
