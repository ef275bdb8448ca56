"""Consoles: tables on stdout, messages on stderr.

No name of a person or a file can send codes to the terminal: they are escaped where text is
rendered, whatever the text comes from.
"""

from __future__ import annotations

import logging
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from otio_speakerzoom.cli import streams

log = logging.getLogger("otio_speakerzoom")


class SafeConsole(Console):
    """Escapes what a terminal would obey in everything that it prints."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.push_render_hook(_EscapeCodes())


class _EscapeCodes(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_WithoutCodes(renderable) for renderable in renderables]


class _WithoutCodes:
    """Renders something, with escapes in its text; the codes of its own colours stay."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(streams.without_codes(segment.text), segment.style)


class ResultConsole(SafeConsole):
    """Prints tables to stdout; raises BrokenPipeError where the reader has left."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class MessageConsole(SafeConsole):
    """Prints to stderr; where that takes nothing, the rest is discarded, and the work goes on.

    Rich itself ends the program where whoever read stderr has left, and discards stdout as well.
    """

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def __exit__(self, *error: Any) -> None:
        """Write what was printed within `with`, as each `print` does."""
        try:
            super().__exit__(*error)
        except OSError:
            streams.end_stderr()


def message_console() -> Console:
    """Return the console on stderr, for progress and messages."""
    return MessageConsole(stderr=True, soft_wrap=True)


def show_messages(console: Console, *, quiet: int, verbose: int) -> None:
    """Send our log to `console`: from INFO on, a level more or less for each `-v` or `-q`."""
    log.handlers[:] = [_LineHandler(console)]
    log.setLevel(logging.INFO - 10 * verbose + 10 * quiet)
    log.propagate = False


class _LineHandler(logging.Handler):
    """Prints each message as one line, above any bars, with its level where that is not INFO.

    The same warning is printed once per run.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._warnings: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            if record.getMessage() in self._warnings:
                return
            self._warnings.add(record.getMessage())
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = streams.one_line(level + record.getMessage())
        self._console.print(line, markup=False, highlight=False)
