"""The meta device, which every torch has, in the place of a GPU.

Its tensors have a shape and no numbers, so this shows where things are computed and not what comes
of them. Only tests on a real GPU can show that.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

MOVES = {Tensor.to, Tensor.cpu, Tensor.copy_, torch._has_compatible_shallow_copy_type}
"""The last is what Module.to asks when it moves a weight."""
INDEXES = {Tensor.__getitem__, Tensor.__setitem__}
"""CUDA takes the places to read or write from the processor as well."""
ARITHMETIC = ("conv", "pool", "matmul", "linear", "gru", "norm", "attention")


class FakeGpu(TorchFunctionMode):
    """Refuses what a GPU would refuse: operations on tensors of two devices, and on MPS doubles.

    `worked` and `missed` are the names of the arithmetic that was done on it, and on the processor
    instead. What is copied back from it is zeros.
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
                found = tuple(slice(0) if isinstance(x, Tensor) else x for x in places)
                return args[0][found]  # how many hold is not known: none
        return function(*args, **kwargs)

    def _check(self, function, args, kwargs):
        name = function.__name__
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        there = [x for x in tensors if x.is_meta]
        # a single number on the processor goes along with any device
        here = [x for x in tensors if not x.is_meta and x.ndim]
        if there and here and function not in MOVES:
            only_places = function in INDEXES and args[0].is_meta
            assert only_places, f"{name}: expected all tensors to be on the same device"
        assert all(x.dtype != torch.float64 for x in there), f"{name}: MPS has no float64"
        if any(part in name for part in ARITHMETIC):
            (self.worked if there else self.missed).add(name)
