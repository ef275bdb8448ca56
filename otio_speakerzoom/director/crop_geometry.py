"""Crops of the canvas's shape inside the source frame: the largest, and those of a shot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Box, Shot
from otio_speakerzoom.timeline.transform import crop_of, transform_at
from otio_speakerzoom.timeline.two_up import halves_of

MIN_WIDE_HEIGHT = 0.93
"""A crop from this share of the widest crop's height on becomes the widest. EBU R 95 keeps 3.5 % on
each side of a frame free of essential content, so what a larger crop leaves out makes no other
framing, and the step from it to the wide seems a mistake."""


def largest_crop_size(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[float, float]:
    """Return width and height of the largest crop of the canvas's shape in a frame of `size`."""
    scale = min(size[0] / canvas[0], size[1] / canvas[1])
    return canvas[0] * scale, canvas[1] * scale


def frame_box(size: tuple[int, int]) -> Box:
    """Return the whole frame of `size`."""
    return Box(0.0, 0.0, float(size[0]), float(size[1]))


def largest_crop_in(bounds: Box, canvas: tuple[int, int]) -> tuple[float, float]:
    """Return width and height of the largest crop of the canvas's shape in `bounds`."""
    scale = min(bounds.width / canvas[0], bounds.height / canvas[1])
    return canvas[0] * scale, canvas[1] * scale


def widest_if_nearly(crop: Box, bounds: Box, canvas: tuple[int, int]) -> Box:
    """Return `crop`, or the largest in `bounds` around its centre if it is nearly as large."""
    width, height = largest_crop_in(bounds, canvas)
    if crop.height < MIN_WIDE_HEIGHT * height - 1e-9:
        return crop
    x, y = crop.centre
    left = max(bounds.left, min(x - width / 2, bounds.right - width))
    top = max(bounds.top, min(y - height / 2, bounds.bottom - height))
    return Box(left, top, left + width, top + height)


def widest_crop(size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the largest crop of the canvas's shape, in the centre of the frame."""
    width, height = largest_crop_size(size, canvas)
    return place_inside((size[0] - width) / 2, (size[1] - height) / 2, width, height, size)


def place_inside(
    left: float, top: float, width: float, height: float, size: tuple[int, int]
) -> Box:
    """Return the rectangle, moved into a frame of `size`, which must be large enough for it."""
    left = min(max(0.0, left), size[0] - width)
    top = min(max(0.0, top), size[1] - height)
    return Box.from_edges((max(0.0, left), max(0.0, top), left + width, top + height))


def crops_of(shot: Shot, size: tuple[int, int], canvas: tuple[int, int]) -> NDArray[np.float64]:
    """Return the (T, 4) left, top, right, bottom that each frame of `shot` shows of the source.

    Of a two-up, what its left or upper half shows.
    """
    if halves := halves_of(shot):
        (half, crop), _ = halves
        return _repeated(half.visible_crop(crop, size, canvas), shot)
    frames = range(shot.range.start, shot.range.end) if shot.keys else [shot.range.start]
    crops = [crop_of(transform_at(shot, frame, size, canvas), size, canvas) for frame in frames]
    edges = np.array([crop.edges for crop in crops])
    return edges if shot.keys else np.repeat(edges, shot.range.duration, axis=0)


def second_crops_of(
    shot: Shot, size: tuple[int, int], canvas: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the same of the right or lower half of a two-up; NaN for any other shot."""
    if halves := halves_of(shot):
        _, (half, crop) = halves
        return _repeated(half.visible_crop(crop, size, canvas), shot)
    return np.full((shot.range.duration, 4), np.nan)


def enlargement_of(shot: Shot, size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return by how much a source pixel is enlarged at most in `shot`."""
    if halves := halves_of(shot):
        return max(half.transform(crop, size, canvas).scale for half, crop in halves)
    crops = crops_of(shot, size, canvas)
    return float((canvas[1] / (crops[:, 3] - crops[:, 1])).max())


def _repeated(crop: Box, shot: Shot) -> NDArray[np.float64]:
    return np.repeat(np.array([crop.edges]), shot.range.duration, axis=0)
