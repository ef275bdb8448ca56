"""Keeps MediaPipe from loading matplotlib, which it imports to draw plots that nobody asks for."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

_PACKAGE, _MODULE = "matplotlib", "matplotlib.pyplot"


@contextmanager
def plotting_on_demand() -> Generator[None, None, None]:
    """Let what is imported meanwhile load `matplotlib.pyplot` when it first plots something.

    That saves half a second and 28 MB. Where it is loaded already, nothing is different.
    """
    if _PACKAGE in sys.modules:
        yield
        return
    package, module = _OnDemand(_PACKAGE), _OnDemand(_MODULE)
    package.pyplot = module  # type: ignore[attr-defined]
    sys.modules.update({_PACKAGE: package, _MODULE: module})
    try:
        yield
    finally:
        for name, stand_in in ((_PACKAGE, package), (_MODULE, module)):
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


class _OnDemand(ModuleType):
    """Stands for a module, which it imports when one of its attributes is needed."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)  # Python asks for `__path__` and the like
        if sys.modules.get(self.__name__) is self:
            raise ImportError(f"{self.__name__}.{name} is needed while it is held back")
        return getattr(import_module(self.__name__), name)
