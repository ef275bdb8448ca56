"""Ctrl-C, SIGTERM and SIGHUP: each ends the work by an exception, so that it is put away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_number: int | None = None


class Interrupted(KeyboardInterrupt):
    """The work was asked to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def check() -> None:
    """Raise Interrupted once a signal has asked the work to end.

    Python raises it by itself, but what is raised in a destructor or in a callback of native code
    (MediaPipe's, while it looks for faces) is only printed there, and the work would go on.
    """
    if _number is not None:
        raise Interrupted(_number)


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Raise Interrupted on a signal, within; what was ignored before (nohup) stays so."""
    global _number
    before = {}
    try:
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _remember) or signal.SIG_DFL
    except ValueError:  # only the main thread may; in another no signal arrives
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if signal.getsignal(signal.SIGINT) is not _remember:  # the outermost ends
            _number = None


def _remember(number: int, frame: FrameType | None) -> None:
    """Raise at the first signal, and at each Ctrl-C; a second SIGTERM lets us put things away."""
    global _number
    first = _number is None
    _number = number if first else _number
    if first or number == signal.SIGINT:
        raise Interrupted(number)
