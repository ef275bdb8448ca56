"""What runs BlazeFace's network: LiteRT, or MediaPipe where LiteRT cannot be loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.weights.pip_commands import install_command

log = logging.getLogger("otio_speakerzoom.faces")


class Network(Protocol):
    """Detects faces in one image at a time."""

    def __call__(self, image: NDArray[np.uint8], /) -> NDArray[np.float64]:
        """Return (N, 6) of an (H, W, 3) RGB image, in its pixels.

        Left, top, right and bottom of a square around eyes, nose and mouth; x of the middle between
        the ears; confidence.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs the network."""

    name: str
    package: str
    open_network: Callable[[bytes, float], Network]
    """From the model's bytes and the lowest confidence; ValueError or RuntimeError for a model that
    it cannot run."""


@cache
def load_runtime() -> Runtime:
    """Load LiteRT, or else MediaPipe; ToolError where neither loads."""
    try:
        from otio_speakerzoom.faces.detectors.blazeface_litert import LiteRtNetwork
    except (ImportError, OSError) as error:
        log.warning(
            "LiteRT cannot be loaded (%s): MediaPipe detects the faces, which takes longer",
            _first_line(error),
        )
        return _load_mediapipe()
    return Runtime("LiteRT", "ai-edge-litert", LiteRtNetwork)


def _load_mediapipe() -> Runtime:
    try:
        from otio_speakerzoom.faces.detectors.blazeface_mediapipe import MediaPipeNetwork
    except (ImportError, OSError) as error:
        raise mediapipe_error(error) from error
    return Runtime("MediaPipe", "mediapipe", MediaPipeNetwork)


def mediapipe_error(error: Exception) -> ToolError:
    """Return the error for a machine on which MediaPipe fails to load, with the remedy."""
    remedy = "on Debian and Ubuntu, apt install libegl1 libgles2"
    if isinstance(error, ImportError):
        remedy = install_command("ai-edge-litert")
    return ToolError(
        f"MediaPipe, which detects the faces, cannot be loaded ({_first_line(error)}): {remedy}"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
