"""Other faces to covers: what is hidden in a single where no framing keeps somebody else out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.camera_path import corners
from otio_speakerzoom.director.framing import HALO
from otio_speakerzoom.model import Box, Cover, CoverKey, FaceTrack, FrameRange

STRAY = HALO / 3
"""By how much a cover may lag behind its face, in face widths: of the hair around the face, a third
is given up to spare keys, and the face itself never shows."""

A_PIXEL = 1.0
"""What shows of a face is at least this wide and high; less is lost in the scaling."""


def covers_of(
    span: FrameRange, crops: NDArray[np.float64], others: Sequence[FaceTrack], how: str
) -> tuple[Cover, ...]:
    """Return the covers of the other faces that show in a shot, each of which follows its face.

    `crops` are (T, 4) what is seen in each frame of `span`. A face that shows in any of them is
    covered, with its hair, in all of them: a cover that came and went at the edge would flicker.
    """
    covers: list[Cover] = []
    for track in others:
        first, last = max(track.start, span.start), min(track.range.end, span.end)
        if first >= last:
            continue
        boxes = track.boxes[first - track.start : last - track.start].astype(np.float64)
        if _shows(boxes, crops[first - span.start : last - span.start]):
            covers.append(_following(first, boxes, how))
    return tuple(covers)


def _shows(boxes: NDArray[np.float64], crops: NDArray[np.float64]) -> bool:
    """Whether any of (T, 4) boxes is seen in the crop of its frame."""
    low = np.maximum(boxes[:, :2], crops[:, :2])
    high = np.minimum(boxes[:, 2:], crops[:, 2:])
    return bool(((high - low).min(axis=1) >= A_PIXEL).any())


def _following(first: int, boxes: NDArray[np.float64], how: str) -> Cover:
    """Return the cover that hides (T, 4) boxes, the first of which is in frame `first`."""
    size = boxes[:, 2:] - boxes[:, :2]
    grown = np.concatenate([boxes[:, :2] - HALO * size, boxes[:, 2:] + HALO * size], axis=1)
    keys = tuple(
        CoverKey(first + n, Box.from_edges(grown[n]))
        for n in corners(grown, STRAY * float(size.min()))
    )
    return Cover(keys[0].box, how, keys)
