"""Find faces with YuNet, a network of 75 thousand weights, through OpenCV's own FaceDetectorYN.

YuNet: Wu et al., Machine Intelligence Research 20 (2023); taught on WIDER FACE, whose boxes, from
forehead to chin, are this project's.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.detectors.shared import Found, InMemory, cannot_use, check, read, shrunk

# It was taught faces of about 10 to 300 pixels (opencv_zoo's page on it), so a picture of 960 is
# shown at two thirds: a face nearly half as long as the picture still fits.
_LONG_SIDE = 640

_SAME_FACE_IOU = 0.3  # two boxes are one face from here on: FaceDetectorYN's own default


class YuNet(InMemory):
    """A face detector; the same picture gives the same boxes.

    Faces surer than `min_confidence`, between 0 and 1, are returned; 331 faces in 7 clips have 0.91
    and more, and 0.6 leaves room for turned and blurred ones. A box may reach past the edge of the
    picture where the face does.
    """

    name = "yunet"

    def __init__(self, model: Path, *, min_confidence: float = 0.6) -> None:
        try:
            content = np.frombuffer(read(model), np.uint8)
            self._detector = _quietly_created(content, min_confidence)
        except cv2.error as error:
            raise cannot_use(model) from error

    def __call__(self, picture: NDArray[np.uint8]) -> Found:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        small, back = shrunk(picture, _LONG_SIDE)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        # (N, 15): left, top, width, height, five points, confidence; None where there is no face
        faces = np.empty((0, 15)) if found is None else np.asarray(found, np.float64)
        boxes = np.concatenate([faces[:, :2], faces[:, :2] + faces[:, 2:4]], axis=1) * back
        return boxes.astype(np.float32), faces[:, 14].clip(0, 1).astype(np.float32)


def _quietly_created(model: NDArray[np.uint8], min_confidence: float) -> cv2.FaceDetectorYN:
    """OpenCV's detector; OpenCV 5.0 writes a warning of no use to anybody whenever it makes one."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        nothing, any_size = np.empty(0, np.uint8), (_LONG_SIDE, _LONG_SIDE)
        return cv2.FaceDetectorYN.create(
            "onnx", model, nothing, any_size, min_confidence, _SAME_FACE_IOU
        )
    finally:
        cv2.utils.logging.setLogLevel(level)
