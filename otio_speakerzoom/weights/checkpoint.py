"""Puts trained weights into a network, or says in one line why this file does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from otio_speakerzoom.errors import WeightsError

ADVICE = "fetch the file that weights.toml names"
SHOWN = 3
"""How many names a message gives of what may be hundreds."""


def load_checkpoint(module: nn.Module, path: Path) -> None:
    """Fill `module` with the tensors of the checkpoint at `path`, every one of them and no other.

    A checkpoint is what torch.save made of a state dict, or our own npz of half-precision arrays;
    names may open with `module.`, which training on several GPUs leaves behind. A name skipped in
    silence would be a network that guesses, so anything missing, unexpected, of another shape or
    kind of number, and anything that is not finite, raises WeightsError.
    """
    found = {name.removeprefix("module."): tensor for name, tensor in _read(path).items()}
    wrong = _differences(module.state_dict(), found)
    if wrong:
        network = type(module).__name__
        raise WeightsError(f"{path}: not the weights of {network}: {wrong}; {ADVICE}")
    module.load_state_dict(found)


def _read(path: Path) -> Mapping[str, Tensor]:
    """Tensors by name. Only tensors are unpickled, so a hostile file runs nothing."""
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:  # which unpickles nothing unless told to
                return {name: torch.tensor(array) for name, array in arrays.items()}
        found = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror or error}); {ADVICE}"
        ) from error
    except Exception as error:  # a damaged pickle or archive can raise anything
        raise WeightsError(
            f"{path}: not a checkpoint, damaged, or one that holds more than tensors; {ADVICE}"
        ) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in found.items()
    ):
        raise WeightsError(f"{path}: holds something other than tensors by name; {ADVICE}")
    return found


def _differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """What is wrong with the names and shapes `found`, in words; empty where nothing is."""
    both = expected.keys() & found.keys()
    alike = {name for name in both if _kind(found[name]) == _kind(expected[name])}
    kinds = {
        "missing": expected.keys() - both,
        "unexpected": found.keys() - both,
        "wrongly shaped": {name for name in both if found[name].shape != expected[name].shape},
        "other kinds of numbers in": both - alike,
        "not finite": {name for name in alike if not found[name].float().isfinite().all()},
    }
    return ", ".join(f"{kind} {_some(names)}" for kind, names in kinds.items() if names)


def _kind(tensor: Tensor) -> tuple[object, bool, bool]:
    return tensor.layout, tensor.is_floating_point(), tensor.is_complex()


def _some(names: set[str]) -> str:
    """The first few of `names`, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return " ".join(sorted(names)[:SHOWN]) + more
