"""stdout and stderr, whatever they are: a terminal, a pipe, a full disk, closed."""

from __future__ import annotations

import codecs
import io
import os
import re
import select
import sys

from rich.console import Console

from otio_speakerzoom.errors import SpeakerZoomError


class ResultConsole(Console):
    """Prints tables to stdout; a reader who has left is told of like any other."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def one_line(text: str) -> str:
    """Return a message as one line that any terminal can show.

    A file's name may hold line breaks, commands to the terminal and bytes that are no text.
    """
    escaped = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda m: ascii(m[0])[1:-1], text)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def say(text: str) -> None:
    """Write a line of the result to stdout; where that is closed, nobody asked for it."""
    if sys.stdout is not None:
        sys.stdout.write(text + "\n")


def data_on_stdout(text: str) -> None:
    """Write a document to stdout, in UTF-8 whatever the terminal's encoding: it says so itself."""
    if sys.stdout is None:
        raise SpeakerZoomError("stdout is closed, so the document went nowhere; name a file")
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))


def flush_stdout() -> None:
    """Write what is still held back; OSError where that cannot be."""
    if sys.stdout is not None:
        sys.stdout.flush()


def prepare() -> None:
    """Make the standard streams safe: open, and able to say every name."""
    _open_all()
    codecs.register_error("speakerzoom", _bytes_or_escape)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="speakerzoom")


def keep_native_notes_off_stderr() -> None:
    """Let only Python write to stderr, which belongs to progress and messages.

    MediaPipe's runtime notes things on file descriptor 2 at any time and at any log level.
    """
    if sys.stderr is None:
        return
    ours = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    encoding = sys.stderr.encoding
    sys.stderr = open(ours, "w", buffering=1, encoding=encoding, errors="backslashreplace")  # noqa: PTH123, SIM115


def stdout_has_no_reader() -> bool:
    """Whether stdout is a pipe whose reader has left, which is its right."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # no real stream, or a system without poll
        return os.name == "nt"


def give_up_stdout() -> None:
    """Let what is still held back for stdout go nowhere, so that the interpreter ends quietly."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no real stream
        return


def _open_all() -> None:
    """Open what was closed of the descriptors 0 to 2, or the next file opened would be stdout."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free


def _bytes_or_escape(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write a file name's undecodable bytes as they are, and what a terminal lacks as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if all("\udc80" <= letter <= "\udcff" for letter in text):
        return text.encode("ascii", "surrogateescape"), error.end
    return text.encode("ascii", "backslashreplace"), error.end
