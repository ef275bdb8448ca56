"""What is said where a file in the folder of results is not what we wrote there."""

import json
import os
import shutil

import generated_store
import pytest
from robustness.tables import Table

from otio_speakerzoom import pipeline
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.store import bounded

DOCUMENTS = ("locks.json", "people.json", "options.json", "cutlist.json")
ARRAYS = ("detections.npz", "tracks.npz", "scores.npz", "voice.npz", "panels.npz")


@pytest.fixture(scope="module")
def cut_talk(make_clip, tmp_path_factory):
    """Eighteen seconds of two people with a generated analysis, cut; not to be changed."""
    folder = tmp_path_factory.mktemp("talk")
    film = shutil.copy(make_clip("talk.mp4", seconds=18, size="640x360"), folder / "talk.mp4")
    generated_store.generate_analysis(film, 2)
    pipeline.cut(Job(film))
    return film


@pytest.fixture
def talk(cut_talk, tmp_path):
    """A copy of the talk, to be damaged; its folder of results."""
    shutil.copytree(cut_talk.parent, tmp_path / "talk")
    folder = tmp_path / "talk" / "talk.mp4.speakerzoom"
    write_locks(folder / "locks.json", LOCK)
    return folder


def run(folder, capsys, *words):
    """Run a verb on the talk; return its exit code, and what it says without the path."""
    before = content(folder)
    code = main([words[0], str(folder.with_suffix("")), "-q", *words[1:]])
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert "\n" not in said
    assert code == (1 if said else 0)
    if code:
        assert content(folder) == before, "a refused file was changed"
    return said.removeprefix("error: ").replace(f"{folder}{os.sep}", "").replace(
        f"{folder.parent}{os.sep}", ""
    )  # fmt: skip


def content(folder):
    """The bytes of all regular files of a folder."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**25
    }


# --- any JSON -------------------------------------------------------------------------------------

LOCK = {"start": 50, "end": 100, "show": 1}


def write_locks(path, *locks):
    header = {"schema": "speakerzoom.locks/2", "input_digest": "", "content_digest": ""}
    path.write_text(json.dumps({**header, "locks": locks}))


def replaced(path, text):
    """Put a text in the place of the last value of a document."""
    document = path.read_text()
    path.write_text(document.rstrip()[:-1] + f', "more": {text}}}')


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def link(path, target):
    path.unlink()
    path.symlink_to(target)


def folder_in_place(path):
    path.unlink()
    path.mkdir()


def longer(path, size):
    """Fill a file up with spaces, which change nothing in JSON."""
    text = path.read_bytes()
    path.write_bytes(text + b" " * (size - len(text)))


ANY_JSON = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off after its first line": lambda path: path.write_text("{\n"),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    "UTF-16": lambda path: path.write_text(path.read_text(), encoding="utf-16"),
    "with a byte order mark": lambda path: path.write_text(path.read_text(), encoding="utf-8-sig"),
    "a list": lambda path: path.write_text("[]"),
    "of another kind": lambda path: path.write_text('{"schema": "speakerzoom.voice/2"}'),
    "from a newer version": lambda path: path.write_text(
        path.read_text().replace("/2", "/3", 1)
    ),
    "nested 1,000 deep": lambda path: replaced(path, "[" * 1000 + "]" * 1000),
    "nested 1,000,000 deep": lambda path: replaced(path, "[" * 10**6),
    "with a number of 5,000 digits": lambda path: replaced(path, "7" * 5000),
    "with a name twice": lambda path: replaced(path, '1, "more": 2'),
    "with NaN where nobody reads": lambda path: replaced(path, "NaN"),
    "a folder": folder_in_place,
    "a pipe that nobody writes to": pipe,
    "a link to itself": lambda path: link(path, path.name),
    "a link to /dev/zero": lambda path: link(path, "/dev/zero"),
    "as large as it may be": lambda path: longer(path, bounded.MAX_DOCUMENT_BYTES),
    "a byte larger than it may be": lambda path: longer(path, bounded.MAX_DOCUMENT_BYTES + 1),
}  # fmt: skip
"""What is in the place of a document -> how to put it there."""

ANY_DOCUMENT = Table("documents", (f"{len(DOCUMENTS)} files, each", "What is said"), list(ANY_JSON))


every_fault = pytest.mark.parametrize("fault", ANY_JSON)


@every_fault
def test_a_damaged_document_is_refused_in_one_line(fault, talk, capsys):
    name = DOCUMENTS[list(ANY_JSON).index(fault) % len(DOCUMENTS)]
    check_damage(fault, talk / name, capsys)


@pytest.mark.slow
@every_fault
@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_damaged_document_is_refused_in_one_line(name, fault, talk, capsys):
    check_damage(fault, talk / name, capsys)


def check_damage(fault, path, capsys):
    ANY_JSON[fault](path)

    line = run(path.parent, capsys, "export", "-o", "-")

    line = line.replace(path.name, "FILE").replace(path.stem, "KIND")
    ANY_DOCUMENT.check(fault, f"`{line}`" if line else "right")


def test_the_table_of_documents_is_whole():
    ANY_DOCUMENT.check_cases()
