"""OpenCV's cascade of Haar features, the oldest detector here.

Viola and Jones, CVPR 2001. OpenCV 5 has neither the cascade's file nor the class that runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, InMemoryDetector
from otio_speakerzoom.faces.detectors.opencv_dnn import REMEDY
from otio_speakerzoom.faces.detectors.preprocess import check_frame
from otio_speakerzoom.weights.pip_commands import install_command

CASCADE = "haarcascade_frontalface_default.xml"

_SCALE_STEP = 1.1  # between two window sizes: OpenCV's own default
_MIN_FACE_SHARE = 0.04  # of the longer side: 40 pixels of 960, as small as dlib's

# Windows that must agree. Three, OpenCV's own, took 11 other things for faces in 40 frames; six
# took 11 in 160 and lost no face.
_MIN_NEIGHBOURS = 6

_MIN_SCORE = 2.0  # sum of the last stage: 331 faces of 331 have more than 2.2

# From the cascade's square to the tight box from forehead to chin, in sides of the square: left,
# top, right, bottom. Medians against YuNet's boxes on 331 faces in 7 clips, a dozen people; left
# and right, which differ as heads turn, are made alike. Median IoU: 0.74 as
# it comes, 0.90 with these margins.
_TIGHT_BOX_MARGINS = np.array([0.12, -0.01, -0.12, 0.04])


class Haar(InMemoryDetector):
    """A deterministic face detector.

    Detects faces with more than `min_score` of the cascade's own score. The confidence is the
    logistic of how much more: an order, not a probability.
    """

    name = "haar"

    def __init__(self, cascade: Path, *, min_score: float = _MIN_SCORE) -> None:
        require_classifier()
        self._min_score = min_score
        self._cascade: Any = cv2.CascadeClassifier(str(cascade))  # pyright: ignore
        if self._cascade.empty():
            raise WeightsError(f"{cascade}: not a cascade that OpenCV can read; {REMEDY}")

    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        min_side = round(_MIN_FACE_SHARE * max(gray.shape))
        rectangles, _, scores = self._cascade.detectMultiScale3(
            gray, _SCALE_STEP, _MIN_NEIGHBOURS, minSize=(min_side, min_side),
            outputRejectLevels=True,
        )  # fmt: skip
        margins = np.array(scores, np.float64).reshape(-1) - self._min_score
        squares = np.array(rectangles, np.float64).reshape(-1, 4)[margins > 0]
        corners = np.concatenate([squares[:, :2], squares[:, :2] + squares[:, 2:]], axis=1)
        boxes = corners + squares[:, 2:3] * _TIGHT_BOX_MARGINS
        confidences = 1 / (1 + np.exp(-margins[margins > 0]))
        return boxes.astype(np.float32), confidences.astype(np.float32)


def require_classifier() -> None:
    """Raise ToolError if this OpenCV cannot run a cascade; call it before one is downloaded."""
    if not hasattr(cv2, "CascadeClassifier"):
        raise ToolError(
            f"OpenCV {cv2.__version__} runs no Haar cascades: "
            f"{install_command('opencv-python-headless<5')}, or choose another detector"
        )


def bundled_cascade() -> Path | None:
    """Return the cascade in OpenCV's own package; None if it has none."""
    path = Path(cv2.__file__).parent / "data" / CASCADE
    return path if path.is_file() else None
