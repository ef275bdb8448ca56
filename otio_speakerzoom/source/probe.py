"""Determines what a source file is: its streams, frame grid and timecode."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.source.advice import (
    conform_advice,
    missing_frames_advice,
    stream_order_advice,
)
from otio_speakerzoom.source.container import open_input
from otio_speakerzoom.source.decoded_facts import (
    DecodedFacts,
    first_frame_stamps,
    read_decoded_facts,
    whole_frame_stamps,
)
from otio_speakerzoom.source.grid import Grid, fit_grid
from otio_speakerzoom.source.quicktime import has_unusual_edits, sample_codes
from otio_speakerzoom.source.refusals import (
    not_openable,
    refuse_distorted,
    refuse_no_file,
    refuse_no_frames,
    refuse_truncated,
    refuse_unplaced,
    refuse_wrong_stamps,
)
from otio_speakerzoom.source.scan import StreamPackets, scan_packets
from otio_speakerzoom.source.start_timecode import read_start_timecode
from otio_speakerzoom.source.user_path import absolute_path


def probe(path: Path) -> Media:
    """Return the properties of the file at `path`; raise MediaError if it has no usable video.

    Reads all packets once, because only their timestamps reveal the true number of frames and
    whether the rate is constant, and decodes a few frames.
    """
    refuse_no_file(path)
    try:
        with open_input(path) as container:
            return _media(path, container)
    except FFmpegError as error:
        raise not_openable(path, error) from error


@dataclass(frozen=True, slots=True)
class _Film:
    """The video stream to cut."""

    stream: Any
    first: Fraction
    """Time of frame 0 in seconds, in the container's own time."""
    grid: Grid
    facts: DecodedFacts


def _media(path: Path, container: Any) -> Media:
    if re.search(r"_pipe$|^image2", container.format.name):
        raise MediaError(f"{path}: is a still image, not a recording; there is nothing to cut")
    # AVI has no presentation timestamps: packets are numbered in decoding order
    timed = container.format.name != "avi"
    packets = scan_packets(container, timed=timed)
    refuse_truncated(path, container, packets)
    audio, audio_warnings = _usable_audio(path, container, packets)
    film = _film(path, container, packets, audio)
    start = read_start_timecode(container, path, film.stream.index, film.grid.rate)
    edits = "mov" in container.format.name and has_unusual_edits(path)
    begin = Fraction(container.start_time or 0, av.time_base)
    facts, (width, height) = film.facts, film.facts.stored_size
    absolute = absolute_path(path)  # warnings are stored, and shown again from other folders
    return Media(
        path=absolute,
        rate=film.grid.rate,
        duration=film.grid.duration,
        size=(height, width) if facts.rotation % 180 else (width, height),
        start=start.frame,
        drop_frame=start.drop,
        rotation=facts.rotation,
        variable_rate=film.grid.variable,
        # libav rounds the container's start to microseconds, which must not make this negative
        video_offset=max(film.first - begin, Fraction(0)),
        audio_streams=tuple(_audio_stream(stream, film) for stream in audio),
        video_stream=film.stream.index,
        field_order=facts.field_order,
        colour=facts.colour,
        size_varies=len(facts.sizes) > 1,
        has_timestamps=timed or not film.stream.codec_context.has_b_frames,
        warnings=(
            *audio_warnings,
            *start.warnings,
            *missing_frames_advice(container.format.name, film.stream, film.grid),
            *conform_advice(absolute, film.grid, facts, film.first - begin, edits),
            *stream_order_advice(absolute, film.stream.index, _first_video_index(packets)),
        ),
    )


def _film(
    path: Path, container: Any, packets: list[StreamPackets], audio: list[StreamPackets]
) -> _Film:
    """Return the video stream with the most frames; raise MediaError if it is not usable."""
    videos = [stream for stream in packets if stream.stream.type == "video"]
    if not videos:
        raise MediaError(f"{path}: has no video, so there is nothing to frame")
    film = max(videos, key=lambda stream: stream.count)
    stream, stamps = film.stream, np.unique(np.array(film.stamps, np.int64))
    if stream.codec_context is None:
        raise MediaError(
            f"{path}: cannot decode its video codec, {_codec_code(path, container, stream)}; "
            "export it as ProRes or H.264 from the camera's own software or an editor"
        )
    refuse_no_frames(path, film, stamps)
    refuse_wrong_stamps(path, film, stamps, audio)
    with open_input(path) as again:
        audio_indices = [stream.stream.index for stream in audio]
        facts = read_decoded_facts(again, stream.index, audio_indices, stamps)
    if facts is None:
        raise MediaError(f"{path}: none of its video frames can be decoded; is the file damaged?")
    refuse_unplaced(path, stream, facts)
    refuse_distorted(path, stream, facts)
    if facts.field_order != "progressive":
        with open_input(path) as again:
            stamps = whole_frame_stamps(stamps, first_frame_stamps(again, stream.index))
    rates = (Fraction(rate or 0) for rate in (stream.base_rate, stream.average_rate))
    own = fit_grid(stamps, stream.time_base, *rates)
    return _Film(stream, int(stamps[0]) * stream.time_base + own.begin, own, facts)


def _first_video_index(packets: list[StreamPackets]) -> int:
    """Return the index of the first video stream that is not empty."""
    return next(p.stream.index for p in packets if p.stream.type == "video" and p.count)


def _usable_audio(
    path: Path, container: Any, packets: list[StreamPackets]
) -> tuple[list[StreamPackets], tuple[str, ...]]:
    """Return the audio streams that can be decoded and are not empty, and a warning per other."""
    usable: list[StreamPackets] = []
    warnings: list[str] = []
    streams = [stream for stream in packets if stream.stream.type == "audio"]
    for number, stream in enumerate(streams, 1):
        codec = stream.stream.codec_context
        if codec is None or not codec.sample_rate or not codec.layout.nb_channels:
            code = _codec_code(path, container, stream.stream)
            fault = f"has the codec {code}, which cannot be decoded here"
        elif not stream.stamps:
            fault = "is empty"
        else:
            usable.append(stream)
            continue
        warnings.append(f"audio stream {number} {fault}; it is ignored")
    return usable, tuple(warnings)


def _codec_code(path: Path, container: Any, stream: Any) -> str:
    """Return the codec of a stream, by its code in the container."""
    codes = sample_codes(path) if "mov" in container.format.name else []
    return codes[stream.index] if stream.index < len(codes) else "something unknown"


def _audio_stream(packets: StreamPackets, film: _Film) -> AudioStream:
    stream = packets.stream
    first = packets.stamps[0] if stream.start_time is None else stream.start_time
    return AudioStream(
        rate=stream.rate,
        channels=stream.channels,
        delay=first * stream.time_base - film.first,
        index=stream.index,
        varies=len(film.facts.audio_formats[stream.index]) > 1,
    )
