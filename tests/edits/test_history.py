"""Undo and redo survive a restart; nobody overwrites what somebody else changed."""

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from edited import assign, edit, on_page

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits import (
    EditError,
    Programme,
    StaleRevisionError,
    operation_from_json,
)
from otio_speakerzoom.edits.loading import MAX_LOADS
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.store import edit_journal
from otio_speakerzoom.store.json_values import parse_json

pytest_plugins = ["generated_cut"]


def documents(job):
    """What the files say, without the journal."""
    names = ("cutlist.json", "locks.json", "people.json", "options.json")
    rows = {name: json.loads((job.folder / name).read_text()) for name in names
            if (job.folder / name).exists()}  # fmt: skip
    locks = rows.pop("locks.json", {"locks": []})["locks"]
    return rows, locks


def test_undo_and_redo_survive_a_restart(cut_job, programme):
    shots = programme.state().cut_list.shots
    start = documents(cut_job)
    edit(programme, assign(shots[0], 3))
    middle = documents(cut_job)
    after = edit(programme, {"name": "rename", "person": 3, "to": "Zoë"})
    end = documents(cut_job)
    assert (after.undo, after.redo) == ("call person 3 Zoë", "")

    again = Programme(cut_job)
    state = again.undo(again.state().revision)
    assert documents(cut_job) == middle
    assert (state.undo, state.redo) == ("show Person 3 at 00:00:00:00", "call person 3 Zoë")
    third = Programme(cut_job)
    state = third.undo(third.state().revision)
    assert documents(cut_job) == start
    with pytest.raises(EditError, match="there is nothing to undo"):
        third.undo(state.revision)
    fourth = Programme(cut_job)
    for _ in range(2):
        state = fourth.redo(fourth.state().revision)
    assert documents(cut_job) == end
    with pytest.raises(EditError, match="there is nothing to redo"):
        fourth.redo(state.revision)


def test_a_new_operation_drops_what_could_be_redone(programme):
    shots = programme.state().cut_list.shots
    state = edit(programme, assign(shots[0], 3))
    state = programme.undo(state.revision)
    assert state.redo
    state = edit(programme, assign(shots[1], 3))
    assert not state.redo
    state = programme.undo(state.revision)
    assert state.redo == f"show Person 3 at {state.redo[-11:]}"
    assert not state.undo


def test_a_stale_revision_is_refused_with_what_still_applies(cut_job, programme):
    old = programme.state()
    shots = old.cut_list.shots
    now = edit(Programme(cut_job), assign(shots[0], 3))
    middle = shots[2].range.start + 5
    operations = [
        assign(shots[0], 1), assign(shots[2], 1), {"name": "split", "frame": middle},
        {"name": "join", "frame": shots[1].range.start}, {"name": "split", "frame": 0},
        {"name": "rename", "person": 1, "to": "A"}, {"name": "merge", "person": 1, "into": 9},
        {"name": "set_style", "style": None, "values": {}},
    ]  # fmt: skip
    rows = [operation_from_json(row) for row in operations]
    with pytest.raises(StaleRevisionError) as error:
        programme.apply(rows, old.revision)

    assert error.value.answers == (False, True, True, True, False, True, False, True)
    assert error.value.state.cut_list == now.cut_list
    assert error.value.state.revision == now.revision
    for step in (programme.undo, programme.redo):
        with pytest.raises(StaleRevisionError):
            step(old.revision)
    assert programme.state().cut_list == now.cut_list


def test_two_programmes_see_each_other(cut_job, programme):
    other = Programme(cut_job)
    shots = other.state().cut_list.shots
    state = edit(programme, assign(shots[0], 3))
    assert other.state().cut_list == state.cut_list
    state = edit(other, assign(shots[1], 3))
    assert programme.state().cut_list == state.cut_list
    programme.undo(state.revision)
    state = programme.undo(programme.state().revision)
    assert other.state().cut_list.shots == shots


