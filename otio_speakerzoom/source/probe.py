"""What a source file is: its streams, its grid of frames, its timecode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.source.advice import not_the_first, remarks
from otio_speakerzoom.source.decoded_facts import (
    DecodedFacts,
    first_frame_stamps,
    read_decoded_facts,
    whole_frame_stamps,
)
from otio_speakerzoom.source.ffmpeg_commands import conform_command, remux_command
from otio_speakerzoom.source.grid import STANDARD_RATES, Grid, grid
from otio_speakerzoom.source.quicktime import sample_codes
from otio_speakerzoom.source.scan import Packets, scan
from otio_speakerzoom.source.start_timecode import start_of
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url
from otio_speakerzoom.source.user_path import absolute_path

_TELLS_LENGTH = r"mov|matroska|avi|mxf|flv|asf"
"""Containers whose length stands in a header; of others libav takes it from what is there."""
_CUT_OFF = 2
"""Seconds that may lack at the end: headers round, and streams end at different times."""
_LONG_GAP = 60
"""Seconds that nothing needs to account for: a screen that is recorded only where it changes."""


def probe(path: Path) -> Media:
    """Return the facts of the file at `path`; raise MediaError where it has no picture.

    All packets are read once, because only their time stamps tell the true number of frames and
    whether the rate is constant; a few pictures are decoded.
    """
    _refuse_no_file(path)
    try:
        with av.open(input_url(path), container_options=LOCAL_ONLY) as container:
            return _media(path, container)
    except FFmpegError as error:
        raise MediaError(
            f"{path}: not a video that ffmpeg can open ({error.strerror}); is it damaged?"
        ) from error


def _refuse_no_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        folder, there = path.is_dir(), path.exists()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    if folder:
        raise MediaError(f"{path}: is a folder; name one recording in it")
    if there:
        raise MediaError(f"{path}: is no regular file; copy what it gives into one")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise MediaError(f"{path}: is an address; download the recording and name the file")
    raise MediaError(f"{path}: no such file; check the name")


@dataclass(frozen=True, slots=True)
class _Film:
    """The picture stream that is the film."""

    stream: Any
    first: Fraction
    """Seconds at which frame 0 is shown, in the container's time."""
    grid: Grid
    looks: DecodedFacts


def _media(path: Path, container: Any) -> Media:
    if re.search(r"_pipe$|^image2", container.format.name):
        raise MediaError(f"{path}: is a still picture, not a recording; there is nothing to cut")
    # AVI stamps no picture: packets are numbered in the order in which they are decoded
    timed = container.format.name != "avi"
    packets = scan(container, timed=timed)
    _refuse_cut_off(path, container, packets)
    heard, warnings = _usable(path, container, packets)
    film = _film(path, container, packets, heard)
    start = start_of(container, path, film.stream.index, film.grid.rate)
    begin = Fraction(container.start_time or 0, av.time_base)
    looks, (width, height) = film.looks, film.looks.stored
    named = absolute_path(path)  # what is said is kept, and said again from another folder
    return Media(
        path=named,
        rate=film.grid.rate,
        duration=film.grid.duration,
        size=(height, width) if looks.rotation % 180 else (width, height),
        start=start.frame,
        drop_frame=start.drop,
        rotation=looks.rotation,
        variable_rate=film.grid.variable,
        # libav rounds the container's start to microseconds: never let that make it negative
        video_offset=max(film.first - begin, Fraction(0)),
        audio_streams=tuple(_sound(p.stream, p, film) for p in heard),
        video_stream=film.stream.index,
        field_order=looks.fields,
        colour=looks.colour,
        size_varies=len(looks.sizes) > 1,
        has_timestamps=timed or not film.stream.codec_context.has_b_frames,
        warnings=(
            *warnings,
            *start.warnings,
            *remarks(named, film.grid, looks, film.first - begin),
            *not_the_first(named, film.stream.index, _first_picture(packets)),
        ),
    )


def _film(path: Path, container: Any, packets: list[Packets], heard: list[Packets]) -> _Film:
    """Return the stream with the most pictures, which is no thumbnail; refuse what is none."""
    pictures = [found for found in packets if found.stream.type == "video"]
    if not pictures:
        raise MediaError(f"{path}: has no picture, so there is nothing to frame")
    film = max(pictures, key=lambda found: found.count)
    stream, stamps = film.stream, np.unique(np.array(film.stamps, np.int64))
    if stream.codec_context is None:
        raise MediaError(
            f"{path}: its picture codec is {_code(path, container, stream)}, which cannot be "
            "decoded here; export it from its camera's program or an editor as ProRes or H.264"
        )
    if not len(stamps) and film.count:
        raise MediaError(
            f"{path}: its pictures have no time stamps; give them some with "
            f"{conform_command(path, f'setpts=N/({_said_rate(stream)}*TB)')}"
        )
    if not len(stamps):
        raise MediaError(f"{path}: the video stream holds no pictures; is the file complete?")
    if len(stamps) == 1:
        raise MediaError(f"{path}: holds a single picture, not a recording; nothing to cut in it")
    _refuse_wrong_stamps(path, film, stamps, heard)
    with av.open(input_url(path), container_options=LOCAL_ONLY) as again:
        looks = read_decoded_facts(
            again, stream.index, [found.stream.index for found in heard], stamps
        )
    if looks is None:
        raise MediaError(f"{path}: no picture can be decoded; is the file damaged?")
    _refuse_distorted(path, stream, looks)
    if looks.fields != "progressive":
        with av.open(input_url(path), container_options=LOCAL_ONLY) as again:
            stamps = whole_frame_stamps(stamps, first_frame_stamps(again, stream.index))
    rates = (Fraction(rate or 0) for rate in (stream.base_rate, stream.average_rate))
    own = grid(stamps, stream.time_base, *rates)
    return _Film(stream, int(stamps[0]) * stream.time_base + own.begin, own, looks)


