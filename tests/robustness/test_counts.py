"""Thousands of locks, shots, people and edits: what reads them ends in time."""

import json
import subprocess
import sys
from fractions import Fraction

import generated_store
import pytest

from otio_speakerzoom import store
from otio_speakerzoom.edits.history import stacks
from otio_speakerzoom.model import Media

COUNT, MANY = 10_000, 100_000
PEOPLE = 400
MAX_S = 300
"""Of one verb, which takes 20 s on a busy machine; its time grows with the number."""


def run(*words):
    """Run a verb within the limit; return what it prints."""
    command = [sys.executable, "-m", "otio_speakerzoom", *map(str, words), "-q"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=MAX_S, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def write_locks(folder, count):
    """Locks of one frame each, alternately of the first person and of the wide."""
    locks = [{"start": n, "end": n + 1, "show": 1 if n % 2 else "wide"} for n in range(count)]
    document = {"schema": "speakerzoom.locks/2", "locks": locks}
    (folder / "locks.json").write_text(json.dumps(document))


@pytest.mark.slow
def test_ten_thousand_locks_are_cut_exported_and_shown(tmp_path):
    film = generated_store.make_film(tmp_path, COUNT / 25, Fraction(25))
    folder = generated_store.generate_analysis(film, 2)
    write_locks(folder, COUNT)

    run("cut", film, "-o", tmp_path / "cut.otio")
    cut = json.loads((folder / "cutlist.json").read_text())
    assert len(cut["shots"]) == COUNT
    run("export", film, "-o", tmp_path / "cut.fcpxml")
    assert (tmp_path / "cut.fcpxml").read_text().count("<asset-clip ") == COUNT
    assert len(json.loads(run("inspect", film, "--json"))["shots"]) == COUNT


@pytest.mark.slow
def test_a_crowd_is_cut(tmp_path):
    film = generated_store.make_film(tmp_path, 20, Fraction(25))
    folder = generated_store.generate_analysis(film, PEOPLE)

    run("cut", film, "-o", tmp_path / "cut.otio")
    assert len(json.loads((folder / "people.json").read_text())["people"]) == PEOPLE
    assert len(json.loads(run("inspect", film, "--json"))["people"]) == PEOPLE


@pytest.mark.slow
def test_a_hundred_thousand_locks_are_read(tmp_path):
    write_locks(tmp_path, MANY)

    locks = store.load_locks(tmp_path, Media(tmp_path / "a.mp4", 25, MANY, (640, 360)))

    assert len(locks) == MANY


@pytest.mark.slow
def test_a_hundred_thousand_edits_are_read(tmp_path):
    journal = store.EditJournal(tmp_path, "digest")
    journal.append({"do": 1, "operations": [], "changes": {}})
    lines = ({"do": n, "operations": [], "changes": {"n": n}} for n in range(2, MANY + 1))
    with journal.path.open("a") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)

    rows = store.EditJournal(tmp_path, "digest").lines()

    assert len(rows) == MANY
    done, undone = stacks(rows)
    assert (len(done), undone) == (MANY, [])
    assert journal.read(done[-1])["changes"] == {"n": MANY}