def test_two_processes_lose_no_edit(cut_job, programme):
    """Each gives every other shot to somebody, and tries again where the other was faster."""
    script = """
import sys
from pathlib import Path
from otio_speakerzoom.edits import Programme, StaleRevisionError, operation_from_json
from otio_speakerzoom.pipeline import Job
programme = Programme(Job(Path(sys.argv[1]), Path(sys.argv[2])))
state = programme.state()
spans = [shot.range for shot in state.cut_list.shots][int(sys.argv[3])::2]
for span in spans[:8]:
    page = {"start": span.start, "end": span.end, "subjects": []}
    operation = operation_from_json({"name": "assign", "shot": page, "subjects": [1, 3]})
    while True:
        try:
            state = programme.apply([operation], state.revision)
            break
        except StaleRevisionError as error:
            state = error.state
"""
    spans = [shot.range for shot in programme.state().cut_list.shots][:16]
    processes = [
        subprocess.Popen([sys.executable, "-c", script, cut_job.source, cut_job.work, str(n)])
        for n in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]

    state = programme.state()
    shows = {shot.range: shot.subjects for shot in state.cut_list.shots}
    assert {shows[span] for span in spans} == {(1, 3)}
    assert pipeline.cut(cut_job) == state.cut_list
    for _ in spans:
        state = programme.undo(state.revision)
    assert state.locks == ()


def test_a_reader_is_not_kept_out_by_edits_that_follow_each_other(cut_job, programme, monkeypatch):
    """Whenever the reader reads, another process changes the cut, unless the reader locks it."""
    load_locks, main, threads = store.load_locks, threading.main_thread(), []
    spans = [shot.range for shot in programme.state().cut_list.shots]

    def show_two(span):
        shot = {"start": span.start, "end": span.end, "subjects": []}
        edit(Programme(cut_job), {"name": "assign", "shot": shot, "subjects": [1, 3]})

    def load_while_another_edits(folder, media):
        if threading.current_thread() is main:
            threads.append(threading.Thread(target=show_two, args=(spans[len(threads)],)))
            threads[-1].start()
            threads[-1].join(2)
        return load_locks(folder, media)

    monkeypatch.setattr(store, "load_locks", load_while_another_edits)
    assert Programme(cut_job).state().cut_list.shots
    monkeypatch.undo()
    for thread in threads:
        thread.join()
    assert len(threads) > MAX_LOADS
    shows = {shot.range: shot.subjects for shot in programme.state().cut_list.shots}
    assert {shows[span] for span in spans[: len(threads)]} == {(1, 3)}


