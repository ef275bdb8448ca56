"""Stand in for a GPU with the meta device, which every torch has.

Its tensors have a shape and no numbers, so this shows where things are computed, not the results.
Only tests on a real GPU can show those.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

MOVES = {Tensor.to, Tensor.cpu, Tensor.copy_, torch._has_compatible_shallow_copy_type}
"""Module.to calls the last one when it moves a weight."""
INDEXES = {Tensor.__getitem__, Tensor.__setitem__}
"""CUDA accepts indexes on the processor too."""
ARITHMETIC = ("conv", "pool", "matmul", "linear", "gru", "norm", "attention")


class FakeGpu(TorchFunctionMode):
    """Refuses what a GPU would refuse: operations on tensors of two devices, and on MPS doubles.

    `worked` and `missed` are the names of the arithmetic that ran on it, and on the processor
    instead. Tensors that are copied back from it are zeros.
    """

    def __init__(self):
        super().__init__()
        self.worked, self.missed = set(), set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self._check(function, args, kwargs)
        if function is Tensor.cpu and args[0].is_meta:
            return torch.zeros(args[0].shape, dtype=args[0].dtype)
        if function is Tensor.__getitem__ and args[0].is_meta:
            places = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(x, Tensor) and x.dtype == torch.bool for x in places):
                slices = tuple(slice(0) if isinstance(x, Tensor) else x for x in places)
                return args[0][slices]  # without numbers, a mask selects nothing
        result = function(*args, **kwargs)
        self._check_results(function.__name__, result)
        return result

    def _check_results(self, name, result):
        there = [x for x in tree_leaves(result) if isinstance(x, Tensor) and x.is_meta]
        assert all(x.dtype != torch.float64 for x in there), f"{name}: MPS has no float64"

    def _check(self, function, args, kwargs):
        name = function.__name__
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        there = [x for x in tensors if x.is_meta]
        # a single number on the processor goes along with any device
        here = [x for x in tensors if not x.is_meta and x.ndim]
        if there and here and function not in MOVES:
            only_places = function in INDEXES and args[0].is_meta
            assert only_places, f"{name}: expected all tensors to be on the same device"
        if any(part in name for part in ARITHMETIC):
            (self.worked if there else self.missed).add(name)
