"""Runs a program of this machine for its answer, with limits on its time and its output.

It gets a session of its own, so that it can be ended with all that it has started, and a file as
stdin, so that it cannot ask.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from otio_speakerzoom.errors import ToolError

MAX_OUTPUT_BYTES = 1 << 20
"""Of what a program prints, its last part is used; an error message has a few lines."""
MAX_END_S = 3
"""How long what a program has printed may take to arrive after its end; a process that it has left
behind may hold the pipe open for ever."""


def run_program(command: Sequence[str], max_s: float, content: bytes = b"") -> tuple[int, str]:
    """Run a program; return its exit code and what it printed, to stdout and stderr together.

    `content` is what it can read from stdin. ToolError if it cannot be started, or takes longer
    than `max_s` seconds; then it is ended with everything that it has started. So it is where an
    exception such as Ctrl-C ends the wait.
    """
    process = _start(command, content)
    assert process.stdout
    output = bytearray()
    reader = threading.Thread(target=_collect, args=(process.stdout, output), daemon=True)
    reader.start()
    try:
        code = process.wait(max_s)
    except BaseException as error:
        end_with_children(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise ToolError(f"{command[0]}: did not end within {max_s:g} s") from error
    reader.join(MAX_END_S)
    return code, bytes(output[-MAX_OUTPUT_BYTES:]).decode("utf-8", "replace")


def _start(command: Sequence[str], content: bytes) -> subprocess.Popen[bytes]:
    try:
        with tempfile.TemporaryFile() as stdin:
            stdin.write(content)
            stdin.seek(0)
            return subprocess.Popen(  # nosec B603 # each caller names a program by its path
                command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be run ({error.strerror})") from error


def end_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a program that has a session of its own, and all that it has started, at once."""
    if sys.platform == "win32":  # which has no groups to signal
        process.kill()
    else:
        with suppress(OSError):  # all have ended
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _collect(pipe: IO[bytes], output: bytearray) -> None:
    """Read a pipe to its end; keep its last part."""
    with pipe, suppress(OSError, ValueError):
        while chunk := os.read(pipe.fileno(), 1 << 16):
            output += chunk
            if len(output) > 2 * MAX_OUTPUT_BYTES:
                del output[:-MAX_OUTPUT_BYTES]
