"""Edits of a cut outlive a new analysis, and a cut of another part. Stages are faked."""

from two_faces import in_part, shots_of, with_options

from otio_speakerzoom import pipeline
from otio_speakerzoom.edits import Programme, operation_from_json

pytest_plugins = ["faked_stages"]


def edit(programme, *operations):
    rows = [operation_from_json(operation) for operation in operations]
    return programme.apply(rows, programme.state().revision)


def show_right(cut_list):
    """Give the first shot to the person on the right."""
    span = cut_list.shots[0].range
    page = {"start": span.start, "end": span.end, "subjects": []}
    return {"name": "assign", "shot": page, "subjects": [2]}


def test_a_part_that_was_analysed_alone_is_edited_in_its_folder(job, stage_runs):
    programme = Programme(job)
    cut = pipeline.cut(in_part(job, 60, 200))
    state = edit(programme, show_right(cut), {"name": "rename", "person": 2, "to": "Ann"})
    assert "Ann" in (job.folder / "parts" / "60-200" / "people.json").read_text()
    assert not (job.folder / "people.json").exists()
    assert pipeline.cut(job) == state.cut_list == pipeline.current_cut(job)

    state = edit(programme, {"name": "merge", "person": 2, "into": 1})
    assert [shot.subjects for shot in state.cut_list.shots] == [(1,), (1,)]
    assert pipeline.cut(job) == state.cut_list
    for _ in range(2):
        state = programme.undo(state.revision)
    assert state.cut_list == cut
    assert pipeline.cut(job) == cut


def test_edits_of_a_part_hold_in_the_whole(job, stage_runs):
    programme = Programme(job)
    cut = pipeline.cut(in_part(job, 60, 200))
    edit(programme, show_right(cut))
    whole = pipeline.cut(in_part(job, 0, 300))

    assert (60, cut.shots[0].range.end, (2,)) in shots_of(whole)
    assert programme.state().cut_list == whole
    state = edit(programme, {"name": "split", "frame": 3})
    assert pipeline.cut(job) == state.cut_list


def test_edits_outlive_another_detection(job, stage_runs):
    programme = Programme(job)
    cut = pipeline.cut(job)
    edit(programme, show_right(cut), {"name": "rename", "person": 2, "to": "Ann"})
    new = pipeline.cut(with_options(job, detector="yunet"))  # which sees them in another order
    assert programme.state().cut_list == new
    assert [person.name for person in new.people] == ["", "Ann"]
    state = edit(programme, {"name": "split", "frame": 3})
    assert pipeline.cut(job) == state.cut_list


def test_a_cut_of_an_earlier_analysis_is_edited_until_it_is_planned_again(job, stage_runs):
    programme = Programme(job)
    pipeline.cut(job)
    pipeline.analyze(with_options(job, detector="yunet"))
    state = edit(programme, {"name": "split", "frame": 5})
    assert pipeline.current_cut(job) == state.cut_list

    cut = pipeline.cut(job)
    assert shots_of(cut)[:2] == shots_of(state.cut_list)[:2]
    assert programme.state().cut_list == cut
