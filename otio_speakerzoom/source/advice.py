"""Warnings about a source, for the user to read before cutting it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_speakerzoom.source.decoded_facts import DecodedFacts
from otio_speakerzoom.source.ffmpeg_commands import conform_command, film_only_command
from otio_speakerzoom.source.grid import MAX_FPS, Grid

_LATE_FRAMES = 2
"""Frames from which on a late video start is reported: audio is often ahead by a packet."""


def conform_advice(
    path: Path, grid: Grid, facts: DecodedFacts, late: Fraction, unusual_edits: bool
) -> Iterator[str]:
    """Yield a warning of what an editor may read differently, with one command that fixes it all.

    `late` is how many seconds the first frame comes after the start of the file; `unusual_edits` is
    whether libav does not follow its edit list.
    """
    reasons: list[str] = []
    filters = [] if facts.field_order == "progressive" else ["bwdif=0"]
    audio_filter = ""
    if grid.variable:
        fault = f"is above {MAX_FPS} fps" if grid.too_fast else "varies"
        reasons.append(f"its frame rate {fault}; it is read at a constant {grid.rate} fps")
    if len(facts.sizes) > 1:
        width, height = facts.stored_size
        reasons.append(f"its frame size changes; it is read at the first size, {width}x{height}")
        filters.append(f"scale={width}:{height}:force_original_aspect_ratio=decrease")
        filters.append(f"pad={width}:{height}:-1:-1,setsar=1")
    if any(len(formats) > 1 for formats in facts.audio_formats.values()):
        reasons.append("its sample rate or channels change")
        audio_filter = "aresample=async=1"
    if late * grid.rate >= _LATE_FRAMES:
        seconds = f"{float(late):.6f}"
        reasons.append(
            f"its video starts {float(late):.2f} s after its audio; here that is frame 0"
        )
        filters.append(f"tpad=start_duration={seconds}:start_mode=clone,setpts=PTS-{seconds}/TB")
    if unusual_edits:
        reasons.append("its edit list has gaps or other speeds, which are not followed here")
    if reasons:
        yield (
            f"{', and '.join(reasons)}. An editor may read it differently; conform it first with "
            f"{conform_command(path, *filters, f'fps={grid.rate}', audio=audio_filter)}"
        )


def stream_order_advice(path: Path, film: int, first: int) -> Iterator[str]:
    """Yield a warning if the film is not the `first` video stream, by their indices."""
    if film != first:
        yield (
            f"its film is stream {film}, after a shorter one that an editor may show; put the film "
            f"first with {film_only_command(path, film)}"
        )


def missing_frames_advice(format_name: str, stream: Any, grid: Grid) -> Iterator[str]:
    """Yield a warning if the header of a file that numbers frames by their order declares more.

    In AVI and MXF, the frames after a missing one move forward.
    """
    seconds = Fraction(0)
    if format_name == "avi" and stream.average_rate:
        seconds = stream.frames / Fraction(stream.average_rate)
    elif format_name == "mxf" and stream.duration:
        seconds = stream.duration * stream.time_base
    declared = round(seconds * grid.rate)
    if declared > grid.duration:
        yield (
            f"{declared - grid.duration} of its {declared} frames are missing, as in a damaged "
            "copy, and what follows them comes early; copy it again"
        )
