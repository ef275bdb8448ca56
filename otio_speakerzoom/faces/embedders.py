"""The face embedders: SFace, whose weights a package of ours brings, and MobileFaceNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.faces.embed import FACE_SIDE_PX, Embedder, unit
from otio_speakerzoom.weights import fetch

# ImageNet's mean and deviation of RGB in 0..1, with which the network was trained (foamliu's
# repository, data_gen.py).
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class SFace:
    """The embedder in OpenCV's model zoo: 128 numbers for a face (Zhong et al., arXiv:2205.12010).

    It was trained on aligned faces; crops of a face's box do nearly as well.
    """

    def __init__(self, model: Path) -> None:
        self._network = _read_network(model)

    def __call__(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (128,) embedding of a (112, 112, 3) RGB face."""
        size = (FACE_SIDE_PX, FACE_SIDE_PX)
        # its weights are further inputs of the graph, so the face needs its name
        self._network.setInput(cv2.dnn.blobFromImage(face, 1.0, size), "data")
        return self._network.forward()[0].copy()  # OpenCV reuses its memory


class MobileFaceNet:
    """The embedder in foamliu's MobileFaceNet.onnx: 128 numbers for a face."""

    def __init__(self, model: Path) -> None:
        self._network = _read_network(model)

    def __call__(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (128,) embedding of a (112, 112, 3) RGB face."""
        normalized = (face.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        # one at a time: the network's last reshape is exported for a batch of one
        self._network.setInput(np.ascontiguousarray(normalized.transpose(2, 0, 1)[None]))
        return self._network.forward()[0].copy()


def _read_network(model: Path) -> Any:
    try:
        return cv2.dnn.readNetFromONNX(str(model))
    except cv2.error as error:
        raise WeightsError(
            f"{model}: OpenCV {cv2.__version__} cannot compute face embeddings with it; update "
            "OpenCV, or move the file away"
        ) from error


FACTORIES = {"sface": SFace, "mobilefacenet": MobileFaceNet}
"""By the name of its weights in weights.toml."""


def open_embedder(name: str) -> Embedder:
    """Return the embedder `name`; WeightsError if its weights are missing or others."""
    return FACTORIES[name](fetch.need(name))


MIN_BLANKNESS = 0.5
"""Cosine with the embedding of blank pictures from which on SFace sees no face. None of 235
training tracks comes over 0.48, at sides of 137, 48, 32 or 24 pixels; half of the pictures that
were cut beside their faces (shoulders, hair, walls) over 0.59. MobileFaceNet does not tell faces
from others."""


def show_no_face(embeddings: NDArray[np.float32], name: str) -> NDArray[np.bool_]:
    """Return (N,) whether tracks with these embeddings, (N, D), by `name`, show something else."""
    if name != "sface" or not len(embeddings):
        return np.zeros(len(embeddings), np.bool_)
    embedder = open_embedder(name)
    blank = unit(np.sum([unit(embedder(picture)) for picture in _blank_pictures()], axis=0))
    return np.asarray(embeddings @ blank >= MIN_BLANKNESS)


def _blank_pictures() -> list[NDArray[np.uint8]]:
    """Return a gray picture, and six that grow lighter towards one side."""
    y, x = np.mgrid[:FACE_SIDE_PX, :FACE_SIDE_PX] / (FACE_SIDE_PX - 1)
    pictures = [np.full_like(x, 128)]
    for angle in np.radians(np.arange(0, 360, 60)):
        ramp = np.cos(angle) * x + np.sin(angle) * y
        pictures.append(60 + 130 * (ramp - ramp.min()) / np.ptp(ramp))
    return [np.repeat(p.astype(np.uint8)[:, :, None], 3, axis=2) for p in pictures]
