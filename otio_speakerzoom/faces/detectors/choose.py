"""Opens a face detector by name, and downloads its weights if necessary.

A detector's libraries are imported only when it is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from otio_speakerzoom.faces.detectors.interface import FaceDetector
from otio_speakerzoom.model import Progress
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import DETECTORS

WeightsPath = Callable[[str], Path]
"""The name of weights in weights.toml -> their path, downloaded if necessary."""

WEIGHTS = {
    "yunet": ("yunet",),
    "blazeface": ("blazeface-full-range",),
    "s3fd": ("s3fd",),
    "mtcnn": ("mtcnn-first", "mtcnn-second", "mtcnn-third"),
    "retinaface": ("retinaface",),
    "dlib": (),
    "haar": ("haar-frontal-face",),
}
"""The weights in weights.toml that each detector needs, in the order of its arguments."""


def choose_detector(
    name: str, *, on_fetch: Callable[[str], Progress], device: str = "auto"
) -> FaceDetector:
    """Open the detector `name`, to be closed after use; ValueError if there is none.

    `device` is for detectors that run in PyTorch; the others run on the CPU only.

    ToolError if a package that it needs is missing, WeightsError if its weights are.
    """
    if name not in DETECTORS:
        raise ValueError(f"no detector is called {name!r}; there are {', '.join(DETECTORS)}")

    def weights_path(weights: str) -> Path:
        return fetch.need(weights, on_progress=on_fetch(f"fetch {weights}"))

    return FACTORIES[name](weights_path, device)


def _yunet(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.yunet import YuNet

    return YuNet(*map(weights_path, WEIGHTS["yunet"]))


def _blazeface(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.blazeface import BlazeFace

    return BlazeFace(*map(weights_path, WEIGHTS["blazeface"]))


def _s3fd(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.s3fd import S3fd

    return S3fd(*map(weights_path, WEIGHTS["s3fd"]), device=device)


def _mtcnn(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.mtcnn import Mtcnn

    return Mtcnn(*map(weights_path, WEIGHTS["mtcnn"]))


def _retinaface(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.retinaface import RetinaFace

    return RetinaFace(*map(weights_path, WEIGHTS["retinaface"]))


def _dlib(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.dlib_hog import DlibHog

    return DlibHog()


def _haar(weights_path: WeightsPath, device: str) -> FaceDetector:
    from otio_speakerzoom.faces.detectors.haar import Haar, bundled_cascade, require_classifier

    require_classifier()
    return Haar(bundled_cascade() or weights_path(*WEIGHTS["haar"]))


FACTORIES: dict[str, Callable[[WeightsPath, str], FaceDetector]] = {
    "yunet": _yunet,
    "blazeface": _blazeface,
    "s3fd": _s3fd,
    "mtcnn": _mtcnn,
    "retinaface": _retinaface,
    "dlib": _dlib,
    "haar": _haar,
}
"""Opens each detector of `weights.names`."""
