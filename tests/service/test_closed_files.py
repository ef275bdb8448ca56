"""No verb has a file open while it gives it its name: Windows renames and replaces no open file."""

from pathlib import Path

import pytest

from otio_speakerzoom.cli.main import main

pytest_plugins = ["talks"]
pytestmark = pytest.mark.slow
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def renamed(monkeypatch):
    """Names of the files that took their name; fails where one of them was open."""
    if not OPEN_FILES.is_dir():
        pytest.skip("only Linux lists the open files of a process")
    names, replace = [], Path.replace

    def check(self, target):
        for number in OPEN_FILES.iterdir():
            if number.exists():  # all but that of the listing itself
                assert number.resolve() not in (self.resolve(), Path(target).resolve()), target
        names.append(Path(target).name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", check)
    return names


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["cut", "TALK", "-o", "talk.xml", "--style", "calm"], {"talk.xml", "cutlist.json"}),
        (["render", "TALK", "-o", "film.mp4", "--shot", "1", "--draft"], {"film.mp4"}),
        (["inspect", "TALK", "--csv", "faces.csv"], {"faces.csv"}),
        (["inspect", "TALK", "--sheet", "people.png"], {"people.png"}),
        (["inspect", "TALK", "--overlay", "seen.mkv"], {"seen.mkv"}),
        (["inspect", "TALK", "--report", "cut.html"], {"cut.html"}),
        (["calibrate", "chart"], {"README.txt"}),
    ],
)
def test_a_file_is_closed_when_it_takes_its_name(words, names, talk, renamed, monkeypatch):
    monkeypatch.chdir(talk.parent)

    assert main([str(talk) if word == "TALK" else word for word in words]) == 0
    assert names <= set(renamed)
