"""The pipeline takes a generated analysis for its own, and cuts it without a network."""

import sys
from fractions import Fraction

import generated_store

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.pipeline import run_analysis
from otio_speakerzoom.pipeline.job import Job


def test_a_generated_analysis_is_cut_as_it_is(tmp_path, monkeypatch):
    arguments = ["generated_store", str(tmp_path), "--hours", "0.01", "--rate", "30000/1001"]
    monkeypatch.setattr(sys, "argv", arguments)
    generated_store.main()
    monkeypatch.setattr(run_analysis, "_run_stages", lambda _: 1 / 0)
    job = Job(tmp_path / "conversation.mp4")
    analysis = pipeline.cached_analysis(job)
    cut_list = pipeline.cut(job)

    assert analysis.media.rate == Fraction(30000, 1001)
    assert {id_ for person in analysis.people for id_ in person.track_ids} == {
        score.track_id for score in analysis.speech.scores
    }
    assert len(cut_list.shots) > 3
    assert {person for shot in cut_list.shots for person in shot.subjects} == {1, 2, 3}
    assert store.load_cut_list(job.folder, cut_list.media).value.shots == cut_list.shots
