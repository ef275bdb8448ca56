"""Entry point of the command `speakerzoom`; Ctrl-C ends it in one line, even while it starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    try:
        from otio_speakerzoom.cli.run import run

        return run(argv)
    except KeyboardInterrupt as error:  # also while modules load
        if sys.stderr is not None:
            sys.stderr.write("error: interrupted; finished stages are saved\n")
        return 128 + getattr(error, "number", 2)
