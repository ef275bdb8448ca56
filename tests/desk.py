"""Drive a real editor on a virtual display (Xvfb), by key presses or over a message bus."""

import os
import re
import shutil
import subprocess
import time
from contextlib import suppress

import pytest

from otio_speakerzoom.source import forget_opencvs_qt

PATIENCE_S = 60
"""Seconds for an editor to respond; it starts in 3 on an idle machine."""


def needs(*programs):
    """Skip where one of the programs is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def start_display():
    """Return a running X server without a screen, and the display number that it chose."""
    for _ in range(5):  # two that start at once may choose the same number, and one of them ends
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
    """A display of its own with one editor on it, without the user's settings."""

    def __init__(self, folder, *command, **environment):
        folder.mkdir()
        server, display = start_display()
        self._running = [server]
        (folder / "run").mkdir(mode=0o700)
        forget_opencvs_qt()
        self._environment = {
            **os.environ,
            **environment,
            "DISPLAY": display,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "TMPDIR": str(folder / "run"),  # where Kdenlive notes that it runs, once for all users
            "SDL_AUDIODRIVER": "dummy",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._running.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
            )

    def close(self):
        """End the editor and its display, whatever their state."""
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def title(self):
        """The names of all visible windows, a line each."""
        windows = self._xdotool("search", "--onlyvisible", "--name", ".", check=False).split()
        names = [self._xdotool("getwindowname", window, check=False) for window in windows]
        return "".join(names)

    def wait_for(self, condition, *, seconds=PATIENCE_S):
        """Return whether the windows' titles satisfy `condition` in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition(self.title()):
                return True
            assert self._running[-1].poll() is None, "the editor has ended"
            time.sleep(0.1)
        return False

    def settle(self, *, seconds=PATIENCE_S):
        """Wait until the editor's log has not grown for two seconds: it has loaded."""
        end, size, since = time.monotonic() + seconds, -1, 0.0
        while time.monotonic() < min(end, since + 2 if size >= 0 else end):
            if (now := self._log.stat().st_size) != size:
                size, since = now, time.monotonic()
            time.sleep(0.1)

    def press(self, *keys):
        """Press keys in whichever window has the focus."""
        self._xdotool("key", "--delay", "100", *keys)

    def press_until(self, keys, condition):
        """Press until the titles satisfy `condition`: a busy editor loses keys.

        Tries are far apart, or an editor that is only slow would obey twice.
        """
        for _ in range(PATIENCE_S // 10):
            self.press(*keys)
            if self.wait_for(condition, seconds=10):
                return
        raise AssertionError(f"{keys} did nothing; the windows are {self.title()!r}")

    def screenshot(self, path):
        """Save the screen as a PNG, for whoever investigates a failed test."""
        with suppress(FileNotFoundError):
            command = ["import", "-window", "root", str(path)]
            subprocess.run(command, env=self._environment, check=False)

    def _xdotool(self, *arguments, check=True):
        command = ["xdotool", *map(str, arguments)]
        return subprocess.run(
            command, env=self._environment, check=check, capture_output=True, text=True
        ).stdout


class KdeDesk(Desk):
    """A desk whose editor is KDE's, and obeys on a message bus whichever window has the focus."""

    def __init__(self, folder, *command):
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--print-address", "--nofork"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        with bus.stdout:
            address = bus.stdout.readline().strip()
        super().__init__(folder, *command, DBUS_SESSION_BUS_ADDRESS=address)
        self._running.insert(0, bus)

    def act(self, *actions):
        """Trigger actions of the editor's menus by their names."""
        for action in actions:
            reply = self._call("org.kde.KMainWindow.activateAction", f"string:{action}")
            assert "boolean true" in reply, f"{action}: {reply}"
            time.sleep(0.5)  # which the window needs to follow: selections are not immediate

    def _call(self, method, *arguments):
        names = self._send("org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames")
        (service,) = set(re.findall(r"org\.kde\.[a-z]+-\d+", names))
        editor = re.sub(r"org\.kde\.([a-z]+)-\d+", r"/\1/MainWindow_1", service)
        return self._send(service, editor, method, *arguments)

    def _send(self, service, place, method, *arguments):
        command = ["dbus-send", "--session", "--print-reply", f"--dest={service}", place, method]
        return subprocess.run(
            [*command, *arguments],
            env=self._environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
