"""Generated recordings whose every frame and every sound is known, written with PyAV.

Frame n has the luma `level(n)`, but for its dark left upper quarter. Sound number s is a tone of
`tone_hz(s)` from 0.4 s to 0.6 s after the first frame, and silence.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.filter import Graph

BEGIN_S, END_S = 0.4, 0.6
"""When the tone sounds."""
DARK = 16
MIN_CORNER_PX = 16
"""Of a side; a smaller picture has no dark corner."""


def level(frame):
    """Return the luma of a frame, 40 to 220 of 255.

    Frames up to 12 apart differ by 8 at least, because 112/181 is close to the golden ratio, whose
    multiples lie as far apart as those of any number.
    """
    return 40 + 112 * frame % 181


def tone_hz(sound):
    return 300 + 150 * sound


@dataclass(frozen=True)
class Sound:
    """An audio stream."""

    codec: str = "aac"
    rate: int = 48000
    layout: str = "mono"
    """Of libav, such as 5.1 or `16 channels`."""
    late: float = 0
    """Seconds from the first frame to its first sample; negative if it begins earlier."""
    seconds: float | None = None
    """As long as the picture by default."""

    @property
    def channels(self):
        return av.AudioLayout(self.layout).nb_channels


@dataclass(frozen=True)
class Clip:
    """A recording: its picture, its sounds, and how they are stored."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (64, 48)
    rate: Fraction = Fraction(25)
    frames: int = 25
    sounds: tuple[Sound, ...] = (Sound(),)
    times: Callable[[int], Fraction] | None = None
    """Seconds from the first frame to frame n, in an own way."""
    begin: Fraction = Fraction(0)
    """Timestamp of the first frame, in seconds."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the encoder of the picture."""
    muxer: Mapping[str, str] = field(default_factory=dict)
    """Options of the muxer."""
    format: str | None = None
    """Of the container; by default as the suffix says."""
    prepare: Callable[[av.VideoStream], None] | None = None
    """Changes the stream of the picture before it is written."""
    prepare_file: Callable[[av.container.OutputContainer], None] | None = None
    """Adds to the file before it is written."""
    extra: Sequence[av.Packet] = ()
    """Packets of other streams, which `prepare_file` adds."""
    filters: str = ""
    """A filter for each frame, by name and options as in `setfield=tff`."""

    @property
    def seconds(self):
        """Length, with the last frame's own time."""
        return float(self.time(self.frames - 1) + 1 / Fraction(self.rate))

    def time(self, number):
        """When a frame is due, in seconds from the first one."""
        return Fraction(self.times(number) if self.times else number / Fraction(self.rate))


def write_clip(path, clip):
    """Write a clip to `path`."""
    with _same_priority(), av.open(
        f"file:{path}", "w", format=clip.format, container_options=dict(clip.muxer)
    ) as out:  # fmt: skip
        picture = _picture_stream(out, clip)
        streams = [picture, *(_sound_stream(out, sound) for sound in clip.sounds)]
        if clip.prepare_file:
            clip.prepare_file(out)
        parts = [_picture_packets(clip, picture)]
        parts += [_sound_packets(clip, number, stream) for number, stream in enumerate(streams[1:])]
        packets = [*clip.extra, *(packet for part in parts for packet in part)]
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        out.mux(packets)
    return path


@contextmanager
def _same_priority() -> Iterator[None]:
    """Undo what SVT-AV1 does as root: it gives the process the highest real-time priority.

    A browser that a later test starts has it too, and may keep all others from running.
    """
    if not hasattr(os, "sched_setscheduler"):  # macOS, Windows
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def _picture_stream(out, clip):
    stream = out.add_stream(clip.codec, rate=clip.rate, options=dict(clip.options))
    stream.width, stream.height = clip.size
    stream.pix_fmt = clip.pixels
    whole = not clip.times and (clip.begin * clip.rate).denominator == 1
    base = 1 / Fraction(clip.rate) if whole else Fraction(1, 90000)
    stream.codec_context.time_base = base
    if clip.codec == "libx264":
        stream.options = {"preset": "ultrafast", "qp": "4", **clip.options}
    if clip.prepare:
        clip.prepare(stream)
    return stream


def _picture_packets(clip, stream):
    convert = _converter(clip)
    for number in range(clip.frames):
        frame = convert(_gray(clip.size, number))
        base = stream.codec_context.time_base
        frame.pts = round((clip.begin + clip.time(number)) / base)
        frame.time_base = base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _gray(size, number):
    array = np.full((size[1], size[0]), level(number), np.uint8)
    if min(size) >= MIN_CORNER_PX:
        array[: size[1] // 2, : size[0] // 2] = DARK
    return array


def _converter(clip):
    """Return a function from (H, W) luma to a frame of the clip's pixels."""
    graph = Graph()
    width, height = clip.size
    source = graph.add("buffer", f"video_size={width}x{height}:pix_fmt=gray:time_base=1/25:range=2")
    chain = [source, graph.add("scale"), graph.add("format", clip.pixels)]
    chain += [graph.add(*f.split("=", 1)) for f in filter(None, clip.filters.split(","))]
    chain.append(graph.add("buffersink"))
    for one, next_ in pairwise(chain):
        one.link_to(next_)
    graph.configure()

    def convert(array):
        graph.push(av.VideoFrame.from_ndarray(array, "gray"))
        return graph.pull()

    return convert


def _sound_stream(out, sound):
    return out.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)


def _sound_packets(clip, number, stream):
    sound = clip.sounds[number]
    context = stream.codec_context
    context.open(strict=False)
    seconds = clip.seconds if sound.seconds is None else sound.seconds
    at = np.arange(round(seconds * sound.rate)) / sound.rate + sound.late
    wave = 0.5 * np.sin(2 * np.pi * tone_hz(number) * at) * ((at >= BEGIN_S) & (at < END_S))
    step = context.frame_size or 1024
    first = round((float(clip.begin) + sound.late) * sound.rate)
    resampler = av.AudioResampler(format=context.format, layout=sound.layout, rate=sound.rate)
    for start in range(0, len(wave), step):
        part = np.repeat(wave[start : start + step, None], sound.channels, axis=1)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(part.reshape(1, -1).astype(np.float32)), "flt", sound.layout
        )
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = first + start
        for resampled in resampler.resample(frame):
            yield from stream.encode(resampled)
    yield from stream.encode(None)
