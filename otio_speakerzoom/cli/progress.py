"""Progress of each stage: at a terminal a bar with rate and time left, else one line per stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from otio_speakerzoom import model
from otio_speakerzoom.cli.signals import raise_if_interrupted, raise_on_signals


@contextmanager
def show_progress(
    console: Console, *, hidden: bool = False
) -> Iterator[Callable[[str], model.Progress]]:
    """Yield a function that returns the progress callback of a stage, by its name.

    A stage appears at its first callback, so one that has nothing to do does not appear.
    """
    with raise_on_signals():

        def interruptible(on_progress: model.Progress) -> model.Progress:
            def step(done: int, total: int) -> None:
                raise_if_interrupted()
                on_progress(done, total)

            return step

        if hidden:
            yield lambda stage: interruptible(model.no_progress)
        elif console.is_terminal:
            with _bars(console) as bars:
                yield lambda stage: interruptible(_bar(bars, stage))
        else:
            yield lambda stage: interruptible(_line(console, stage))


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
    )


def _bar(bars: Progress, stage: str) -> model.Progress:
    start, task = time.monotonic(), None

    def on_progress(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bars.add_task(stage, total=total, rate="")
        bars.update(task, completed=done, total=total, rate=_rate(done, start))

    return on_progress


def _line(console: Console, stage: str) -> model.Progress:
    start, ended = time.monotonic(), False

    def on_progress(done: int, total: int) -> None:
        nonlocal ended
        if done >= total and not ended:
            ended = True
            seconds = time.monotonic() - start
            console.print(f"{stage}: done in {seconds:.1f} s ({_rate(done, start)})")

    return on_progress


def _rate(done: int, start: float) -> str:
    """Return the rate since `start`: frames of a stage or bytes of a download, per second.

    Below one a second, return how long each takes.
    """
    seconds = max(time.monotonic() - start, 1e-3)
    rate = done / seconds
    if rate > 1e5:
        return f"{rate / 1e6:.1f} M/s"
    return f"{rate:.0f}/s" if rate >= 1 else f"{seconds / max(done, 1):.1f} s each"
