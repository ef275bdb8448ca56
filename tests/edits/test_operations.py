"""Operations change the shots that they name, lock them, and show at once everywhere."""

import json
from dataclasses import replace

import pytest
from edited import assign, edit, on_page

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.edits import EditError, Programme, min_crop_height, operation_from_json
from otio_speakerzoom.model import Box, CropKey, FrameRange, Lock
from otio_speakerzoom.pipeline import plan_cut

pytest_plugins = ["generated_cut"]


@pytest.fixture(autouse=True)
def no_plan(monkeypatch, request):
    """Fail where all shots are planned again, unless a test is marked otherwise."""
    if "planning" in request.fixturenames:
        return

    def refuse(self):
        raise AssertionError("everything was planned again")

    monkeypatch.setattr(plan_cut.Plan, "cut_list", refuse)


@pytest.fixture
def planning():
    """Let a test plan all shots."""


def check_everywhere(job, state):
    """Every way to the cut shows the state."""
    assert pipeline.current_cut(job) == state.cut_list
    assert pipeline.cut(job) == state.cut_list
    assert Programme(job).state().cut_list == state.cut_list
    assert store.load_locks(job.folder) == state.locks


def changed(before, after):
    """The shots that only one of two states has."""
    old, new = before.cut_list.shots, after.cut_list.shots
    return [s for s in old if s not in new], [s for s in new if s not in old]


def test_a_shot_is_given_to_another_person_and_nothing_else_changes(cut_job, programme):
    before = programme.state()
    shot = next(s for s in before.cut_list.shots[2:] if s.subjects == (1,))
    after = edit(programme, assign(shot, 2))

    (old,), (new,) = changed(before, after)
    assert old == shot
    assert (new.range, new.subjects, new.locked) == (shot.range, (2,), True)
    assert [(lock.range, lock.subjects, lock.crop) for lock in after.locks] == [
        (shot.range, (2,), None)
    ]
    check_everywhere(cut_job, after)


@pytest.mark.parametrize("subjects", [(), (1,), (3,), (1, 2)])
def test_an_assigned_shot_is_framed_as_a_plan_with_its_lock_frames_it(
    cut_job, programme, planning, subjects
):
    shot = programme.state().cut_list.shots[4]
    after = edit(programme, assign(shot, *subjects))
    own = next(s for s in after.cut_list.shots if s.range == shot.range)
    by_plan = next(
        s for s in pipeline.cut(replace(cut_job, force=True)).shots if s.range == shot.range
    )

    assert own == by_plan


@pytest.mark.parametrize(
    "style",
    [
        {"follow": "smooth", "safe_area": 0.01},
        {"obscure_others": "blur", "max_upscale": 1.0, "tightest_upscale": 1.0},
    ],
)
def test_an_assigned_shot_moves_and_covers_others_as_the_style_says(
    cut_job, programme, planning, style
):
    cut = pipeline.cut(replace(cut_job, options=store.Options(style_values=style)))
    shot = next((s for s in cut.shots if s.keys), cut.shots[-1])
    after = edit(programme, assign(shot, *(shot.subjects or (2,))))
    own = next(s for s in after.cut_list.shots if s.range == shot.range)
    by_plan = pipeline.cut(replace(cut_job, force=True)).shots

    assert own.keys or own.covers
    assert (own.keys, own.covers) in [(s.keys, s.covers) for s in by_plan if s.range == own.range]
    middle = shot.range.start + 20
    shorter = edit(programme, {"name": "split", "frame": middle})
    parts = [s for s in shorter.cut_list.shots if middle in (s.range.start, s.range.end)]
    assert all(s.keys or s.covers for s in parts)
    check_everywhere(cut_job, shorter)


def test_the_command_line_exports_an_edit_at_once(cut_job, programme, tmp_path):
    state = programme.state()
    path = tmp_path / "talk.otio"
    arguments = ["export", str(cut_job.source), "--work", str(cut_job.work), "-o", str(path)]
    assert main(arguments) == 0
    before = path.read_text()
    edit(
        programme, assign(state.cut_list.shots[0], 3), {"name": "rename", "person": 3, "to": "Zoë"}
    )

    assert main(arguments) == 0
    assert "Zoë" in path.read_text()
    assert "Zoë" not in before


