"""A run that ends between two of its writes leaves nothing for ever, and lacks nothing later."""

import json
from dataclasses import replace

import pytest
from two_faces import files, lock, with_options

from otio_speakerzoom import pipeline, store

pytest_plugins = ["faked_stages"]


@pytest.fixture
def interrupted(monkeypatch):
    """Return a function that does some work, and interrupts it at a function of the store."""

    def run(name, work):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(store, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                work()

    return run


@pytest.mark.parametrize("first", ["save_people", "remove_unfinished", "save_panels"])
def test_journals_of_saved_results_are_removed_by_the_next_run(job, stage_runs, interrupted, first):
    interrupted(first, lambda: pipeline.analyze(job))
    left = {name for name in files(job) if name.startswith("unfinished/")}
    assert left == (set() if first == "save_people" else {
        "unfinished/detections.journal", "unfinished/scores.journal"
    })  # fmt: skip

    pipeline.analyze(job)
    assert not (job.folder / "unfinished").exists()


@pytest.mark.parametrize("first", ["save_detections", "save_tracks", "save_scores", "save_panels"])
def test_another_detection_that_was_interrupted_is_not_mixed_with_the_one_before(
    job, stage_runs, interrupted, tmp_path, first
):
    anew = replace(with_options(job, detector="yunet"), work=tmp_path / "anew")
    pipeline.analyze(replace(job, work=anew.work))
    pipeline.analyze(anew)
    pipeline.analyze(job)
    interrupted(first, lambda: pipeline.analyze(with_options(job, detector="yunet")))
    pipeline.analyze(with_options(job, detector="yunet"))

    assert files(job) == files(anew)


def test_journals_of_other_options_stay(job, stage_runs):
    pipeline.analyze(job)
    store.BatchJournal(job.folder, "of another scorer").close()
    store.DetectionJournal(job.folder, "of another detector").close()
    pipeline.analyze(job)

    left = {name for name in files(job) if name.startswith("unfinished/")}
    assert left == {"unfinished/detections.journal", "unfinished/scores.journal"}


def test_a_lock_gets_its_sightings_also_where_the_run_was_interrupted(job, stage_runs, interrupted):
    pipeline.cut(job)
    lock(job, start=100, end=130, show=2)
    interrupted("write_sightings", lambda: pipeline.cut(job))
    pipeline.cut(job)

    (row,) = json.loads((job.folder / "locks.json").read_text())["locks"]
    assert row["people"][0]["id"] == 2


def test_an_interrupted_run_and_the_next_make_one_copy(job, stage_runs, tmp_path):
    pipeline.cut(job)
    path = job.folder / "cutlist.json"
    assert store.back_up(path) == store.back_up(path)
    path.write_text(path.read_text() + " ")
    assert store.back_up(path).name == "cutlist.json.bak-2"