def test_threads_of_one_programme_lose_no_edit(cut_job, programme):
    spans = [shot.range for shot in programme.state().cut_list.shots][:8]
    failures = []

    def show_two(spans):
        for span in spans:
            page = {"start": span.start, "end": span.end, "subjects": []}
            row = operation_from_json({"name": "assign", "shot": page, "subjects": [1, 3]})
            state = programme.state()
            while True:
                try:
                    programme.apply([row], state.revision)
                    break
                except StaleRevisionError as error:
                    state = error.state

    def look():
        for _ in range(200):
            state = programme.state()
            if sum(lock.subjects == (1, 3) for lock in state.locks) != sum(
                shot.subjects == (1, 3) for shot in state.cut_list.shots
            ):
                failures.append(state)

    works = [lambda n=n: show_two(spans[n::3]) for n in range(3)]
    threads = [threading.Thread(target=work) for work in (*works, look, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not failures
    state = programme.state()
    assert [s.subjects for s in state.cut_list.shots if s.range in spans] == [(1, 3)] * len(spans)
    assert pipeline.cut(cut_job) == state.cut_list == Programme(cut_job).state().cut_list


def test_a_cut_in_another_style_meanwhile_obeys_the_edits(cut_job, programme):
    shots = programme.state().cut_list.shots
    edit(programme, assign(shots[0], 3))
    edit(programme, assign(shots[1], 3))
    calm = pipeline.cut(replace(cut_job, options=store.Options(style="calm")))
    state = programme.state()

    assert state.cut_list == calm
    assert state.style_name == "calm"
    assert [(s.range, s.subjects) for s in state.cut_list.shots[:2]] == [
        (s.range, (3,)) for s in shots[:2]
    ]
    assert state.undo  # its shots are where they were, unless the style framed them otherwise
    after = edit(programme, {"name": "unlock", "shot": on_page(state.cut_list.shots[0])})
    assert pipeline.cut(cut_job) == after.cut_list


def test_what_another_program_changed_is_not_undone(cut_job, programme):
    shot = programme.state().cut_list.shots[2]
    state = edit(programme, assign(shot, 3))
    other = store.load_locks(cut_job.folder)[0]
    store.save_locks(cut_job.folder, [replace(other, subjects=(2,), sightings=())])
    now = programme.state()
    with pytest.raises(
        EditError,
        match="changed by another program since, so this cannot be undone: show Person 3 at",
    ):
        programme.undo(now.revision)

    assert programme.state().revision == now.revision != state.revision
    assert (shot.range, (2,)) in [(s.range, s.subjects) for s in now.cut_list.shots]


def test_a_lock_from_a_text_editor_shows_at_once_and_stays(cut_job, programme):
    programme.state()
    rows = [{"start": 400, "end": 480, "show": 2, "note": "she laughs"}]
    text = json.dumps({"schema": "speakerzoom.locks/2", "locks": rows})
    (cut_job.folder / "locks.json").write_text(text)
    before = (cut_job.folder / "cutlist.json").read_bytes()
    state = programme.state()
    assert (FrameRange(400, 480), (2,)) in [(s.range, s.subjects) for s in state.cut_list.shots]
    assert (cut_job.folder / "cutlist.json").read_bytes() == before  # looking changes nothing

    page = {"start": 400, "end": 480, "subjects": [2]}
    state = edit(programme, {"name": "unlock", "shot": page})
    assert state.locks == ()
    state = programme.undo(state.revision)
    (row,) = json.loads((cut_job.folder / "locks.json").read_text())["locks"]
    assert {key: row[key] for key in rows[0]} == rows[0]
    assert pipeline.cut(cut_job) == state.cut_list


def test_a_torn_last_line_of_the_journal_does_not_count(cut_job, programme):
    shots = programme.state().cut_list.shots
    edit(programme, assign(shots[0], 3))
    path = cut_job.folder / "edits.jsonl"
    whole = path.read_bytes()
    for torn in (b'{"undo": 1, "time', b"\0" * 40 + b"\n"):
        path.write_bytes(whole + torn)
        again = Programme(cut_job)
        assert again.state().undo == "show Person 3 at 00:00:00:00"
        state = edit(again, assign(shots[1], 3))
        assert torn not in path.read_bytes()
        again.undo(state.revision)
        assert Programme(cut_job).state().undo == "show Person 3 at 00:00:00:00"


def test_a_damaged_line_of_the_journal_is_reported(cut_job, programme):
    shots = programme.state().cut_list.shots
    edit(programme, assign(shots[0], 3))
    path = cut_job.folder / "edits.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:50], *lines[2:]]) + "\n")
    with pytest.raises(StoreError, match=r"edits.jsonl: line 2 is damaged.* move the file aside"):
        Programme(cut_job).state()
    path.rename(path.with_suffix(".aside"))
    assert not Programme(cut_job).state().undo


def test_only_what_is_new_in_the_journal_is_read(cut_job, programme, monkeypatch):
    shots = programme.state().cut_list.shots
    for n in range(3):
        edit(programme, assign(shots[n], 3))
    parsed = []
    monkeypatch.setattr(
        edit_journal, "parse_json", lambda text: (parsed.append(text), parse_json(text))[1]
    )
    edit(programme, assign(shots[4], 3))

    assert len(parsed) == 2  # the edit, and that it is finished


def test_somebody_else_working_in_the_folder_is_reported(cut_job, programme, monkeypatch):
    from otio_speakerzoom.edits import programme as module

    monkeypatch.setattr(module, "MAX_WAIT_S", 0.1)
    state = programme.state()
    script = """
import sys, time
from pathlib import Path
from otio_speakerzoom import store
with store.exclusive_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", script, cut_job.folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        try:
            with pytest.raises(StoreError, match="another speakerzoom is working there; try again"):
                edit(programme, assign(state.cut_list.shots[0], 3))
            assert programme.state().revision == state.revision
        finally:
            process.kill()
    edit(programme, assign(state.cut_list.shots[0], 3))


def test_nothing_is_cut_yet(cut_job):
    (cut_job.folder / "cutlist.json").unlink()
    programme = Programme(cut_job)
    with pytest.raises(Exception, match="nothing is cut yet; run `speakerzoom cut`"):
        programme.state()
    assert pipeline.cut(cut_job) == programme.state().cut_list
