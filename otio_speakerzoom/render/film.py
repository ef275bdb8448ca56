"""Renders a cut list as a film, with all of the source's audio.

A single pass over the source in this process: each frame is at the same place on the grid as during
the analysis, is rotated upright, cropped to its shot and scaled to the canvas. So cuts are exact to
the frame, whatever the source's codec, pixel format or timestamps.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import av

from otio_speakerzoom import store
from otio_speakerzoom.model import (
    Box,
    CutList,
    FrameRange,
    Progress,
    Shot,
    no_progress,
)
from otio_speakerzoom.render.covers import FaceObscurer
from otio_speakerzoom.render.encode import FilmFormat, film_writer
from otio_speakerzoom.render.encoders import AUTO
from otio_speakerzoom.render.halves import join_halves
from otio_speakerzoom.source import (
    Filter,
    FilterChain,
    UprightFilter,
    decode_frames,
    film_audio,
    film_channels,
    film_colour,
    prefetch,
    tone_mapping_filters,
)
from otio_speakerzoom.timeline.transform import cover_at, crop_of, transform_at
from otio_speakerzoom.timeline.two_up import halves_of

MAX_PREFETCHED = 2
"""Frames decoded ahead of the scaler, and scaled ahead of the encoder, each in a thread of its own:
one of 4K takes 12 MB in 8-bit 4:2:0, and 66 MB in 16 bits with alpha."""

MAX_CACHED_CHAINS = 8
"""Crop sizes whose filters are cached: a crop that moves at a constant size has four, depending on
whether it begins at even pixels."""

SCALER, FAST_SCALER = "lanczos+accurate_rnd", "fast_bilinear"
"""Flags of libswscale; the fast one takes two fifths of the time."""


def render_film(
    cut_list: CutList,
    path: Path,
    *,
    within: FrameRange | None = None,
    encoder: str = AUTO,
    draft: bool = False,
    keyframe_every: int | None = None,
    on_progress: Progress = no_progress,
) -> None:
    """Write the film of `cut_list` to `path`, at the canvas size and the source's rate.

    `within` limits it to a part of the cut, where it has the frames of the whole film. A `draft` is
    scaled and encoded fast, at a lower quality. `keyframe_every` is as in `FilmFormat`. Crops are
    rounded to whole pixels, so an edge may differ from a timeline by a pixel, and slow moves
    advance in steps of a pixel. Raise MediaError if the source ends before the cut does, or is
    changed meanwhile.
    """
    media, span = cut_list.media, within or cut_list.range
    content = store.source_digest(media.path)
    decoded = prefetch(decode_frames(media, span), MAX_PREFETCHED)
    with closing(decoded), closing(film_audio(media, span)) as audio:
        first = next(decoded)
        film = FilmFormat(
            cut_list.canvas, media.rate, span.duration, film_channels(media),
            film_colour(media, first[1]), encoder=encoder, draft=draft,
            keyframe_every=keyframe_every,
        )  # fmt: skip
        frames = rendered_frames(cut_list, chain([first], decoded), draft=draft)
        rendered = prefetch(frames, MAX_PREFETCHED)
        with film_writer(path, film) as writer, closing(rendered):
            for frame in rendered:
                writer.add(frame, audio)
                on_progress(writer.frames, span.duration)
            store.check_unchanged(media.path, content, "film")


def rendered_frames(
    cut_list: CutList, frames: Iterable[tuple[int, av.VideoFrame]], *, draft: bool = False
) -> Generator[av.VideoFrame, None, None]:
    """Yield each decoded frame as the cut shows it, yuv420p of the canvas size."""
    renderer = _ShotRenderer(cut_list, FAST_SCALER if draft else SCALER)
    shots = iter(cut_list.shots)
    shot = next(shots)
    for number, frame in frames:
        while number >= shot.range.end:
            shot = next(shots)
        yield renderer.render(number, frame, shot)


_Pixels = tuple[int, int, int, int]
"""Left, top, width and height of a part of the source."""


class _ShotRenderer:
    """Crops each frame to its shot and scales it to the canvas."""

    def __init__(self, cut_list: CutList, scaler: str) -> None:
        self._scaler = scaler
        self._size, self._canvas = cut_list.media.size, cut_list.canvas
        self._upright, self._obscurer = UprightFilter(cut_list.media), FaceObscurer()
        self._tone_mapping = tone_mapping_filters(cut_list.media)
        self._chains: dict[object, FilterChain] = {}
        self._last: tuple[tuple[object, ...], av.VideoFrame] | None = None

    def render(self, number: int, frame: av.VideoFrame, shot: Shot) -> av.VideoFrame:
        """Return the frame as `shot` shows it at this number: yuv420p of the canvas size."""
        parts = self._parts(number, shot)
        covers = ((cover.effect, cover_at(cover, number)) for cover in shot.covers)
        boxes = [(effect, box) for effect, box in covers if box is not None]
        request = (frame, parts, boxes)
        if self._last is None or self._last[0] != request:
            whole = self._upright.convert(frame)
            if boxes:
                whole = self._obscurer.obscure(whole, boxes)
            pictures = [self._crop_and_scale(whole, pixels, size) for pixels, size in parts]
            self._last = request, join_halves(pictures, self._canvas)
        return self._last[1]

    def _parts(self, number: int, shot: Shot) -> list[tuple[_Pixels, tuple[int, int]]]:
        """Return what a frame shows, in whole pixels of the source, and its size on the canvas.

        One part, or the two halves of a two-up, the left or upper one first.
        """
        size, canvas = self._size, self._canvas
        halves = halves_of(shot)
        if halves is None:
            crop = crop_of(transform_at(shot, number, size, canvas), size, canvas)
            return [(whole_pixels(crop, size), canvas)]
        return [
            (whole_pixels(half.visible_crop(crop, size, canvas), size), half.rectangle(canvas)[2:])
            for half, crop in halves
        ]

    def _crop_and_scale(
        self, frame: av.VideoFrame, pixels: _Pixels, size: tuple[int, int]
    ) -> av.VideoFrame:
        position, crops = crop_filters(frame, pixels)
        key = (crops, size, frame.format.name)
        if key not in self._chains:
            if len(self._chains) == MAX_CACHED_CHAINS:
                self._chains.clear()
            self._chains[key] = FilterChain(*crops, *self._scale_to(size, frame))
        self._chains[key].move_crop(*position)
        return self._chains[key].convert(frame)

    def _scale_to(self, size: tuple[int, int], frame: av.VideoFrame) -> Sequence[Filter]:
        width, height = size
        scale = f"{width}:{height}:flags={self._scaler}"
        to_709 = "out_color_matrix=bt709:out_range=tv"
        # yuv420p because editors and phones refuse other layouts
        if self._tone_mapping:
            return ("scale", scale), *self._tone_mapping, ("scale", to_709), ("format", "yuv420p")
        scale += ":" + (to_709 if frame.format.is_rgb else "out_range=tv")
        return ("scale", scale), ("format", "yuv420p")


def crop_filters(
    frame: av.VideoFrame, pixels: tuple[int, int, int, int]
) -> tuple[tuple[int, int], tuple[Filter, ...]]:
    """Return filters that crop a frame, and the position of the first filter, a crop.

    `pixels` are left, top, width and height. With subsampled chroma, a crop that starts or ends
    between two chroma pixels would shift the colour; so that part of the frame first gets chroma in
    every pixel.
    """
    format_, (left, top, width, height) = frame.format, pixels
    step_x, step_y = 64 // format_.chroma_width(64), 64 // format_.chroma_height(64)
    outer = (left // step_x * step_x, top // step_y * step_y)
    right, bottom = -(-(left + width) // step_x) * step_x, -(-(top + height) // step_y) * step_y
    if outer == (left, top) and (right, bottom) == (left + width, top + height):
        return outer, (("crop", f"{width}:{height}:0:0:exact=1"),)
    deep = max(component.bits for component in format_.components) > 8
    # the last column of chroma may reach beyond the edge of a frame of odd size
    width_out, height_out = (
        min(right, frame.width) - outer[0],
        min(bottom, frame.height) - outer[1],
    )
    return outer, (
        ("crop", f"{width_out}:{height_out}:0:0:exact=1"),
        ("format", "yuv444p16le" if deep else "yuv444p"),
        ("crop", f"{width}:{height}:{left - outer[0]}:{top - outer[1]}:exact=1"),
    )


def whole_pixels(crop: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, width and height in whole pixels, inside a frame of `size`."""
    width = min(size[0], max(1, round(crop.width)))
    height = min(size[1], max(1, round(crop.height)))
    left = min(max(0, round(crop.centre[0] - width / 2)), size[0] - width)
    top = min(max(0, round(crop.centre[1] - height / 2)), size[1] - height)
    return left, top, width, height
