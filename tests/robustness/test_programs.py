"""Programs that we run hang, print garbage, end early or cannot run: one line, in time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tables import Table

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.interchange import lint_dtd
from otio_speakerzoom.plugins import premiere_install, resolve_direct, resolve_send
from otio_speakerzoom.service import openers
from otio_speakerzoom.source import limited_run
from otio_speakerzoom.weights import wheels

PACKAGE = Path(limited_run.__file__).parents[1]
LIMIT_S, GENEROUS_S = 1, 60
"""For a program that hangs, and for one that ends by itself, on a busy machine too."""

FAULTS = {
    "hangs": '#!/bin/sh\nsleep 300 & echo $! >> "$PIDS"; echo $$ >> "$PIDS"; trap "" TERM; wait\n',
    "prints megabytes of garbage": "#!/bin/sh\nhead -c 9000000 /dev/urandom; exit 3\n",
    "ends early": "#!/bin/sh\nexit 3\n",
    "is killed": "#!/bin/sh\nkill -9 $$\n",
    "is of another machine": "\x7fELF\x02\x01\x01" + "\0" * 9 + "\x02\0\x3e\x7f" + "\0" * 44,
    "may not be executed": "#!/bin/sh\nexit 0\n",
    "is missing": None,
}
RUNNERS = ("pip", "xmllint", "Adobe's installer", "fuscript")
LIMITS = {
    "pip": wheels.MAX_PIP_S, "xmllint": lint_dtd.MAX_TOOL_S,
    "Adobe's installer": premiere_install.MAX_AGENT_S, "fuscript": int(resolve_send.MAX_AGE_S),
}  # fmt: skip


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a faulty program in the place of one that we run."""
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))

    def make(fault):
        path, text = tmp_path / "program", FAULTS[fault]
        if text is not None:
            path.write_text(text, encoding="latin-1")
            path.chmod(0o644 if fault == "may not be executed" else 0o755)
        return path

    return make


def limit_s(path):
    hangs = path.exists() and path.read_text("latin-1") == FAULTS["hangs"]
    return LIMIT_S if hangs else GENEROUS_S


def run_pip(path, monkeypatch, tmp_path):
    monkeypatch.setattr(wheels, "MAX_PIP_S", limit_s(path))
    monkeypatch.setattr(sys, "executable", str(path))
    wheels.download_wheel("name==1.0", tmp_path)


def run_xmllint(path, monkeypatch, tmp_path):
    monkeypatch.setattr(lint_dtd, "MAX_TOOL_S", limit_s(path))
    monkeypatch.setitem(sys.modules, "lxml", None)
    monkeypatch.setattr(lint_dtd, "find_program", lambda name: path)
    dtd = tmp_path / "talk.dtd"
    dtd.write_text("<!ELEMENT fcpxml ANY>")
    problems, _ = lint_dtd.validate('<fcpxml version="1.10"/>', dtd)
    raise SpeakerZoomError(problems[-1])


def run_agent(path, monkeypatch, tmp_path):
    monkeypatch.setattr(premiere_install, "MAX_AGENT_S", limit_s(path))
    monkeypatch.setattr(premiere_install, "agent_path", lambda: path)
    outcome = premiere_install.install(tmp_path / "panel")
    assert outcome.path.exists()
    raise SpeakerZoomError(outcome.todo)


def run_fuscript(path, monkeypatch, tmp_path):
    monkeypatch.setattr(resolve_direct, "MAX_END_S", LIMIT_S)
    monkeypatch.setenv(resolve_direct.VARIABLE, str(path))
    monkeypatch.setattr(resolve_direct, "PLACES", {sys.platform: str(path)})
    monkeypatch.setattr(resolve_direct, "find_program", lambda name: None)
    with resolve_direct.run_directly(tmp_path) as run:
        resolve_send._wait("request", tmp_path, print, limit_s(path), run)


