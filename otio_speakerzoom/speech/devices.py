"""Which device the networks run on, and how much work it takes at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from otio_speakerzoom.errors import ToolError

T = TypeVar("T")
DEVICES = ("auto", "cpu", "cuda", "mps")
SHARE = 0.5
"""Of a GPU's free memory, what one layer's result may take; a convolution's input and workspace
need about as much again."""

log = logging.getLogger(__name__)


def find_device(wanted: str) -> str:
    """Return cuda, mps or cpu: what was asked for, or with `auto` the best one that is there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next((name for name, is_there in there.items() if is_there), "cpu")
    if not there.get(wanted, True):
        raise ToolError(
            f"--device {wanted}: torch {torch.__version__} sees no {wanted.upper()} device here; "
            "take --device cpu or auto"
        )
    return wanted


class Room:
    """How many pictures a device takes at once; half of it each time that its memory runs out."""

    def __init__(self, device: str, picture_bytes: int, on_cpu: int) -> None:
        """`picture_bytes` is the largest layer's result for one picture, `on_cpu` what suits one.

        What suits a processor is a matter of its caches and allocator, not of how much fits.
        """
        self.pictures = on_cpu
        if device == "cuda":
            free, _ = torch.cuda.mem_get_info()
            self.pictures = max(on_cpu, int(SHARE * free) // picture_bytes)

    def run(self, work: Callable[[int], T]) -> T:
        """Return work(pictures at once), tried again with half as many where memory runs out."""
        while True:
            try:
                return work(self.pictures)
            except torch.OutOfMemoryError as error:
                if self.pictures == 1:
                    raise ToolError(
                        "the GPU has no memory left for a single picture; "
                        "end what else uses it, or take --device cpu"
                    ) from error
                self.pictures = max(1, self.pictures // 2)
                log.warning("the GPU's memory ran out: %d pictures at once now", self.pictures)
            torch.cuda.empty_cache()  # out here, where the failed call's tensors are gone
