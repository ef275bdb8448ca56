"""Motion of the mouth in crops of the lower face, without the motion of the head.

Faces are never still: people nod, and the box around a face trembles. So the motion of the whole
head is estimated where speech does not reach, and only what it leaves unexplained is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from otio_speakerzoom.speech.mouth_motion.signals import Signal

NOISE = 0.01
"""Added to a speed before its logarithm, in units of the crop's contrast. A still face reads 0.007
from noise and tracking alone (held still and shaken, median), a talking one 0.064."""

GRID = 28
"""Width and height of the image in which motion is measured: 4 x 4 pixels of the crop averaged into
one, so that noise and compression fade and a step of the head of 4 pixels is one of 1."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthFeatures:
    """Motion from each tick to the next, without the head's own; (T,) each."""

    mouth_speed: Signal
    """Mean absolute change around the mouth, in units of the crop's contrast."""
    head_speed: Signal
    """The same for the rest of the face: what the head's estimated motion leaves unexplained."""
    opening: Signal
    """How fast the lips part: vertical stretch per tick, in 28ths."""
    darkening: Signal
    """How fast the lips' region darkens, as it does when the mouth opens on the dark behind it."""


def mouth_features(crops: NDArray[np.uint8]) -> MouthFeatures:
    """Return the motion of the mouth in (T, 112, 112) lower-face crops."""
    small = _small(crops)  # (T, 28, 28)
    if len(small) < 2:
        return MouthFeatures(*(np.zeros(len(small)) for _ in range(4)))
    change = np.diff(small, axis=0)  # (T - 1, 28, 28)
    between = (small[1:] + small[:-1]) / np.float32(2)
    down, across = (np.asarray(g, np.float32) for g in np.gradient(between, axis=(1, 2)))
    rest = change - _head_motion(change, between, down, across)
    # vertical stretch about the line of the lips, by least squares
    stretch = (down * (_ROW - 0.62))[:, _MOUTH]
    strength = (stretch**2).sum(axis=1) + 2e-4 * _MOUTH.sum()
    signals = (
        np.abs(rest[:, _MOUTH]).mean(axis=1),
        np.abs(rest[:, _HEAD]).mean(axis=1),
        ((stretch * rest[:, _MOUTH]).sum(axis=1) / strength).clip(-3, 3),
        -rest[:, _LIPS].mean(axis=1).clip(-0.3, 0.3),
    )
    # the first tick has none before it and takes the motion that follows
    return MouthFeatures(
        *(np.concatenate([signal[:1], signal]).astype(np.float64) for signal in signals)
    )


def _small(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(T, 28, 28) in units of contrast: the crop's standard deviation, averaged over 4 s."""
    size = (GRID, GRID)
    small = np.array(
        [
            cv2.GaussianBlur(cv2.resize(c.astype(np.float32), size, interpolation=cv2.INTER_AREA),
                             (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
            for c in crops
        ],
        dtype=np.float32,
    ).reshape(-1, GRID, GRID)  # fmt: skip
    # at least 8 of 256 levels, so that a blank crop does not magnify its noise
    contrast = small.std(axis=(1, 2)).clip(8)
    steady = np.asarray(uniform_filter1d(contrast, 101, mode="nearest"), np.float32)
    return small / steady[:, None, None]


def _head_motion(
    change: NDArray[np.float32],
    between: NDArray[np.float32],
    down: NDArray[np.float32],
    across: NDArray[np.float32],
) -> NDArray[np.float32]:
    """How much of each (T, 28, 28) `change` a move, turn, scaling or new light would explain.

    One step of Lucas and Kanade (IJCAI 1981), affine and with gain and offset, fitted where
    speech does not reach: nose, upper cheeks and the rim of the jaw.
    """
    centred = between - between.mean(axis=(1, 2), keepdims=True)
    scale = across * (_COLUMN - 0.5) + down * (_ROW - 0.3)
    turn = down * (_COLUMN - 0.5) - across * (_ROW - 0.3)
    causes = np.stack([across, down, scale, turn, centred, np.ones_like(between)], axis=-1)
    fixed = causes[:, _HEAD]  # (T, H, 6)
    # weak priors against motion, so that a blank crop has a solution: no motion
    prior = np.diag([5e-4, 5e-4, 1e-4, 1e-4, 1e-2, 1e-2]).astype(np.float32) * _HEAD.sum()
    normal = fixed.transpose(0, 2, 1) @ fixed + prior  # (T, 6, 6)
    target = fixed.transpose(0, 2, 1) @ change[:, _HEAD, None]  # (T, 6, 1)
    amounts = np.linalg.solve(normal, target)[..., 0]
    return np.einsum("tyxp,tp->tyx", causes, amounts)


# Regions as shares of the crop's side: the nose is at 0.2, the lips at 0.62, the chin at 0.9.
_ROW, _COLUMN = (np.mgrid[0:GRID, 0:GRID].astype(np.float32) + 0.5) / GRID
_MOUTH = (_ROW > 0.45) & (_ROW < 0.92) & (_COLUMN > 0.22) & (_COLUMN < 0.78)
_LIPS = (_ROW > 0.5) & (_ROW < 0.8) & (_COLUMN > 0.3) & (_COLUMN < 0.7)
_HEAD = ((_ROW > 0.03) & (_ROW < 0.42) & (np.abs(_COLUMN - 0.5) < 0.44)) | (
    (_ROW > 0.03) & (_ROW < 0.9) & (np.abs(_COLUMN - 0.5) > 0.33) & (np.abs(_COLUMN - 0.5) < 0.47)
)
