"""A full disk, or a kill between any two writes, leaves no half edit and loses none."""

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest
from edited import assign, edit, on_page

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.edits import EditError, Programme, operation_from_json
from otio_speakerzoom.errors import DiskFullError, StoreError

pytest_plugins = ["generated_cut"]

CONTENT = ("cutlist.json", "locks.json", "people.json", "options.json", "edits.jsonl")


def contents(job):
    return {
        name: (job.folder / name).read_bytes() for name in CONTENT if (job.folder / name).exists()
    }


def every_file(programme):
    """Operations that change all four files."""
    shots = programme.state().cut_list.shots
    rows = [
        assign(shots[0], 3), {"name": "rename", "person": 1, "to": "Ann"},
        {"name": "set_style", "style": "calm", "values": {}},
    ]  # fmt: skip
    return [operation_from_json(row) for row in rows]


def test_a_full_disk_at_any_write_leaves_every_file_as_it_was(cut_job, programme, monkeypatch):
    edit(programme, assign(programme.state().cut_list.shots[3], 2))
    before, revision = contents(cut_job), programme.state().revision
    operations = every_file(programme)
    sync, messages = os.fsync, []

    class Disk:
        """Is full from one of the writes on."""

        def __init__(self, room):
            self.room = room

        def fsync(self, number):
            self.room -= 1
            if self.room < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            sync(number)

    for room in range(9):
        monkeypatch.setattr(os, "fsync", Disk(room).fsync)
        try:
            state = programme.apply(operations, revision)
        except DiskFullError as error:
            messages.append(str(error))
            assert contents(cut_job) == before
            assert Programme(cut_job).state().revision == revision
            assert not list(cut_job.folder.glob("*.part*"))
        else:
            break
    assert all("(No space left on device); free some space" in text for text in messages)
    assert len(messages) == 5  # four files, and the journal

    journal = cut_job.folder / "edits.jsonl"
    whole, mark = journal.read_bytes(), b'{"finished":2}\n'
    assert whole.endswith(mark)
    journal.write_bytes(whole.removesuffix(mark))  # as where only the mark finds no room
    monkeypatch.setattr(os, "fsync", sync)
    again = Programme(cut_job)
    assert again.state().cut_list == state.cut_list == pipeline.cut(cut_job)
    again.undo(again.state().revision)
    assert (
        contents(cut_job).items()
        >= {name: text for name, text in before.items() if name != "edits.jsonl"}.items()
    )


@pytest.mark.parametrize("name", ["edits.jsonl", "locks.json", "cutlist.json"])
def test_a_file_that_cannot_be_replaced_is_reported(cut_job, programme, monkeypatch, name):
    revision = programme.state().revision
    operations = every_file(programme)
    replace_file, open_file = Path.replace, os.open

    def replace(self, target):
        if Path(target).name == name:
            raise OSError(errno.EIO, "Input/output error")
        return replace_file(self, target)

    def refuse(path, *rest, **options):
        if Path(path).name == name == "edits.jsonl":
            raise OSError(errno.EIO, "Input/output error")
        return open_file(path, *rest, **options)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError, match=f"{name}: cannot be written"):
        programme.apply(operations, revision)
    monkeypatch.undo()

    again = Programme(cut_job)
    check_whole(cut_job, again, revision)


def check_whole(job, programme, revision):
    """Either nothing was done, or all of it; and it is the same for everybody after the next."""
    state = programme.state()
    is_done = state.cut_list.shots[0].subjects == (3,)
    names = {person.id: person.name for person in state.cut_list.people}
    assert (names[1], state.style_name, bool(state.locks), bool(state.undo)) == (
        ("Ann", "calm", True, True) if is_done else ("", "standard", False, False)
    )
    assert is_done or state.revision == revision
    after = edit(programme, {"name": "split", "frame": 3})
    assert pipeline.cut(job) == after.cut_list == Programme(job).state().cut_list
    back = programme.undo(after.revision)
    assert back.cut_list == state.cut_list
    if is_done:
        back = programme.undo(back.revision)
    assert (back.locks, back.style_name, back.undo) == ((), "standard", "")
    assert pipeline.cut(job) == back.cut_list
    return is_done


