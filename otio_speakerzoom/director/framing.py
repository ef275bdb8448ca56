"""Shot and faces to a crop: head room, eyes near the upper third, other faces kept out.

A crop has the canvas's aspect and lies inside the picture, always. A single starts as head and
shoulders with the eyes on the eye line; where another face would be in it, it moves aside or
tightens, as little as serves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box, Shot
from otio_speakerzoom.timeline.transform import crop_of, transform_at

EYES_BELOW_TOP = 0.4
"""Where the eyes lie in a forehead-to-chin face box, as a share of its height (anthropometry puts
them at half of the whole head, whose top such a box leaves out)."""

BREATHING = 0.25
"""Room beside the face that a single never gives up, in face widths."""

HALO = 0.35
"""What belongs to another face on each side, in its own widths: hair, ears, a shoulder."""

BODY = (0.8, 2.5)
"""What belongs to it below: shoulders that far beside the face, in its widths, and a chest that far
down, in its heights."""

HAIR_SHOWS, BODY_SHOWS = 3.0, 0.5
"""What the halo and the body of somebody else cost where they show whole, in crop widths by which a
single may move aside for them."""

AN_EAR = 0.08
"""Share of another face's box that may show at the edge: an ear, no eye."""

ALIKE = 0.2
"""Two crops are alike if the logarithm of their ratio is below this: a fifth larger or smaller. A
person framed a little otherwise each time disturbs more than one framed a little too wide."""

UNNOTICED = np.array([0.02, 0.02, 0.15])
"""By how much more another face, what is cut off, and what else of others may show for that."""

TWO_SHOT_MARGIN = 0.7
"""Room outside the two faces of a two-shot, in face heights: their shoulders."""

SIZES, OFFSETS = 7, 41
"""How many crop sizes and sideways moves are tried, in steps of a fiftieth of the crop; beside them
the places at which another face is just out, and the size of the gap between two."""

NEARLY_WIDE = 0.93
"""Of the widest crop's height: a tighter one is a crop of its own. EBU R 95 keeps 3.5 % on each
side of a picture free of what must be seen, so what a larger crop leaves out makes no other
picture, and the step from it to the wide looks like a slip."""


