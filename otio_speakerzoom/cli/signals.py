"""Ctrl-C, SIGTERM and SIGHUP: each ends the work by an exception, so that cleanup runs."""

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
    """A signal ends the work."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def raise_if_interrupted() -> None:
    """Raise Interrupted if a signal has come.

    The handler raises it already, but an exception in a destructor or in a callback of native code
    (MediaPipe's, as it detected faces) is only printed there, and the work would go on.
    """
    if _number is not None:
        raise Interrupted(_number)


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Raise Interrupted on a signal while the context lasts; ignored ones (nohup) stay ignored."""
    global _number
    before = {}
    try:
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _on_signal) or signal.SIG_DFL
    except ValueError:  # only the main thread may; in another no signal arrives
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if signal.getsignal(signal.SIGINT) is not _on_signal:  # the outermost ends
            _number = None


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Raise at the first signal and at each Ctrl-C; a second SIGTERM does not disturb cleanup."""
    global _number
    first = _number is None
    _number = number if first else _number
    if first or number == signal.SIGINT:
        raise Interrupted(number)
