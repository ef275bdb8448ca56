"""Reads from QuickTime and MP4 files what libav does not report: codecs, timecode, the index.

Boxes as in ISO/IEC 14496-12; the timecode sample description and its sample as in Apple's QuickTime
File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

DROP, NEGATIVE, COUNTER = 1, 4, 8
"""Flags of a timecode description."""

_NORMAL_SPEED = 1 << 16  # of an edit, in fixed point 16.16

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")

Span = tuple[int, int]
"""Start and end of a box's content in the file."""


@dataclass(frozen=True, slots=True)
class TimecodeTrack:
    """The first sample of a timecode track."""

    count: int
    """Frames from 00:00:00:00; dropped labels are not counted."""
    rate: Fraction
    """Frames per second of the count, exact."""
    drop: bool
    """Whether its labels are drop-frame."""


def sample_codes(path: Path) -> list[str]:
    """Return the four-letter codec code of each track, in order; empty for any other file."""
    with path.open("rb") as file:
        return [
            _bytes(file, (start + 12, start + 16)).decode("latin-1").strip()
            for track in _tracks(file)
            for start, _ in _find(file, track, "mdia", "minf", "stbl", "stsd")
        ]


def index_span(path: Path) -> Span | None:
    """Return where the index of all samples lies; None in any other file."""
    with path.open("rb") as file:
        return next(_find(file, (0, file.seek(0, 2)), "moov"), None)


def lacks_index(path: Path) -> bool:
    """Whether it is a QuickTime or MP4 file without a whole index, as after an interruption."""
    with path.open("rb") as file:
        is_quicktime = _bytes(file, (4, 8)) in _FIRST_BOXES
        return is_quicktime and next(_find(file, (0, file.seek(0, 2)), "moov"), None) is None


def has_unusual_edits(path: Path) -> bool:
    """Whether a track has an edit that libav does not follow: a late gap, or another speed."""
    with path.open("rb") as file:
        return any(
            number > 0 if media_time == -1 else rate != _NORMAL_SPEED
            for track in _tracks(file)
            for number, (media_time, rate) in enumerate(_edits(file, track))
        )


def timecode_track(path: Path, index: int) -> TimecodeTrack | None:
    """Return the timecode of the track at `index`, otherwise the first one; None if there is none.

    Fragmented tracks, and those that count a tape, have none.
    """
    with path.open("rb") as file:
        tracks = list(_tracks(file))
        by_id = {_id(file, track): _timecode(file, track) for track in tracks}
        references = _timecode_references(file, tracks[index]) if index < len(tracks) else []
        candidates = [by_id.get(id_) for id_ in references] + list(by_id.values())
    return next((timecode for timecode in candidates if timecode), None)


def _edits(file: BinaryIO, track: Span) -> Iterator[tuple[int, int]]:
    """Yield the media time, -1 for a gap, and the rate (16.16) of each edit of a track."""
    for start, end in _find(file, track, "edts", "elst"):
        version, count = struct.unpack(">B3xI", _bytes(file, (start, start + 8)).rjust(8, b"\0"))
        kind = struct.Struct(">Qqi" if version == 1 else ">Iii")
        most = (end - start - 8) // kind.size
        rows = _bytes(file, (start + 8, start + 8 + min(count, most) * kind.size))
        yield from ((media_time, rate) for _, media_time, rate in kind.iter_unpack(rows))


def _timecode(file: BinaryIO, track: Span) -> TimecodeTrack | None:
    for table in _find(file, track, "mdia", "minf", "stbl"):
        stsd = next(_find(file, table, "stsd"), None)
        head = _bytes(file, (stsd[0] + 8, stsd[0] + 8 + 34)) if stsd else b""
        if head[4:8] != b"tmcd" or len(head) < 34:
            continue
        flags, scale, duration = struct.unpack(">III", head[20:32])
        at = _first_sample(file, table)
        sample = _bytes(file, (at, at + 4)) if at else b""
        if len(sample) == 4 and 0 < duration <= scale and not flags & COUNTER:
            (count,) = struct.unpack(">i" if flags & NEGATIVE else ">I", sample)
            return TimecodeTrack(count, Fraction(scale, duration), bool(flags & DROP))
    return None


def _first_sample(file: BinaryIO, table: Span) -> int | None:
    """Return the position of the first sample in the file."""
    for name, kind, size in (("stco", ">I", 4), ("co64", ">Q", 8)):
        for start, _ in _find(file, table, name):
            entry = _bytes(file, (start + 8, start + 8 + size))
            if len(entry) == size:
                return struct.unpack(kind, entry)[0]
    return None


def _id(file: BinaryIO, track: Span) -> int:
    """Return the id by which other tracks refer to this one."""
    for start, _ in _find(file, track, "tkhd"):
        at = start + (20 if _bytes(file, (start, start + 1)) == b"\1" else 12)
        return int.from_bytes(_bytes(file, (at, at + 4)))
    return 0


def _timecode_references(file: BinaryIO, track: Span) -> list[int]:
    """Return the ids of the timecode tracks that `track` refers to."""
    return [
        int.from_bytes(_bytes(file, (at, at + 4)))
        for start, end in _find(file, track, "tref", "tmcd")
        for at in range(start, end - 3, 4)
    ]


def _tracks(file: BinaryIO) -> Iterator[Span]:
    size = file.seek(0, 2)
    yield from _find(file, (0, size), "moov", "trak")


def _find(file: BinaryIO, span: Span, *path: str) -> Iterator[Span]:
    """Yield the content of all boxes at `path` below `span`."""
    for name, start, end in _boxes(file, span):
        if name == path[0]:
            if len(path) == 1:
                yield start, end
            else:
                yield from _find(file, (start, end), *path[1:])


def _boxes(file: BinaryIO, span: Span) -> Iterator[tuple[str, int, int]]:
    """Yield name, start and end of the content of each box in `span`, up to a truncated one."""
    at, end = span
    while at + 8 <= end:
        size, name = struct.unpack(">I4s", _bytes(file, (at, at + 8)))
        head = 8
        if size == 1:  # the true size follows, in 64 bits
            size, head = int.from_bytes(_bytes(file, (at + 8, at + 16))), 16
        elif size == 0:  # to the end
            size = end - at
        if size < head or at + size > end:
            return
        yield name.decode("latin-1"), at + head, at + size
        at += size


def _bytes(file: BinaryIO, span: Span) -> bytes:
    file.seek(span[0])
    return file.read(span[1] - span[0])
