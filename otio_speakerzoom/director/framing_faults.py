"""Visible faults of a crop: other faces in it, the own face cut, other people's hair and bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import share_inside
from otio_speakerzoom.model import Box

HEAD_MARGIN = 0.35
"""Hair and ears around a face box, on each side, in face widths."""

SHOULDER_MARGIN, TORSO_HEIGHT = 0.8, 2.5
"""The body below a face box: shoulders beside it, in face widths, and a torso, in face heights."""

HEAD_COST, BODY_COST = 3.0, 0.5
"""Cost of somebody else's whole head and body in a single, in crop widths by which the crop may
move aside to avoid them."""

MAX_EAR_SHARE = 0.08
"""Share of another face box that may be in the crop: an ear at the edge, no eye."""

UNNOTICEABLE = np.array([0.02, 0.02, 0.15])
"""Increase of each fault that nobody notices, in the order of `Faults`."""


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """Faults of C crops; shares are rounded to hundredths, since finer differences do not show."""

    other_faces: NDArray[np.float64]
    """(C,) disturbance by other faces."""
    cut_off: NDArray[np.float64]
    """(C,) share of the own face that is outside the crop."""
    surroundings: NDArray[np.float64]
    """(C,) cost of other people's heads and bodies."""


@dataclass(frozen=True, slots=True, eq=False)
class ShotFaces:
    """What a single should contain and avoid: a face, and N other faces, heads and bodies."""

    others: NDArray[np.float64]
    """(N, 4) extents of the other faces."""
    boxes: NDArray[np.float64]
    """(3 N + 1, 4) the other faces, their heads, their bodies, and the face of the single."""


def shot_faces(face: NDArray[np.float32], others: Sequence[NDArray[np.float32]]) -> ShotFaces:
    """Return what a single of a face avoids, from (T, 4) boxes of it and of each other face."""
    count, extents = len(others), face_extents([*others, face])
    boxes = np.concatenate([extents[:-1], extents[:-1], extents])
    heads, bodies = boxes[count : 2 * count], boxes[2 * count : -1]
    width, height = bodies[:, 2] - bodies[:, 0], bodies[:, 3] - bodies[:, 1]
    bodies[:, 1] = bodies[:, 3]
    bodies[:, 3] += TORSO_HEIGHT * height
    for wider, margin in ((heads, HEAD_MARGIN), (bodies, SHOULDER_MARGIN)):
        wider[:, 0] -= margin * width
        wider[:, 2] += margin * width
    return ShotFaces(extents[:-1], boxes)


def faults_of(crops: NDArray[np.float64], faces: ShotFaces) -> Faults:
    """Return the faults of (C, 4) crops."""
    count = len(faces.others)
    shares = share_inside(faces.boxes[:, None], crops)  # (3 N + 1, C)
    heads, bodies = shares[count : 2 * count], shares[2 * count : -1]
    return Faults(
        _sum(disturbance(shares[:count])).round(2),
        (1 - shares[-1]).round(2),
        HEAD_COST * _sum(heads) + BODY_COST * _sum(bodies),
    )


def _sum(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (C,) sums of (N, C) values; it does not depend on C how they are rounded."""
    return np.ascontiguousarray(rows.T).sum(axis=1)


def is_noticeably_worse(crop: Box, other: Box, faces: ShotFaces) -> bool:
    """Whether any fault of `crop` is noticeably larger than that of `other`."""
    faults = faults_of(np.array([crop.edges, other.edges]), faces)
    pairs = np.array([faults.other_faces, faults.cut_off, faults.surroundings])
    return bool((pairs[:, 0] > pairs[:, 1] + UNNOTICEABLE).any())


def disturbance(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each other face disturbs, by the share of its box in the crop.

    An ear at the edge hardly disturbs. Beyond that a sliced face is worse than a whole one, so a
    face that cannot be kept out stays whole.
    """
    return np.where(shares <= MAX_EAR_SHARE, shares, 1 + 4 * shares * (1 - shares))


def face_extent(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (4,) rectangle that contains a moving face in nine of ten frames."""
    ordered = np.sort(boxes, axis=0)
    tenth = (len(boxes) - 1) // 10
    low, high = ordered[tenth, :2], ordered[len(boxes) - 1 - tenth, 2:]
    return np.concatenate([low, high]).astype(np.float64)


def face_extents(faces: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the (N, 4) extents of N moving faces."""
    return np.array([face_extent(boxes) for boxes in faces], np.float64).reshape(-1, 4)
