"""When a browser shows each frame of a source's file, on the clock of its media element.

That clock has the timestamps of the file as libav reads them; if the file begins before zero, as
with the samples that an audio decoder discards, it is moved to begin at zero. (Measured with
Chromium 156 on MP4, fragmented MP4, MOV, Matroska and WebM whose video begins late or at 10 s.)
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import Media
from otio_speakerzoom.source import demux, open_input

TIE = Fraction(1, 1000)
"""Share of a frame that is added before rounding, as where frames are decoded."""


def first_frame_time(media: Media) -> float:
    """Return the seconds that a browser shows as the time of frame 0."""
    try:
        with open_input(media.path) as container:
            begin = Fraction(container.start_time or 0, av.time_base)
    except FFmpegError:  # gone or replaced: playing it will report that
        begin = Fraction(0)
    return float(media.video_offset + max(begin, Fraction(0)))


def frame_times(media: Media) -> bytes:
    """Return the time of the picture that the film shows as each frame: float64, little-endian.

    Frames that show the same picture of the file have the same time. All packets are read.
    """
    try:
        with open_input(media.path) as container:
            begin = Fraction(container.start_time or 0, av.time_base)
            stream = container.streams[media.video_stream]
            stamps = [
                packet.pts for packet in demux(container, stream)
                if packet.pts is not None and packet.size and not packet.is_discard
            ]  # fmt: skip
            tick = Fraction(stream.time_base or 0)
    except (FFmpegError, IndexError) as error:
        raise MediaError(f"{media.path}: cannot be read any more; was it replaced?") from error
    times = [stamp * tick for stamp in sorted(set(stamps))]
    origin = begin + media.video_offset
    # of several pictures at one place the last is shown, and a place without one repeats
    places = [int(((time - origin) * media.rate + Fraction(1, 2) + TIE) // 1) for time in times]
    shown_at = np.maximum(0, np.searchsorted(places, np.arange(media.duration), "right") - 1)
    clock = np.array([float(time - min(begin, Fraction(0))) for time in times])
    return clock[shown_at].astype("<f8").tobytes()
