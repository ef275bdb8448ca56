"""What an error that is our own bug leaves behind: one line, and a log in the folder of results."""

import asyncio
import os
import subprocess
import sys
import tempfile

import pytest
from service_client import AppClient
from tables import Table
from talk_folder import copy_of, without_path

from otio_speakerzoom.cli import batch_worker, error_lines, verbs
from otio_speakerzoom.cli.batch_worker import Outcome
from otio_speakerzoom.cli.error_lines import MAX_LOGS, error_line
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.parser import parse
from otio_speakerzoom.pipeline import segment_processes
from otio_speakerzoom.service import job_process
from otio_speakerzoom.service.tasks import Task

pytest_plugins = ["talks"]

BUGS = Table(
    "bugs",
    ("where", "what is said, and the file with the traceback"),
    (
        "in a verb",
        "in a verb, where error-1.log is another file",
        "in a verb, with as many logs as there may be",
        "in a verb, before there is a folder of results",
        "in a recording of a batch",
        "in a segment of a recording, in a process of its own",
        "in a job of the service",
        "in an answer of the service",
        "in a thread",
        "in a destructor",
        "when the program ends",
        "in a callback of an event loop",
    ),
)


@pytest.fixture
def talk(cut_talk, tmp_path):
    """The folder of results of a copy of the talk."""
    return copy_of(cut_talk, tmp_path)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


class Pipe:
    """An end of a pipe to another process, from which these values come."""

    def __init__(self, *values):
        self.values, self.sent = list(values), []

    def recv(self):
        if not self.values:
            raise EOFError
        return self.values.pop(0)

    def send(self, value):
        self.sent.append(value)


def fail(*_, **__):
    raise ZeroDivisionError("stands for any bug")


def fail_in_a_verb(folder, capsys, monkeypatch):
    """Run a verb that has a bug; return what it says."""
    monkeypatch.setitem(verbs.VERBS, "inspect", fail)
    assert main(["inspect", str(folder.with_suffix(""))]) == 1
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return without_path(said.removeprefix("error: "), folder)


def assert_log(path):
    text = path.read_text()
    assert "Traceback (most recent call last)" in text
    assert "ZeroDivisionError: stands for any bug" in text


def test_a_bug_in_a_verb_leaves_a_log_in_the_folder_of_results(talk, capsys, monkeypatch):
    BUGS.check("in a verb", f"`{fail_in_a_verb(talk, capsys, monkeypatch)}`")
    assert_log(talk / "error-1.log")


def test_a_log_replaces_no_other_file(talk, capsys, monkeypatch):
    (talk / "error-1.log").write_text("mine")

    line = fail_in_a_verb(talk, capsys, monkeypatch)

    BUGS.check("in a verb, where error-1.log is another file", f"`{line}`")
    assert (talk / "error-1.log").read_text() == "mine"
    assert_log(talk / "error-2.log")


def test_logs_do_not_fill_the_folder_of_results(talk, temporary, capsys, monkeypatch):
    for n in range(1, MAX_LOGS + 1):
        (talk / f"error-{n}.log").write_text("mine")

    line = fail_in_a_verb(talk, capsys, monkeypatch)

    (log,) = temporary.iterdir()
    BUGS.check(
        "in a verb, with as many logs as there may be", f"`{line.replace(str(log), 'LOG')}`, "
        "in the system's folder for temporary files",
    )  # fmt: skip
    assert_log(log)
    assert len(list(talk.glob("error-*.log"))) == MAX_LOGS


def test_without_a_folder_of_results_the_log_is_a_temporary_file(
    talk, temporary, capsys, monkeypatch
):
    talk.rename(talk.with_name("elsewhere"))

    line = fail_in_a_verb(talk, capsys, monkeypatch)

    (log,) = temporary.iterdir()
    BUGS.check(
        "in a verb, before there is a folder of results", f"`{line.replace(str(log), 'LOG')}`, "
        "in the system's folder for temporary files",
    )  # fmt: skip
    assert_log(log)
    assert log.stat().st_mode & 0o077 == 0 or os.name == "nt"
    assert not talk.exists()


