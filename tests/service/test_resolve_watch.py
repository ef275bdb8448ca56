"""The service opens the recordings that the script inside Resolve hands over."""

import time
from pathlib import Path

import pytest

from otio_speakerzoom import pipeline
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.plugins.mailbox import HAND_OVER, mailbox_folder
from otio_speakerzoom.plugins.messages import Message
from otio_speakerzoom.service import resolve_watch


def message(kind, **fields):
    return Message(kind, "1", int(time.time()), tuple(fields.items()))


def test_each_recording_that_is_handed_over_is_opened_and_a_fault_stops_none(caplog):
    opened = []

    def show(job):
        if job.source.name == "gone.mov":
            raise MediaError(f"{job.source}: no such file")
        opened.append(job.source)

    clips = Message("clips", "1", 1, (("path", "/f/gone.mov"), ("path", "/f/talk.mov")))
    resolve_watch.take(clips, show)

    assert opened == [Path("/f/talk.mov")]
    assert "gone.mov: no such file" in caplog.text


@pytest.mark.parametrize("path", ["/" + "a" * 3000, "/a\0b", "/none/" + "b" * 300 + ".mov"])
def test_a_path_that_no_file_can_have_is_said_and_the_watch_goes_on(path, caplog):
    resolve_watch.take(message("clips", path=path), pipeline.open_source)

    assert path[:100] in caplog.text


@pytest.mark.parametrize(
    ("odd", "line"),
    [
        (message("nothing", reason="select a clip"), "select a clip"),
        (message("timeline", path="/out/a.otio", media="/f/talk.mov"), "import /f/talk.mov"),
    ],
)
def test_what_is_no_recording_is_said_and_opens_nothing(odd, line, caplog):
    caplog.set_level("INFO")

    resolve_watch.take(odd, lambda job: pytest.fail("opened"))

    assert line in caplog.text


def test_only_what_is_handed_over_after_the_start_is_opened(tmp_path, monkeypatch):
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(resolve_watch, "POLL_S", 0.05)
    folder = mailbox_folder()
    folder.mkdir(parents=True, exist_ok=True)
    opened, ending = [], []

    def write(path, seconds):
        text = f"SPEAKERZOOM1:clips:1:{seconds:.0f}:path={path.encode().hex()}:END"
        (folder / HAND_OVER).write_text(text)

    write("/f/old.mov", time.time() - 5)
    thread = resolve_watch.watch_resolve(lambda job: opened.append(job.source.name), lambda: ending)
    time.sleep(0.3)
    write("/f/new.mov", time.time() + 1)
    deadline = time.monotonic() + 10
    while not opened and time.monotonic() < deadline:
        time.sleep(0.02)
    ending.append(True)
    thread.join(5)

    assert opened == ["new.mov"]
    assert not thread.is_alive()
