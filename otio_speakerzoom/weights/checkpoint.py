"""Loads a checkpoint into a network, and explains in one line why a file does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.store.npz import read_npz

ADVICE = "fetch the file that weights.toml names"
MAX_NAMES = 3
"""How many names of tensors a message lists; there may be hundreds."""


def load_checkpoint(module: nn.Module, path: Path) -> None:
    """Load the checkpoint at `path` into `module`: every tensor must match.

    A checkpoint is a state dict written by torch.save, or our own npz of half-precision arrays;
    names may start with `module.`, which training on several GPUs adds. A network with a tensor
    left out would guess, so anything missing, unexpected, of another shape or dtype kind, or not
    finite raises WeightsError.
    """
    tensors = {name.removeprefix("module."): tensor for name, tensor in _read(path).items()}
    differences = _differences(module.state_dict(), tensors)
    if differences:
        network = type(module).__name__
        raise WeightsError(f"{path}: not the weights of {network}: {differences}; {ADVICE}")
    module.load_state_dict(tensors)


def _read(path: Path) -> Mapping[str, Tensor]:
    """Read tensors by name. Only tensors are unpickled, so a malicious file runs no code."""
    try:
        if path.suffix == ".npz":
            return {name: torch.tensor(array) for name, array in read_npz(path).items()}
        tensors = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror or error}); {ADVICE}"
        ) from error
    except Exception as error:  # a damaged pickle or archive can raise anything
        raise WeightsError(
            f"{path}: not a checkpoint, damaged, or one with more than tensors in it; {ADVICE}"
        ) from error
    if not isinstance(tensors, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in tensors.items()
    ):
        raise WeightsError(f"{path}: contains something other than tensors by name; {ADVICE}")
    return tensors


def _differences(expected: Mapping[str, Tensor], actual: Mapping[str, Tensor]) -> str:
    """Describe how names, shapes, kinds of numbers and values differ; empty if they fit."""
    both = expected.keys() & actual.keys()
    alike = {name for name in both if _kind(actual[name]) == _kind(expected[name])}
    faults = {
        "missing": expected.keys() - both,
        "unexpected": actual.keys() - both,
        "wrong shape of": {name for name in both if actual[name].shape != expected[name].shape},
        "wrong kind of numbers in": both - alike,
        "not finite": {name for name in alike if not actual[name].float().isfinite().all()},
    }
    return ", ".join(f"{fault} {_list(names)}" for fault, names in faults.items() if names)


def _kind(tensor: Tensor) -> tuple[object, bool, bool]:
    return tensor.layout, tensor.is_floating_point(), tensor.is_complex()


def _list(names: set[str]) -> str:
    """List the first few of `names`, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return " ".join(sorted(names)[:MAX_NAMES]) + more
