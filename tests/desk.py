"""A desktop that nobody sees: a real editor on it, and keys pressed in its window."""

import os
import shutil
import subprocess
import time
from contextlib import suppress

import pytest

PATIENCE = 60
"""Seconds for an editor to answer: it starts in 3 on a machine that has nothing else to do."""


def needs(*programs):
    """Skip where one of the programs is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def a_display():
    """Return a running X server without a screen, and the display that it gave itself."""
    for _ in range(5):  # two that start at once may want the same number, and one of them ends
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24"]
        server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if number and server.poll() is None:
            return server, f":{number}"
        server.kill()
        server.wait()
    raise AssertionError("no X server starts here")


class Desk:
    """A display of its own, with one editor on it, which knows no settings of the user."""

    def __init__(self, folder, *command):
        folder.mkdir()
        server, display = a_display()
        self._running = [server]
        (folder / "run").mkdir(mode=0o700)
        self._environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "SDL_AUDIODRIVER": "dummy",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._running.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
            )

    def close(self):
        """End the editor and its display, whatever state they are in."""
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def title(self):
        """The names of all windows that are shown, a line each."""
        found = self._xdotool("search", "--onlyvisible", "--name", ".", check=False).split()
        names = [self._xdotool("getwindowname", window, check=False) for window in found]
        return "".join(names)

    def wait_for(self, what, *, seconds=PATIENCE):
        """Return whether the windows' titles come to satisfy `what` in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what(self.title()):
                return True
            assert self._running[-1].poll() is None, "the editor has ended"
            time.sleep(0.1)
        return False

    def settle(self, *, seconds=PATIENCE):
        """Wait until the editor has written nothing to its log for two seconds: it has loaded."""
        end, size, since = time.monotonic() + seconds, -1, 0.0
        while time.monotonic() < min(end, since + 2 if size >= 0 else end):
            if (now := self._log.stat().st_size) != size:
                size, since = now, time.monotonic()
            time.sleep(0.1)

    def press(self, *keys):
        """Press keys in whichever window has the focus."""
        self._xdotool("key", "--delay", "100", *keys)

    def press_until(self, keys, what):
        """Press until the titles satisfy `what`: an editor that is still busy loses keys.

        A second try comes late, for one that is merely slow would do what they ask for twice.
        """
        for _ in range(PATIENCE // 10):
            self.press(*keys)
            if self.wait_for(what, seconds=10):
                return
        raise AssertionError(f"{keys} did nothing; the windows are {self.title()!r}")

    def look(self, path):
        """Keep what is on the screen as a PNG, for a person to look at where a test fails."""
        with suppress(FileNotFoundError):
            command = ["import", "-window", "root", str(path)]
            subprocess.run(command, env=self._environment, check=False)

    def _xdotool(self, *arguments, check=True):
        command = ["xdotool", *map(str, arguments)]
        return subprocess.run(
            command, env=self._environment, check=check, capture_output=True, text=True
        ).stdout
