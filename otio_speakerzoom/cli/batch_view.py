"""Shows a batch: bars of the running recordings at a terminal, elsewhere a line for each recording.

The table of all recordings comes at the end, on stdout.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from otio_speakerzoom.cli import streams
from otio_speakerzoom.cli.batch_worker import Event, Message, Outcome, StageProgress, Started
from otio_speakerzoom.cli.console import ResultConsole
from otio_speakerzoom.cli.recording_url import RecordingUrl

log = logging.getLogger("otio_speakerzoom")


class BatchView:
    """What is known about the recordings of a batch so far."""

    def __init__(
        self, sources: Sequence[Path | RecordingUrl], console: Console, bars: Progress | None
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._sources, self._console, self._bars = sources, console, bars
        self._starts: dict[int, float] = {}
        self._seconds: dict[int, float] = {}
        self._tasks: dict[int, TaskID] = {}

    def on_event(self, number: int, event: Event) -> None:
        """Show an event of the recording with that index."""
        match event:
            case Started():
                self._starts[number] = time.monotonic()
                if self._bars:
                    name = streams.one_line(self._sources[number].name)
                    self._tasks[number] = self._bars.add_task(name, total=None, stage="starts")
            case StageProgress(stage, done, total):
                if self._bars:
                    self._bars.update(self._tasks[number], completed=done, total=total, stage=stage)
            case Message(level, text):
                # what `cut` shows of one recording is too much for many
                self._log(number, logging.DEBUG if level == logging.INFO else level, text)
            case Outcome():
                self._show_outcome(number, event)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return a row for each recording: source, state, seconds, and output or error."""
        return [
            (str(source), outcome.state, f"{self._seconds[number]:.1f}", outcome.detail)
            for number, source in enumerate(self._sources)
            if (outcome := self.outcomes.get(number))
        ]

    def _show_outcome(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        self._seconds[number] = time.monotonic() - self._starts[number]
        if self._bars:
            self._bars.remove_task(self._tasks[number])
        if outcome.state == "failed":
            self._log(number, logging.ERROR, outcome.detail)
        else:
            log.info(
                "[%d/%d] %s: %s in %.1f s", len(self.outcomes), len(self._sources),
                self._sources[number], outcome.state, self._seconds[number],
            )  # fmt: skip

    def _log(self, number: int, level: int, text: str) -> None:
        """Log a message, with the source's name unless it is there."""
        source = self._sources[number]
        log.log(level, "%s", text if source.name in text else f"{source}: {text}")


@contextmanager
def show_batch(
    sources: Sequence[Path | RecordingUrl], console: Console, *, hidden: bool
) -> Iterator[BatchView]:
    """Give the view of a batch; `hidden` shows no bars."""
    if hidden or not console.is_terminal:
        yield BatchView(sources, console, None)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} % {task.fields[stage]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        yield BatchView(sources, console, bars)


def print_rows(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print a table to stdout: for people at a terminal, elsewhere with tabs for programs."""
    console = ResultConsole()
    if not console.is_terminal:
        for row in rows:
            streams.print_line("\t".join(map(streams.one_line, row)))
        return
    table = Table("recording", "result")
    table.add_column("seconds", justify="right")
    table.add_column("timeline, results, or what went wrong", overflow="fold")
    for row in rows:
        table.add_row(*(escape(streams.one_line(word)) for word in row))
    console.print(table)


def summary_line(outcomes: Sequence[Outcome]) -> str:
    """Return how many recordings ended in each state: 3 done, 1 failed."""
    counts = Counter(outcome.state for outcome in outcomes)
    states = ("done", "up to date", "failed")
    return ", ".join(f"{counts[state]} {state}" for state in states if counts[state])
