"""Crops of singles: headroom, eyes near the upper third, other faces out, walls not crossed.

A crop has the canvas's shape and lies inside the source frame, always. A single starts as head and
shoulders with the eyes on the eye line; where another face would be in it, it moves aside or
tightens, as little as possible. In a split screen it stays in the part of its face.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.crop_geometry import frame_box, largest_crop_in, widest_if_nearly
from otio_speakerzoom.director.frame_arrays import median
from otio_speakerzoom.director.framing_faults import (
    MAX_EAR_SHARE,
    UNNOTICEABLE,
    ShotFaces,
    faults_of,
    is_noticeably_worse,
    shot_faces,
)
from otio_speakerzoom.director.panels import Walls
from otio_speakerzoom.director.single_candidates import single_candidates
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box

OUTER_QUARTER = 0.25
"""Share of a crop's width at either side in which the middle of the face is aside. The rule of
thirds has it at .33; in the outer quarter, whatever is in the middle becomes the subject."""

MAX_LOG_SIZE_RATIO = 0.2
"""Two crops have a similar size if the logarithm of their ratio is below this: a fifth larger or
smaller. A person framed differently each time disturbs more than a slightly wide single."""


def frame_single(
    faces: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
    *,
    earlier: Box | None = None,
    walls: Walls | None = None,
) -> Box:
    """Return the crop of a single.

    `faces` are the person's (T, 4) boxes in the frames of the shot, `others` those of everybody
    else who is visible. Among the candidates the one wins in which other faces disturb least, then
    the one that cuts least off this face, then one with this head whole and no other, then the one
    nearest to the ideal: head and shoulders, with room on the side of the partner. The crop stays
    in the panel of the `walls` unless this face would be cut there, or softer than the style
    allows; then it shows no slice of the panels beside it, if it can. The crop of an `earlier`
    single of this person is as good if nobody notices the difference; then it stays.
    """
    whole = frame_box(size)
    walls = walls or Walls(whole)
    in_shot = shot_faces(faces, others, walls.to_avoid(size))
    bounds = whole
    best = _best_in(whole, faces, others, in_shot, canvas, style)
    least_height = canvas[1] / style.tightest_upscale
    if walls.panel != whole and largest_crop_in(walls.panel, canvas)[1] >= least_height:
        inside = _best_in(walls.panel, faces, others, in_shot, canvas, style)
        is_nearly_whole = widest_if_nearly(inside, whole, canvas) != inside
        if not is_nearly_whole and not _cuts_more(inside, best, in_shot):
            best, bounds = inside, walls.panel
    stays = earlier and earlier.lies_in(bounds) and _is_as_good(earlier, best, in_shot, style)
    return earlier if earlier and stays else best


def _best_in(
    bounds: Box,
    faces: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    in_shot: ShotFaces,
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the best crop of a single that lies in `bounds`."""
    face = median(faces).astype(float)
    ideal_offset = style.lead_room * _side_of_partner(face, others)
    candidates = single_candidates(face, in_shot, ideal_offset, bounds, canvas, style)
    faults = faults_of(candidates.crops, in_shot)
    # to move so far aside is worth it for a single, not for another choice of who shows beside it
    in_vain = (faults.other_faces > MAX_EAR_SHARE) & _is_aside(face, candidates.crops)
    other_faces = faults.other_faces + in_vain
    ideal_height = max(1.0, style.face_heights * (face[3] - face[1]))
    tightened = 2 * (1 - candidates.heights / ideal_height)
    distance = (faults.surroundings + candidates.distances + tightened).round(9)
    slices_a_head = ~faults.shows_one_head
    best_first = np.lexsort((distance, slices_a_head, faults.cut_off, other_faces))
    best = Box.from_edges(candidates.crops[best_first[0]])
    wider = widest_if_nearly(best, bounds, canvas)
    # where somebody else shows in it all the same, nothing is lost with a little more of them
    is_alone = faults.other_faces[best_first[0]] <= MAX_EAR_SHARE
    worsens = is_alone and wider != best and is_noticeably_worse(wider, best, in_shot)
    return best if worsens else wider


def _is_aside(face: NDArray[np.float64], crops: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(C,) whether the middle of a (4,) face is in the outer quarter of (C, 4) crops."""
    place = ((face[0] + face[2]) / 2 - crops[:, 0]) / (crops[:, 2] - crops[:, 0])
    return np.asarray(np.abs(place - 0.5) > 0.5 - OUTER_QUARTER)


def _cuts_more(crop: Box, other: Box, faces: ShotFaces) -> bool:
    """Whether a crop cuts more off the own face, or disturbs more by others, than another does."""
    faults = faults_of(np.array([crop.edges, other.edges]), faces)
    pairs = np.array([faults.other_faces, faults.cut_off])
    return bool((pairs[:, 0] > pairs[:, 1] + UNNOTICEABLE[:2]).any())


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


def _side_of_partner(face: NDArray[np.float64], others: Sequence[NDArray[np.float32]]) -> int:
    """Return 1 where all others are to the right, -1 where all are to the left, 0 otherwise.

    People in a conversation face each other, and a face needs room in the direction of its gaze.
    """
    centres = [middle_of(boxes) for boxes in others if len(boxes)]
    own = float((face[0] + face[2]) / 2)
    right = sum(centre > own for centre in centres)
    return (right == len(centres)) - (right == 0) if centres else 0
