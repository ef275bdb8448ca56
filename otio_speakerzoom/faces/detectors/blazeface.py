"""Find faces with BlazeFace full range, MediaPipe's network for faces some metres away.

The network sees 192 x 192 pixels whatever it is given, and loses a face that is less than about a
tenth as high as a wide picture. So it looks at the whole picture, and then at overlapping squares
as high as the picture (two for 16:9), in which a face is nearly twice as large, up to three at a
time where there are as many cores. BlazeFace: Bazarevsky et al., arXiv:1907.05047.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import nms
from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detectors.shared import REMEDY, check

# Squares overlap by this share of their side, so that a face up to a fifth of the picture's height
# is whole in one of them; larger ones are found in the whole picture. Below the least gain they
# would show the whole picture again.
_OVERLAP = 0.2
_LEAST_GAIN = 1.2

# Two boxes are one face where they share this much of their common area (MediaPipe's own default,
# min_suppression_threshold), or this much of the smaller: half a face lies inside the whole one.
_SAME_FACE_IOU = 0.3
_SAME_FACE_OF_SMALLER = 0.6

# A box may be half a face where it comes this close to an edge at which a square cuts the picture,
# in sides of the square: one pixel and a half of what the network sees.
_CUT_MARGIN = 1.5 / 192

# From BlazeFace's square to the tight box from forehead to chin, in sides of the square. Measured
# against YuNet's boxes (WIDER FACE's convention, which is that of S3FD too) on 1044 faces in 11
# clips, a dozen people. The square holds eyes, nose and mouth, so on a turned head it slides
# towards the nose; how far shows in the middle of the ears, whose distance from the middle of the
# square times 0.43 to 0.48, whichever clip is left out, leads to the middle of the tight box.
# Median IoU: 0.71 as it comes, 0.85 with the edges moved, 0.88 with the slide undone as well.
_INSET_SIDES = 0.06
_RAISE_TOP = 0.17
_LOWER_BOTTOM = 0.04
_TOWARDS_EARS = 0.45

_EARS = slice(4, 6)  # of the six points: eyes, tip of the nose, mouth, ears (face_detection.proto)

_AT_ONCE = 3  # views looked at side by side: as many as a 16:9 picture has


class BlazeFace:
    """A face detector; starting it takes a second, so keep one for a whole film.

    Faces surer than `min_confidence`, between 0 and 1, are returned. The same picture gives the
    same boxes. A box may reach past the edge of the picture where the face does.
    """

    name = "blazeface"

    def __init__(self, model: Path, *, min_confidence: float = 0.5) -> None:
        if not 0 < min_confidence < 1:
            raise ValueError(f"min_confidence must lie between 0 and 1, got {min_confidence}")
        try:
            model_bytes = model.read_bytes()
        except OSError as error:
            raise WeightsError(f"{model}: cannot be read ({error.strerror}); {REMEDY}") from error
        at_once = min(_AT_ONCE, os.cpu_count() or 1)
        self._idle: SimpleQueue[Any] = SimpleQueue()
        try:
            with ExitStack() as started:  # which closes them all again if one does not start
                for _ in range(at_once):
                    detector, self._image = _start(model_bytes, min_confidence)
                    started.callback(detector.close)
                    self._idle.put(detector)
                self._started = started.pop_all()
        except (ImportError, OSError) as error:
            raise cannot_load(error) from error
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"{model}: MediaPipe cannot find faces with it ({reason}); update mediapipe, or "
                "choose another --detector"
            ) from error
        # MediaPipe runs the network on one thread and lets Python go on meanwhile.
        self._threads = ThreadPoolExecutor(at_once)

    def __call__(
        self, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        height, width, _ = picture.shape
        faces = self._threads.map(partial(self._look, picture), _views(width, height))
        return _distinct(np.concatenate(list(faces)))

    def close(self) -> None:
        """Free MediaPipe's graphs and their threads; a second time does nothing."""
        self._threads.shutdown()
        self._started.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(
        self, picture: NDArray[np.uint8], view: tuple[int, int, int, int]
    ) -> NDArray[np.float64]:
        """(N, 7) BlazeFace's square, x of the ears' middle, confidence, 1 where `view` cuts it."""
        left, top, right, bottom = view
        faces = self._seen(np.ascontiguousarray(picture[top:bottom, left:right]))
        faces[:, :5] += left, top, left, top, left
        margin = _CUT_MARGIN * (bottom - top)
        inner = [left > 0, top > 0, right < picture.shape[1], bottom < picture.shape[0]]
        inside = (faces[:, :4] - view) * [1, 1, -1, -1]  # (N, 4) how far from each edge of `view`
        faces[:, 6] = ((inside < margin) & inner).any(axis=1)
        return faces

    def _seen(self, part: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, 7) as of `_look` in pixels of `part`, all of it: none is cut."""
        detector = self._idle.get()
        try:
            found = detector.detect(self._image(data=part)).detections
        finally:
            self._idle.put(detector)
        faces = np.zeros((len(found), 7))
        for row, face in zip(faces, found, strict=True):
            box = face.bounding_box
            left_ear, right_ear = face.keypoints[_EARS]
            row[:2] = box.origin_x, box.origin_y
            row[2:4] = box.origin_x + box.width, box.origin_y + box.height
            row[4] = (left_ear.x + right_ear.x) / 2 * part.shape[1]
            row[5] = face.categories[0].score
        return faces


def cannot_load(error: Exception) -> ToolError:
    """Return what to tell a user on whose machine MediaPipe fails to load."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    remedy = "on Debian and Ubuntu, apt install libegl1 libgles2"
    if isinstance(error, ImportError):
        remedy = "pip install mediapipe"
    return ToolError(f"MediaPipe, which finds the faces, cannot be loaded ({reason}): {remedy}")


