"""stdout and stderr, whatever they are: a terminal, a pipe, a full disk, closed."""

from __future__ import annotations

import codecs
import io
import os
import re
import select
import sys
from contextlib import suppress

from otio_speakerzoom.errors import SpeakerZoomError

_CODES = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What a terminal obeys instead of showing it: control characters but for tab and line feed, and
those of Unicode that end a line or let the text after them run backwards."""


def one_line(text: str) -> str:
    """Return a message as one line that any terminal can show.

    The name of a file may contain line breaks, terminal escape codes and bytes that are not text.
    """
    escaped = re.sub(rf"[\t\n{_CODES}]", lambda m: ascii(m[0])[1:-1], text)
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def without_codes(text: str) -> str:
    """Return text of several lines with escapes in place of what a terminal obeys."""
    return re.sub(rf"[{_CODES}]", lambda m: rf"\u{ord(m[0]):04x}", text)


def print_line(text: str) -> None:
    """Write a line of the result to stdout; do nothing if stdout is closed.

    A program gets the name of a file as it is; a terminal, with escapes for what it would obey.
    """
    if sys.stdout is not None:
        sys.stdout.write((one_line(text) if sys.stdout.isatty() else text) + "\n")


def write_document(text: str) -> None:
    """Write a document to stdout in UTF-8, as it declares itself, whatever the terminal's encoding.

    A terminal gets escapes for what it would obey. SpeakerZoomError if stdout is closed.
    """
    if sys.stdout is None:
        raise SpeakerZoomError("stdout is closed, so nothing was written; name a file")
    sys.stdout.flush()
    text = without_codes(text) if sys.stdout.isatty() else text
    sys.stdout.buffer.write(text.encode("utf-8"))


def flush_stdout() -> None:
    """Flush stdout; OSError where that fails."""
    if sys.stdout is not None:
        sys.stdout.flush()


def prepare() -> None:
    """Make the standard streams safe: open, and able to print every file name."""
    _open_all()
    codecs.register_error("speakerzoom", _encode_bytes_or_escape)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="speakerzoom")


def silence_native_stderr() -> None:
    """Let only Python write to stderr, which belongs to progress and messages.

    LiteRT and MediaPipe log to file descriptor 2 at any time and at any log level.
    """
    if sys.stderr is None:
        return
    ours = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    encoding = sys.stderr.encoding
    sys.stderr = open(ours, "w", buffering=1, encoding=encoding, errors="backslashreplace")  # noqa: PTH123, SIM115


def stdout_has_no_reader() -> bool:
    """Whether stdout is a pipe whose reader has left, which is not an error."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):  # no real stream, or a system without poll
        return os.name == "nt"


def end_stderr() -> None:
    """Discard from now on what stderr does not take, if it takes nothing.

    Otherwise the interpreter could not start processes, which flush it, or end with our exit code.
    """
    if sys.stderr is None:
        return
    try:
        sys.stderr.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def discard_stdout() -> None:
    """Discard what is still buffered for stdout, so that the interpreter ends quietly."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # no real stream
        return


def _open_all() -> None:
    """Open each closed one of the descriptors 0 to 2, or the next file opened would be stdout."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free


def _encode_bytes_or_escape(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode undecodable bytes of a file name as they are, and what a terminal lacks as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    if all("\udc80" <= letter <= "\udcff" for letter in text):
        return text.encode("ascii", "surrogateescape"), error.end
    return text.encode("ascii", "backslashreplace"), error.end
