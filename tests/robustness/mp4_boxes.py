"""Patches the boxes of MP4 files (ISO/IEC 14496-12), so that files do not depend on a muxer."""

import struct

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"moof", b"traf")


def boxes(data, start=0, end=None):
    """Yield (name, start, end) of the boxes in a part of a file, heads included."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        if not 8 <= size <= end - start:
            return
        yield name, start, start + size
        start += size


def find(data, *path, track=0):
    """Return (start, end) of the box at a path of names; `track` counts the `trak` on it."""
    start, end = 0, len(data)
    for name in path:
        spans = [(s, e) for n, s, e in boxes(data, start, end) if n == name]
        start, end = spans[track if name == b"trak" else 0]
        inner = start + 8
        if name != path[-1]:
            start = inner
    return start, end


def box(name, content):
    return struct.pack(">I4s", 8 + len(content), name) + content


def replaced(data, path, new, track=0):
    """Return the file with another box in the place of that at `path`, at the end of the file.

    So no offset of a sample changes: the `moov` must be the last box of the file.
    """
    assert list(boxes(data))[-1][0] == b"moov"
    start, end = find(data, *path, track=track)
    result = data[:start] + new + data[end:]
    grown = len(new) - (end - start)
    for depth in range(1, len(path)):
        at, _ = find(data, *path[:depth], track=track)
        (size,) = struct.unpack(">I", data[at : at + 4])
        result = result[:at] + struct.pack(">I", size + grown) + result[at + 4 :]
    return result


def edit_list(*edits):
    """Return an `edts` of (duration in movie time, media time or -1, rate) edits."""
    rows = b"".join(struct.pack(">IiI", d, t, int(r * 65536)) for d, t, r in edits)
    return box(b"edts", box(b"elst", struct.pack(">II", 0, len(edits)) + rows))


def movie_scale(data):
    """Return the ticks a second of the movie header."""
    start, _ = find(data, b"moov", b"mvhd")
    return struct.unpack(">I", data[start + 20 : start + 24])[0]


def media_scale(data, track=0):
    """Return the ticks a second of a track."""
    start, _ = find(data, b"moov", b"trak", b"mdia", b"mdhd", track=track)
    return struct.unpack(">I", data[start + 20 : start + 24])[0]
