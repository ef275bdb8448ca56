"""Runs the command in the process of the tests, which has loaded torch already."""

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout

from otio_speakerzoom.cli.main import main


def command(*arguments):
    """Run the command; return its exit code and what it wrote, as a process would."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as end:
            code = end.code
    texts = []
    for stream in (stdout, stderr):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))
    return subprocess.CompletedProcess(arguments, code, *texts)
