"""What is said where a file in the folder of results is not what we wrote there."""

import json
import os

import pytest
from tables import Table
from talk_folder import copy_of, run

from otio_speakerzoom.store import bounded

DOCUMENTS = ("locks.json", "people.json", "options.json", "cutlist.json")


pytest_plugins = ["talks"]


@pytest.fixture
def talk(cut_talk, tmp_path):
    """The folder of results of a copy of the talk, with a lock in it."""
    folder = copy_of(cut_talk, tmp_path)
    write_locks(folder / "locks.json", LOCK)
    return folder


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

    # errors alone: that an edited cut makes locks.json count for nothing is only a warning
    line = run(path.parent, capsys, "export", "-o", "-", "-q")

    line = line.replace(path.name, "FILE").replace(path.stem, "KIND")
    ANY_DOCUMENT.check(fault, f"`{line}`" if line else "right")


def test_the_table_of_documents_is_whole():
    ANY_DOCUMENT.check_cases()
