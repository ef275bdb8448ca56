"""YuNet, a network of 75 thousand weights, through OpenCV's own FaceDetectorYN.

YuNet: Wu et al., Machine Intelligence Research 20 (2023); trained on WIDER FACE, whose boxes, from
forehead to chin, are this project's.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.detectors.interface import DetectedFaces, InMemoryDetector
from otio_speakerzoom.faces.detectors.opencv_dnn import read_weights, unusable_weights
from otio_speakerzoom.faces.detectors.preprocess import check_frame, downscale

# It was trained on faces of about 10 to 300 pixels (opencv_zoo's page on it), so a frame of 960 is
# downscaled to two thirds: a face nearly half as long as the frame still fits.
_LONG_SIDE_PX = 640

_SAME_FACE_IOU = 0.3  # two boxes are one face from here on: FaceDetectorYN's own default


class YuNet(InMemoryDetector):
    """A deterministic face detector.

    Detects faces with more than `min_confidence`, between 0 and 1; 331 faces in 7 clips have 0.91
    and more, and 0.6 leaves room for turned and blurred ones. A box may reach past the edge of the
    frame where the face does.
    """

    name = "yunet"

    def __init__(self, model: Path, *, min_confidence: float = 0.6) -> None:
        try:
            content = np.frombuffer(read_weights(model), np.uint8)
            self._detector = _create_quietly(content, min_confidence)
        except cv2.error as error:
            raise unusable_weights(model) from error

    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        small, scale = downscale(frame, _LONG_SIDE_PX)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        # (N, 15): left, top, width, height, five points, confidence; None if there is no face
        faces = np.empty((0, 15)) if rows is None else np.asarray(rows, np.float64)
        boxes = np.concatenate([faces[:, :2], faces[:, :2] + faces[:, 2:4]], axis=1) * scale
        return boxes.astype(np.float32), faces[:, 14].clip(0, 1).astype(np.float32)


def _create_quietly(model: NDArray[np.uint8], min_confidence: float) -> cv2.FaceDetectorYN:
    """OpenCV's detector, without the useless warning that OpenCV 5.0 logs when it creates one."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        no_config, any_size = np.empty(0, np.uint8), (_LONG_SIDE_PX, _LONG_SIDE_PX)
        return cv2.FaceDetectorYN.create(
            "onnx", model, no_config, any_size, min_confidence, _SAME_FACE_IOU
        )
    finally:
        cv2.utils.logging.setLogLevel(level)
