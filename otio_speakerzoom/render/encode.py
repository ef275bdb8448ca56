"""Writes films: H.264 and AAC, encoded in this process, whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.source import FILM_SAMPLE_RATE, input_url
from otio_speakerzoom.store import atomic_write

log = logging.getLogger(__name__)

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
MAX_SIDE = 16_384
"""Pixels of a side that x264 encodes."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a film is to be."""

    size: tuple[int, int]
    """Width and height in pixels."""
    rate: Fraction
    duration: int
    """Frames."""
    channels: int = 0
    """Of its sound: 0 for none."""
    colour: tuple[int, int, int] = (1, 1, 1)
    """Primaries, transfer and matrix by the numbers of ITU-T H.273; 1 is Rec. 709."""
    crf: int = 18
    """Quality of x264: 18 is visually transparent, 20 leaves thin lines and letters clean."""


class FilmWriter:
    """Takes a film's pictures, and its sound as far as they reach, and writes them."""

    def __init__(self, container: Any, film: Film) -> None:
        self._container, self.film = container, film
        self.pictures = self.samples = 0
        """How many were written."""
        codec = encoder()
        self._video = container.add_stream(codec, rate=film.rate, options=_options(codec, film))
        self._video.width, self._video.height = film.size
        self._video.pix_fmt = "yuv420p"
        self._video.time_base = self._video.codec_context.time_base = 1 / film.rate
        # slices and macroblocks are encoded side by side by x264 itself
        self._video.codec_context.thread_count = 0
        self._audio = None
        if film.channels:
            layout = ("mono", "stereo")[film.channels - 1]
            self._audio = container.add_stream("aac", rate=FILM_SAMPLE_RATE, layout=layout)
            self._audio.bit_rate = 192_000

    def add(self, picture: av.VideoFrame, sound: Iterator[NDArray[np.float32]]) -> None:
        """Append a picture in yuv420p of the film's size, and of `sound` what goes with it.

        `sound` gives (channels, n) samples at `FILM_SAMPLE_RATE`; none are taken of a film
        without sound.
        """
        picture.pts, picture.time_base = self.pictures, 1 / self.film.rate
        self.pictures += 1
        self._container.mux(self._video.encode(picture))
        while self._audio and self.samples * self.film.rate < self.pictures * FILM_SAMPLE_RATE:
            samples = next(sound, None)
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
        """Write what the encoders still hold."""
        self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))


@contextmanager
def writing(path: Path, film: Film) -> Iterator[FilmWriter]:
    """Give what writes `film` to `path`, which takes its place when all frames are in it."""
    if max(film.size) > MAX_SIDE:
        raise ToolError(
            f"{path}: a film of {film.size[0]}x{film.size[1]} cannot be encoded; no side may be "
            f"longer than {MAX_SIDE} pixels: choose a smaller --canvas"
        )
    if any(side % 2 for side in film.size):
        raise ToolError(
            f"{path}: a film of {film.size[0]}x{film.size[1]} cannot be encoded, because its sides "
            "must be even: choose such a --canvas"
        )
    with atomic_write(path) as temporary:
        # the index goes to the front of an .mp4, so that it plays while it is still loaded
        kind = CONTAINERS.get(path.suffix.lower(), "mp4")
        options = {"movflags": "+faststart"} if kind != "matroska" else {}
        try:
            with av.open(input_url(temporary), "w", format=kind, options=options) as container:
                writer = FilmWriter(container, film)
                yield writer
                if writer.pictures != film.duration:
                    raise ToolError(
                        f"{path}: only {writer.pictures} of {film.duration} frames could be made, "
                        "so nothing was written; is the source damaged?"
                    )
                writer.finish()
        except FFmpegError as error:
            if isinstance(error, OSError) and error.errno and error.errno > 0:
                raise
            raise ToolError(
                f"{path}: cannot be encoded ({error.strerror}); "
                "try another suffix or a smaller --canvas"
            ) from error


def encoder() -> str:
    """Return libx264, or mpeg4 where PyAV was built without it, saying so."""
    if "libx264" in av.codecs_available:
        return "libx264"
    log.warning("PyAV has no libx264: the film is encoded as mpeg4, larger and softer")
    return "mpeg4"


def _options(codec: str, film: Film) -> dict[str, str]:
    primaries, transfer, matrix = (str(number) for number in film.colour)
    colour = {"color_primaries": primaries, "color_trc": transfer, "colorspace": matrix}
    colour["color_range"] = "tv"
    if codec == "libx264":
        return {"crf": str(film.crf), "preset": "veryfast", **colour}
    return {"flags": "+qscale", "global_quality": str(3 * 118), **colour}
