"""How files are named to libav, and which ffmpeg this machine has."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio_ffmpeg

from otio_speakerzoom.errors import ToolError


def find_ffmpeg() -> str:
    """Return the ffmpeg that will be used: the system's, else the one from imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ToolError(
            "no ffmpeg found: install ffmpeg, or `pip install --force-reinstall imageio-ffmpeg`"
        ) from error


LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}
"""Option of libav and ffmpeg for an input: what it refers to may lie in files, not on a network."""


def input_url(path: Path) -> str:
    """Return what names the file at `path`, and nothing else, to libav and ffmpeg.

    To them a bare name may be an option (-i.mp4), a pipe (-), or an address (http:x.mp4,
    concat:a.mp4).
    """
    return f"file:{path.absolute()}"
