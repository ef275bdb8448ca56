"""Crops of singles and two-shots: headroom, eyes near the upper third, other faces kept out.

A crop has the canvas's shape and lies inside the source frame, always. A single starts as head and
shoulders with the eyes on the eye line; where another face would be in it, it moves aside or
tightens, as little as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.crop_geometry import largest_crop_size, place_inside
from otio_speakerzoom.director.frame_arrays import median
from otio_speakerzoom.director.framing_faults import (
    ShotFaces,
    face_extents,
    faults_of,
    is_noticeably_worse,
    shot_faces,
)
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box

EYES_BELOW_TOP = 0.4
"""Where the eyes lie in a forehead-to-chin face box, as a share of its height (anthropometry puts
them at half of the whole head, whose top such a box leaves out)."""

MIN_SIDE_ROOM = 0.25
"""Room that a single always leaves beside the face, in face widths."""

MAX_LOG_SIZE_RATIO = 0.2
"""Two crops have a similar size if the logarithm of their ratio is below this: a fifth larger or
smaller. A person framed differently each time disturbs more than a slightly wide single."""

TWO_SHOT_MARGIN = 0.7
"""Room outside the two faces of a two-shot, in face heights: their shoulders."""

CANDIDATE_SIZES, CANDIDATE_OFFSETS = 7, 41
"""Numbers of crop sizes and sideways offsets to try, the offsets in steps of a fiftieth of the
crop's width; more candidates put another face exactly outside, or fit between two."""

MAX_OFFSET = 0.4
"""Largest of those offsets, in crop widths."""

OFFSETS = np.array(sorted(np.linspace(-MAX_OFFSET, MAX_OFFSET, CANDIDATE_OFFSETS), key=abs))
"""(41,) those offsets, the smallest first."""

MIN_WIDE_HEIGHT = 0.93
"""A crop from this share of the widest crop's height on becomes the widest. EBU R 95 keeps 3.5 % on
each side of a frame free of essential content, so what a larger crop leaves out makes no other
framing, and the step from it to the wide seems a mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Crops to choose a single from."""

    crops: NDArray[np.float64]
    """(C, 4) left, top, right, bottom."""
    heights: NDArray[np.float64]
    """(C,)"""
    offsets: NDArray[np.float64]
    """(C,) sideways from the ideal place, in crop widths."""


def frame_single(
    faces: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
    *,
    earlier: Box | None = None,
) -> Box:
    """Return the crop of a single.

    `faces` are the person's (T, 4) boxes in the frames of the shot, `others` those of everybody
    else who is visible. Among the candidates the one wins in which other faces disturb least, then
    the one that cuts least off this face, then the one nearest to the ideal: head and shoulders,
    with room on the side of the partner. The crop of an `earlier` single of this person is as good
    if nobody notices the difference; then it stays.
    """
    face, in_shot = median(faces).astype(float), shot_faces(faces, others)
    ideal_offset = style.lead_room * _side_of_partner(face, others)
    candidates = _candidates(face, in_shot.others, ideal_offset, size, canvas, style)
    faults = faults_of(candidates.crops, in_shot)
    ideal_height = max(1.0, style.face_heights * (face[3] - face[1]))
    tightened = 2 * (1 - candidates.heights / ideal_height)
    distance = (faults.surroundings + np.abs(candidates.offsets) + tightened).round(9)
    best_first = np.lexsort((distance, faults.cut_off, faults.other_faces))
    best = Box.from_edges(candidates.crops[best_first[0]])
    wider = _widest_if_nearly(best, size, canvas)
    if wider != best and not is_noticeably_worse(wider, best, in_shot):
        best = wider
    return earlier if earlier and _is_as_good(earlier, best, in_shot, style) else best


