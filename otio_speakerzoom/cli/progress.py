"""How far each stage is: a bar with rate and time left at a terminal, elsewhere a line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from otio_speakerzoom import model
from otio_speakerzoom.cli.signals import check, heeding_signals


@contextmanager
def shown_progress(
    console: Console, *, hidden: bool = False
) -> Iterator[Callable[[str], model.Progress]]:
    """Give a function from a stage's name to what it calls as it goes on.

    A stage shows from its first call on, so one that has nothing to do says nothing.
    """
    with heeding_signals():

        def heeding(on_progress: model.Progress) -> model.Progress:
            def step(done: int, total: int) -> None:
                check()
                on_progress(done, total)

            return step

        if hidden:
            yield lambda stage: heeding(model.no_progress)
        elif console.is_terminal:
            with _bars(console) as bars:
                yield lambda stage: heeding(_bar(bars, stage))
        else:
            yield lambda stage: heeding(_line(console, stage))


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
    began, task = time.monotonic(), None

    def on_progress(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bars.add_task(stage, total=total, rate="")
        bars.update(task, completed=done, total=total, rate=_rate(done, began))

    return on_progress


def _line(console: Console, stage: str) -> model.Progress:
    began, ended = time.monotonic(), False

    def on_progress(done: int, total: int) -> None:
        nonlocal ended
        if done >= total and not ended:
            ended = True
            seconds = time.monotonic() - began
            console.print(f"{stage}: done in {seconds:.1f} s ({_rate(done, began)})")

    return on_progress


def _rate(done: int, began: float) -> str:
    """Return things per second, in short: frames of a stage, or bytes of a fetch.

    Of few and slow things it is how long each takes.
    """
    seconds = max(time.monotonic() - began, 1e-3)
    rate = done / seconds
    if rate > 1e5:
        return f"{rate / 1e6:.1f} M/s"
    return f"{rate:.0f}/s" if rate >= 1 else f"{seconds / max(done, 1):.1f} s each"
