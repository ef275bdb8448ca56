"""`send` to editors that open a file of ours: the right program gets the right file."""

import sys
import time

import pytest

from otio_speakerzoom.cli.main import main

pytest_plugins = ["talks"]


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Editors that note what they are started with, alone on the PATH, and a screen."""
    if sys.platform in ("win32", "darwin"):
        pytest.skip("programs are found in another way here")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("shotcut", "kdenlive"):
        program = folder / name
        program.write_text(
            "#!/bin/sh\n"
            f'echo "$QT_QPA_PLATFORM_PLUGIN_PATH,$QT_QPA_FONTDIR" > {tmp_path}/{name}.qt\n'
            f'echo "$@" > {tmp_path}/{name}.started\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DISPLAY", ":9")
    return folder


def started(path):
    """Return the arguments that a program noted, once it has."""
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_text().strip()


@pytest.mark.parametrize(("editor", "suffix"), [("shotcut", ".mlt"), ("kdenlive", ".kdenlive")])
def test_the_editor_opens_the_cut_beside_the_recording(
    editor, suffix, programs, talk, tmp_path, capsys
):
    occupied = talk.with_suffix(suffix)
    occupied.write_text("mine")

    assert main(["send", str(talk), "--to", editor]) == 0

    path = talk.with_name(f"talk-2{suffix}")
    assert capsys.readouterr().out == f"{path}\n"
    assert started(tmp_path / f"{editor}.started") == str(path)
    assert occupied.read_text() == "mine"
    assert main(["check", str(path)]) == 0


def test_the_editor_uses_its_own_qt_and_not_that_of_opencv(programs, talk, tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", "/env/site-packages/cv2/qt/plugins")
    monkeypatch.setenv("QT_QPA_FONTDIR", "/home/user/fonts")

    assert main(["send", str(talk), "--to", "shotcut"]) == 0

    started(tmp_path / "shotcut.started")
    assert (tmp_path / "shotcut.qt").read_text() == ",/home/user/fonts\n"


def test_an_editor_that_is_not_there_gets_no_file_and_the_advice_works(
    programs, talk, capsys, monkeypatch
):
    (programs / "shotcut").unlink()
    before = sorted(talk.parent.iterdir())

    assert main(["send", str(talk), "--to", "shotcut"]) == 1

    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "speakerzoom export talk.mp4 -o talk.mlt --for shotcut" in line
    assert sorted(talk.parent.iterdir()) == before
    monkeypatch.chdir(talk.parent)
    assert main(["export", "talk.mp4", "-o", "talk.mlt", "--for", "shotcut"]) == 0


def test_direct_is_for_resolve_only(capsys):
    with pytest.raises(SystemExit) as end:
        main(["send", "talk.mp4", "--to", "kdenlive", "--direct"])

    assert end.value.code == 2
    assert "--direct: only Resolve" in capsys.readouterr().err
