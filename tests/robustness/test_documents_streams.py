"""What happens where stdout or stderr takes nothing, and on Ctrl-C while the program starts."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tables import Table
from talk_folder import copy_of

pytest_plugins = ["talks"]

COMMAND = (sys.executable, "-m", "otio_speakerzoom")
VERBS = {
    "--help": (),
    "--version": (),
    "inspect": ("TALK",),
    "export": ("TALK", "-o", "-"),
    "analyze": ("TALK", "-q"),
    "weights": ("list",),
    "check": ("TALK.otio",),
}
FULL = Path("/dev/full")
NOWHERE = Path(os.devnull)
STREAMS = {
    "stdout is full": (FULL, None),
    "stderr is full": (None, FULL),
    "both are full": (FULL, FULL),
}
TABLE = Table("streams", ("", *STREAMS), list(VERBS))

STARTS = 40
"""Signals, one in each run, spread over the first second."""


@pytest.fixture
def talk(cut_talk, tmp_path):
    """The folder of results of a copy of the talk, with a timeline beside it."""
    folder = copy_of(cut_talk, tmp_path)
    film = folder.with_suffix("")
    export = [*COMMAND, "export", str(film), "-o", f"{film}.otio", "-q"]
    subprocess.run(export, check=True, timeout=300)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("verb", VERBS)
def test_a_stream_that_takes_nothing_is_no_traceback(verb, talk):
    words = [word.replace("TALK", str(talk.with_suffix(""))) for word in VERBS[verb]]
    cells = []
    for out, err in STREAMS.values():
        with (out or NOWHERE).open("wb") as stdout, (err or NOWHERE).open("wb") as stderr:
            run = subprocess.run(
                [*COMMAND, verb, *words], stdout=stdout if out else subprocess.PIPE,
                stderr=stderr if err else subprocess.PIPE, timeout=300,
            )  # fmt: skip
        said = (run.stderr or b"").decode().strip()
        assert "Traceback" not in said
        assert len(said.splitlines()) <= 1
        assert run.stdout is None or run.stdout
        cells.append(f"{run.returncode}, `{said}`" if said else str(run.returncode))
    TABLE.check(verb, *cells)


def test_the_table_of_streams_is_whole():
    TABLE.check_cases()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between processes")
def test_no_line_of_ours_is_in_a_traceback_of_an_early_interruption(talk):
    """Until Python has read the first of our files, a signal ends Python in its own way."""
    ends = {}
    for n in range(STARTS):
        process = subprocess.Popen(
            [*COMMAND, "inspect", str(talk.with_suffix(""))], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(n / STARTS)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[1].decode()
        assert "otio_speakerzoom" not in said, said
        if process.returncode == 130:
            assert said in ("", "error: interrupted; finished stages are saved\n")
        else:  # before ours, Python may end with a traceback of its own
            assert process.returncode in (0, 1, -signal.SIGINT), (process.returncode, said)
            assert not said.startswith("error"), said
        ends[process.returncode] = ends.get(process.returncode, 0) + 1
    assert ends.get(130), f"no signal reached our code: {ends}"
