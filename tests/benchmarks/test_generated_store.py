"""The pipeline takes a generated analysis for its own, and it is small on disk."""

import sys
from fractions import Fraction

import generated_store
import pytest

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


@pytest.mark.parametrize("options", ["--rate 25", "--rate 60", "--rate 60 --detect-every 1"])
def test_an_hour_of_five_faces_takes_less_than_40_mb(tmp_path, monkeypatch, options):
    """Measured on a minute: floats with the noise of a detector compress no better in an hour."""
    arguments = [str(tmp_path), "--hours", str(1 / 60), "--people", "5", *options.split()]
    monkeypatch.setattr(sys, "argv", ["generated_store", *arguments])
    generated_store.main()
    folder = Job(tmp_path / "conversation.mp4").folder

    assert 60 * sum(path.stat().st_size for path in folder.iterdir()) < 40e6
