"""The interface that every face detector has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

DetectedFaces = tuple[NDArray[np.float32], NDArray[np.float32]]
"""(N, 4) boxes, left, top, right, bottom in pixels, and (N,) confidences from 0 to 1."""

Detector = Callable[[NDArray[np.uint8]], DetectedFaces]
"""Detects the faces in an (H, W, 3) RGB frame, in pixels of that frame."""


class FaceDetector(AbstractContextManager[Any], Protocol):
    """A detector that must be closed after use."""

    name: str

    def __call__(self, frame: NDArray[np.uint8], /) -> DetectedFaces: ...

    def close(self) -> None: ...


class InMemoryDetector:
    """A detector that holds nothing but memory, so closing it does nothing."""

    def close(self) -> None:
        """Do nothing; here so that every detector can be closed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
