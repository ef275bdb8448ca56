"""The wide where the canvas cannot hold the whole picture: most faces, the speaker first.

A canvas of the picture's shape shows everything. An upright one shows a third of a lying picture,
and two people at its edges leave the middle empty. So the wide is placed where most of the speech
of the shot is seen, then most of the faces; and the director hears what it cannot show, since it is
then worth less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.framing import disturbance, largest, placed, widest
from otio_speakerzoom.model import Box

INSIDE = 0.9
"""Share of a face's box that must be in the wide for the face to be shown: all but an ear."""

COARSE = 20
"""Shares of time are compared in twentieths: for less than that nobody else is left out."""


def is_whole(size: tuple[int, int], canvas: tuple[int, int]) -> bool:
    """Whether the widest crop shows all of a picture of `size`, to within a pixel."""
    width, height = largest(size, canvas)
    return width > size[0] - 1 and height > size[1] - 1


def frame_wide(
    boxes: NDArray[np.float32],
    speaks: NDArray[np.bool_],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> Box:
    """Return the widest crop, where most of the speech and then most faces are seen.

    `boxes` are (N, T, 4) of N faces over the frames of a shot, NaN where one is not seen; `speaks`
    is (N, T). Of places that show as much, the one that slices no other face, with the faces in its
    middle; of those the one nearest to the picture's middle. That is also where it lies if there
    is no face.
    """
    sides = largest(size, canvas)
    middle = size[0] / 2 - sides[0] / 2, size[1] / 2 - sides[1] / 2
    boxes, speaks = _seen(boxes, speaks)
    if not len(boxes) or is_whole(size, canvas):
        return widest(size, canvas)
    axis = 0 if size[0] - sides[0] > size[1] - sides[1] else 1
    spans = boxes[..., [axis, axis + 2]].astype(float)
    starts, off = _places(spans, sides[axis], size[axis])
    best = starts[_best(starts, off, spans, speaks, sides[axis], middle[axis])]
    corner = (best, middle[1]) if axis == 0 else (middle[0], best)
    return placed(float(corner[0]), float(corner[1]), *sides, size)


def shown_in_wide(
    boxes: NDArray[np.float32],
    speech: NDArray[np.float64],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return (N, T) which of N faces a wide at each moment would show, if that is not all.

    `boxes` are (N, T, 4), NaN where a face is not seen; `speech` is (N, T) how much of the talk
    around that moment each has. A quick guess at what `frame_wide` does with the shot that is not
    known yet: the window begins or ends at some face.
    """
    seen = ~np.isnan(boxes[..., 0])
    if is_whole(size, canvas) or not len(boxes):
        return seen
    sides = largest(size, canvas)
    axis = 0 if size[0] - sides[0] > size[1] - sides[1] else 1
    spans = np.nan_to_num(boxes[..., [axis, axis + 2]].astype(float), nan=-1e6)
    starts = np.concatenate([spans[..., 0], spans[..., 1] - sides[axis]])  # (C, T)
    starts = np.clip(starts, 0, size[axis] - sides[axis])
    inside = _share(spans[None], starts[:, None], sides[axis]) >= INSIDE  # (C, N, T)
    inside &= seen[None]
    # the speaker first: all speech is worth more than any number of silent faces
    value = (inside * (1 + len(boxes) * speech[None])).sum(axis=1)
    return np.take_along_axis(inside, value.argmax(axis=0)[None, None], axis=0)[0]


def _seen(
    boxes: NDArray[np.float32], speaks: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the rows of faces that are seen at all."""
    there = ~np.isnan(boxes[..., 0]).all(axis=1)
    return boxes[there], speaks[there]


def _share(
    spans: NDArray[np.float64], starts: NDArray[np.float64], side: float
) -> NDArray[np.float64]:
    """Return which share of (..., 2) spans lies in windows that begin at `starts`."""
    low = np.maximum(spans[..., 0], starts)
    high = np.minimum(spans[..., 1], starts + side)
    return np.maximum(high - low, 0) / np.maximum(spans[..., 1] - spans[..., 0], 1e-9)


def _places(
    spans: NDArray[np.float64], side: float, whole: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (C,) where windows to try begin, and how far each is off the middle of its faces.

    For each set of neighbours that fits, by their median places, the window with them in its
    middle, and those in which the next face on either side just is not seen.
    """
    low, high = np.nanmedian(spans, axis=1).T
    starts: list[float] = []
    off: list[float] = []
    for first in low:
        ends = np.unique(high[(low >= first) & (high <= first + side)])
        for last in ends if len(ends) else [first + side]:
            centred = (first + last - side) / 2
            before, after = high[high <= first], low[low >= last]
            tried = [centred, *before[before > last - side], *(after[after < first + side] - side)]
            for start in tried:
                starts.append(float(np.clip(start, 0, whole - side)))
                off.append(abs(start - centred))
    return np.array(starts), np.array(off)


def _best(
    starts: NDArray[np.float64],
    off: NDArray[np.float64],
    spans: NDArray[np.float64],
    speaks: NDArray[np.bool_],
    side: float,
    middle: float,
) -> int:
    """Return which of the places shows most."""
    share = np.nan_to_num(_share(spans[None], starts[:, None, None], side))  # (C, N, T)
    inside = share >= INSIDE
    seen = ~np.isnan(spans[..., 0])
    speech = (inside & speaks).sum(axis=(1, 2)) / max(1, (seen & speaks).sum())
    anybody = inside.any(axis=1).sum(axis=1) / seen.any(axis=0).sum()
    faces = inside.sum(axis=(1, 2)) / seen.any(axis=0).sum()
    sliced = disturbance(np.where(inside, 0, share)).sum(axis=(1, 2)) / seen.any(axis=0).sum()
    far = np.round(np.abs(starts - middle))
    best_first = np.round(
        -COARSE * np.stack([-sliced, faces, anybody, np.broadcast_to(speech, far.shape)])
    )
    return int(np.lexsort((far, np.round(off), *best_first))[0])
