"""Refuses sources that cannot be cut as they are; each error names the fault and the remedy."""

from __future__ import annotations

import errno
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.source.decoded_facts import DecodedFacts
from otio_speakerzoom.source.ffmpeg_commands import (
    conform_command,
    remux_command,
    unedited_command,
)
from otio_speakerzoom.source.grid import STANDARD_RATES
from otio_speakerzoom.source.quicktime import lacks_index
from otio_speakerzoom.source.scan import StreamPackets

_WITH_DURATION = r"mov|matroska|avi|mxf|flv|asf"
"""Containers with a duration in their header; for others libav derives it from the packets."""
_MAX_MISSING_S = 2
"""Seconds that may be missing at the end: headers round, and streams end at different times."""
_MAX_GAP_S = 60
"""Longest gap between frames that is plausible: a screen recorder writes a frame on each change."""


def refuse_no_file(path: Path) -> None:
    """Raise MediaError if `path` is not a regular file."""
    try:
        if path.is_file():
            if not path.stat().st_size:
                raise MediaError(f"{path}: is empty; copy it again")
            return
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    if is_folder:
        raise MediaError(f"{path}: is a folder; name one recording in it")
    if exists:
        raise MediaError(f"{path}: is not a regular file; copy its content into one")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise MediaError(f"{path}: is a URL; download the recording and name the file")
    raise MediaError(f"{path}: no such file; check the name")


def not_openable(path: Path, error: FFmpegError) -> MediaError:
    """Return the error for a file that libav does not open, or must not (`url.FORMATS`)."""
    if error.errno == errno.EINVAL:  # what libav says of a format that is not on its list
        return MediaError(
            f"{path}: not a recording but a picture, a playlist or another kind of file, or "
            "damaged; name a recording"
        )
    if lacks_index(path):
        return _without_index(path)
    return MediaError(
        f"{path}: not a video that ffmpeg can open ({error.strerror}); is it damaged?"
    )


def _without_index(path: Path) -> MediaError:
    return MediaError(
        f"{path}: has no whole index (moov), so it is an incomplete copy or recording; copy it "
        "again, or let the camera finish it"
    )


def refuse_truncated(path: Path, container: Any, packets: list[StreamPackets]) -> None:
    """Raise MediaError if the header promises more than the packets hold, as in half of a copy."""
    if "mov" in container.format.name and lacks_index(path):
        raise _without_index(path)
    if not container.duration or not re.search(_WITH_DURATION, container.format.name):
        return
    begin = Fraction(container.start_time or 0, av.time_base)
    ends = [max(p.stamps) * p.stream.time_base for p in packets if p.stamps]
    declared = Fraction(container.duration, av.time_base)
    actual = max(begin, *ends) - begin if ends else Fraction(0)
    videos = [p for p in packets if p.stream.type == "video"]
    if container.format.name == "avi":  # its header has a number of frames, but no duration
        counts = [(p.stream.frames, p.stream.average_rate) for p in videos]
        declared = max((frames / rate for frames, rate in counts if rate), default=actual)
    if re.search("matroska|asf", container.format.name) and 0 < begin < declared:
        declared -= begin  # libav's muxers write the time of the end, wherever the file begins
    # a file that holds its last frame for long also declares more time, but not more frames
    complete = "mov" in container.format.name and all(p.stream.frames <= p.count for p in videos)
    if declared - actual > _MAX_MISSING_S and not complete:
        raise MediaError(
            f"{path}: ends after {float(actual):.1f} of {float(declared):.1f} s, so it is an "
            "incomplete copy or recording; copy it again, or make a file of the part that exists: "
            f"{remux_command(path)}"
        )


def refuse_no_frames(path: Path, film: StreamPackets, stamps: NDArray[np.int64]) -> None:
    """Raise MediaError unless the video has at least two frames with timestamps."""
    if film.count and film.hidden == film.count:
        raise MediaError(
            f"{path}: its edit list shows none of its frames; copy it without one: "
            f"{unedited_command(path)}"
        )
    if not len(stamps) and film.count:
        raise MediaError(
            f"{path}: its frames have no timestamps; add them with "
            f"{conform_command(path, f'setpts=N/({declared_rate(film.stream)}*TB)')}"
        )
    if not len(stamps):
        raise MediaError(f"{path}: its video stream is empty; is the file complete?")
    if len(stamps) == 1:
        raise MediaError(f"{path}: is a single frame, not a recording; there is nothing to cut")


def refuse_wrong_stamps(
    path: Path, film: StreamPackets, stamps: NDArray[np.int64], audio: list[StreamPackets]
) -> None:
    """Raise MediaError if timestamps start again, or place a frame far from everything else."""
    rate = declared_rate(film.stream)
    if film.jump is not None:
        raise MediaError(
            f"{path}: its timestamps start again after {float(film.jump):.1f} s, as if two "
            "recordings were joined; renumber its frames and samples with "
            f"{conform_command(path, f'setpts=N/({rate}*TB)', audio='asetpts=N/SR/TB')}"
        )
    tick = film.stream.time_base
    span, gap = int(stamps[-1] - stamps[0]) * tick, int(np.diff(stamps).max()) * tick
    audio_spans = [(p.stamps[-1] - p.stamps[0]) * p.stream.time_base for p in audio]
    if span > 2 * max(span - gap, *audio_spans, Fraction(0)) + _MAX_GAP_S:
        raise MediaError(
            f"{path}: a timestamp is damaged: its {len(stamps)} frames claim to last "
            f"{float(span):.0f} s, {float(gap):.0f} s of which have none; renumber them with "
            f"{conform_command(path, f'setpts=N/({rate}*TB)')}"
        )


def refuse_unplaced(path: Path, stream: Any, facts: DecodedFacts) -> None:
    """Raise MediaError if frames come before the first timestamp: nobody can tell when."""
    if not facts.has_first_stamp:
        raise MediaError(
            f"{path}: its first frames have no timestamps; add them with "
            f"{conform_command(path, f'setpts=N/({declared_rate(stream)}*TB)')}"
        )


def refuse_distorted(path: Path, stream: Any, facts: DecodedFacts) -> None:
    """Raise MediaError for a frame geometry that editors do not show as players do."""
    deinterlace = [] if facts.field_order == "progressive" else ["bwdif=0"]
    width, aspect = facts.stored_size[0], Fraction(stream.sample_aspect_ratio or 1)
    # some files declare a pixel aspect ratio that only compensates a size rounded to whole pixels
    if abs(width * aspect - width) >= 1:
        square = "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"
        raise MediaError(
            f"{path}: its pixels are not square ({aspect}); conform it first: "
            f"{conform_command(path, *deinterlace, square)}"
        )
    if facts.mirrored:
        raise MediaError(
            f"{path}: is flagged to be mirrored, which editors ignore; conform it first: "
            f"{conform_command(path, *deinterlace, 'setsar=1')}"
        )
    if facts.rotation % 90:
        raise MediaError(
            f"{path}: is rotated by {facts.rotation} degrees; conform it first: "
            f"{conform_command(path, *deinterlace, 'scale=trunc(iw/2)*2:trunc(ih/2)*2')}"
        )


def declared_rate(stream: Any) -> Fraction:
    """Return the rate that a stream declares, or the standard rate next to it; 25 without one."""
    rates = [Fraction(rate) for rate in (stream.average_rate, stream.base_rate) if rate]
    near = [r for rate in rates for r in STANDARD_RATES if abs(r - rate) < r / 2000]
    return near[0] if near else Fraction(25)
