"""What the user should know of a source before it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from otio_speakerzoom.source.decoded_facts import DecodedFacts
from otio_speakerzoom.source.ffmpeg_commands import conform_command, film_only_command
from otio_speakerzoom.source.grid import Grid

_LATE = 2
"""Frames by which a picture may start after its sound unsaid: some sound is ahead by a packet."""


def remarks(path: Path, grid: Grid, looks: DecodedFacts, late: Fraction) -> Iterator[str]:
    """Yield what an editor may take otherwise, with one command that mends all of it.

    `late` is the seconds by which the first picture comes after the start of the file.
    """
    reasons: list[str] = []
    filters = [] if looks.fields == "progressive" else ["bwdif=0"]
    sound = ""
    if grid.variable:
        reasons.append(f"its frame rate varies; it is read at a constant {grid.rate} fps")
    if len(looks.sizes) > 1:
        width, height = looks.stored
        reasons.append(f"its picture size changes; it is read at the first size, {width}x{height}")
        filters.append(f"scale={width}:{height}:force_original_aspect_ratio=decrease")
        filters.append(f"pad={width}:{height}:-1:-1,setsar=1")
    if any(len(formats) > 1 for formats in looks.formats.values()):
        reasons.append("its sample rate or channels change")
        sound = "aresample=async=1"
    if late * grid.rate >= _LATE:
        seconds = f"{float(late):.6f}"
        reasons.append(
            f"its picture starts {float(late):.2f} s after its sound; here it is frame 0"
        )
        filters.append(f"tpad=start_duration={seconds}:start_mode=clone,setpts=PTS-{seconds}/TB")
    if reasons:
        yield (
            f"{', and '.join(reasons)}. An editor may read it differently; conform it first with "
            f"{conform_command(path, *filters, f'fps={grid.rate}', sound=sound)}"
        )


def not_the_first(path: Path, film: int, first: int) -> Iterator[str]:
    """Say so where the film is not the `first` of the picture streams, by their numbers."""
    if film != first:
        yield (
            f"its film is stream {film}, after a shorter one that an editor may show; put it first "
            f"with {film_only_command(path, film)}"
        )