def _first_picture(packets: list[Packets]) -> int:
    """Return the number of the first picture stream that holds anything."""
    return next(p.stream.index for p in packets if p.stream.type == "video" and p.count)


def _refuse_cut_off(path: Path, container: Any, packets: list[Packets]) -> None:
    """Refuse a file whose header promises more than its packets hold, as half of a copy does."""
    if not container.duration or not re.search(_TELLS_LENGTH, container.format.name):
        return
    begin = Fraction(container.start_time or 0, av.time_base)
    ends = [max(p.stamps) * p.stream.time_base for p in packets if p.stamps]
    promised, there = Fraction(container.duration, av.time_base), max(ends, default=begin) - begin
    pictures = [p for p in packets if p.stream.type == "video"]
    if container.format.name == "avi":  # which has a number of pictures, and no other length
        rated = [(p.stream.frames, p.stream.average_rate) for p in pictures]
        promised = max((frames / rate for frames, rate in rated if rate), default=there)
    # one that holds its last picture for long promises more too, but no more pictures
    whole = "mov" in container.format.name and all(p.stream.frames <= p.count for p in pictures)
    if promised - there > _CUT_OFF and not whole:
        raise MediaError(
            f"{path}: ends after {float(there):.1f} of {float(promised):.1f} s, so it is a copy "
            "that was cut off, or was never finished; copy it again, or make a file of what is "
            f"there: {remux_command(path)}"
        )


def _refuse_wrong_stamps(
    path: Path, film: Packets, stamps: NDArray[np.int64], heard: list[Packets]
) -> None:
    """Refuse stamps that start again, or that place a picture where nothing else is."""
    rate = _said_rate(film.stream)
    if film.jump is not None:
        raise MediaError(
            f"{path}: its time stamps start again after {float(film.jump):.1f} s, as where two "
            "recordings were joined; renumber their pictures and samples with "
            f"{conform_command(path, f'setpts=N/({rate}*TB)', sound='asetpts=N/SR/TB')}"
        )
    tick = film.stream.time_base
    span, gap = int(stamps[-1] - stamps[0]) * tick, int(np.diff(stamps).max()) * tick
    audio_streams = [(p.stamps[-1] - p.stamps[0]) * p.stream.time_base for p in heard]
    if span > 2 * max(span - gap, *audio_streams, Fraction(0)) + _LONG_GAP:
        raise MediaError(
            f"{path}: {len(stamps)} pictures say that they last {float(span):.0f} s, of which "
            f"{float(gap):.0f} s have none: a time stamp is damaged; renumber them with "
            f"{conform_command(path, f'setpts=N/({rate}*TB)')}"
        )


def _said_rate(stream: Any) -> Fraction:
    """Return the rate that a stream names, as a standard one where it is near."""
    rates = [Fraction(rate) for rate in (stream.average_rate, stream.base_rate) if rate]
    near = [r for rate in rates for r in STANDARD_RATES if abs(r - rate) < r / 2000]
    return near[0] if near else Fraction(25)


def _refuse_distorted(path: Path, stream: Any, looks: DecodedFacts) -> None:
    """Refuse a picture that editors do not show as a player does."""
    deinterlaced = [] if looks.fields == "progressive" else ["bwdif=0"]
    width, aspect = looks.stored[0], Fraction(stream.sample_aspect_ratio or 1)
    # some write a size that is rounded to whole pixels as the shape of a pixel
    if abs(width * aspect - width) >= 1:
        scaled = "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"
        raise MediaError(
            f"{path}: its pixels are not square ({aspect}); conform it first: "
            f"{conform_command(path, *deinterlaced, scaled)}"
        )
    if looks.mirrored:
        raise MediaError(
            f"{path}: is marked to be shown mirrored, which editors do not do; conform it first: "
            f"{conform_command(path, *deinterlaced, 'setsar=1')}"
        )
    if looks.rotation % 90:
        raise MediaError(
            f"{path}: is turned by {looks.rotation} degrees; conform it first: "
            f"{conform_command(path, *deinterlaced, 'scale=trunc(iw/2)*2:trunc(ih/2)*2')}"
        )


def _usable(
    path: Path, container: Any, packets: list[Packets]
) -> tuple[list[Packets], tuple[str, ...]]:
    """Return the audio streams that can be decoded and hold something, and a line on the others."""
    usable: list[Packets] = []
    warnings: list[str] = []
    audio_streams = [found for found in packets if found.stream.type == "audio"]
    for number, found in enumerate(audio_streams, 1):
        coder = found.stream.codec_context
        if coder is None or not coder.sample_rate or not coder.layout.nb_channels:
            code = _code(path, container, found.stream)
            why = f"has the codec {code}, which cannot be decoded here"
        elif not found.stamps:
            why = "is empty"
        else:
            usable.append(found)
            continue
        warnings.append(f"audio stream {number} {why}: it is left out")
    return usable, tuple(warnings)


def _code(path: Path, container: Any, stream: Any) -> str:
    """Return the name of a stream's coding, as its container has it."""
    codes = sample_codes(path) if "mov" in container.format.name else []
    return codes[stream.index] if stream.index < len(codes) else "something unknown"


def _sound(stream: Any, found: Packets, film: _Film) -> AudioStream:
    first = found.stamps[0] if stream.start_time is None else stream.start_time
    return AudioStream(
        rate=stream.rate,
        channels=stream.channels,
        delay=first * stream.time_base - film.first,
        index=stream.index,
        varies=len(film.looks.formats[stream.index]) > 1,
    )