def test_a_bug_in_a_recording_of_a_batch_is_its_outcome(talk, monkeypatch):
    monkeypatch.setattr(batch_worker, "_run", fail)
    request = parse(["analyze", str(talk.with_suffix(""))])
    events = []

    batch_worker.run_request(request, events.append)

    assert isinstance(events[-1], Outcome)
    BUGS.check("in a recording of a batch", f"`{without_path(events[-1].detail, talk)}`")
    assert_log(talk / "error-1.log")


def test_a_bug_in_another_process_brings_its_traceback_along(talk, monkeypatch):
    monkeypatch.setattr(segment_processes, "analyze_segment", fail)
    pipe = Pipe("task")
    with pytest.raises(EOFError):
        segment_processes._serve(pipe, None)

    (error,) = pipe.sent
    line = error_line(error, lambda: talk)
    BUGS.check(
        "in a segment of a recording, in a process of its own", f"`{without_path(line, talk)}`"
    )
    assert_log(talk / "error-1.log")


def test_a_bug_in_a_job_of_the_service_is_its_error(talk, monkeypatch):
    monkeypatch.setattr("otio_speakerzoom.service.tasks.run_task", fail)
    for name in ("setsid", "dup2"):
        monkeypatch.setattr(job_process.os, name, lambda *_: None)
    monkeypatch.setattr(job_process.signal, "signal", lambda *_: None)

    monkeypatch.setattr(job_process, "_end_with_service", lambda connection: None)
    pipe = Pipe()
    job_process.run_job(Task("analyse", talk.with_suffix("")), pipe, error_line)

    kind, line = pipe.sent[-1]
    assert kind == "failed"
    BUGS.check("in a job of the service", f"`{without_path(line, talk)}`")
    assert_log(talk / "error-1.log")


def test_a_bug_in_an_answer_tells_the_page_no_path(talk, caplog, monkeypatch):
    with asyncio.Runner() as runner:
        client = AppClient(runner, talk.with_suffix(""))
        client.app._app.state.error_line = error_line
        monkeypatch.setattr(type(client.source), "state", fail, raising=False)
        monkeypatch.setattr(type(client.source), "cut_state", fail)
        with pytest.raises(ZeroDivisionError):  # which the server logs, and we silence
            client.send("GET", f"{client.base}api/state", [*client.headers().items()])

    line = without_path(caplog.records[-1].getMessage(), talk)
    BUGS.check("in an answer of the service", f"500 without a path; to who started it: `{line}`")
    assert_log(talk / "error-1.log")


OUTSIDE = {
    "in a thread": "threading.Thread(target=fail).start()",
    "in a destructor": "type('Bug', (), {'__del__': fail})()",
    "when the program ends": "atexit.register(fail)",
    "in a callback of an event loop": "asyncio.run(call_soon())",
}
"""What no caller of ours can catch -> how it comes about."""

PROGRAM = """
import asyncio, atexit, sys, threading
from otio_speakerzoom.cli import verbs
from otio_speakerzoom.cli.main import main

def fail(*_):
    raise ZeroDivisionError("stands for any bug")

async def call_soon():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

def verb(request, console):
    {statement}

verbs.VERBS["inspect"] = verb
sys.exit(main())
"""


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_bug_that_nobody_can_catch_is_one_line_too(case, talk):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{statement}", OUTSIDE[case]), "inspect",
         str(talk.with_suffix(""))],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    said = run.stderr.strip()
    assert "\n" not in said
    BUGS.check(case, f"`{without_path(said.removeprefix('error: '), talk)}`")
    assert_log(talk / "error-1.log")


def test_the_table_of_bugs_is_whole():
    BUGS.check_cases()
    assert len(BUGS.cases) == 12
    assert error_lines.MAX_LOGS == 20
