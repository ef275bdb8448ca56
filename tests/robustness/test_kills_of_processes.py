"""Signals to the command as the system starts it: while Python starts, with processes of its own,
and while it serves the page or waits for an editor."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench import TALK, is_temporary, is_unfinished
from fault_checks import SIGNALS
from tables import Table
from warm import left_of

pytest_plugins = ["bench_folder"]

ROOT = Path(__file__).parents[2]
WRAPPER = """
import os, signal, sys
at, number, seen = int(sys.argv[1]), int(sys.argv[2]), 0
def hook(event, arguments):
    global seen
    if event == "import":
        seen += 1
        if seen == at:
            os.kill(os.getpid(), number)
sys.argv = ["speakerzoom", *sys.argv[3:]]
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(hook)
import runpy
runpy.run_module("otio_speakerzoom", run_name="__main__", alter_sys=True)
"""
"""Sends itself a signal at an import, by its number."""
IMPORTS = (20, 60, 120, 240, 360, 480)
"""Of some 700 that an export needs; before these Python itself starts."""
RUNS = Table(
    "kills of processes", ("what runs", *SIGNALS, "failed"),
    ("export, while its modules load", "analyze in two processes", "batch of two recordings",
     "review", "send, waiting for Resolve"),
)  # fmt: skip


def environment(bench):
    return {**os.environ, **bench.environment, "PYTHONPATH": str(ROOT), "SPEAKERZOOM_MAILBOX":
            str(bench.home / "mailbox")}  # fmt: skip


def start(bench, words, *before):
    """Start the command in a session of its own, with the default action for each signal."""
    command = [sys.executable, *(before or ("-m", "otio_speakerzoom"))]
    names = {name: str(getattr(bench, name)) for name in ("source", "work", "out", "case")}
    return subprocess.Popen(
        [*command, *(word.format(**names) for word in words)], env=environment(bench), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=restore_signals,
    )  # fmt: skip


def exit_code(process):
    process.communicate(timeout=300)
    return process.returncode


def restore_signals():
    for name in SIGNALS[:3]:
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def faults_of_end(process, number, *, is_handled=True):
    """Return what is wrong with how a process ended, and with what it says; wait for it."""
    output, errors = process.communicate(timeout=120)
    wrong = ["a traceback"] if "Traceback" in errors else []
    codes = {-number} if number == signal.SIGKILL else {128 + number}
    if not is_handled:  # a signal that comes before the command has begun ends Python by itself
        codes.add(-number)
    if process.returncode not in codes:
        wrong.append(f"exit code {process.returncode}: {errors[-300:]}{output[-100:]}")
    errors = [line for line in errors.splitlines() if line.startswith("error: ")]
    wrong += [f"says {errors}"] if len(errors) > 1 else []
    return wrong + [f"process {name} is left" for name in left_of(process.pid)]


def wait_until(condition):
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@pytest.mark.slow
def test_a_signal_while_modules_load(bench):
    export = ("export", *TALK, "-o", "{out}/talk.mlt")
    wrong, before = [], bench.begin("edited")
    assert exit_code(start(bench, export)) == 0
    whole = bench.files()
    for name in SIGNALS:
        number = getattr(signal, name)
        for at in IMPORTS:
            bench.begin("edited")
            words = ("-c", WRAPPER, str(at), str(int(number)))
            process = start(bench, export, *words)
            ends = faults_of_end(process, number, is_handled=False)
            ends += [] if bench.files() in (before, whole) else ["half a file"]
            wrong += [f"{name} at import {at}: {text}" for text in ends]
    assert not wrong, "\n".join(wrong)
    RUNS.check("export, while its modules load", *[len(IMPORTS)] * len(SIGNALS), len(wrong))


JOURNAL = "work/*/unfinished/detections.journal"
MAX_TRIES = 10


def signalled(bench, words, number, glob, other):
    """Start the command, and send a signal once there is a file; again where it was faster."""
    for _ in range(MAX_TRIES):
        bench.begin("new")
        (bench.case / "other.mp4").write_bytes(other)
        process = start(bench, words)
        wait_until(lambda p=process: list(bench.case.glob(glob)) or p.poll() is not None)
        if process.poll() is None:
            process.send_signal(number)
            if process.wait(120):
                return process
        process.communicate()
    raise AssertionError("the command is always faster")


MOTION = ("--scorer", "motion", "--detector", "blazeface")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("analyze in two processes", ("analyze", *TALK, *MOTION, "-j", "2")),
        ("batch of two recordings",
         ("batch", "{source}", "{case}/other.mp4", "--work", "{work}", "-o", "{out}/cuts", "-j",
          "2", *MOTION)),
    ],
)  # fmt: skip
def test_a_signal_ends_all_processes(bench, detector, case, words):
    """At their start, while they work, and near the end."""
    wrong = []
    bench.begin("new")
    (bench.case / "other.mp4").write_bytes(bench.source.read_bytes() + bytes(1000))
    assert exit_code(start(bench, words)) == 0
    whole = bench.files()
    for name, glob in zip(
        SIGNALS, ("work/*/.lock", JOURNAL, "work/*/media.json", JOURNAL), strict=True
    ):
        number = getattr(signal, name)
        process = signalled(bench, words, number, glob, whole["other.mp4"])
        ends = faults_of_end(process, number)
        for file, content in bench.files().items():
            if is_temporary(file):
                ends += [] if number == signal.SIGKILL else [f"{file} is left"]
            elif not is_unfinished(file) and content != whole.get(file):
                ends.append(f"{file} is half written")
        code = exit_code(start(bench, words))
        if code or bench.files() != whole:
            ends.append(f"the next run ends with {code} and other files")
        wrong += [f"{name} at {glob}: {text}" for text in ends]
    assert not wrong, "\n".join(wrong)
    RUNS.check(case, *[1] * len(SIGNALS), len(wrong))


@pytest.fixture
def detector(bench, monkeypatch):
    from otio_speakerzoom.errors import WeightsError
    from otio_speakerzoom.weights import fetch

    try:
        path = fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    monkeypatch.setitem(bench.environment, "SPEAKERZOOM_WEIGHTS", str(path.parent))


@pytest.mark.slow
def test_a_signal_ends_the_service(bench):
    wrong = []
    before = bench.begin("edited")
    for name in SIGNALS:
        number = getattr(signal, name)
        for _ in range(2):  # the second starts where the first was killed
            process = start(bench, ("review", *TALK, "--no-browser"))
            assert process.stdout.readline().startswith("http://127.0.0.1:")
            record = bench.home / "speakerzoom" / "service.json"
            assert json.loads(record.read_text())["pid"] == process.pid
            process.send_signal(number)
            ends = faults_of_end(process, number)
            if number != signal.SIGKILL:
                record_is_left = record.exists()
                ends += ["service.json is left"] if record_is_left else []
                files = bench.files()
                ends += [f"{file} has changed" for file in before if before[file] != files[file]]
            wrong += [f"{name}: {text}" for text in ends]
    assert not wrong, "\n".join(wrong)
    RUNS.check("review", *[2] * len(SIGNALS), len(wrong))


@pytest.mark.slow
def test_a_signal_ends_the_wait_for_resolve(bench):
    wrong, mailbox = [], bench.home / "mailbox"
    bench.begin("edited")
    for name in SIGNALS:
        number = getattr(signal, name)
        for _ in range(2):
            process = start(bench, ("send", *TALK, "--to", "resolve"))
            wait_until(lambda p=process: (mailbox / "recipe.lua").exists() or p.poll())
            process.send_signal(number)
            ends = faults_of_end(process, number)
            left = {path.name for path in mailbox.iterdir()} - {"outbox", ".lock", "log.txt"}
            if number != signal.SIGKILL and left:
                ends.append(f"{left} is left")
            wrong += [f"{name}: {text}" for text in ends]
            (mailbox / "recipe.lua").unlink(missing_ok=True)
    assert not wrong, "\n".join(wrong)
    RUNS.check("send, waiting for Resolve", *[2] * len(SIGNALS), len(wrong))


def test_the_table_has_every_run():
    RUNS.check_cases()
