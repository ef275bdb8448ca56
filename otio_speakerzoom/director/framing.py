"""Shot and faces to a crop: head room, eyes near the upper third, other faces kept out.

A crop has the canvas's aspect and lies inside the picture, always. A single starts as head and
shoulders with the eyes on the eye line; where another face would be in it, it moves aside or
tightens, as little as serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box

EYES_BELOW_TOP = 0.4
"""Where the eyes lie in a forehead-to-chin face box, as a share of its height (anthropometry puts
them at half of the whole head, whose top such a box leaves out)."""

BREATHING = 0.25
"""Room beside the face that a single never gives up, in face widths."""

HALO = 0.35
"""What belongs to another face on each side, in its own widths: hair, ears, a shoulder."""

SIZES, OFFSETS = 7, 41
"""How many crop sizes and sideways moves are tried; steps of about a twentieth of the crop."""


def largest(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[float, float]:
    """Return width and height of the largest crop of the canvas's aspect inside the picture."""
    scale = min(size[0] / canvas[0], size[1] / canvas[1])
    return canvas[0] * scale, canvas[1] * scale


def frame_wide(faces: NDArray[np.float32], size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the widest crop, with the (N, 4) `faces` in its middle where it has to choose."""
    width, height = largest(size, canvas)
    centre = size[0] / 2, size[1] / 2
    if len(faces):
        low, high = faces[:, :2].min(axis=0), faces[:, 2:].max(axis=0)
        centre = float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2
    return _placed(centre[0] - width / 2, centre[1] - height / 2, width, height, size)


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
    the ideal.
    """
    face = np.median(faces, axis=0).astype(float)
    reach = _reach(faces)
    foreign = np.array([_reach(boxes) for boxes in others]).reshape(-1, 4)
    foreign += HALO * (foreign[:, 2:3] - foreign[:, :1]) * np.array([-1, 0, 1, 0])
    best, best_cost = None, (np.inf, np.inf, np.inf)
    for height, aside in product(_heights(face, size, canvas, style), _asides()):
        crop = _candidate(face, height, aside, size, canvas, style)
        edges = np.array([crop.left, crop.top, crop.right, crop.bottom])
        cost = (
            round(float(_disturbance(_shown(foreign, edges)).sum()), 2),
            round(1 - float(_shown(reach[None], edges)[0]), 2),
            abs(aside) + 2 * (1 - height / max(1.0, style.face_heights * (face[3] - face[1]))),
        )
        if cost < best_cost:
            best, best_cost = crop, cost
    assert best is not None
    return best


def _heights(
    face: NDArray[np.float64], size: tuple[int, int], canvas: tuple[int, int], style: Style
) -> list[float]:
    """Return the crop heights to try, in source pixels, the wanted one first."""
    most = largest(size, canvas)[1]
    face_height = float(face[3] - face[1])
    least = min(most, canvas[1] / style.max_upscale)
    wanted = float(np.clip(style.face_heights * face_height, least, most))
    least = min(wanted, canvas[1] / style.tightest_upscale)
    tightest = float(np.clip(style.tightest_face_heights * face_height, least, wanted))
    return list(np.linspace(wanted, tightest, SIZES))


def _asides() -> list[float]:
    """Return the sideways moves to try, in crop widths: none first, then ever farther."""
    moves = np.linspace(-0.4, 0.4, OFFSETS)
    return sorted((float(move) for move in moves), key=abs)


def _candidate(
    face: NDArray[np.float64],
    height: float,
    aside: float,
    size: tuple[int, int],
    canvas: tuple[int, int],
    style: Style,
) -> Box:
    """Return the crop of `height`, moved `aside`, but never so far that the face is cut."""
    width = height * canvas[0] / canvas[1]
    middle, face_width = (face[0] + face[2]) / 2, face[2] - face[0]
    room = max(0.0, width / 2 - face_width * (0.5 + BREATHING))
    left = middle - width / 2 + float(np.clip(aside * width, -room, room))
    eyes = face[1] + EYES_BELOW_TOP * (face[3] - face[1])
    return _placed(left, float(eyes) - style.eye_line * height, width, height, size)


def _placed(left: float, top: float, width: float, height: float, size: tuple[int, int]) -> Box:
    """Return the rectangle pushed into the picture; it must not be larger than that."""
    left = min(max(0.0, float(left)), size[0] - width)
    top = min(max(0.0, float(top)), size[1] - height)
    return Box(max(0.0, left), max(0.0, top), left + width, top + height)


def _reach(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (4,) rectangle a moving face stays in, but for one frame in ten."""
    low = np.percentile(boxes[:, :2], 10, axis=0)
    high = np.percentile(boxes[:, 2:], 90, axis=0)
    return np.concatenate([low, high]).astype(np.float64)


def _shown(boxes: NDArray[np.float64], crop: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) which share of each of (N, 4) `boxes` lies in `crop`."""
    inside = np.minimum(boxes[:, 2:], crop[2:]) - np.maximum(boxes[:, :2], crop[:2])
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.prod(np.clip(inside, 0, None), axis=1) / np.maximum(area, 1e-9)


def _disturbance(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) how much other faces disturb, of which these shares are shown.

    Some hair at the edge (less than the halo) hardly does. Beyond that a face cut in two is worse
    than a whole one: where another face cannot be kept out, it should not be sliced.
    """
    return np.where(shares <= HALO / (1 + 2 * HALO), shares, 1 + 4 * shares * (1 - shares))
