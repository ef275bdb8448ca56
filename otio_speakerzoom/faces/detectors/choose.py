"""Which face detectors there are, and one of them made ready, its weights fetched if need be.

Nothing is loaded before it is chosen, so the names alone cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Progress
from otio_speakerzoom.weights import fetch

Need = Callable[[str], Path]
"""The name of weights in weights.toml -> where they lie, by now."""

WEIGHTS = {
    "yunet": ("yunet",),
    "blazeface": ("blazeface-full-range",),
    "s3fd": ("s3fd",),
    "mtcnn": ("mtcnn-first", "mtcnn-second", "mtcnn-third"),
    "retinaface": ("retinaface",),
    "dlib": (),
    "haar": ("haar-frontal-face",),
}
"""What each detector needs of weights.toml, in the order in which it takes them."""


class OpenDetector(AbstractContextManager[Any], Protocol):
    """A detector that is to be closed: see faces/detectors."""

    name: str

    def __call__(
        self, picture: NDArray[np.uint8], /
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...

    def close(self) -> None: ...


def choose_detector(
    name: str, *, on_fetch: Callable[[str], Progress], device: str = "auto"
) -> OpenDetector:
    """Return the detector called `name`, to be closed after use; ValueError where there is none.

    `device` is where one runs that PyTorch computes; the others know the processor alone.

    ToolError where a package that it needs is missing, WeightsError where its weights are.
    """
    if name not in DETECTORS:
        raise ValueError(f"no detector is called {name!r}; there are {', '.join(DETECTORS)}")
    return DETECTORS[name](
        lambda wanted: fetch.need(wanted, on_progress=on_fetch(f"fetch {wanted}")), device
    )


def _yunet(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.yunet import YuNet

    return YuNet(*map(need, WEIGHTS["yunet"]))


def _blazeface(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.blazeface import BlazeFace

    return BlazeFace(*map(need, WEIGHTS["blazeface"]))


def _s3fd(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.s3fd import S3fd

    return S3fd(*map(need, WEIGHTS["s3fd"]), device=device)


def _mtcnn(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.mtcnn import Mtcnn

    return Mtcnn(*map(need, WEIGHTS["mtcnn"]))


def _retinaface(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.retinaface import RetinaFace

    return RetinaFace(*map(need, WEIGHTS["retinaface"]))


def _dlib(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.dlib_hog import DlibHog

    return DlibHog()


def _haar(need: Need, device: str) -> OpenDetector:
    from otio_speakerzoom.faces.detectors.haar import Haar, bundled_cascade, need_classifier

    need_classifier()
    return Haar(bundled_cascade() or need(*WEIGHTS["haar"]))


DETECTORS: dict[str, Callable[[Need, str], OpenDetector]] = {
    "yunet": _yunet,
    "blazeface": _blazeface,
    "s3fd": _s3fd,
    "mtcnn": _mtcnn,
    "retinaface": _retinaface,
    "dlib": _dlib,
    "haar": _haar,
}
"""Best first, by faces found for what they cost; each makes its detector ready."""
