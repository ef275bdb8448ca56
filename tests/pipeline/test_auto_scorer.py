"""`--scorer auto` and cached scores: a better scorer never repeats an analysis unasked."""

import logging
from dataclasses import replace

import pytest
from two_faces import with_options

from otio_speakerzoom import pipeline
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.weights import best_scorer, fetch

pytest_plugins = ["faked_stages"]


@pytest.fixture(autouse=True)
def nothing_but_ours(monkeypatch, caplog):
    """Have no weights of others, and no embedder."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(fetch, "find", lambda name, path=None: None)


def install(monkeypatch, name, path):
    monkeypatch.setattr(fetch, "find", lambda other, path_=None: path if other == name else None)


@pytest.mark.parametrize("asked", [{}, {"scorer": "auto"}])
def test_cached_scores_stay_when_a_better_scorer_appears(
    asked, job, stage_runs, monkeypatch, caplog, tmp_path
):
    pipeline.cut(job)
    assert "score with sync-asd" in stage_runs
    del stage_runs[:]
    install(monkeypatch, "lr-asd", tmp_path)
    pipeline.cut(with_options(job, **asked))

    assert stage_runs == []
    assert caplog.messages == [
        f"{job.source}: the scores of sync-asd stay; `speakerzoom analyze --scorer lr-asd` "
        "replaces them by better ones"
    ]
    pipeline.cut(with_options(job, scorer="lr-asd"))
    assert stage_runs == ["score with lr-asd"]


def test_without_a_better_scorer_only_an_explicit_auto_is_answered(job, stage_runs, caplog):
    pipeline.cut(job)
    pipeline.cut(job)
    assert caplog.messages == []
    pipeline.cut(with_options(job, scorer="auto"))
    assert "--scorer lr-asd" in caplog.text


def test_a_scorer_that_was_named_stays_without_a_word(
    job, stage_runs, monkeypatch, caplog, tmp_path
):
    pipeline.cut(with_options(job, scorer="sync-asd"))
    install(monkeypatch, "lr-asd", tmp_path)
    pipeline.cut(job)

    assert stage_runs.count("score with sync-asd") == 1
    assert caplog.messages == []


def test_new_scores_are_those_that_a_batch_has_chosen(job, stage_runs):
    pipeline.cut(replace(job, auto_scorer="lr-asd"))
    assert stage_runs[-1] == "score with lr-asd"

    pipeline.cut(replace(with_options(job, scorer="motion"), auto_scorer="lr-asd"))
    assert stage_runs[-1] == "score with motion"


def test_a_render_knows_which_scorer_auto_was(job, stage_runs):
    pipeline.cut(job)

    assert pipeline.view_cut(with_options(job, scorer="sync-asd"))
    with pytest.raises(SpeakerZoomError, match="planned with --scorer sync-asd; run"):
        pipeline.view_cut(with_options(job, scorer="lr-asd"))


def test_a_wrong_file_does_not_stop_the_use_of_cached_scores(job, stage_runs, monkeypatch):
    pipeline.cut(job)
    wrong = best_scorer.fetch.WeightsError("not lr-asd")

    def find(name, path=None):
        if name in best_scorer.CANDIDATES:
            raise wrong

    monkeypatch.setattr(fetch, "find", find)
    assert pipeline.cut(job)