def _start(model: bytes, min_confidence: float) -> tuple[Any, Any]:
    """MediaPipe's detector, and what makes its images.

    Imported here, since it takes a second and needs libraries that some machines lack.
    """
    import mediapipe
    from mediapipe.tasks.python import vision

    from otio_speakerzoom.faces.detectors.tflite_metadata import with_normalisation

    base = mediapipe.tasks.BaseOptions(model_asset_buffer=with_normalisation(model))
    options = vision.FaceDetectorOptions(base, min_detection_confidence=min_confidence)
    detector = vision.FaceDetector.create_from_options(options)
    return detector, partial(mediapipe.Image, mediapipe.ImageFormat.SRGB)


def _views(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """The whole picture, then squares along its longer side: left, top, right, bottom."""
    whole = (0, 0, width, height)
    side, length = sorted((width, height))
    if length < _LEAST_GAIN * side:
        return [whole]
    count = max(2, ceil((length / side - _OVERLAP) / (1 - _OVERLAP)))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    if width > height:
        return [whole, *((at, 0, at + side, side) for at in starts)]
    return [whole, *((0, at, side, at + side) for at in starts)]


def _distinct(faces: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, 4) tight boxes and (N,) confidences, one a face, of (M, 7) as of `BlazeFace._look`."""
    squares, ears, sureness, cut = np.split(faces, [4, 5, 6], axis=1)
    kept = nms(
        squares,
        np.lexsort((-sureness[:, 0], cut[:, 0])),
        max_iou=_SAME_FACE_IOU,
        max_share_of_smaller=_SAME_FACE_OF_SMALLER,
    )
    return _tight(squares[kept], ears[kept, 0]), sureness[kept, 0].astype(np.float32)


def _tight(squares: NDArray[np.float64], ears: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 4) boxes from forehead to chin for BlazeFace's squares and the x of the ears' middle."""
    side = (squares[:, 2:] - squares[:, :2]).mean(axis=1)
    slide = _TOWARDS_EARS * (ears - squares[:, [0, 2]].mean(axis=1))
    moved = np.outer(side, [_INSET_SIDES, -_RAISE_TOP, -_INSET_SIDES, _LOWER_BOTTOM])
    moved[:, [0, 2]] += slide[:, np.newaxis]
    return (squares + moved).astype(np.float32)
