"""What somebody changed in cutlist.json with a text editor becomes locks; nothing of it is lost."""

import json

import pytest
from edited import assign, edit

from otio_speakerzoom import pipeline
from otio_speakerzoom.model import Box, FrameRange

pytest_plugins = ["generated_cut"]


@pytest.fixture
def change(cut_job):
    """Return a function that changes the rows of shots in cutlist.json."""

    def change(rows_of):
        path = cut_job.folder / "cutlist.json"
        document = json.loads(path.read_text())
        rows_of(document["shots"])
        path.write_text(json.dumps(document))
        return path.read_bytes()

    return change


def test_hand_edits_become_locks_at_the_first_operation(cut_job, programme, change):
    before = programme.state().cut_list

    def by_hand(rows):
        rows[1]["end"] = rows[2]["start"] = rows[2]["start"] + 4
        rows[4]["crop"] = [0, 0, 960, 540]
        rows[6]["subjects"], rows[6]["kind"] = [], "wide"

    text = change(by_hand)
    state = programme.state()
    assert state.locks == ()
    assert state.cut_list == pipeline.cached_cut(cut_job)
    after = edit(programme, assign(before.shots[0], 3))

    shots = after.cut_list.shots
    assert [lock.range for lock in after.locks] == [shots[n].range for n in (0, 1, 2, 4, 6)]
    assert [lock.crop for lock in after.locks] == [None, None, None, Box(0, 0, 960, 540), None]
    assert shots[1].range.end == before.shots[1].range.end + 4
    assert (shots[6].subjects, shots[6].crop) == ((), Box(0, 0, 1920, 1080))
    assert [n for n, s in enumerate(shots) if s != before.shots[n]] == [0, 1, 2, 4, 6]
    assert (cut_job.folder / "cutlist.json.bak-1").read_bytes() == text
    assert pipeline.cut(cut_job) == after.cut_list  # it counts as ours now
    assert not (cut_job.folder / "cutlist.json.bak-2").exists()


def test_undo_after_hand_edits_leads_back_to_them(cut_job, programme, change):
    def by_hand(rows):
        rows[4]["crop"] = [0, 0, 960, 540]

    change(by_hand)
    shots = programme.state().cut_list.shots
    after = edit(programme, assign(shots[0], 3))
    back = programme.undo(after.revision)

    assert [s.crop for s in back.cut_list.shots] == [s.crop for s in shots]
    assert [lock.range for lock in back.locks] == [shots[4].range]


def test_hand_edits_of_a_locked_shot_win_and_the_locks_are_copied(cut_job, programme, change):
    shots = programme.state().cut_list.shots
    edit(programme, assign(shots[4], 3))
    locks = (cut_job.folder / "locks.json").read_bytes()

    def by_hand(rows):
        rows[4]["crop"] = [0, 0, 960, 540]

    change(by_hand)
    after = edit(programme, assign(shots[0], 3))
    assert {lock.range: lock.crop for lock in after.locks} == {
        shots[0].range: None, shots[4].range: Box(0, 0, 960, 540),
    }  # fmt: skip
    assert (cut_job.folder / "locks.json.bak-1").read_bytes() == locks


def test_a_cut_that_was_shortened_by_hand_stays_short(cut_job, programme, change):
    change(lambda rows: rows.__delitem__(slice(-2, None)))
    end = programme.state().cut_list.range.end
    after = edit(programme, {"name": "split", "frame": 7})

    assert after.cut_list.range == FrameRange(0, end)
    assert pipeline.cut(cut_job) == after.cut_list


def test_an_operation_that_is_refused_leaves_the_hand_edits_as_they_are(cut_job, programme, change):
    def by_hand(rows):
        rows[4]["reason"] = "because"

    text = change(by_hand)
    with pytest.raises(Exception, match="there is no cut"):
        edit(programme, {"name": "join", "frame": 1})
    assert (cut_job.folder / "cutlist.json").read_bytes() == text
    assert not list(cut_job.folder.glob("*.bak-*"))