def frame_two(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the crop of a two-shot, from the (T, 4) boxes of both people in it."""
    extents = face_extents([one, other])
    low, high = extents[:, :2].min(axis=0), extents[:, 2:].max(axis=0)
    face_height = float((extents[:, 3] - extents[:, 1]).max())
    shape = canvas[0] / canvas[1]
    width = (high[0] - low[0]) + 2 * TWO_SHOT_MARGIN * face_height
    max_height = largest_crop_size(size, canvas)[1]
    min_height = min(max_height, canvas[1] / style.max_upscale)
    height = max(width / shape, style.face_heights * face_height)
    height = float(min(max(height, min_height), max_height))
    eyes = np.mean(extents[:, 1] + EYES_BELOW_TOP * (extents[:, 3] - extents[:, 1]))
    left = (low[0] + high[0]) / 2 - height * shape / 2
    top = float(eyes) - style.eye_line * height
    crop = place_inside(float(left), top, height * shape, height, size)
    return _widest_if_nearly(crop, size, canvas)


def fits_two(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> bool:
    """Whether the widest crop has room for two people, from their (T, 4) boxes."""
    extents = face_extents([one, other])
    needed = extents[:, 2:].max(axis=0) - extents[:, :2].min(axis=0)
    return bool((needed <= largest_crop_size(size, canvas)).all())


def _is_as_good(crop: Box, best: Box, faces: ShotFaces, style: Style) -> bool:
    """Whether a shot may keep the `crop` of an earlier one instead of its own `best`.

    It may if nobody notices: no fault is worse, and the face is at most a little off its place.
    """
    (x, y), (best_x, best_y) = crop.centre, best.centre
    offset = max(abs(x - best_x) / best.width, abs(y - best_y) / best.height)
    log_ratio = abs(float(np.log(crop.height / best.height)))
    is_near = offset <= style.safe_area / 2 and log_ratio <= MAX_LOG_SIZE_RATIO
    return is_near and not is_noticeably_worse(crop, best, faces)


def middle_of(boxes: NDArray[np.float32]) -> float:
    """Return the x coordinate in the middle of a moving face, from its (T, 4) boxes."""
    return float(median(np.concatenate([boxes[:, 0], boxes[:, 2]])))


def _widest_if_nearly(crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return `crop`, or the widest crop around its centre if it is nearly as wide."""
    width, height = largest_crop_size(size, canvas)
    if crop.height < MIN_WIDE_HEIGHT * height:
        return crop
    x, y = crop.centre
    return place_inside(x - width / 2, y - height / 2, width, height, size)


def _side_of_partner(face: NDArray[np.float64], others: Sequence[NDArray[np.float32]]) -> int:
    """Return 1 where all others are to the right, -1 where all are to the left, 0 otherwise.

    People in a conversation face each other, and a face needs room in the direction of its gaze.
    """
    centres = [middle_of(boxes) for boxes in others if len(boxes)]
    own = float((face[0] + face[2]) / 2)
    right = sum(centre > own for centre in centres)
    return (right == len(centres)) - (right == 0) if centres else 0


def _candidates(
    face: NDArray[np.float64],
    others: NDArray[np.float64],
    ideal_offset: float,
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> _Candidates:
    """Return the crops to try: the ideal height first, then tighter; for each, farther offsets.

    For each height these include the crops from which each of the (N, 4) other faces is just out.
    """
    heights = np.array(_candidate_heights(face, others, size, canvas, style))[:, None]
    widths, centre = heights * (canvas[0] / canvas[1]), (face[0] + face[2]) / 2
    offsets = np.empty((len(heights), CANDIDATE_OFFSETS + 2 * len(others)))
    just_out = offsets[:, CANDIDATE_OFFSETS:]
    just_out[:, : len(others)] = others[:, 2] + widths / 2
    just_out[:, len(others) :] = others[:, 0] - widths / 2
    just_out[:] = (just_out - centre) / widths - ideal_offset
    offsets[:, :CANDIDATE_OFFSETS] = OFFSETS
    crops = _crops_at(face, heights, ideal_offset + offsets, size, canvas, style)
    repeated = np.repeat(heights, offsets.shape[1])
    return _Candidates(crops.reshape(-1, 4), repeated, offsets.ravel())


def _candidate_heights(
    face: NDArray[np.float64],
    others: NDArray[np.float64],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> list[float]:
    """Return crop heights from the ideal to the tightest, and the one that fits between others."""
    max_height = largest_crop_size(size, canvas)[1]
    face_height = float(face[3] - face[1])
    min_height = min(max_height, canvas[1] / style.max_upscale)
    ideal = min(max(style.face_heights * face_height, min_height), max_height)
    min_height = min(ideal, canvas[1] / style.tightest_upscale)
    tightest = min(max(style.tightest_face_heights * face_height, min_height), ideal)
    step = (tightest - ideal) / (CANDIDATE_SIZES - 1)
    heights = [*(n * step + ideal for n in range(CANDIDATE_SIZES - 1)), tightest]
    between = _gap_width(face, others, size) / (canvas[0] / canvas[1])
    return [*heights, between] if tightest < between < ideal else heights


def _gap_width(
    face: NDArray[np.float64], others: NDArray[np.float64], size: tuple[int, int]
) -> float:
    """Return the width between the nearest faces on both sides, or the edges of the frame."""
    centre, left, right = float(face[0] + face[2]) / 2, 0.0, float(size[0])
    for other_left, _, other_right, _ in others.tolist():
        if (other_left + other_right) / 2 > centre:
            right = min(right, other_left)
        else:
            left = max(left, other_right)
    return right - left


def _crops_at(
    face: NDArray[np.float64],
    heights: NDArray[np.float64],
    offsets: NDArray[np.float64],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> NDArray[np.float64]:
    """Return (H, O, 4) crops, moved sideways, but never so far as to cut the face.

    Heights are (H, 1), offsets (H, O) in crop widths.
    """
    left, top, right, bottom = face.tolist()
    widths = heights * canvas[0] / canvas[1]
    centre, face_width = (left + right) / 2, right - left
    room = np.maximum(0.0, widths / 2 - face_width * (0.5 + MIN_SIDE_ROOM))
    lefts = centre - widths / 2 + np.minimum(np.maximum(offsets * widths, -room), room)
    tops = top + EYES_BELOW_TOP * (bottom - top) - style.eye_line * heights
    lefts = np.maximum(0.0, np.minimum(np.maximum(0.0, lefts), size[0] - widths))
    tops = np.maximum(0.0, np.minimum(np.maximum(0.0, tops), size[1] - heights))
    crops = np.empty((*offsets.shape, 4))
    crops[..., 0], crops[..., 1] = lefts, tops
    crops[..., 2], crops[..., 3] = lefts + widths, tops + heights
    return crops
