"""What happens where stdout or stderr takes nothing, and on Ctrl-C while the program starts."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tables import PAGE, Table
from talk_folder import copy_of, without_path

pytest_plugins = ["talks"]

COMMAND = (sys.executable, "-m", "otio_speakerzoom")
SHORT_CHART = (
    sys.executable, "-c",
    "import sys; from otio_speakerzoom.cli.main import main; "
    "from otio_speakerzoom.interchange import test_chart; "
    "test_chart.SHOT_FRAMES = 2; sys.exit(main())",
)  # fmt: skip
"""The command, with a film of the test chart that is short."""

VERBS = {
    "--help": (),
    "--version": (),
    "--unknown": (),
    "inspect": ("TALK",),
    "export": ("TALK", "-o", "-"),
    "analyze": ("TALK",),
    "weights": ("list",),
    "check": ("TALK.otio",),
    "cut": ("TALK", "-o", "TALK.fcpxml"),
    "batch": ("FOLDER",),
    "render": ("TALK", "-o", "TALK.film.mp4", "--shot", "1", "--height", "90", "--draft"),
    "import": ("TALK", "TALK.otio"),
    "calibrate": ("FOLDER/chart",),
    "send": ("TALK", "--to", "shotcut"),
    "install": ("resolve",),
    "doctor": (),
}
USUAL = {"--unknown": 2, "send": 1}
"""Exit codes where nothing is wrong with the streams; the others are 0."""

FULL = "full"
CLOSED = "closed"
UNREAD = "unread"
"""A pipe whose reader is gone."""
STREAMS = {
    "stdout is full": (FULL, None),
    "stderr is full": (None, FULL),
    "both are full": (FULL, FULL),
    "stdout is closed": (CLOSED, None),
    "stderr is closed": (None, CLOSED),
    "both are closed": (CLOSED, CLOSED),
    "the reader of stdout is gone": (UNREAD, None),
    "the reader of stderr is gone": (None, UNREAD),
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


@contextmanager
def stream_of(state):
    """What a child gets as stdout or stderr."""
    if state is None:
        yield subprocess.PIPE
    elif state == UNREAD:
        reader, writer = os.pipe()
        os.close(reader)
        yield writer
        os.close(writer)
    else:
        with Path("/dev/full" if state == FULL else os.devnull).open("wb") as file:
            yield file


def run_with(command, out, err, environment):
    """Run a command with such streams; return the exit code, and what it says on those it has."""
    closed = [f"{number}>&-" for number, state in ((1, out), (2, err)) if state == CLOSED]
    shell = ("sh", "-c", f'exec "$@" {" ".join(closed)}', "sh")
    with stream_of(out) as stdout, stream_of(err) as stderr:
        run = subprocess.run(
            [*shell, *command], stdout=stdout, stderr=stderr, timeout=300, env=environment
        )
    return run.returncode, *((text or b"").decode().strip() for text in (run.stdout, run.stderr))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("verb", VERBS)
def test_a_stream_that_takes_nothing_is_no_traceback(verb, talk):
    film = str(talk.with_suffix(""))
    words = [w.replace("TALK", film).replace("FOLDER", str(talk.parent)) for w in VERBS[verb]]
    command = [*(SHORT_CHART if verb == "calibrate" else COMMAND), verb, *words]
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    if verb == "install":
        environment["HOME"] = str(talk.parent)
    usual, said, _ = run_with(command, None, None, environment)
    assert usual == USUAL.get(verb, 0)
    assert bool(said) == (usual == 0)
    cells = []
    for out, err in STREAMS.values():
        code, result, messages = run_with(command, out, err, environment)
        assert "Traceback" not in messages
        assert bool(result) == (usual == 0 and out is None)
        errors = [line for line in messages.splitlines() if line.startswith("error: ")]
        assert len(errors) <= 1
        cells.append(f"{code}, `{without_path(errors[0], talk)}`" if errors else str(code))
    TABLE.check(verb, *cells)


def test_the_table_of_streams_is_whole():
    TABLE.check_cases()
    page = " ".join(PAGE.read_text("utf-8").split())
    assert f"{len(VERBS) * len(STREAMS)} cases, 0 failures. Where the stream that fails" in page


@pytest.mark.skipif(os.name == "nt", reason="Windows has no descriptors of a shell")
@pytest.mark.parametrize("state", [CLOSED, UNREAD])
def test_messages_that_nobody_reads_do_not_end_the_work(state, talk):
    verb = ("batch", str(talk.parent))

    code, said, messages = run_with([*COMMAND, *verb], None, None, os.environ)
    assert code == 0
    assert len(messages.splitlines()) > 1
    code, as_well, _ = run_with([*COMMAND, *verb], None, state, os.environ)
    assert code == 0
    assert as_well.split("\t")[:2] == said.split("\t")[:2]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no descriptors of a shell")
@pytest.mark.parametrize("state", [None, CLOSED, UNREAD])
def test_an_interruption_has_its_exit_code_even_where_stderr_takes_nothing(state):
    interrupted = """
import os, signal, sys
from otio_speakerzoom.cli import main, run
def stop(argv):
    with run.raise_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
run.run = stop
sys.exit(main.main())"""

    code, _, said = run_with([sys.executable, "-c", interrupted], None, state, os.environ)

    assert code == 143
    assert said == ("" if state else "error: interrupted; finished stages are saved")


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
            # After our line by the signal, which shells report as 130 too: `python -m` does so
            # where an `exec` of a text was interrupted, such as that of a dataclass.
            is_ours = said == "error: interrupted; finished stages are saved\n"
            assert is_ours == said.startswith("error"), said
            assert not is_ours or process.returncode == -signal.SIGINT
        ends[process.returncode] = ends.get(process.returncode, 0) + 1
    assert ends.get(130), f"no signal reached our code: {ends}"
