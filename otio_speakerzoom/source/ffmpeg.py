"""Which ffmpeg is used, and how its output is read."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import ffmpeg
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


def opened(path: Path, **options: Any) -> Any:
    """Return the file at `path` as an input of ffmpeg-python, which reaches no network."""
    return ffmpeg.input(input_url(path), **LOCAL_ONLY, **options)


@contextmanager
def reading(stream: Any, path: Path) -> Iterator[IO[bytes]]:
    """Run ffmpeg and give its standard output; end it whatever happens.

    A reader who stops early ends ffmpeg; only an ffmpeg that fails by itself is an error.
    """
    command = ffmpeg.compile(stream.global_args("-nostdin", "-v", "error"), cmd=find_ffmpeg())
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout
            at_end = not process.stdout.read(1)
            if at_end and process.wait():
                raise ToolError(f"{path}: ffmpeg failed: {last_line(complaints)}")
        finally:
            process.kill()  # nothing, where it has ended by itself


def last_line(complaints: IO[bytes]) -> str:
    """Return the last line that ffmpeg wrote, without the component it puts before it."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return re.sub(r"^\[[^]]*\] ", "", lines[-1]) if lines else "it gave no reason"
