"""Opens a source: what it is, its frames, its sound, all on one exact grid.

The grid has `Media.duration` frames at `Media.rate`; frame 0 is the first picture. Everything is
laid on it by the file's own time stamps (ffmpeg's `fps` filter), so a late video stream, a lost
frame or a variable rate shifts nothing. Nothing above this module knows a time stamp.

Facts come from libav itself (PyAV), so no ffprobe is needed; pictures and sound come through a
pipe from ffmpeg: the system's, or the one inside the PyPI package imageio-ffmpeg.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import av
import ffmpeg
import imageio_ffmpeg
import numpy as np
from av.error import FFmpegError
from av.stream import Disposition
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError, ToolError
from otio_speakerzoom.model import FrameRange, Media, Microphone, Sound

SOUND_RATE = 16_000
"""Samples per second of what `sound` gives: what the networks and the voice detector hear."""

FIRST = Microphone(0)
"""The first audio stream, its channels mixed."""

STANDARD_RATES = (
    *(Fraction(n) for n in (24, 25, 30, 48, 50, 60)),
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)),
)

log = logging.getLogger(__name__)


def find_ffmpeg() -> str:
    """Return the ffmpeg that will be used: the system's, else the one from imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ToolError(
            "no ffmpeg found: install ffmpeg, or `pip install --force-reinstall imageio-ffmpeg`"
        ) from error


def probe(path: Path) -> Media:
    """Return the facts of the file at `path`; raise MediaError where it has no picture.

    All packets of the picture are read once (not decoded), because only their time stamps tell
    the true number of frames and whether the rate is constant.
    """
    if not path.is_file():
        raise MediaError(f"{path}: no such file; check the name")
    try:
        with av.open(str(path)) as container:
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
        path=path.resolve(),
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


def timecode_frames(
    hours: int, minutes: int, seconds: int, frames: int, rate: Fraction, *, drop: bool = False
) -> int:
    """Return the frame that a timecode label names, counted from 00:00:00:00.

    Drop frame leaves out two labels a minute at 29.97 and four at 59.94, except every tenth
    minute (SMPTE ST 12-1), so that labels keep up with the clock.
    """
    base = round(rate)
    total_minutes = 60 * hours + minutes
    label = (60 * total_minutes + seconds) * base + frames
    return label - (base // 15 * (total_minutes - total_minutes // 10) if drop else 0)


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
    stream = on_grid(ffmpeg.input(str(media.path)), media, within).filter(
        "scale", width, height, flags="area"
    )
    stream = stream.output("pipe:", format="rawvideo", pix_fmt="gray" if gray else "rgb24")
    shape = (height, width) if gray else (height, width, 3)
    count = height * width * (1 if gray else 3)
    frame, picture = within.start, None
    with _reading(stream, media.path) as pipe:
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


def sound(
    media: Media, *, within: FrameRange | None = None, microphone: Microphone = FIRST
) -> Generator[NDArray[np.int16], None, None]:
    """Yield what `microphone` heard in `within` as blocks of mono int16 samples at 16 kHz.

    The first sample belongs to the first picture of `within`, the number of samples to its
    length: what the file lacks is silence, what it has too much is left out. One block is about
    a minute. A source without sound yields silence.
    """
    within = within or media.range
    left = -int(-within.duration * SOUND_RATE // media.rate)  # rounded up
    skip = round((media.video_offset + within.start / media.rate) * SOUND_RATE)
    block = 60 * SOUND_RATE
    if media.sound:
        # first_pts=0 with async=1: the file's own gaps and late starts become silence
        stream = ffmpeg.input(str(media.path))[f"a:{microphone.stream}"]
        if microphone.channel is not None:
            # "<" is "=" for one channel, and ffmpeg-python does not escape it
            stream = stream.filter("pan", f"mono|c0<c{microphone.channel}")
        stream = stream.filter("aresample", SOUND_RATE, first_pts=0, **{"async": 1})
        stream = stream.filter("atrim", start_sample=skip, end_sample=skip + left)
        stream = stream.output("pipe:", format="s16le", ac=1)
        with _reading(stream, media.path) as pipe:
            while left and (data := pipe.read(2 * min(block, left))):
                samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
                left -= len(samples)
                yield samples
    while left:
        samples = np.zeros(min(block, left), np.int16)
        left -= len(samples)
        yield samples


@contextmanager
def _reading(stream: Any, path: Path) -> Iterator[IO[bytes]]:
    """Run ffmpeg and give its standard output; end it whatever happens.

    A reader who stops early ends ffmpeg; only an ffmpeg that fails by itself is an error.
    """
    command = ffmpeg.compile(stream.global_args("-nostdin", "-v", "error"), cmd=find_ffmpeg())
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout
            at_end = not process.stdout.read(1)
            if at_end and process.wait():
                raise ToolError(f"{path}: ffmpeg failed: {last_line(complaints)}")
        finally:
            process.kill()  # nothing, where it has ended by itself


def last_line(complaints: IO[bytes]) -> str:
    """Return the last line that ffmpeg wrote, without the component it puts before it."""
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return re.sub(r"^\[[^]]*\] ", "", lines[-1]) if lines else "it gave no reason"
