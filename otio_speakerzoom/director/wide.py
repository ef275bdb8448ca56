"""The wide where the canvas cannot hold the whole frame: most faces, the speaker first.

A canvas of the source's shape shows everything. An upright one shows a third of a landscape frame,
and two people at its edges leave the middle empty. So the wide is placed where it contains most of
the shot's speech, then most faces; and its reward is lower by what it cannot show.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.crop_geometry import largest_crop_size, place_inside, widest_crop
from otio_speakerzoom.director.framing_faults import disturbance
from otio_speakerzoom.model import Box

MIN_SHARE_INSIDE = 0.9
"""Share of a face box that must be in the wide for the face to count as in it: all but an ear."""

SHARE_STEPS = 20
"""Shares are compared in twentieths: nobody is left out for a smaller difference."""


def shows_whole_frame(size: tuple[int, int], canvas: tuple[int, int]) -> bool:
    """Whether the widest crop shows all of a frame of `size`, to within a pixel."""
    width, height = largest_crop_size(size, canvas)
    return width > size[0] - 1 and height > size[1] - 1


def frame_wide(
    boxes: NDArray[np.float32],
    speaks: NDArray[np.bool_],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> Box:
    """Return the widest crop that contains most of the speech, and then most faces.

    `boxes` are (N, T, 4) of N faces over frames of a shot, NaN where one is not visible; `speaks`
    is (N, T). Of places that contain equally much, the one that slices no other face, with the
    faces in its middle; of those the one nearest to the middle of the frame. Without faces it lies
    there too.
    """
    sides = largest_crop_size(size, canvas)
    middle = size[0] / 2 - sides[0] / 2, size[1] / 2 - sides[1] / 2
    ever_visible = ~np.isnan(boxes[..., 0]).all(axis=1)
    boxes, speaks = boxes[ever_visible], speaks[ever_visible]
    if not len(boxes) or shows_whole_frame(size, canvas):
        return widest_crop(size, canvas)
    axis = _free_axis(size, sides)
    spans = boxes[..., [axis, axis + 2]].astype(float)
    starts, off_centre = _candidate_starts(spans, sides[axis], size[axis])
    best = starts[_best_start(starts, off_centre, spans, speaks, sides[axis], middle[axis])]
    corner = (best, middle[1]) if axis == 0 else (middle[0], best)
    return place_inside(float(corner[0]), float(corner[1]), *sides, size)


def faces_in_wide(
    boxes: NDArray[np.float32],
    speech: NDArray[np.float64],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return (N, T) which of N faces a wide at each moment would contain.

    `boxes` are (N, T, 4), NaN where a face is not visible; `speech` is (N, T) each face's share of
    the speech around that moment. A quick estimate of `frame_wide` before the shot is known: the
    window starts or ends at a face.
    """
    visible = ~np.isnan(boxes[..., 0])
    if shows_whole_frame(size, canvas) or not len(boxes):
        return visible
    sides = largest_crop_size(size, canvas)
    axis = _free_axis(size, sides)
    spans = np.nan_to_num(boxes[..., [axis, axis + 2]].astype(float), nan=-1e6)
    starts = np.concatenate([spans[..., 0], spans[..., 1] - sides[axis]])  # (C, T)
    starts = np.clip(starts, 0, size[axis] - sides[axis])
    inside = _share_inside(spans[None], starts[:, None], sides[axis]) >= MIN_SHARE_INSIDE
    inside &= visible[None]  # (C, N, T)
    # the speaker first: all speech counts for more than any number of silent faces
    value = (inside * (1 + len(boxes) * speech[None])).sum(axis=1)
    return np.take_along_axis(inside, value.argmax(axis=0)[None, None], axis=0)[0]


def _free_axis(size: tuple[int, int], sides: tuple[float, float]) -> int:
    """Return along which axis the widest crop can move: 0 for sideways, 1 for up and down."""
    return 0 if size[0] - sides[0] > size[1] - sides[1] else 1


def _share_inside(
    spans: NDArray[np.float64], starts: NDArray[np.float64], side: float
) -> NDArray[np.float64]:
    """Return the share of (..., 2) spans that lies in windows from `starts` on."""
    low = np.maximum(spans[..., 0], starts)
    high = np.minimum(spans[..., 1], starts + side)
    return np.maximum(high - low, 0) / np.maximum(spans[..., 1] - spans[..., 0], 1e-9)


def _candidate_starts(
    spans: NDArray[np.float64], side: float, length: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (C,) starts of windows to try, and how far each is from the middle of its faces.

    For each set of neighbours that fits, by their median places: the window with them in its
    middle, and those in which the next face on either side is just not visible.
    """
    low, high = np.nanmedian(spans, axis=1).T
    starts: list[float] = []
    off_centre: list[float] = []
    for first in low:
        ends = np.unique(high[(low >= first) & (high <= first + side)])
        for last in ends if len(ends) else [first + side]:
            centred = (first + last - side) / 2
            before, after = high[high <= first], low[low >= last]
            just_out = [*before[before > last - side], *(after[after < first + side] - side)]
            for start in (centred, *just_out):
                starts.append(float(np.clip(start, 0, length - side)))
                off_centre.append(abs(start - centred))
    return np.array(starts), np.array(off_centre)


def _best_start(
    starts: NDArray[np.float64],
    off_centre: NDArray[np.float64],
    spans: NDArray[np.float64],
    speaks: NDArray[np.bool_],
    side: float,
    middle: float,
) -> int:
    """Return the index of the window that contains most."""
    share = np.nan_to_num(_share_inside(spans[None], starts[:, None, None], side))  # (C, N, T)
    inside = share >= MIN_SHARE_INSIDE
    visible = ~np.isnan(spans[..., 0])
    with_faces = visible.any(axis=0).sum()
    speech = (inside & speaks).sum(axis=(1, 2)) / max(1, (visible & speaks).sum())
    any_face = inside.any(axis=1).sum(axis=1) / with_faces
    faces = inside.sum(axis=(1, 2)) / with_faces
    sliced = disturbance(np.where(inside, 0, share)).sum(axis=(1, 2)) / with_faces
    from_middle = np.round(np.abs(starts - middle))
    speech = np.broadcast_to(speech, from_middle.shape)
    best_first = np.round(-SHARE_STEPS * np.stack([-sliced, faces, any_face, speech]))
    return int(np.lexsort((from_middle, np.round(off_centre), *best_first))[0])
