"""Operations on people and on the style: they plan again, and every lock is obeyed."""

from dataclasses import replace

import pytest
from edited import assign, edit

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.edits import EditError, Programme
from otio_speakerzoom.model import Lock

pytest_plugins = ["generated_cut"]


def rename(person, to):
    return {"name": "rename", "person": person, "to": to}


def set_style(name=None, **values):
    return {"name": "set_style", "style": name, "values": values}


def locked(state):
    return [(s.range, s.subjects) for s in state.cut_list.shots if s.locked]


def test_a_name_shows_everywhere_and_the_shots_stay(cut_job, programme):
    before = programme.state()
    cut_file = (cut_job.folder / "cutlist.json").read_bytes()
    after = edit(programme, rename(2, "  Zoë   König "))

    assert [person.name for person in after.cut_list.people] == ["", "Zoë König", ""]
    assert any("Zoë König" in shot.reason for shot in after.cut_list.shots)
    assert [s.crop for s in after.cut_list.shots] == [s.crop for s in before.cut_list.shots]
    assert pipeline.cut(cut_job) == after.cut_list
    assert (cut_job.folder / "cutlist.json").read_bytes() == cut_file  # names are in one file only
    assert edit(programme, rename(2, "")).cut_list == before.cut_list


def test_a_name_does_not_get_into_the_cut_with_an_edit(cut_job, programme):
    shots = programme.state().cut_list.shots
    state = edit(programme, rename(1, "Zoë"), rename(2, "Ann"), rename(3, "Bo"))
    state = edit(programme, {"name": "split", "frame": 7}, assign(shots[3], 2))

    assert not any(name in (cut_job.folder / "cutlist.json").read_text() for name in ("Zoë", "Ann"))
    assert pipeline.cut(cut_job) == state.cut_list


def test_an_ignored_person_gets_no_single_but_where_a_lock_shows_them(cut_job, programme):
    shot = programme.state().cut_list.shots[3]
    edit(programme, assign(shot, 2))
    after = edit(programme, {"name": "ignore", "person": 2, "value": True})

    assert [s.range for s in after.cut_list.shots if s.subjects == (2,)] == [shot.range]
    assert pipeline.cut(cut_job) == after.cut_list
    preferred = edit(programme, {"name": "prefer", "person": 2, "value": True})
    person = preferred.cut_list.people[1]
    assert (person.ignore, person.prefer) == (False, True)
    assert preferred.cut_list != after.cut_list
    assert pipeline.cut(cut_job) == preferred.cut_list


def test_merged_people_are_one_wherever_they_were(cut_job, programme):
    shots = programme.state().cut_list.shots
    edit(programme, rename(3, "Ann"), assign(shots[3], 3), assign(shots[5], 2, 3))
    before = programme.state()
    people = (cut_job.folder / "people.json").read_bytes()
    after = edit(programme, {"name": "merge", "person": 3, "into": 2})

    assert [(p.id, p.name) for p in after.cut_list.people] == [(1, ""), (2, "Ann")]
    tracks = {p.id: {*p.track_ids} for p in before.cut_list.people}
    assert {*after.cut_list.people[1].track_ids} == tracks[2] | tracks[3]
    assert locked(after) == [(shots[3].range, (2,)), (shots[5].range, (2,))]
    assert [lock.subjects for lock in after.locks] == [(2,), (2,)]
    assert {s.person for lock in after.locks for s in lock.sightings} == {2}
    assert not any(3 in shot.subjects for shot in after.cut_list.shots)
    assert pipeline.cut(cut_job) == after.cut_list == Programme(cut_job).state().cut_list

    back = programme.undo(after.revision)
    assert back.cut_list == before.cut_list
    assert back.locks == before.locks
    assert (cut_job.folder / "people.json").read_bytes() == people
    assert pipeline.cut(cut_job) == back.cut_list
    assert programme.redo(back.revision).cut_list == after.cut_list


def test_merged_people_stay_one_when_the_source_is_analysed_again(cut_job, programme, monkeypatch):
    edit(programme, {"name": "merge", "person": 3, "into": 2})
    from otio_speakerzoom.pipeline import people_stage

    document = store.load_people(cut_job.folder)
    assert document.edited  # a better grouping does not replace what a hand has changed
    folder = type("Folder", (), {"path": cut_job.folder})
    monkeypatch.setattr(people_stage, "_choose_embedder", lambda tracks: "vggface")
    tracks = store.load_tracks(cut_job.folder).value
    assert not people_stage.can_improve_grouping(tracks, folder)