def test_part_of_a_shot_can_be_given_to_somebody(cut_job, programme):
    shot = next(s for s in programme.state().cut_list.shots if s.range.duration > 60)
    start, end = shot.range.start + 20, shot.range.start + 40
    page = {"start": start, "end": end, "subjects": [3]}
    after = edit(programme, {"name": "assign", "shot": page, "subjects": []})

    parts = [s for s in after.cut_list.shots if shot.range.start <= s.range.start < shot.range.end]
    assert [(s.range.start, s.range.end) for s in parts] == [
        (shot.range.start, start), (start, end), (end, shot.range.end),
    ]  # fmt: skip
    assert [s.locked for s in parts] == [shot.locked, True, shot.locked]
    assert [s.crop for s in (parts[0], parts[2])] == [shot.crop, shot.crop]
    check_everywhere(cut_job, after)


def test_a_cut_is_moved_between_the_ends_of_its_shots(cut_job, programme):
    before = programme.state()
    left, right = before.cut_list.shots[1:3]
    at = right.range.start
    after = edit(programme, {"name": "set_edge", "frame": at, "to": at - 7})

    old, new = changed(before, after)
    assert old == [left, right]
    assert [(s.range.start, s.range.end, s.crop, s.subjects, s.locked) for s in new] == [
        (left.range.start, at - 7, left.crop, left.subjects, True),
        (at - 7, right.range.end, right.crop, right.subjects, True),
    ]
    check_everywhere(cut_job, after)
    for to in (left.range.start, right.range.end):
        with pytest.raises(EditError, match="so that both shots have a frame at least"):
            edit(programme, {"name": "set_edge", "frame": at - 7, "to": to})
    last = edit(programme, {"name": "set_edge", "frame": at - 7, "to": left.range.start + 1})
    assert FrameRange(left.range.start, left.range.start + 1) in [
        s.range for s in last.cut_list.shots
    ]


def test_a_shot_is_split_and_joined_again(cut_job, programme):
    before = programme.state()
    shot = before.cut_list.shots[3]
    middle = (shot.range.start + shot.range.end) // 2
    after = edit(programme, {"name": "split", "frame": middle})
    assert [s.range for s in changed(before, after)[1]] == [
        FrameRange(shot.range.start, middle), FrameRange(middle, shot.range.end),
    ]  # fmt: skip
    check_everywhere(cut_job, after)

    joined = edit(programme, {"name": "join", "frame": middle})
    (new,) = changed(before, joined)[1]
    assert (new.range, new.subjects, new.crop, new.locked) == (
        shot.range, shot.subjects, shot.crop, True,
    )  # fmt: skip
    assert [lock.range for lock in joined.locks] == [shot.range]
    check_everywhere(cut_job, joined)


def test_a_crop_by_hand_is_locked_and_stays_when_the_cut_moves(cut_job, programme):
    shot = programme.state().cut_list.shots[2]
    crop = [100.0, 50.0, 1380.0, 770.0]
    after = edit(programme, {"name": "crop", "shot": on_page(shot), "crop": crop})
    assert [lock.crop for lock in after.locks] == [Box(*crop)]
    moved = edit(programme, {"name": "set_edge", "frame": shot.range.end, "to": shot.range.end - 9})

    new = next(s for s in moved.cut_list.shots if s.range.start == shot.range.start)
    assert (new.crop, new.range.end) == (Box(*crop), shot.range.end - 9)
    assert [lock.crop for lock in moved.locks] == [Box(*crop), None]
    check_everywhere(cut_job, moved)


@pytest.mark.parametrize(
    ("crop", "fault"),
    [([0, 0, 1000, 1000], "shape of the canvas"), ([-5, 0, 1275, 720], "inside the source"),
     ([0, 0, 640, 360], "432 is the least, since the style enlarges 2.5 times")],
)  # fmt: skip
def test_a_crop_that_is_not_allowed_is_refused(programme, crop, fault):
    state = programme.state()
    with pytest.raises(EditError, match=fault):
        edit(programme, {"name": "crop", "shot": on_page(state.cut_list.shots[0]), "crop": crop})
    assert min_crop_height(state.cut_list.media, (1920, 1080), state.style) == 432


def test_a_lock_keeps_the_shot_and_unlock_releases_it(cut_job, programme):
    before = programme.state()
    shot = before.cut_list.shots[2]
    after = edit(programme, {"name": "lock", "shot": on_page(shot)})
    assert changed(before, after)[1] == [
        replace(shot, locked=True, reason="locked", confidence=1.0)
    ]
    check_everywhere(cut_job, after)
    again = edit(programme, {"name": "lock", "shot": on_page(shot)})
    assert again.revision == after.revision

    free = edit(programme, {"name": "unlock", "shot": on_page(shot)})
    assert free.cut_list == before.cut_list
    assert free.locks == ()
    check_everywhere(cut_job, free)


