"""The command `speakerzoom`.

`parser` says what may be asked, `files` checks what would be read and written, `verbs` does it,
`streams` are stdout and stderr, `run` is around all: messages, errors, exit codes.
"""

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
            sys.stderr.write("error: interrupted; stages that were finished are kept\n")
        return 128 + getattr(error, "number", 2)


__all__ = ["main"]
