"""What a source file is: its streams, its grid of frames, its timecode; nothing is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import Media, Sound
from otio_speakerzoom.source.ffmpeg import LOCAL_ONLY, input_url
from otio_speakerzoom.source.naming import as_named
from otio_speakerzoom.timecode import timecode_frames

STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)),
)


def probe(path: Path) -> Media:
    """Return the facts of the file at `path`; raise MediaError where it has no picture.

    All packets of the picture are read once (not decoded), because only their time stamps tell
    the true number of frames and whether the rate is constant.
    """
    if not path.is_file():
        raise MediaError(f"{path}: no such file; check the name")
    try:
        with av.open(input_url(path), container_options=LOCAL_ONLY) as container:
            return _media(path, container)
    except FFmpegError as error:
        raise MediaError(
            f"{path}: not a video that ffmpeg can open ({error.strerror}); is it damaged?"
        ) from error


def _media(path: Path, container: Any) -> Media:
    cover = Disposition.attached_pic  # a still that goes with music, which is no film
    video = next((v for v in container.streams.video if not v.disposition & cover), None)
    if video is None:
        raise MediaError(f"{path}: has no picture, so there is nothing to frame")
    stamps = sorted(
        packet.pts * video.time_base
        for packet in container.demux(video)
        if packet.pts is not None and not packet.is_discard
    )
    if not stamps:
        raise MediaError(f"{path}: the video stream holds no pictures; is the file complete?")
    rate, duration, variable = _grid(stamps, video)
    size, rotation = _shown(path, container, video)
    timecode, drop = _start_timecode(container, rate)
    begin = Fraction(container.start_time or 0, av.time_base)
    return Media(
        path=as_named(path),
        rate=rate,
        duration=duration,
        size=size,
        start=timecode,
        drop_frame=drop,
        rotation=rotation,
        variable_rate=variable,
        # libav rounds the container's start to microseconds: never let that make it negative
        video_offset=max(stamps[0] - begin, Fraction(0)),
        sounds=_sound_facts(container, stamps[0]),
        picture=video.index,
        warnings=tuple(_warnings(rate, variable)),
    )


def _warnings(rate: Fraction, variable: bool) -> Iterator[str]:
    if variable:
        yield (
            f"its frame rate varies; it is read at a constant {rate} fps. An editor may count its "
            f"frames otherwise: conform it first with ffmpeg -i IN -vf fps={rate} -c:a copy OUT"
        )


def _grid(stamps: list[Fraction], video: Any) -> tuple[Fraction, int, bool]:
    """Return rate, duration in frames, and whether the stamps are too uneven to be constant.

    A file is its own grid when every stamp lies within a quarter of a frame of a multiple of the
    nominal rate and few places are empty (damaged or dropped frames): one in a hundred, or two.
    Others are variable: read onto the nominal rate if the stamps lie on it, else onto the slowest
    standard rate that is not slower than their average, so that no picture is lost and an editor
    has a timebase for it.
    """
    nominal = Fraction(video.base_rate or video.average_rate or 0)
    if len(stamps) == 1:
        return nominal or Fraction(25), 1, False
    # a file may say 2997/100 and mean 30000/1001: take the standard rate where it fits as well
    near = [r for r in STANDARD_RATES if abs(r - nominal) < r / 10_000]
    for rate in (*near, nominal):
        frames = _places(stamps, rate) if 0 < rate <= 240 else None
        if frames:
            duration = frames[-1] + 1
            return rate, duration, duration - len(frames) > max(2, duration / 100)
    span = stamps[-1] - stamps[0]
    average = (len(stamps) - 1) / span
    rate = min((r for r in STANDARD_RATES if r >= average * Fraction(199, 200)), default=None)
    rate = rate or Fraction(60)
    return rate, round(span * rate) + 1, True


def _places(stamps: list[Fraction], rate: Fraction) -> list[int] | None:
    """Return each stamp's frame on the grid of `rate`, or None where they do not lie on it."""
    places = [(stamp - stamps[0]) * rate for stamp in stamps]
    frames = [round(place) for place in places]
    fits = all(abs(p - f) <= Fraction(1, 4) for p, f in zip(places, frames, strict=True))
    return frames if fits and all(a < b for a, b in pairwise(frames)) else None


def _shown(path: Path, container: Any, video: Any) -> tuple[tuple[int, int], int]:
    """Return the size as shown and the rotation, read from the first picture that decodes."""
    aspect = video.sample_aspect_ratio
    if aspect and aspect != 1:
        raise MediaError(
            f"{path}: its pixels are not square ({aspect}); conform it first: "
            f"ffmpeg -i IN -vf scale=iw*sar:ih,setsar=1 -c:a copy OUT"
        )
    container.seek(0)
    try:
        frame = next(container.decode(video))
    except (StopIteration, FFmpegError) as error:
        raise MediaError(f"{path}: no picture can be decoded; is the file damaged?") from error
    rotation = -frame.rotation % 360  # libav counts anticlockwise
    if rotation % 90:
        raise MediaError(f"{path}: is turned by {rotation} degrees; conform it upright first")
    width, height = frame.width, frame.height
    return ((height, width) if rotation % 180 else (width, height)), rotation


def _sound_facts(container: Any, first_picture: Fraction) -> tuple[Sound, ...]:
    return tuple(
        Sound(
            rate=audio.rate,
            channels=audio.channels,
            delay=(audio.start_time or 0) * audio.time_base - first_picture,
            index=audio.index,
        )
        for audio in container.streams.audio
    )


def _start_timecode(container: Any, rate: Fraction) -> tuple[int, bool]:
    """Return the start timecode in frames (0 where there is none) and whether it drops labels."""
    carriers = [*container.streams, container]
    for text in (carrier.metadata.get("timecode") for carrier in carriers):
        match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)", text or "")
        if match:
            hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
            drop = match[4] != ":"
            return timecode_frames(hours, minutes, seconds, frames, rate, drop=drop), drop
    return 0, False
