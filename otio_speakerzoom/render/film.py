"""A cut list as a film, with all of the source's sound.

One pass over the source in this process: each picture lies on the grid exactly as it did when it
was looked at, is turned upright, loses what its shot does not show, and is scaled to the canvas.
So a cut falls on its frame whatever the source's codec, pixel format or time stamps are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import av

from otio_speakerzoom.model import Box, CutList, Progress, Shot, no_progress
from otio_speakerzoom.render.covers import FaceObscurer
from otio_speakerzoom.render.encode import Film, writing
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

AHEAD = 2
"""Pictures decoded ahead of the encoder: one of 4K is 12 MB in 8 bits of 4:2:0, and 66 MB in 16
bits with alpha."""

MOST_FRAMED = 8
"""Sizes of crops for which filters are held: a crop that moves at one size has four, by whether it
begins at even pixels."""


def render_film(cut_list: CutList, path: Path, *, on_progress: Progress = no_progress) -> None:
    """Write the film of `cut_list` to `path`, at its canvas's size and the source's rate.

    Crops are taken to whole pixels, so an edge may lie a pixel off what a timeline says, and a slow
    move goes in steps of a pixel. Raise MediaError where the source ends before the cut does.
    """
    media, span = cut_list.media, cut_list.range
    camera = _Camera(cut_list)
    with (
        closing(prefetch(decode_frames(media, span), AHEAD)) as pictures,
        closing(film_audio(media, span)) as sound,
    ):
        first = next(pictures)
        colour = film_colour(media, first[1])
        film = Film(cut_list.canvas, media.rate, span.duration, film_channels(media), colour)
        with writing(path, film) as writer:
            shown = zip(chain([first], pictures), _shots(cut_list), strict=True)
            for (frame, picture), shot in shown:
                writer.add(camera.shown(frame, picture, shot), sound)
                on_progress(writer.pictures, span.duration)


def _shots(cut_list: CutList) -> Iterator[Shot]:
    """Yield the shot of each frame."""
    for shot in cut_list.shots:
        for _ in range(shot.range.duration):
            yield shot


class _Camera:
    """Shows of each picture what its shot shows, on the canvas."""

    def __init__(self, cut_list: CutList) -> None:
        self._size, self._canvas = cut_list.media.size, cut_list.canvas
        self._upright, self._coverer = UprightFilter(cut_list.media), FaceObscurer()
        self._tone = tone_mapping_filters(cut_list.media)
        self._framed: dict[object, FilterChain] = {}
        self._last: tuple[tuple[object, ...], av.VideoFrame] | None = None

    def shown(self, frame: int, picture: av.VideoFrame, shot: Shot) -> av.VideoFrame:
        """Return the picture as `shot` shows it at `frame`, in yuv420p of the canvas's size."""
        crop = crop_of(
            transform_at(shot, frame, self._size, self._canvas), self._size, self._canvas
        )
        pixels = whole_pixels(crop, self._size)
        boxes = [(c.effect, box) for c in shot.covers if (box := cover_at(c, frame)) is not None]
        asked = (picture, pixels, boxes)
        if self._last is None or self._last[0] != asked:
            whole = self._upright.convert(picture)
            if boxes:
                whole = self._coverer.cover(whole, boxes)
            self._last = asked, self._cut_out(whole, pixels)
        return self._last[1]

    def _cut_out(self, whole: av.VideoFrame, pixels: tuple[int, int, int, int]) -> av.VideoFrame:
        place, crops = crop_filters(whole, pixels)
        framing = (crops, whole.format.name)
        if framing not in self._framed:
            if len(self._framed) == MOST_FRAMED:
                self._framed.clear()
            self._framed[framing] = FilterChain(*crops, *self._to_canvas(whole))
        self._framed[framing].move_crop(*place)
        return self._framed[framing].convert(whole)

    def _to_canvas(self, whole: av.VideoFrame) -> Sequence[Filter]:
        width, height = self._canvas
        scale = f"{width}:{height}:flags=lanczos+accurate_rnd"
        to_709 = "out_color_matrix=bt709:out_range=tv"
        # yuv420p because editors and phones refuse other layouts
        if self._tone:
            return ("scale", scale), *self._tone, ("scale", to_709), ("format", "yuv420p")
        scale += ":" + (to_709 if whole.format.is_rgb else "out_range=tv")
        return ("scale", scale), ("format", "yuv420p")


def crop_filters(
    picture: av.VideoFrame, pixels: tuple[int, int, int, int]
) -> tuple[tuple[int, int], tuple[Filter, ...]]:
    """Return where the first of the filters, a crop, is to begin, and the filters.

    They keep exactly left, top, width and height of a picture. Where colour has fewer pixels than
    light, a crop that starts or ends between two of its pixels would shift it: that part of the
    picture gets colour in every pixel first.
    """
    form, (left, top, width, height) = picture.format, pixels
    across, down = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
    outer = (left // across * across, top // down * down)
    right, bottom = -(-(left + width) // across) * across, -(-(top + height) // down) * down
    if outer == (left, top) and (right, bottom) == (left + width, top + height):
        return outer, (("crop", f"{width}:{height}:0:0:exact=1"),)
    deep = max(component.bits for component in form.components) > 8
    # the last column of colour may reach over the edge of a picture of odd size
    width_out, height_out = (
        min(right, picture.width) - outer[0],
        min(bottom, picture.height) - outer[1],
    )
    return outer, (
        ("crop", f"{width_out}:{height_out}:0:0:exact=1"),
        ("format", "yuv444p16le" if deep else "yuv444p"),
        ("crop", f"{width}:{height}:{left - outer[0]}:{top - outer[1]}:exact=1"),
    )


def whole_pixels(crop: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, width, height in whole pixels, inside a picture of `size`."""
    width = min(size[0], max(1, round(crop.width)))
    height = min(size[1], max(1, round(crop.height)))
    left = min(max(0, round(crop.centre[0] - width / 2)), size[0] - width)
    top = min(max(0, round(crop.centre[1] - height / 2)), size[1] - height)
    return left, top, width, height