def test_a_lock_of_a_shot_that_is_gone_brings_it_back(programme):
    shot = programme.state().cut_list.shots[2]
    middle = (shot.range.start + shot.range.end) // 2
    edit(programme, {"name": "split", "frame": middle})
    after = edit(programme, {"name": "lock", "shot": on_page(shot)})

    assert (shot.range, shot.subjects) in [(s.range, s.subjects) for s in after.cut_list.shots]


@pytest.mark.parametrize(
    ("operation", "fault"),
    [({"name": "split", "frame": 0}, "there is a cut at frame 0 already"),
     ({"name": "split", "frame": 1500}, "frame 1500 is outside the cut, which covers 0 to 1500"),
     ({"name": "join", "frame": 0}, "there is no cut at frame 0"),
     ({"name": "join", "frame": 1}, "there is no cut at frame 1"),
     ({"name": "assign", "shot": {"start": 0, "end": 9, "subjects": []}, "subjects": [7]},
      "there is no person 7; the people are 1, 2, 3"),
     ({"name": "assign", "shot": {"start": 9, "end": 1501, "subjects": []}, "subjects": [1]},
      "frame 1500 is outside the cut"),
     ({"name": "unlock", "shot": {"start": 0, "end": 9, "subjects": []}}, "not there any more"),
     ({"name": "crop", "shot": {"start": 0, "end": 9, "subjects": []}, "crop": [0, 0, 1920, 1080]},
      "the shot from frame 0 to 9 is not there any more"),
     ({"name": "rename", "person": 9, "to": "Ann"}, "there is no person 9"),
     ({"name": "merge", "person": 2, "into": 2}, "cannot be merged with themselves")],
)  # fmt: skip
def test_what_does_not_fit_the_cut_is_refused_and_nothing_changes(
    cut_job, programme, operation, fault
):
    before = programme.state()
    first = {"name": "split", "frame": 5}
    with pytest.raises(EditError, match=fault) as error:
        edit(programme, first, operation)

    assert "\n" not in str(error.value)
    assert programme.state().revision == before.revision
    assert programme.state().cut_list == before.cut_list
    assert not (cut_job.folder / "edits.jsonl").exists()


def test_operations_of_one_request_are_undone_together(cut_job, programme):
    before = programme.state()
    shots = before.cut_list.shots
    after = edit(programme, assign(shots[0], 3), assign(shots[2], 3), {"name": "split", "frame": 5})
    assert after.undo.endswith("and 2 more")
    back = programme.undo(after.revision)

    assert back.cut_list == before.cut_list
    assert back.locks == ()
    check_everywhere(cut_job, back)
    assert programme.redo(back.revision).cut_list == after.cut_list


def test_a_moving_crop_keeps_its_motion_when_its_shot_changes(cut_job, programme, planning):
    smooth = store.Options(style_values={"follow": "smooth", "safe_area": 0.01})
    cut = pipeline.cut(replace(cut_job, options=smooth))
    n, shot = next((n, s) for n, s in enumerate(cut.shots) if s.keys and 0 < n < len(cut.shots) - 1)
    before = edit(
        programme, {"name": "set_edge", "frame": shot.range.start, "to": shot.range.start - 3}
    )
    longer = before.cut_list.shots[n]
    assert longer.keys[:2] == (
        CropKey(shot.range.start - 3, shot.crop), CropKey(shot.range.start, shot.crop),
    )  # fmt: skip
    shorter = edit(programme, {"name": "split", "frame": shot.range.start + 30})
    assert [s.keys[0].frame for s in shorter.cut_list.shots[n : n + 2]] == [
        shot.range.start - 3, shot.range.start + 30,
    ]  # fmt: skip
    check_everywhere(cut_job, shorter)


def test_the_angles_of_a_stacked_timeline_follow_the_shots(cut_job, programme, planning):
    cut = pipeline.cut(replace(cut_job, options=store.Options(layout="stacked")))
    shot = cut.shots[3]
    after = edit(
        programme, assign(shot, 3), {"name": "split", "frame": cut.shots[0].range.start + 9}
    )

    assert {a.range for a in after.cut_list.angles} == {s.range for s in after.cut_list.shots}
    assert next(s for s in after.cut_list.shots if s.range == shot.range) in after.cut_list.angles
    assert [a for a in after.cut_list.angles if a.range.start > shot.range.start] == [
        a for a in cut.angles if a.range.start > shot.range.start
    ]
    check_everywhere(cut_job, after)


