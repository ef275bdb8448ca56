"""How alike two tracks are by their embeddings: above 0 they are one person, as far as these tell.

Two numbers for one person cost an editor a name, one number on two people a wrong shot. So the
required cosine is above that of all but 0.3 % of the pairs of two people (14,134 pairs of tracks of
training people of both corpora, 8,011 for MobileFaceNet). Small faces lose what tells people apart,
so that those of different people resemble one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGE_FACE_PX = 48.0
"""Side of a face in the frames from which on a larger one tells no more: the same pairs, scaled
down to it, have the same cosines within 0.01."""

SMALL_FACE_PX = 24.0
"""Side for which the other requirement was measured, with the same pairs scaled down."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """The cosine that two faces of one person have at least."""

    large: float
    small: float
    """Where both have `SMALL_FACE_PX`: if one is large, the cosines are no higher."""
    same_place: float
    """Where both are in one place in one camera shot, and large. Hardly ever does somebody else sit
    down there, and a profile does not resemble the front."""
    surplus: float
    """While there are more groups than faces in the wide: then the surplus is one of them from
    another side."""


REQUIREMENTS: Mapping[str, Requirement] = {
    "sface": Requirement(0.51, 0.54, same_place=0.32, surplus=0.35),
    "mobilefacenet": Requirement(0.52, 0.62, same_place=0.29, surplus=0.32),
}
"""By embedder, from the same shares of pairs of two people that pass: 0.3 %, in one place 7 %, of
the surplus 5 %. Of 61 pairs of one person, turned and dark faces included, SFace has 0.85 above the
first value, 0.95 and 0.93 above the others."""


def likeness(
    embeddings: NDArray[np.float32], sides: NDArray[np.float32], required: Requirement
) -> NDArray[np.float32]:
    """Return the (N, N) likenesses of tracks: cosines less what each must be at least.

    `embeddings`, (N, D), and `sides`, (N,), are those of `Looks`. Below -1 where an embedding is
    unknown.
    """
    has_face = np.asarray(embeddings.any(axis=1))
    octaves = np.log2(LARGE_FACE_PX / SMALL_FACE_PX)
    smallness = np.clip(np.log2(LARGE_FACE_PX / np.maximum(sides, 1)) / octaves, 0, 1)
    of_both = np.minimum(smallness[:, None], smallness)
    least = required.large + (required.small - required.large) * of_both
    cosines = np.where(has_face[:, None] & has_face, embeddings @ embeddings.T, np.float32(-1))
    return np.asarray(cosines - least, np.float32)
