"""Find faces with OpenCV's cascade of Haar features, the oldest detector here.

Viola and Jones, CVPR 2001. OpenCV 5 has neither the cascade's file nor the class that runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detectors.shared import REMEDY, Found, InMemory, check

CASCADE = "haarcascade_frontalface_default.xml"

_STEP = 1.1  # between two sizes of window: OpenCV's own default
_LEAST_FACE = 0.04  # of the longer side: 40 pixels of 960, as small as dlib's

# Windows that must agree. Three, OpenCV's own, took 11 other things for faces in 40 pictures; six
# took 11 in 160 and lost no face.
_NEIGHBOURS = 6

_LEAST_SCORE = 2.0  # what the last stage must add up to: 331 faces of 331 have more than 2.2

# From the cascade's square to the tight box from forehead to chin, in sides of the square: left,
# top, right, bottom. Medians against YuNet's boxes on 331 faces in 7 clips, a dozen people; left
# and right, which differ as heads turn, are made alike. Median IoU: 0.74 as
# it comes, 0.90 so.
_TIGHT = np.array([0.12, -0.01, -0.12, 0.04])


class Haar(InMemory):
    """A face detector; the same picture gives the same boxes.

    Faces with more than `least_score` of the cascade's own score are returned. The confidence is
    the logistic of how much more: an order, not a probability.
    """

    name = "haar"

    def __init__(self, cascade: Path, *, least_score: float = _LEAST_SCORE) -> None:
        need_classifier()
        self._least_score = least_score
        self._cascade: Any = cv2.CascadeClassifier(str(cascade))  # pyright: ignore
        if self._cascade.empty():
            raise WeightsError(f"{cascade}: is no cascade that OpenCV can read; {REMEDY}")

    def __call__(self, picture: NDArray[np.uint8]) -> Found:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        least = round(_LEAST_FACE * max(gray.shape))
        found, _, scores = self._cascade.detectMultiScale3(
            gray, _STEP, _NEIGHBOURS, minSize=(least, least), outputRejectLevels=True
        )
        over = np.array(scores, np.float64).reshape(-1) - self._least_score
        squares = np.array(found, np.float64).reshape(-1, 4)[over > 0]
        corners = np.concatenate([squares[:, :2], squares[:, :2] + squares[:, 2:]], axis=1)
        boxes = corners + squares[:, 2:3] * _TIGHT
        return boxes.astype(np.float32), (1 / (1 + np.exp(-over[over > 0]))).astype(np.float32)


def need_classifier() -> None:
    """ToolError where this OpenCV cannot run a cascade; worth asking before one is fetched."""
    if not hasattr(cv2, "CascadeClassifier"):
        raise ToolError(
            f"OpenCV {cv2.__version__} runs no Haar cascades: "
            "pip install 'opencv-python-headless<5', or choose another detector"
        )


def bundled_cascade() -> Path | None:
    """Return the cascade that OpenCV's own package brings; None where it brings none."""
    path = Path(cv2.__file__).parent / "data" / CASCADE
    return path if path.is_file() else None
