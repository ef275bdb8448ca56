"""The frames of a source, decoded by ffmpeg onto its grid."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.ffmpeg import opened, reading

log = logging.getLogger(__name__)


def pictures(
    media: Media,
    *,
    size: tuple[int, int] | None = None,
    gray: bool = False,
    within: FrameRange | None = None,
) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    """Yield (source frame, picture) for every frame of `within`, in order, upright.

    Pictures are (H, W, 3) RGB, or (H, W) luma when `gray`, scaled to `size` (width, height) if
    one is given. Where the stream ends before the grid does, the last picture is held.
    """
    within = within or media.range
    width, height = size or media.size
    stream = on_grid(opened(media.path), media, within).filter("scale", width, height, flags="area")
    stream = stream.output("pipe:", format="rawvideo", pix_fmt="gray" if gray else "rgb24")
    shape = (height, width) if gray else (height, width, 3)
    count = height * width * (1 if gray else 3)
    frame, picture = within.start, None
    with reading(stream, media.path) as pipe:
        while frame < within.end and len(data := pipe.read(count)) == count:
            picture = np.frombuffer(data, np.uint8).reshape(shape)
            yield frame, picture
            frame += 1
    if picture is None:
        raise MediaError(f"{media.path}: no picture could be decoded; is the file damaged?")
    if frame < within.end:
        log.warning(
            "%s: pictures end at frame %d of %d; the last one is held",
            media.path, frame, within.end,
        )  # fmt: skip
    for late in range(frame, within.end):
        yield late, picture


def on_grid(source: Any, media: Media, within: FrameRange) -> Any:
    """Return the ffmpeg stream of exactly the frames in `within`, its time starting at 0.

    Were it to start later, ffmpeg would fill the time before by repeating the first picture.
    """
    start = f"{float(media.video_offset):.6f}"
    stream = source["V:0"].filter("fps", fps=str(media.rate), start_time=start, round="near")
    # the fps filter may round the very last frame away: ffmpeg 5.1 does
    stream = stream.filter("tpad", stop=1, stop_mode="clone")
    stream = stream.filter("trim", start_frame=within.start, end_frame=within.end)
    return stream.filter("setpts", "PTS-STARTPTS")
