"""Crops to choose a single from: head and shoulders, then tighter and moved aside.

Where somebody else is near, the best place is exactly where they are just out of the crop, and the
best size exactly what fits between two of them: these are among the candidates, so that no step of
a search decides whether a slice of a neighbour shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.crop_geometry import MIN_WIDE_HEIGHT, largest_crop_in
from otio_speakerzoom.director.framing_faults import HAIR_MARGIN, ShotFaces
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box

EYES_BELOW_TOP = 0.4
"""Where the eyes lie in a forehead-to-chin face box, as a share of its height (anthropometry puts
them at half of the whole head, whose top such a box leaves out)."""

MIN_SIDE_ROOM = 0.25
"""Room that a single always leaves beside the face, in face widths."""

CANDIDATE_SIZES, CANDIDATE_OFFSETS = 7, 41
"""Numbers of crop sizes and sideways offsets to try, the offsets in steps of a fiftieth of the
crop's width, beside the exact ones."""

LOWEST_EYES = 0.5
"""How far down the eyes may come, as a share of the crop's height, where it moves up from a head
below: lower, there is more picture above the eyes than of the person."""

MAX_OFFSET = 0.4
"""Largest of those offsets, in crop widths."""

OFFSETS = np.array(sorted(np.linspace(-MAX_OFFSET, MAX_OFFSET, CANDIDATE_OFFSETS), key=abs))
"""(41,) those offsets, the smallest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Crops to choose a single from."""

    crops: NDArray[np.float64]
    """(C, 4) left, top, right, bottom."""
    heights: NDArray[np.float64]
    """(C,)"""
    distances: NDArray[np.float64]
    """(C,) from the ideal place, sideways in crop widths and up or down in crop heights."""


def single_candidates(
    face: NDArray[np.float64],
    faces: ShotFaces,
    ideal_offset: float,
    bounds: Box,
    canvas: tuple[int, int],
    style: Style,
) -> Candidates:
    """Return crops in `bounds` for a single of a (4,) face.

    The ideal height first, then tighter; for each, farther offsets, and the places from which each
    other face, head or panel is just out, or the own head just in; also those above and below it.
    """
    heights = np.array(_heights(face, faces, bounds, canvas, style))[:, None]
    widths, centre = heights * (canvas[0] / canvas[1]), (face[0] + face[2]) / 2
    lefts = np.concatenate([
        *(others[:, 2] + np.zeros_like(widths) for others in _to_avoid(faces)),
        *(others[:, 0] - widths for others in _to_avoid(faces)),
        faces.own_head[0] + np.zeros_like(widths), faces.own_head[2] - widths,
    ], axis=1)  # fmt: skip
    exact = (lefts + widths / 2 - centre) / widths - ideal_offset
    offsets = np.concatenate([np.broadcast_to(OFFSETS, (len(heights), len(OFFSETS))), exact], 1)
    lefts = _lefts(face, widths, ideal_offset + offsets, bounds)
    tops = _tops(face, faces, heights, bounds, style)
    crops = np.empty((*lefts.shape, tops.shape[1], 4))  # (H, O, V, 4)
    crops[..., 0], crops[..., 1] = lefts[:, :, None], tops[:, None]
    crops[..., 2:] = crops[..., :2] + np.stack([widths, heights], axis=-1)[:, :, None]
    moved_up = np.abs(tops - tops[:, :1]) / heights
    distances = np.abs(offsets)[:, :, None] + moved_up[:, None]
    repeated = np.broadcast_to(heights[:, :, None], distances.shape)
    return Candidates(crops.reshape(-1, 4), repeated.ravel(), distances.ravel())


def _to_avoid(faces: ShotFaces) -> tuple[NDArray[np.float64], ...]:
    return faces.others, faces.heads, faces.panels


def _heights(
    face: NDArray[np.float64],
    faces: ShotFaces,
    bounds: Box,
    canvas: tuple[int, int],
    style: Style,
) -> list[float]:
    """Return crop heights from the ideal to the tightest, and those that fit between others."""
    max_height = largest_crop_in(bounds, canvas)[1]
    face_height = float(face[3] - face[1])
    min_height = min(max_height, canvas[1] / style.max_upscale)
    ideal = min(max(style.face_heights * face_height, min_height), max_height)
    if min_height <= MIN_WIDE_HEIGHT * max_height < ideal:
        ideal = MIN_WIDE_HEIGHT * max_height
    min_height = min(ideal, canvas[1] / style.tightest_upscale)
    tightest = min(max(style.tightest_face_heights * face_height, min_height), ideal)
    step = (tightest - ideal) / (CANDIDATE_SIZES - 1)
    heights = [*(n * step + ideal for n in range(CANDIDATE_SIZES - 1)), tightest]
    for others in _to_avoid(faces):
        between = gap_width(face, others, bounds) / (canvas[0] / canvas[1])
        if tightest < between < ideal:
            heights.append(between)
    return heights


def gap_width(face: NDArray[np.float64], others: NDArray[np.float64], bounds: Box) -> float:
    """Return the width between the nearest faces on both sides, or the edges of the bounds."""
    centre, left, right = float(face[0] + face[2]) / 2, bounds.left, bounds.right
    for other_left, _, other_right, _ in others.tolist():
        if (other_left + other_right) / 2 > centre:
            right = min(right, other_left)
        else:
            left = max(left, other_right)
    return right - left


def _lefts(
    face: NDArray[np.float64],
    widths: NDArray[np.float64],
    offsets: NDArray[np.float64],
    bounds: Box,
) -> NDArray[np.float64]:
    """Return (H, O) left edges, moved by offsets in crop widths, never so far as to cut the face.

    Widths are (H, 1).
    """
    centre, face_width = (face[0] + face[2]) / 2, face[2] - face[0]
    room = np.maximum(0.0, widths / 2 - face_width * (0.5 + MIN_SIDE_ROOM))
    lefts = centre - widths / 2 + np.minimum(np.maximum(offsets * widths, -room), room)
    return np.maximum(bounds.left, np.minimum(lefts, bounds.right - widths))


def _tops(
    face: NDArray[np.float64],
    faces: ShotFaces,
    heights: NDArray[np.float64],
    bounds: Box,
    style: Style,
) -> NDArray[np.float64]:
    """Return (H, V) upper edges for (H, 1) heights.

    First with the eyes on the eye line, unless hair or chin would be cut there. Then moved up until
    the next head below is out, and down until the next one above is, with this head still whole.
    """
    eyes = float(face[1] + EYES_BELOW_TOP * (face[3] - face[1]))
    ideal: NDArray[np.float64] = eyes - style.eye_line * heights
    _, hair, _, chin = faces.own_head.tolist()
    tops = [ideal]
    upper, lower = faces.others[:, 1], faces.others[:, 3]
    hairs = np.maximum(chin, upper - HAIR_MARGIN * (lower - upper))
    if (below := hairs[upper >= chin]).size:
        highest = eyes - LOWEST_EYES * heights
        tops.append(np.minimum(ideal, np.maximum(highest, below.min() - heights)))
    if (above := lower[lower <= hair]).size:
        tops.append(np.maximum(ideal, above.max()))
    stacked = np.concatenate(tops, axis=1)
    fits = heights >= chin - hair
    stacked = np.where(fits, np.minimum(np.maximum(stacked, chin - heights), hair), stacked)
    return np.maximum(bounds.top, np.minimum(stacked, bounds.bottom - heights))
