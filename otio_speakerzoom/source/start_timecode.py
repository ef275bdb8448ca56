"""At which timecode a source starts, in its own frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from otio_speakerzoom.model import Media
from otio_speakerzoom.source.quicktime import TimecodeTrack, timecode_track
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url
from otio_speakerzoom.timecode import may_drop, timecode_frames

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Start:
    """Where a source's timecode starts."""

    frame: int = 0
    """Frames from 00:00:00:00 at the source's rate."""
    drop: bool = False
    """Whether labels are dropped when it is written."""
    warnings: tuple[str, ...] = ()


def start_of(container: Any, path: Path, index: int, rate: Fraction) -> Start:
    """Return the start of the picture stream number `index`: 0 where the file carries none.

    The timecode track of a QuickTime file counts frames, so it is read itself: libav gives its
    label, which says neither the track's rate nor, where the flags fit no rate, anything at all.
    """
    if "mov" in container.format.name:
        track = timecode_track(path, index)
        if track:
            return _of_track(track, rate)
    for text in labels(container, index):
        return _of_label(text, rate)
    return Start()


def start_from_label(media: Media) -> int | None:
    """Return the start of `media` as libav's label of it says; None where it gives none.

    It is another way to the same number than `start_of` takes where the file has a timecode track.
    """
    with av.open(input_url(media.path), container_options=LOCAL_ONLY) as container:
        text = next(labels(container, media.video_stream), None)
        track = None
        if "mov" in container.format.name:
            track = timecode_track(media.path, media.video_stream)
    if text is None or _too_high(text, track.rate if track else media.rate):
        return None
    if track is None:
        return frame_of_label(text, media.rate)
    return round(scaled(frame_of_label(text, track.rate), track.rate, media.rate))


def labels(container: Any, index: int) -> Iterator[str]:
    """Yield the labels in a file's notes, that of the picture stream `index` first.

    Matroska writes their name in capitals.
    """
    streams = sorted(container.streams, key=lambda stream: stream.index != index)
    for carrier in (*streams, container):
        for name, text in carrier.metadata.items():
            if name.lower() == "timecode" and _parsed(text):
                yield text


def frame_of_label(text: str, rate: Fraction) -> int:
    """Return the frame that a label such as 01:00:00;00 names at `rate`."""
    *label, drop = _parsed(text) or (0, 0, 0, 0, False)
    hours, minutes, seconds, frames = label
    return timecode_frames(
        hours, minutes, seconds, frames, rate, drop=drop and may_drop(rate)
    )  # fmt: skip


def _too_high(text: str, rate: Fraction) -> bool:
    """Whether a label has a frame that a second of `rate` does not have."""
    parsed = _parsed(text)
    return parsed is not None and parsed[3] >= round(rate)


def _parsed(text: str) -> tuple[int, int, int, int, bool] | None:
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d+)", text.strip())
    if not match:
        return None
    return int(match[1]), int(match[2]), int(match[3]), int(match[5]), match[4] != ":"


def _of_label(text: str, rate: Fraction) -> Start:
    parsed = _parsed(text)
    assert parsed is not None
    if _too_high(text, rate):
        return Start(warnings=(
            f"its timecode {text} has a frame number that does not exist at {rate} frames per "
            "second: "
            "00:00:00:00 is used instead, and an editor may read it differently",
        ))  # fmt: skip
    return Start(frame_of_label(text, rate), parsed[4] and may_drop(rate))


def _of_track(track: TimecodeTrack, rate: Fraction) -> Start:
    """Return the start that a count of frames at the track's rate is at the picture's."""
    warnings: list[str] = []
    if track.drop and not may_drop(track.rate):
        warnings.append(
            f"its timecode track is marked drop-frame at {track.rate} frames per second, where "
            "that does not exist: no label is dropped, and an editor may count differently"
        )
    frames = scaled(track.count, track.rate, rate) % (_DAY * round(rate))
    if frames.denominator != 1:
        warnings.append(
            f"its timecode track runs at {track.rate} frames per second, the picture at {rate}, "
            "and starts between two pictures: the nearer one is used"
        )
    return Start(round(frames), track.drop and may_drop(rate), tuple(warnings))


def scaled(count: int, track: Fraction, picture: Fraction) -> Fraction:
    """Return a count of frames at the rate of a timecode `track` in frames of the `picture`.

    A track that counts every second frame, or each one twice, counts with the picture, though it
    may say 30 for 30000/1001; any other is a clock.
    """
    ratio = Fraction(round(picture), round(track))
    if 1 in ratio.as_integer_ratio():
        return count * ratio
    return count / track * picture