def test_a_part_on_an_upright_canvas_is_edited(cut_job, programme, planning):
    part = replace(
        cut_job, within=lambda media: FrameRange(300, 900), canvas=lambda media: (608, 1080)
    )
    cut = pipeline.cut(part)
    after = edit(programme, assign(cut.shots[1], 3))

    assert (after.cut_list.range, after.cut_list.canvas) == (FrameRange(300, 900), (608, 1080))
    crop = after.cut_list.shots[1].crop
    assert crop.width / crop.height == pytest.approx(608 / 1080, abs=0.01)
    check_everywhere(cut_job, after)


def test_locks_outside_a_part_stay(cut_job, programme, planning):
    store.save_locks(
        cut_job.folder, [Lock(FrameRange(100, 400), (1,)), Lock(FrameRange(1300, 1400), ())]
    )
    cut = pipeline.cut(replace(cut_job, within=lambda media: FrameRange(300, 900)))
    after = edit(programme, {"name": "unlock", "shot": on_page(cut.shots[0])})

    ranges = [lock.range for lock in after.locks]
    assert (ranges[0], ranges[-1]) == (FrameRange(100, 300), FrameRange(1300, 1400))
    check_everywhere(cut_job, after)


def test_edits_after_a_new_analysis_last_until_the_next_cut_and_longer(
    cut_job, programme, planning
):
    """The cut is still that of the earlier scores; `cut` plans with the new ones."""
    from otio_speakerzoom.pipeline import digests

    tracks, voice = store.load_tracks(cut_job.folder), store.load_voice(cut_job.folder)
    speech = store.load_scores(cut_job.folder).value
    digest = digests.scores_digest("motion", tracks.input_digest, voice.input_digest)
    store.save_scores(cut_job.folder, speech, digest)
    shot = programme.state().cut_list.shots[2]
    after = edit(programme, assign(shot, 3))
    assert pipeline.current_cut(cut_job) == after.cut_list

    new = pipeline.cut(replace(cut_job, options=store.Options(scorer="motion")))
    assert (shot.range, (3,)) in [(s.range, s.subjects) for s in new.shots if s.locked]
    assert programme.state().cut_list == new
    assert (
        json.loads((cut_job.folder / "cutlist.json").read_text())["provenance"]["analysis_digest"]
        == pipeline.cached_analysis(cut_job).digest
    )


@pytest.mark.parametrize("name", ["a\nb", "9" * 5000, "\ud800"])
def test_a_name_that_is_no_word_is_quoted_and_shortened(name):
    with pytest.raises(EditError) as caught:
        operation_from_json({"name": "split", "frame": 1, name: 2})

    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert len(line) < 150
    assert line.isascii()


def test_two_people_are_assigned_as_a_two_up_and_edited_like_any_shot(cut_job, programme, planning):
    halves = store.Options(style_values={"two_up": "side_by_side", "tightest_upscale": 8.0})
    rows = pipeline.cut(replace(cut_job, options=halves)).shots
    cuts = ((n, edit(programme, assign(rows[n], 1, 2)).cut_list) for n in range(1, len(rows) - 1))
    n, two_up = next((n, cut.shots[n]) for n, cut in cuts if cut.shots[n].two_up)
    assert (two_up.range, two_up.kind, two_up.locked) == (rows[n].range, "two-up", True)
    middle = two_up.range.start + 20

    parts = edit(programme, {"name": "split", "frame": middle}).cut_list.shots
    assert [s.crops for s in parts[n : n + 2]] == [two_up.crops] * 2
    moved = edit(programme, {"name": "set_edge", "frame": middle, "to": middle + 4})
    joined = edit(programme, {"name": "join", "frame": middle + 4})
    assert moved.cut_list.shots[n + 1].crops == joined.cut_list.shots[n].crops == two_up.crops
    check_everywhere(cut_job, joined)
    crop = {"name": "crop", "shot": on_page(two_up), "crop": [0, 0, 640, 360]}
    with pytest.raises(EditError, match="has two halves"):
        edit(programme, crop)
    free = edit(programme, {"name": "unlock", "shot": on_page(two_up)}).cut_list.shots[n]
    assert (free.kind, free.locked) == ("two-up", False)