def largest(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[float, float]:
    """Return width and height of the largest crop of the canvas's aspect inside the picture."""
    scale = min(size[0] / canvas[0], size[1] / canvas[1])
    return canvas[0] * scale, canvas[1] * scale


def widest(size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the largest crop of the canvas's aspect, in the middle of the picture."""
    width, height = largest(size, canvas)
    return placed((size[0] - width) / 2, (size[1] - height) / 2, width, height, size)


def frame_single(
    faces: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the crop that frames one person for a shot.

    `faces` are the (T, 4) boxes of the person in the frames of the shot, `others` the same of
    everybody else who is seen in it. Of all sizes and sideways moves tried, the one wins in which
    other faces disturb least, then the one that cuts least off this face, then the one nearest to
    the ideal: head and shoulders, with room on the side of the partner.
    """
    face = np.median(faces, axis=0).astype(float)
    wanted = max(1.0, style.face_heights * (face[3] - face[1]))
    foreign = _reaches(others)
    ideal = style.lead_room * _side_of_partner(face, others)
    heights, asides = _tried(face, foreign, ideal, size, canvas, style)
    crops = _candidates(face, heights, ideal + asides, size, canvas, style)
    disturbed, cut, around = _faults(crops, _reach(faces), foreign)
    far = np.round(around + np.abs(asides) + 2 * (1 - heights / wanted), 9)
    best = Box.from_edges(crops[np.lexsort((far, cut, disturbed))[0]])
    wider = _widened(best, size, canvas)
    return best if _worse(wider, best, _reach(faces), foreign) else wider


def frame_two(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the crop that frames two people for a shot, from their (T, 4) boxes in it."""
    reaches = _reaches([one, other])
    low, high = reaches[:, :2].min(axis=0), reaches[:, 2:].max(axis=0)
    face_height = float((reaches[:, 3] - reaches[:, 1]).max())
    shape = canvas[0] / canvas[1]
    room = (high[0] - low[0]) + 2 * TWO_SHOT_MARGIN * face_height
    most = largest(size, canvas)[1]
    least = min(most, canvas[1] / style.max_upscale)
    height = float(np.clip(max(room / shape, style.face_heights * face_height), least, most))
    eyes = np.mean(reaches[:, 1] + EYES_BELOW_TOP * (reaches[:, 3] - reaches[:, 1]))
    left = (low[0] + high[0]) / 2 - height * shape / 2
    top = float(eyes) - style.eye_line * height
    return _widened(placed(float(left), top, height * shape, height, size), size, canvas)


def holds_both(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> bool:
    """Whether the widest crop has room for two people, from their (T, 4) boxes."""
    reaches = _reaches([one, other])
    room = reaches[:, 2:].max(axis=0) - reaches[:, :2].min(axis=0)
    return bool((room <= largest(size, canvas)).all())


def _widened(crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the widest crop instead of one that is nearly as wide."""
    width, height = largest(size, canvas)
    if crop.height < NEARLY_WIDE * height:
        return crop
    x, y = crop.centre
    return placed(x - width / 2, y - height / 2, width, height, size)


def suits(
    crop: Box,
    best: Box,
    faces: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    style: Style,
) -> bool:
    """Whether a shot may be framed by `crop`, as an earlier one was, instead of by its `best`.

    It may if nobody notices: no fault is worse, and the face is a little off its place at most.
    """
    off = np.abs(np.subtract(crop.centre, best.centre)) / (best.width, best.height)
    larger = abs(float(np.log(crop.height / best.height)))
    worse = _worse(crop, best, _reach(faces), _reaches(others))
    return not worse and off.max() <= style.safe_area / 2 and larger <= ALIKE


def _worse(crop: Box, other: Box, reach: NDArray[np.float64], foreign: NDArray[np.float64]) -> bool:
    """Whether `crop` has a fault that somebody notices and `other` has not."""
    both = np.array([crop.edges, other.edges])
    faults = np.array(_faults(both, reach, foreign))
    return bool((faults[:, 0] > faults[:, 1] + UNNOTICED).any())


def _faults(
    crops: NDArray[np.float64], reach: NDArray[np.float64], foreign: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return, (C,) each, how much other faces disturb in (C, 4) crops, what is cut off, what else.

    `reach` is the (4,) rectangle of this face, `foreign` the (N, 4) ones of the others; what else
    is hair and bodies of the others. The first two in hundredths, finer does not matter.
    """
    width, height = foreign[:, 2:3] - foreign[:, :1], foreign[:, 3:] - foreign[:, 1:2]
    halo = foreign + HALO * width * np.array([-1, 0, 1, 0])
    body = foreign + BODY[0] * width * np.array([-1, 0, 1, 0])
    body[:, 1] = foreign[:, 3]
    body[:, 3:] += BODY[1] * height
    disturbed: NDArray[np.float64] = np.sum(disturbance(_shown(foreign, crops)), axis=1)
    cut = 1 - _shown(reach[None], crops)[:, 0]
    hair: NDArray[np.float64] = np.sum(_shown(halo, crops), axis=1)
    bodies: NDArray[np.float64] = np.sum(_shown(body, crops), axis=1)
    return (
        np.round(disturbed, 2),
        np.round(cut, 2),
        HAIR_SHOWS * hair + BODY_SHOWS * bodies,
    )


def _side_of_partner(face: NDArray[np.float64], others: Sequence[NDArray[np.float32]]) -> int:
    """Return 1 where all others are to the right, -1 where all are to the left, 0 otherwise.

    People who talk look at each other, and a face wants room where it looks.
    """
    middles = [float(np.median(boxes[:, [0, 2]])) for boxes in others if len(boxes)]
    own = float(face[[0, 2]].mean())
    right = sum(middle > own for middle in middles)
    return (right == len(middles)) - (right == 0) if middles else 0


def _tried(
    face: NDArray[np.float64],
    foreign: NDArray[np.float64],
    ideal: float,
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (C,) crop heights to try, and sideways moves from `ideal`, in crop widths.

    The wanted height first, then ever tighter; no move first, then ever farther. For each height
    also the moves at which each of the (N, 4) `foreign` faces just leaves the crop.
    """
    shape = canvas[0] / canvas[1]
    most = largest(size, canvas)[1]
    face_height = float(face[3] - face[1])
    least = min(most, canvas[1] / style.max_upscale)
    wanted = float(np.clip(style.face_heights * face_height, least, most))
    least = min(wanted, canvas[1] / style.tightest_upscale)
    tightest = float(np.clip(style.tightest_face_heights * face_height, least, wanted))
    gap = _gap(face, foreign, size) / shape
    heights = np.linspace(wanted, tightest, SIZES)
    if tightest < gap < wanted:
        heights = np.append(heights, gap)
    moves = np.linspace(-0.4, 0.4, OFFSETS)
    moves = moves[np.argsort(np.abs(moves), kind="stable")]
    middle = (face[0] + face[2]) / 2
    widths = heights[:, None] * shape
    leaving = np.concatenate([foreign[:, 2] + widths / 2, foreign[:, 0] - widths / 2], axis=1)
    exact = (leaving - middle) / widths - ideal
    asides = np.concatenate([np.tile(moves, (len(heights), 1)), exact], axis=1)
    return np.repeat(heights, asides.shape[1]), asides.ravel()


def _gap(face: NDArray[np.float64], foreign: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Return the width between the faces nearest on both sides, or the picture's edges."""
    middle = (face[0] + face[2]) / 2
    right_of = (foreign[:, 0] + foreign[:, 2]) / 2 > middle
    left = foreign[~right_of, 2].max(initial=0.0)
    right = foreign[right_of, 0].min(initial=float(size[0]))
    return float(right - left)


def _candidates(
    face: NDArray[np.float64],
    heights: NDArray[np.float64],
    asides: NDArray[np.float64],
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> NDArray[np.float64]:
    """Return (C, 4) crops of the heights, moved aside, but never so far that the face is cut."""
    widths = heights * canvas[0] / canvas[1]
    middle, face_width = (face[0] + face[2]) / 2, face[2] - face[0]
    room = np.maximum(0.0, widths / 2 - face_width * (0.5 + BREATHING))
    lefts = middle - widths / 2 + np.clip(asides * widths, -room, room)
    tops = face[1] + EYES_BELOW_TOP * (face[3] - face[1]) - style.eye_line * heights
    lefts = np.maximum(0.0, np.minimum(np.maximum(0.0, lefts), size[0] - widths))
    tops = np.maximum(0.0, np.minimum(np.maximum(0.0, tops), size[1] - heights))
    return np.stack([lefts, tops, lefts + widths, tops + heights], axis=1)


def placed(left: float, top: float, width: float, height: float, size: tuple[int, int]) -> Box:
    """Return the rectangle pushed into the picture; it must not be larger than that."""
    left = min(max(0.0, left), size[0] - width)
    top = min(max(0.0, top), size[1] - height)
    return Box.from_edges((max(0.0, left), max(0.0, top), left + width, top + height))


def _reach(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (4,) rectangle a moving face stays in, but for one frame in ten."""
    ordered = np.sort(boxes, axis=0)
    tenth = (len(boxes) - 1) // 10
    low, high = ordered[tenth, :2], ordered[len(boxes) - 1 - tenth, 2:]
    return np.concatenate([low, high]).astype(np.float64)


def _reaches(faces: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the (N, 4) rectangles that N moving faces stay in."""
    return np.array([_reach(boxes) for boxes in faces], np.float64).reshape(-1, 4)


def _shown(boxes: NDArray[np.float64], crops: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (C, N) which share of each of (N, 4) `boxes` lies in each of (C, 4) `crops`."""
    low = np.maximum(boxes[None, :, :2], crops[:, None, :2])
    high = np.minimum(boxes[None, :, 2:], crops[:, None, 2:])
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.prod(np.maximum(high - low, 0), axis=2) / np.maximum(area, 1e-9)


def disturbance(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each, how much other faces disturb of which these shares are shown.

    An ear at the edge hardly does. Beyond that a face cut in two is worse than a whole one: where
    another face cannot be kept out, it should not be sliced.
    """
    return np.where(shares <= AN_EAR, shares, 1 + 4 * shares * (1 - shares))


def crops_of(shot: Shot, size: tuple[int, int], canvas: tuple[int, int]) -> NDArray[np.float64]:
    """Return (T, 4) left, top, right, bottom of what each frame of `shot` shows."""
    frames = range(shot.range.start, shot.range.end) if shot.keys else [shot.range.start]
    crops = [crop_of(transform_at(shot, frame, size, canvas), size, canvas) for frame in frames]
    edges = np.array([crop.edges for crop in crops])
    return edges if shot.keys else np.repeat(edges, shot.range.duration, axis=0)