def kill_after(steps, work):
    """Run `work` in a process that is killed before one of its writes; return whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(function):
            def call(*arguments, **options):
                nonlocal count
                if count == steps:
                    os.kill(os.getpid(), signal.SIGKILL)
                count += 1
                return function(*arguments, **options)

            return call

        os.fsync, Path.replace = counted(os.fsync), counted(Path.replace)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the child only writes
@pytest.mark.parametrize("steps", [0, 3, 4, 5, 6, 8, 9, 10])
def test_a_kill_between_two_writes_leaves_no_half_edit(cut_job, programme, steps):
    revision = programme.state().revision
    operations = every_file(programme)
    assert kill_after(steps, lambda: programme.apply(operations, revision))
    is_done = check_whole(cut_job, Programme(cut_job), revision)

    assert is_done == (steps >= 4)  # four files under temporary names, and then the journal


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("steps", [3, 4, 6, 8])
def test_a_kill_during_undo_leaves_no_half_edit(cut_job, programme, steps):
    shots = programme.state().cut_list.shots
    state = programme.apply(every_file(programme), programme.state().revision)
    assert kill_after(steps, lambda: programme.undo(state.revision))
    again = Programme(cut_job)
    now = again.state()

    is_undone = not now.locks
    assert is_undone == (steps >= 4)
    assert now.cut_list.shots == (shots if is_undone else state.cut_list.shots)
    assert bool(now.redo) == is_undone
    step = again.redo if is_undone else again.undo
    after = step(now.revision)
    assert after.cut_list.shots == (state.cut_list.shots if is_undone else shots)
    assert pipeline.cut(cut_job) == after.cut_list


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("steps", [2, 3, 5, 6, 7])
def test_a_kill_while_people_are_merged_leaves_no_half_edit(cut_job, programme, steps):
    shots = programme.state().cut_list.shots
    before = edit(programme, assign(shots[1], 3))
    merge = operation_from_json({"name": "merge", "person": 3, "into": 2})
    assert kill_after(steps, lambda: programme.apply([merge], before.revision))
    again = Programme(cut_job)
    state = again.state()

    is_done = len(state.cut_list.people) == 2
    assert is_done == (steps >= 3)  # locks, people and the cut, and then the journal
    assert [lock.subjects for lock in state.locks] == [(2,) if is_done else (3,)]
    after = edit(again, {"name": "split", "frame": 3})
    assert pipeline.cut(cut_job) == after.cut_list
    back = again.undo(after.revision)
    if is_done:
        back = again.undo(back.revision)
    assert back.cut_list == before.cut_list


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("steps", [4, 6, 7, 9])
def test_the_command_line_obeys_an_edit_that_was_killed_half_way(cut_job, programme, steps):
    """It knows no journal: it sees the new locks first, and plans again with them."""
    revision = programme.state().revision
    shot = programme.state().cut_list.shots[0]
    assert kill_after(steps, lambda: programme.apply(every_file(programme), revision))
    cut = pipeline.cut(cut_job)
    again = Programme(cut_job)

    assert again.state().cut_list.shots[0].subjects == (3,)
    if steps > 6:  # the locks were written
        assert (cut.shots[0].range, cut.shots[0].subjects) == (shot.range, (3,))
    after = edit(again, {"name": "split", "frame": 3})
    assert [s.subjects for s in after.cut_list.shots[:2]] == [(3,), (3,)]
    assert pipeline.cut(cut_job) == after.cut_list


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount")
def test_a_disk_that_is_really_full(cut_job, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount")
    try:
        job = pipeline.Job(cut_job.source, small)
        subprocess.run(["cp", "-r", cut_job.folder, small], check=True)
        programme = Programme(job)
        shot = programme.state().cut_list.shots[0]
        filler = small / "filler"
        room = os.statvfs(small)
        filler.write_bytes(b"x" * (room.f_bavail * room.f_frsize - 4096))
        before, revision = contents(job), programme.state().revision
        operation = operation_from_json(assign(shot, 3))
        with pytest.raises(DiskFullError):
            programme.apply([operation], revision)
        assert contents(job) == before
        filler.unlink()
        assert programme.apply([operation], revision).cut_list == pipeline.cut(job)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_text_editor_that_saves_meanwhile_wins(cut_job, programme, monkeypatch):
    state = programme.state()
    write_texts = store.write_texts

    def write_late(texts, before_first):
        path = cut_job.folder / "people.json"
        path.write_text(path.read_text().replace('"name": ""', '"name": "Ann"', 1))
        write_texts(texts, before_first)

    monkeypatch.setattr(store, "write_texts", write_late)
    with pytest.raises(StoreError, match=r"people.json: another program changed it .*; try again"):
        edit(programme, assign(state.cut_list.shots[0], 3))
    monkeypatch.undo()

    now = programme.state()
    assert [person.name for person in now.cut_list.people] == ["Ann", "", ""]
    assert now.locks == ()
    edit(programme, {"name": "lock", "shot": on_page(now.cut_list.shots[0])})


def test_the_analysis_of_the_cut_is_gone(cut_job, programme):
    (cut_job.folder / "tracks.npz").unlink()
    with pytest.raises(StoreError, match="the analysis that the cut was planned from is gone"):
        programme.state()


def test_a_damaged_file_is_reported_and_stays(cut_job, programme):
    programme.state()
    path = cut_job.folder / "locks.json"
    path.write_text("{")
    with pytest.raises(StoreError, match=r"locks.json: line 1 is not JSON"):
        programme.state()
    assert path.read_text() == "{"
    path.unlink()
    with pytest.raises(EditError):
        edit(programme, {"name": "join", "frame": 0})
