"""Which device the networks run on, and how much work it takes at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.weights.names import AUTO, DEVICES, GPUS

T = TypeVar("T")
SHARE = 0.5
"""Of a GPU's free memory, what one layer's result may take; a convolution's input and workspace
need about as much again."""

log = logging.getLogger(__name__)


def check_device(wanted: str) -> None:
    """Raise ToolError, in one line, where `--device` `wanted` cannot be used here.

    Loads no network; `auto` and `cpu` always work and cost nothing.
    """
    if wanted not in DEVICES:
        raise ToolError(f"--device {wanted}: there is no such device; take {', '.join(DEVICES)}")
    fault = None if wanted in (AUTO, "cpu") else _fault(wanted)
    if fault:
        raise ToolError(f"--device {wanted}: {fault}; take --device cpu or auto")


def find_device(wanted: str) -> str:
    """Return cuda, mps or cpu: what was asked for, or with `auto` the best one that works.

    ToolError where what was asked for does not work; `auto` passes such a GPU by and says so.
    """
    check_device(wanted)
    if wanted != AUTO:
        return wanted
    for name in GPUS:
        if not is_there(name):
            continue
        fault = _fault(name)
        if not fault:
            return name
        log.warning("%s is not used: %s", name, fault)
    return "cpu"


def is_there(name: str) -> bool:
    """Return whether torch sees a GPU of that kind, working or not."""
    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def _fault(name: str) -> str | None:
    """Why a GPU cannot be used, in words: a driver or a card may not fit this torch."""
    if not is_there(name):
        return f"torch {torch.__version__} sees no {name.upper()} device here"
    try:
        torch.ones(1, device=name).add(1).item()
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch built without CUDA
        reason = str(error).strip().split("\n")[0]
        return f"torch {torch.__version__} cannot use the {name.upper()} device ({reason})"
    return None


def half_precision(device: str) -> AbstractContextManager[object]:
    """Return a context in which a CUDA device computes in bfloat16, and any other as it is told."""
    return torch.autocast("cuda", torch.bfloat16) if device == "cuda" else nullcontext()


class BatchSizer:
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
