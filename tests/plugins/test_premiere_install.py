"""Installing the panel for Premiere, removing it, and what the command line says of both."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from panel import PANEL

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.plugins import premiere_install
from otio_speakerzoom.plugins.premiere_install import NAME, package, package_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine of its own, where Premiere does not run."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(premiere_install, "agent_path", lambda: None)
    return tmp_path / "home"


@pytest.fixture
def agent(home, monkeypatch, tmp_path):
    """Adobe's installer, which writes what it was asked and ends as a test says."""

    def make(code=0, text=""):
        path = tmp_path / "agent"
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\necho "{text}"\nexit {code}\n')
        path.chmod(0o755)
        monkeypatch.setattr(premiere_install, "agent_path", lambda: path)
        return tmp_path / "calls"

    return make


def files(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_package_has_the_panel_and_our_version_and_is_always_the_same():
    content = files(package())

    assert set(content) == {path.name for path in PANEL.iterdir()}
    assert json.loads(content["manifest.json"])["version"].count(".") == 2
    assert json.loads(content["manifest.json"])["version"] != "0.0.0"
    assert content["flow.js"] == (PANEL / "flow.js").read_bytes()
    assert package() == package()


def test_where_nobody_can_install_it_the_user_learns_what_to_do(home, capsys):
    assert main(["install", "premiere"]) == 0

    path = package_folder(home=home, platform="linux") / NAME
    output = capsys.readouterr()
    assert output.out == f"{path}\n"
    assert "Premiere runs on macOS and Windows only" in " ".join(output.err.split())
    assert str(home.parent / "speakerzoom") in "".join(output.err.split("\n"))
    assert path.read_bytes() == package()


def test_adobes_installer_takes_the_package_and_removes_the_panel(home, agent, capsys):
    calls = agent()

    assert main(["install", "premiere"]) == 0
    path = package_folder() / NAME
    assert "open the file" not in capsys.readouterr().err
    assert main(["uninstall", "premiere"]) == 0
    assert calls.read_text() == f"--install {path}\n--remove SpeakerZoom\n"
    assert not path.exists()


def test_what_adobes_installer_says_is_shown(home, agent, capsys):
    agent(1, "Error -175")

    assert main(["install", "premiere"]) == 0
    assert "Error -175" in capsys.readouterr().err


def test_a_dry_run_writes_and_removes_nothing(home, agent, capsys):
    calls = agent()
    assert main(["install", "premiere", "--dry-run"]) == 0
    path = package_folder() / NAME

    assert capsys.readouterr().out == f"{path}\n"
    assert not path.parent.exists()
    main(["install", "premiere"])
    assert main(["uninstall", "premiere", "--dry-run"]) == 0
    assert path.exists()
    assert "--remove" not in calls.read_text()


@pytest.mark.parametrize("content", [b"mine", b"PK\5\6" + bytes(18)])
def test_a_file_of_somebody_else_stays(home, capsys, content):
    path = package_folder() / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    assert main(["install", "premiere"]) == 1
    assert main(["uninstall", "premiere"]) == 1
    assert path.read_bytes() == content
    assert "not of speakerzoom" in capsys.readouterr().err


def test_an_old_package_is_replaced_and_named(home):
    path = package_folder() / NAME
    main(["install", "premiere"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"id": "otio-speakerzoom.premiere"}')

    assert "of another version" in premiere_install.describe()
    main(["install", "premiere"])
    assert f"{path}: current" in premiere_install.describe()
    main(["uninstall", "premiere"])
    assert "no panel" in premiere_install.describe()


def test_removing_what_is_not_there_says_so(home, capsys):
    assert main(["uninstall", "premiere"]) == 1
    assert "not installed" in capsys.readouterr().err


def test_for_all_users_is_refused(home, capsys):
    assert main(["install", "premiere", "--all-users"]) == 1
    assert "Creative Cloud decides" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(home):
    home.mkdir()
    (home / "file").write_text("not a folder")

    with pytest.raises(StoreError, match="check the permissions"):
        premiere_install.install(home / "file")


@pytest.mark.parametrize(
    ("platform", "place"),
    [("darwin", "Library/Application Support/SpeakerZoom/premiere"),
     ("win32", "AppData/Local/SpeakerZoom/premiere"),
     ("linux", ".local/share/speakerzoom/premiere")],
)  # fmt: skip
def test_each_system_has_its_folder(platform, place):
    assert package_folder({}, Path("/home/me"), platform) == Path("/home/me") / place


def test_adobes_installer_is_where_adobe_says():
    agent_path = premiere_install.agent_path

    assert agent_path({}, "linux") is None
    mac = agent_path({}, "darwin")
    assert mac.parts[-3:] == ("Contents", "MacOS", "UnifiedPluginInstallerAgent")
    windows = agent_path({"CommonProgramFiles": "D:/Common"}, "win32")
    assert windows.as_posix().startswith("D:/Common/Adobe/Adobe Desktop Common/RemoteComponents/")
