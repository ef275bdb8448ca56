"""Covers over other people's faces, in a single whose framing cannot keep them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import intersection_sizes
from otio_speakerzoom.director.camera_path import key_steps
from otio_speakerzoom.director.frame_arrays import slices_in
from otio_speakerzoom.director.framing_faults import HEAD_MARGIN
from otio_speakerzoom.model import Box, Cover, CoverKey, FaceTrack, FrameRange

MAX_KEY_ERROR = HEAD_MARGIN / 3
"""How far a cover may lag behind its face, in face widths: a third of the margin around the face,
which saves keys; the face itself never shows."""

MIN_VISIBLE_PX = 1.0
"""A visible part of a face is at least this wide and high; less is lost in scaling."""


def covers_of(
    span: FrameRange, crops: NDArray[np.float64], others: Sequence[FaceTrack], effect: str
) -> tuple[Cover, ...]:
    """Return the covers of the other faces that are visible in a shot; each follows its face.

    `crops` are (T, 4), one per frame of `span`. A face that is visible in any of them is covered,
    with its hair, in all of them: a cover that came and went at the edge would flicker.
    """
    covers: list[Cover] = []
    for track in others:
        rows, columns = slices_in(span, track.start, len(track.boxes))
        boxes = track.boxes[rows].astype(np.float64)
        if len(boxes) and _is_visible(boxes, crops[columns]):
            covers.append(_moving_cover(span.start + columns.start, boxes, effect))
    return tuple(covers)


def _is_visible(boxes: NDArray[np.float64], crops: NDArray[np.float64]) -> bool:
    """Whether any of (T, 4) boxes is visible in the crop of its frame."""
    return bool((intersection_sizes(boxes, crops).min(axis=1) >= MIN_VISIBLE_PX).any())


def _moving_cover(first_frame: int, boxes: NDArray[np.float64], effect: str) -> Cover:
    """Return the cover over (T, 4) boxes, the first of which is in `first_frame`."""
    size = boxes[:, 2:] - boxes[:, :2]
    margin = HEAD_MARGIN * size
    areas = np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
    keys = tuple(
        CoverKey(first_frame + n, Box.from_edges(areas[n]))
        for n in key_steps(areas, MAX_KEY_ERROR * float(size.min()))
    )
    return Cover(keys[0].box, effect, keys)
