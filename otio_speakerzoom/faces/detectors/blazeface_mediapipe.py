"""BlazeFace's network in MediaPipe's face detector, for machines on which LiteRT fails.

Loading this module takes a second, and needs libraries that some machines lack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.detectors.plotting import plotting_on_demand

with plotting_on_demand():
    import mediapipe
    from mediapipe.tasks.python import vision

from otio_speakerzoom.faces.detectors.tflite_metadata import with_normalisation

_EARS = slice(4, 6)  # of the six points: eyes, tip of the nose, mouth, ears (face_detection.proto)


class MediaPipeNetwork:
    """Detects the faces with more than `min_confidence` in one image at a time.

    OSError where a library of the system is missing, ValueError or RuntimeError for a model that it
    cannot run.
    """

    def __init__(self, model: bytes, min_confidence: float) -> None:
        base = mediapipe.tasks.BaseOptions(model_asset_buffer=with_normalisation(model))
        options = vision.FaceDetectorOptions(base, min_detection_confidence=min_confidence)
        self._detector: Any = vision.FaceDetector.create_from_options(options)

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return (N, 6) of an (H, W, 3) RGB image, in its pixels.

        Left, top, right, bottom, x of the middle between the ears, confidence. Edges are whole
        pixels, and those above or left of the image are 0.
        """
        detections = self._detector.detect(
            mediapipe.Image(mediapipe.ImageFormat.SRGB, image)
        ).detections
        faces = np.zeros((len(detections), 6))
        for row, face in zip(faces, detections, strict=True):
            box = face.bounding_box
            left_ear, right_ear = face.keypoints[_EARS]
            row[:2] = box.origin_x, box.origin_y
            row[2:4] = box.origin_x + box.width, box.origin_y + box.height
            row[4] = (left_ear.x + right_ear.x) / 2 * image.shape[1]
            row[5] = face.categories[0].score
        return faces

    def close(self) -> None:
        """Free MediaPipe's graph and its threads."""
        self._detector.close()