def test_another_style_plans_again_and_obeys_every_lock(cut_job, programme):
    shots = programme.state().cut_list.shots
    before = edit(programme, assign(shots[2], 3), {"name": "split", "frame": 7})
    after = edit(programme, set_style("calm", min_shot_seconds=3))

    assert (after.style_name, after.style.min_shot_seconds) == ("calm", 3)
    assert after.style == replace(PRESETS["calm"], min_shot_seconds=3)
    assert locked(after) == locked(before)
    assert after.cut_list.shots != before.cut_list.shots
    assert pipeline.cut(cut_job) == after.cut_list
    options = store.load_options(cut_job.folder, store.source_digest(cut_job.source))
    assert (options.style, options.style_values) == ("calm", {"min_shot_seconds": 3})
    # values that are not named stay, null goes back to the style's own
    after = edit(programme, set_style("calm", hold_seconds=1.5, min_shot_seconds=None))
    assert after.style == replace(PRESETS["calm"], hold_seconds=1.5)
    after = edit(programme, set_style(None, hold_seconds=None))
    assert after.style == PRESETS["calm"]
    after = edit(programme, set_style("lively"))
    assert after.style == PRESETS["lively"]
    for _ in range(4):
        after = programme.undo(after.revision)
    assert (after.style, after.cut_list) == (before.style, before.cut_list)
    assert pipeline.cut(cut_job) == before.cut_list


@pytest.mark.parametrize(
    ("operation", "fault"),
    [(set_style("wild"), "there is no style 'wild'; there are standard, calm, lively"),
     (set_style("/etc/passwd"), "there is no style '/etc/passwd'"),
     (set_style(None, speed=3), "speed: no style has such a value"),
     (set_style(None, hold_seconds=99), "standard: hold_seconds: must be 0 to 60 s; not 99"),
     (set_style(None, max_shot_seconds=3), "max_shot_seconds: 3 s is too short for three shots"),
     (set_style(None, follow="closely"), "follow: is one of still, reframe, smooth")],
)  # fmt: skip
def test_a_style_that_does_not_exist_is_refused(programme, operation, fault):
    before = programme.state()
    with pytest.raises(EditError, match=fault):
        edit(programme, operation)
    assert programme.state().revision == before.revision


def test_a_preview_plans_and_saves_nothing(cut_job, programme):
    shots = programme.state().cut_list.shots
    edit(programme, assign(shots[2], 3), rename(3, "Ann"))
    before = {path: path.read_bytes() for path in cut_job.folder.iterdir()}
    cut = programme.preview("calm", {"min_shot_seconds": 3.0})
    assert {path: path.read_bytes() for path in cut_job.folder.iterdir()} == before

    after = edit(programme, set_style("calm", min_shot_seconds=3))
    assert cut == after.cut_list
    with pytest.raises(EditError, match="hold_seconds: must be 0 to 60 s"):
        programme.preview(None, {"hold_seconds": 99.0})


def test_what_the_editor_wrote_in_people_json_stays(cut_job, programme):
    programme.state()
    path = cut_job.folder / "people.json"
    path.write_text(path.read_text().replace('"id": 2,', '"id": 2, "seat": "left",'))
    edit(programme, rename(2, "Ann"), {"name": "prefer", "person": 1, "value": True})

    assert '"seat": "left"' in path.read_text()


def test_a_lock_whose_person_has_another_number_now_shows_the_same_face(cut_job, programme):
    """As after a new detection, which numbers people anew."""
    shot = programme.state().cut_list.shots[3]
    edit(programme, assign(shot, 2))
    (lock,) = store.load_locks(cut_job.folder)
    sighting = replace(lock.sightings[0], person=1)
    store.save_locks(cut_job.folder, [Lock(lock.range, (1,), None, (sighting,))])

    state = programme.state()
    assert locked(state) == [(shot.range, (2,))]
    part = {"start": shot.range.start + 9, "end": shot.range.end, "subjects": []}
    after = edit(programme, {"name": "assign", "shot": part, "subjects": []})
    assert locked(after)[0][1] == (2,)
    assert pipeline.cut(cut_job) == after.cut_list
    calm = edit(programme, set_style("calm"))
    assert locked(calm)[0][1] == (2,)
