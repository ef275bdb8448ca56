"""Entry point of the command `speakerzoom`; Ctrl-C ends it in one line, even while it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    let_waiting_threads_sleep()
    leave_out_working_folder()
    try:
        from otio_speakerzoom.cli.run import run

        return run(argv)
    except KeyboardInterrupt as error:  # also while modules load
        _say_interrupted()
        return 128 + getattr(error, "number", 2)


def _say_interrupted() -> None:
    try:
        if sys.stderr is not None:
            sys.stderr.write("error: interrupted; finished stages are saved\n")
    except OSError:  # stderr takes nothing, which must not change the exit code
        from otio_speakerzoom.cli.streams import end_stderr

        end_stderr()


def let_waiting_threads_sleep() -> None:
    """Set how threads of OpenMP and OpenBLAS wait, for this process and its children.

    What the user set stays. torch computes on the threads of OpenMP, which by default wait for each
    other in a loop that keeps a core busy. The decoder's threads need these cores: scoring two
    faces in 1080p25 took twice the CPU time and two to three times as long. NumPy's OpenBLAS starts
    a thread on every core, and each goes on waiting so for 11 ms after a product of matrices of a
    millisecond, as there is one in the MFCC of every few seconds: it gets one thread. The results
    are the same. Both read their variable when they are loaded, so only the program that starts can
    set it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def leave_out_working_folder() -> None:
    """Let this process and its children find no program in the working folder, by its bare name.

    Footage of somebody else may be there. Libraries start programs too: a browser, or ldconfig. A
    shell, and Python as a shell does, looks into relative entries of PATH; Windows into the working
    folder itself, unless a variable is set.
    """
    if "PATH" in os.environ:
        folders = os.environ["PATH"].split(os.pathsep)  # on Windows some are in quotes
        whole = [f for f in folders if os.path.isabs(f.strip('"'))]  # noqa: PTH117 (no import yet)
        os.environ["PATH"] = os.pathsep.join(whole)
    os.environ.setdefault("NoDefaultCurrentDirectoryInExePath", "1")
