"""Visible faults of a crop: other faces in it, the own face cut, other people's hair and bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import share_inside
from otio_speakerzoom.model import Box

HEAD_MARGIN = 0.35
"""Hair and ears around a face box, on each side, in face widths."""

HAIR_MARGIN, CHIN_MARGIN = 0.3, 0.05
"""Hair above a face box, and room under the chin, in face heights. The eyes are halfway down a head
and .6 face heights above the chin, so a head ends .2 above the box, and hair a little higher."""

SHOULDER_MARGIN, TORSO_HEIGHT = 0.8, 2.5
"""The body below a face box: shoulders beside it, in face widths, and a torso, in face heights."""

HEAD_COST, BODY_COST = 3.0, 0.5
"""Cost of somebody else's whole head and body in a single, in crop widths by which the crop may
move aside to avoid them."""

INSET_COST = 1.0
"""Cost of an inset that is half in a single, in the same unit."""

MAX_HEAD_SLICE = 0.005
"""Share of a head that is none: half of the hundredth to which shares are compared."""

MAX_EAR_SHARE = 0.08
"""Share of another face box that may be in the crop: an ear at the edge, no eye."""

UNNOTICEABLE = np.array([0.02, 0.02, 0.15])
"""Increase of each fault that nobody notices, in the order of `Faults`."""


MAX_SHARES = 1 << 22
"""Shares of a box in a crop that are computed at once: 32 MiB. The crops to choose from and the
boxes both grow with the faces in the picture: all shares of a crowd of 2,000 are gigabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """Faults of C crops; shares are rounded to hundredths, since finer differences do not show."""

    other_faces: NDArray[np.float64]
    """(C,) disturbance by other faces."""
    cut_off: NDArray[np.float64]
    """(C,) share of the own face that is outside the crop."""
    surroundings: NDArray[np.float64]
    """(C,) cost of other people's heads and bodies, and of sliced insets."""
    shows_one_head: NDArray[np.bool_]
    """(C,) whether the own head is whole, with its hair, and no part of another is in the crop."""


@dataclass(frozen=True, slots=True, eq=False)
class ShotFaces:
    """What a single should contain and avoid: a face, and N other faces, heads and bodies."""

    others: NDArray[np.float64]
    """(N, 4) extents of the other faces."""
    boxes: NDArray[np.float64]
    """(3 N + 2 + I, 4) the other faces, their heads, their bodies, the face of the single, its head
    with the hair, and insets."""

    @property
    def heads(self) -> NDArray[np.float64]:
        """(N, 4) the other heads."""
        return self.boxes[len(self.others) : 2 * len(self.others)]

    @property
    def panels(self) -> NDArray[np.float64]:
        """(I, 4) the insets, and the panels beside that of the face."""
        return self.boxes[3 * len(self.others) + 2 :]

    @property
    def own_head(self) -> NDArray[np.float64]:
        """(4,) the head of the single, with its hair."""
        return self.boxes[3 * len(self.others) + 1]


def head_of(extent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (4,) head around the extent of a face: with hair, ears and the room of a chin."""
    width, height = extent[2] - extent[0], extent[3] - extent[1]
    margins = np.array([-HEAD_MARGIN, -HAIR_MARGIN, HEAD_MARGIN, CHIN_MARGIN])
    return extent + margins * [width, height, width, height]


def shot_faces(
    face: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
    insets: Sequence[Box] = (),
) -> ShotFaces:
    """Return what a single of a face avoids, from (T, 4) boxes of it and of each other face."""
    count, extents = len(others), face_extents([*others, face])
    boxes = np.concatenate([
        extents[:-1], extents[:-1], extents, head_of(extents[-1])[None],
        np.array([inset.edges for inset in insets]).reshape(-1, 4),
    ])  # fmt: skip
    heads, bodies = boxes[count : 2 * count], boxes[2 * count : 3 * count]
    width, height = bodies[:, 2] - bodies[:, 0], bodies[:, 3] - bodies[:, 1]
    bodies[:, 1] = bodies[:, 3]
    bodies[:, 3] += TORSO_HEIGHT * height
    for wider, margin in ((heads, HEAD_MARGIN), (bodies, SHOULDER_MARGIN)):
        wider[:, 0] -= margin * width
        wider[:, 2] += margin * width
    return ShotFaces(extents[:-1], boxes)


def faults_of(crops: NDArray[np.float64], faces: ShotFaces) -> Faults:
    """Return the faults of (C, 4) crops, in memory that does not grow with the number of faces."""
    step = max(1, MAX_SHARES // len(faces.boxes))
    parts = [_faults_of(crops[n : n + step], faces) for n in range(0, len(crops), step)]
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, item.name) for part in parts] for item in fields(Faults))
    return Faults(*map(np.concatenate, columns))


def _faults_of(crops: NDArray[np.float64], faces: ShotFaces) -> Faults:
    count = len(faces.others)
    shares = share_inside(faces.boxes[:, None], crops)  # (3 N + 2 + I, C)
    heads, bodies = shares[count : 2 * count], shares[2 * count : 3 * count]
    own_face, own_head = shares[3 * count], shares[3 * count + 1]
    insets = shares[3 * count + 2 :]
    return Faults(
        _sum(disturbance(shares[:count])).round(2),
        (1 - own_face).round(2),
        HEAD_COST * _sum(heads)
        + BODY_COST * _sum(bodies)
        + INSET_COST * _sum(4 * insets * (1 - insets)),
        (heads <= MAX_HEAD_SLICE).all(axis=0) & (own_head >= 1 - MAX_HEAD_SLICE),
    )


def _sum(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (C,) sums of (N, C) values; it does not depend on C how they are rounded."""
    return np.ascontiguousarray(rows.T).sum(axis=1)


def is_noticeably_worse(crop: Box, other: Box, faces: ShotFaces) -> bool:
    """Whether any fault of `crop` is noticeably larger than that of `other`."""
    faults = faults_of(np.array([crop.edges, other.edges]), faces)
    pairs = np.array([faults.other_faces, faults.cut_off, faults.surroundings])
    slices_a_head = faults.shows_one_head[1] and not faults.shows_one_head[0]
    return bool(slices_a_head or (pairs[:, 0] > pairs[:, 1] + UNNOTICEABLE).any())


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