RUN = dict(zip(RUNNERS, (run_pip, run_xmllint, run_agent, run_fuscript), strict=True))
PROGRAMS = Table("programs", ("program", "limit", *FAULTS), RUNNERS)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def all_end(pids):
    """Return whether killed processes are gone soon; they may need a moment."""
    end = time.monotonic() + 10
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(is_running, pids))


@pytest.mark.parametrize("name", RUNNERS)
def test_a_faulty_program_is_one_line_and_is_ended_with_its_children(
    name, program, monkeypatch, tmp_path
):
    outcomes = []
    for fault in FAULTS:
        path = program(fault)
        with monkeypatch.context() as patched:
            begin = time.monotonic()
            with pytest.raises(SpeakerZoomError) as caught:
                RUN[name](path, patched, tmp_path)
            assert time.monotonic() - begin < 60
        message = str(caught.value)
        assert message.isprintable() or fault.startswith("prints")
        assert len(message) < 500 or fault.startswith("prints")
        outcomes.append(outcome_of(message, fault))
        path.unlink(missing_ok=True)
        if fault == "hangs":
            pids = (tmp_path / "pids").read_text().split()
            assert len(pids) == 2, "it did not run"
            assert all_end(pids)
    PROGRAMS.check(name, f"{LIMITS[name]} s", *outcomes)


def outcome_of(message, fault):
    """Return the outcome as the page names it: what is said, or that the last line is shown."""
    told = {
        "hangs": ("did not end within", "nobody ran the script"),
        "prints megabytes of garbage": ("",),
        "ends early": ("3", "pip failed"),
        "is killed": ("9", "pip failed"),
        "is of another machine": ("Exec format error",),
        "may not be executed": ("Permission denied",),
        "is missing": ("No such file", "is not there", "not found"),
    }[fault]
    assert any(text in message for text in told), message
    return "ended, one line" if fault == "hangs" else "one line"


STARTS = ("import subprocess", "os.system", "run_program(", "start_program(")
"""What a module has that starts a program."""


def test_every_program_that_we_run_is_in_the_table():
    """Only these modules start programs; films are read and written in our own process."""
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for text in [path.read_text("utf-8")]
        if any(word in text for word in STARTS)
    }
    assert users == {
        "interchange/lint_dtd.py", "plugins/premiere_install.py", "plugins/resolve_direct.py",
        "service/openers.py", "source/limited_run.py", "source/programs.py", "weights/wheels.py",
    }  # fmt: skip
    PROGRAMS.check_cases()


def test_an_editor_that_cannot_be_started_is_one_line(program, monkeypatch):
    monkeypatch.setattr(openers, "has_screen", lambda: True)
    for fault in ("is of another machine", "may not be executed"):
        path = program(fault)
        monkeypatch.setattr(openers, "find_program", lambda name, path=path: path)
        with pytest.raises(SpeakerZoomError, match=r"cannot be started \(.*\); open .* yourself"):
            openers.open_file(Path("talk.mlt"), "shotcut")


def test_an_exception_ends_the_program_with_its_children(program, tmp_path, monkeypatch):
    """As Ctrl-C does."""
    path = program("hangs")

    def stop(process, max_s):
        while not (tmp_path / "pids").exists() or len((tmp_path / "pids").read_text().split()) < 2:
            time.sleep(0.01)
        raise KeyboardInterrupt

    wait = subprocess.Popen.wait
    monkeypatch.setattr(
        subprocess.Popen, "wait",
        lambda self, timeout=None: stop(self, timeout) if timeout else wait(self),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        limited_run.run_program([str(path)], 60)
    assert all_end((tmp_path / "pids").read_text().split())


def test_a_program_that_leaves_a_child_with_its_output_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\necho done\nsleep 300 & echo $! > "$PIDS"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    monkeypatch.setattr(limited_run, "MAX_END_S", 0.2)
    begin = time.monotonic()

    assert limited_run.run_program([str(path)], 60) == (0, "done\n")
    assert time.monotonic() - begin < 60
    os.kill(int((tmp_path / "pids").read_text()), 9)
