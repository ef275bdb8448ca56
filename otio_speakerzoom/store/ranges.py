"""parts/START-END/: analyses of parts of a source, separate from the one of the whole."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from otio_speakerzoom.model import FrameRange

_PART = re.compile(r"parts/[0-9]{1,9}-[0-9]{1,9}")


def part_folder(folder: Path, within: FrameRange) -> Path:
    """Return the folder for the analysis of a part of the source."""
    return folder / "parts" / f"{within.start}-{within.end}"


def check_part_name(name: str) -> None:
    """Raise ValueError unless a name is that of a part's folder in a work folder, or empty."""
    if name and not _PART.fullmatch(name):
        raise ValueError(f"people_folder: {ascii(name)[:60]} is no folder of a part")


def part_folders(folder: Path) -> list[tuple[Path, FrameRange]]:
    """Return the folders of parts that have their own analysis, in order of time."""
    parts: list[tuple[Path, FrameRange]] = []
    with suppress(OSError):
        for path in (folder / "parts").iterdir():
            match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", path.name)
            if match and int(match[1]) < int(match[2]):
                parts.append((path, FrameRange(int(match[1]), int(match[2]))))
    return sorted(parts, key=lambda part: (part[1].start, part[1].end))
