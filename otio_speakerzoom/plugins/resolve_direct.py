"""Runs the script in Resolve Studio from outside, by the program that Resolve brings for that.

`fuscript` runs Lua next to a Resolve whose preferences allow it: System > General > External
scripting using: Local. The free edition allows it to nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.plugins.resolve_script import NAME, script_text
from otio_speakerzoom.source import end_with_children, find_program, start_program
from otio_speakerzoom.store.atomic import write_text

PLACES = {
    "darwin": "/Applications/DaVinci Resolve/DaVinci Resolve.app"
    "/Contents/Libraries/Fusion/fuscript",
    "win32": "C:/Program Files/Blackmagic Design/DaVinci Resolve/fuscript.exe",
    "linux": "/opt/resolve/libs/Fusion/fuscript",
}
"""Where Resolve puts the program; as several independent users of it write."""
MAX_END_S = 3
"""For a process to end after its answer, or after it is told to."""
VARIABLE = "SPEAKERZOOM_FUSCRIPT"
"""Environment variable that names it in another place."""


def find_runner(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the path of `fuscript`; SpeakerZoomError if it is not there."""
    place = environ.get(VARIABLE) or PLACES.get(platform) or PLACES["linux"]
    path = Path(place).absolute() if Path(place).is_file() else find_program("fuscript")
    if path is None:
        raise SpeakerZoomError(
            f"{place}: is not there, so Resolve Studio cannot be driven from outside; leave out "
            f"--direct and use the menu, or set {VARIABLE} to the path of fuscript"
        )
    return path


class DirectRun:
    """A run of the script outside Resolve."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.is_building = False
        """Set when the script has taken the recipe: then it must be left to finish."""

    def failure(self) -> str:
        """Return how the run ended, if it ended; an empty string while it goes on."""
        code = self._process.poll()
        return "" if code is None else f"fuscript ended with code {code} and no answer"

    def end(self) -> None:
        """End a run that has not begun to build: half a timeline would stay otherwise."""
        if not self.is_building:
            self._process.terminate()
        try:
            self._process.wait(MAX_END_S)
        except subprocess.TimeoutExpired:
            if not self.is_building:  # one that builds goes on alone
                end_with_children(self._process)


@contextmanager
def run_directly(folder: Path) -> Iterator[DirectRun]:
    """Run the script with the mailbox `folder` while the context lasts.

    It has a session of its own, so that Ctrl-C does not end it in the middle of a timeline.
    """
    runner, script = find_runner(), folder / NAME
    write_text(script, script_text(str(folder).replace("\\", "/")))
    try:
        process = start_program([runner, "-q", "-l", "lua", script])
    except OSError as error:
        raise SpeakerZoomError(
            f"{runner}: cannot be run ({error.strerror}); leave out --direct and use the menu"
        ) from error
    run = DirectRun(process)
    try:
        yield run
    finally:
        run.end()
        with suppress(OSError):
            script.unlink()
