"""Chooses the device on which networks run, and sizes their batches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.weights.names import AUTO, DEVICES, GPUS

T = TypeVar("T")
MEMORY_SHARE = 0.5
"""Of a GPU's free memory, for the output of one layer; a convolution's input and workspace need
about as much again."""

log = logging.getLogger(__name__)


def check_device(name: str) -> None:
    """Raise ToolError, in one line, if `--device name` cannot be used on this machine.

    Loads no network; `auto` and `cpu` always work and cost nothing.
    """
    if name not in DEVICES:
        raise ToolError(f"--device {name}: there is no such device; choose {', '.join(DEVICES)}")
    fault = None if name in (AUTO, "cpu") else _gpu_fault(name)
    if fault:
        raise ToolError(f"--device {name}: {fault}; choose --device cpu or auto")


def find_device(name: str) -> str:
    """Return cuda, mps or cpu: the device called `name`, or for `auto` the best one that works.

    ToolError if that device does not work; `auto` skips such a GPU with a warning.
    """
    check_device(name)
    if name != AUTO:
        return name
    for gpu in GPUS:
        if not is_available(gpu):
            continue
        fault = _gpu_fault(gpu)
        if not fault:
            return gpu
        log.warning("%s is not used: %s", gpu, fault)
    return "cpu"


def is_available(name: str) -> bool:
    """Return whether torch detects a GPU of that kind, working or not."""
    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def _gpu_fault(name: str) -> str | None:
    """Why a GPU cannot be used, if so: its driver or card may not suit this torch."""
    if not is_available(name):
        return f"torch {torch.__version__} finds no {name.upper()} device here"
    try:
        torch.ones(1, device=name).add(1).item()
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch built without CUDA
        reason = str(error).strip().split("\n")[0]
        return f"torch {torch.__version__} cannot use the {name.upper()} device ({reason})"
    return None


def half_precision(device: str) -> AbstractContextManager[object]:
    """Return a context in which a CUDA device computes in bfloat16, any other as usual."""
    return torch.autocast("cuda", torch.bfloat16) if device == "cuda" else nullcontext()


class BatchSizer:
    """Batch size for a device, in frames; halved on out-of-memory."""

    def __init__(self, device: str, frame_bytes: int, cpu_frames: int) -> None:
        """`frame_bytes` is the largest layer's output for a frame, `cpu_frames` a CPU's batch size.

        The best batch size of a CPU depends on its caches and allocator, not on its memory.
        """
        self.frames = cpu_frames
        if device == "cuda":
            free, _ = torch.cuda.mem_get_info()
            self.frames = max(cpu_frames, int(MEMORY_SHARE * free) // frame_bytes)

    def run(self, work: Callable[[int], T]) -> T:
        """Return work(batch size), run again with half the batch size on out-of-memory."""
        while True:
            try:
                return work(self.frames)
            except torch.OutOfMemoryError as error:
                if self.frames == 1:
                    raise ToolError(
                        "the GPU is out of memory, even for a single frame; "
                        "close other programs that use it, or choose --device cpu"
                    ) from error
                self.frames = max(1, self.frames // 2)
                log.warning("the GPU is out of memory: batches of %d frames now", self.frames)
            torch.cuda.empty_cache()  # after `except`, when the failed call's tensors are gone
