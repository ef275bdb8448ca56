"""Writes films as H.264 and AAC, encoded in this process; a failed film leaves no file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import PictureType
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.render.encoders import AUTO, Encoder, choose_encoder
from otio_speakerzoom.render.x264 import x264_options
from otio_speakerzoom.source import FILE_ONLY, FILM_SAMPLE_RATE, input_url
from otio_speakerzoom.store import atomic_write

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
CONTAINER_OPTIONS = {
    # the index goes to the front, so that the film plays while it downloads
    "mp4": {"movflags": "+faststart"},
    "mov": {"movflags": "+faststart"},
    # no random ids, so that the same film has the same bytes
    "matroska": {"fflags": "+bitexact"},
}
MAX_SIDE_PX = 16_384
"""Longest side that x264 encodes."""


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """Size, rate, duration, audio and quality of a film."""

    size: tuple[int, int]
    """Width and height in pixels."""
    rate: Fraction
    duration: int
    """Frames."""
    channels: int = 0
    """Audio channels; 0 for no audio."""
    colour: tuple[int, int, int] = (1, 1, 1)
    """Primaries, transfer and matrix by the numbers of ITU-T H.273; 1 is Rec. 709."""
    crf: int = 18
    """Quality for x264: 18 is visually transparent, 20 keeps thin lines and letters clean."""
    encoder: str = AUTO
    """As on the command line: x264, nvenc, ..."""
    draft: bool = False
    """Whether speed matters more than quality and size."""
    keyframe_every: int | None = None
    """Frames from one keyframe to the next at most, for a film to seek in; None for the encoder's
    own choice."""


class FilmWriter:
    """Encodes the frames of a film, and its audio up to the end of each frame."""

    def __init__(self, container: Any, film: FilmFormat) -> None:
        self._container, self.film = container, film
        self.frames = self.samples = 0
        """How many of each were written."""
        encoder = choose_encoder(film.encoder)
        options = _options(encoder, film)
        self._video = container.add_stream(encoder.codec, rate=film.rate, options=options)
        self._video.width, self._video.height = film.size
        self._video.pix_fmt = encoder.pixels
        self._video.time_base = self._video.codec_context.time_base = 1 / film.rate
        # x264 encodes slices and macroblocks in parallel itself
        self._video.codec_context.thread_count = 0
        self._audio = None
        if film.channels:
            layout = ("mono", "stereo")[film.channels - 1]
            self._audio = container.add_stream("aac", rate=FILM_SAMPLE_RATE, layout=layout)
            self._audio.bit_rate = 192_000

    def add(self, frame: av.VideoFrame, audio: Iterator[NDArray[np.float32]]) -> None:
        """Append a frame, in yuv420p and of the film's size, and the audio up to its end.

        `audio` yields (channels, n) samples at `FILM_SAMPLE_RATE`; a film without audio reads none.
        """
        frame.pts, frame.time_base = self.frames, 1 / self.film.rate
        # decoded frames carry the source's types, which would force keyframes and B-frames where
        # the source has them, instead of at our cuts; a source of keyframes only gives a huge film
        frame.pict_type = PictureType.NONE
        self.frames += 1
        self._container.mux(self._video.encode(frame))
        while self._audio and self.samples * self.film.rate < self.frames * FILM_SAMPLE_RATE:
            samples = next(audio, None)
            if samples is None:
                break
            self._add_samples(samples)

    def _add_samples(self, samples: NDArray[np.float32]) -> None:
        assert self._audio is not None
        samples = np.clip(np.broadcast_to(samples, (self.film.channels, samples.shape[1])), -1, 1)
        layout = ("mono", "stereo")[self.film.channels - 1]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
        frame.sample_rate, frame.pts = FILM_SAMPLE_RATE, self.samples
        frame.time_base = Fraction(1, FILM_SAMPLE_RATE)
        self.samples += samples.shape[1]
        self._container.mux(self._audio.encode(frame))

    def finish(self) -> None:
        """Flush the encoders."""
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))


@contextmanager
def film_writer(path: Path, film: FilmFormat) -> Iterator[FilmWriter]:
    """Yield a writer for a film at `path`, which is replaced only when all frames are written.

    Raise ToolError for a size that cannot be encoded, for missing frames, and for encoder errors.
    """
    if max(film.size) > MAX_SIDE_PX:
        raise ToolError(
            f"{path}: a film of {film.size[0]}x{film.size[1]} cannot be encoded: no side may be "
            f"longer than {MAX_SIDE_PX} pixels; choose a smaller --canvas"
        )
    if any(side % 2 for side in film.size):
        raise ToolError(
            f"{path}: a film of {film.size[0]}x{film.size[1]} cannot be encoded: its sides must "
            "be even; choose another --canvas"
        )
    with atomic_write(path) as temporary:
        kind = CONTAINERS.get(path.suffix.lower(), "mp4")
        options = {**FILE_ONLY, **CONTAINER_OPTIONS[kind]}
        try:
            with av.open(input_url(temporary), "w", format=kind, options=options) as container:
                writer = FilmWriter(container, film)
                yield writer
                if writer.frames != film.duration:
                    raise ToolError(
                        f"{path}: only {writer.frames} of {film.duration} frames could be made, so "
                        "nothing was written; is the source damaged?"
                    )
                writer.finish()
        except FFmpegError as error:
            if isinstance(error, OSError) and error.errno and error.errno > 0:
                raise
            raise ToolError(
                f"{path}: cannot be encoded ({error.strerror}); "
                "try another suffix or a smaller --canvas"
            ) from error


def _options(encoder: Encoder, film: FilmFormat) -> dict[str, str]:
    primaries, transfer, matrix = (str(number) for number in film.colour)
    colour = {"color_primaries": primaries, "color_trc": transfer, "colorspace": matrix}
    colour["color_range"] = "tv"
    # without B-frames a decoder shows a frame as soon as it has it
    seekable = {"g": str(film.keyframe_every), "bf": "0"} if film.keyframe_every else {}
    of_x264 = x264_options() if encoder.codec == "libx264" else {}
    return {**encoder.settings(film.crf, draft=film.draft), **seekable, **colour, **of_x264}
