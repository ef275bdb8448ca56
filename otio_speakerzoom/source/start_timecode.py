"""The start timecode of a source, in its own frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from otio_speakerzoom.model import Media
from otio_speakerzoom.source.container import open_input
from otio_speakerzoom.source.quicktime import TimecodeTrack, timecode_track
from otio_speakerzoom.timecode import allows_drop_frame, timecode_to_frame

_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class StartTimecode:
    """The timecode of a source's first frame."""

    frame: int = 0
    """Frames from 00:00:00:00 at the source's rate."""
    drop: bool = False
    """Whether it is drop-frame."""
    warnings: tuple[str, ...] = ()


def read_start_timecode(container: Any, path: Path, index: int, rate: Fraction) -> StartTimecode:
    """Return the start timecode of the video stream at `index`, 0 if the file has none.

    Reads the timecode track of a QuickTime file directly, because it counts frames: libav gives
    only a label, without the track's rate, and nothing at all if the flags do not fit the rate.
    """
    if "mov" in container.format.name:
        track = timecode_track(path, index)
        if track:
            return _from_track(track, rate)
    for label in timecode_labels(container, index):
        return _from_label(label, rate)
    return StartTimecode()


def start_from_label(media: Media) -> int | None:
    """Return the start of `media` in frames by libav's timecode label; None if there is no label.

    For files with a timecode track, `read_start_timecode` finds the same number in another way.
    """
    with open_input(media.path) as container:
        label = next(timecode_labels(container, media.video_stream), None)
        track = None
        if "mov" in container.format.name:
            track = timecode_track(media.path, media.video_stream)
    if label is None or _exceeds_rate(label, track.rate if track else media.rate):
        return None
    if track is None:
        return label_frame(label, media.rate)
    return round(convert_count(label_frame(label, track.rate), track.rate, media.rate))


def timecode_labels(container: Any, index: int) -> Iterator[str]:
    """Yield the timecode labels in a file's metadata, that of the stream at `index` first.

    Matroska writes the key in capitals.
    """
    streams = sorted(container.streams, key=lambda stream: stream.index != index)
    for carrier in (*streams, container):
        for name, value in carrier.metadata.items():
            if name.lower() == "timecode" and _parse(value):
                yield value


def label_frame(label: str, rate: Fraction) -> int:
    """Return the frame number of a label such as 01:00:00;00 at `rate`."""
    hours, minutes, seconds, frames, drop = _parse(label) or (0, 0, 0, 0, False)
    return timecode_to_frame(
        hours, minutes, seconds, frames, rate, drop=drop and allows_drop_frame(rate)
    )  # fmt: skip


def _exceeds_rate(label: str, rate: Fraction) -> bool:
    """Whether the frame number of a label is too high for a second at `rate`."""
    fields = _parse(label)
    return fields is not None and fields[3] >= round(rate)


def _parse(label: str) -> tuple[int, int, int, int, bool] | None:
    """Return hours, minutes, seconds, frames and whether the label is drop-frame."""
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d+)", label.strip())
    if not match:
        return None
    return int(match[1]), int(match[2]), int(match[3]), int(match[5]), match[4] != ":"


def _from_label(label: str, rate: Fraction) -> StartTimecode:
    fields = _parse(label)
    assert fields is not None
    if _exceeds_rate(label, rate):
        warning = (
            f"its timecode {label} has a frame number that does not exist at {rate} frames per "
            "second: 00:00:00:00 is used instead, and an editor may read it differently"
        )
        return StartTimecode(warnings=(warning,))
    return StartTimecode(label_frame(label, rate), fields[4] and allows_drop_frame(rate))


def _from_track(track: TimecodeTrack, rate: Fraction) -> StartTimecode:
    """Return the start of a timecode track at the rate of the video."""
    warnings: list[str] = []
    if track.drop and not allows_drop_frame(track.rate):
        warnings.append(
            f"its timecode track is marked drop-frame at {track.rate} frames per second, which has "
            "no drop-frame: it is read as non-drop, and an editor may count differently"
        )
    frames = convert_count(track.count, track.rate, rate) % (_DAY_S * round(rate))
    if frames.denominator != 1:
        warnings.append(
            f"its timecode track runs at {track.rate} frames per second, the video at {rate}, "
            "and starts between two frames: the nearer one is used"
        )
    return StartTimecode(round(frames), track.drop and allows_drop_frame(rate), tuple(warnings))


def convert_count(count: int, track_rate: Fraction, rate: Fraction) -> Fraction:
    """Return a frame count at `track_rate`, of a timecode track, in frames at `rate`, of the video.

    A track that counts every second frame, or every frame twice, counts video frames, although it
    may declare 30 for 30000/1001; any other track is a clock.
    """
    ratio = Fraction(round(rate), round(track_rate))
    if 1 in ratio.as_integer_ratio():
        return count * ratio
    return count / track_rate * rate
