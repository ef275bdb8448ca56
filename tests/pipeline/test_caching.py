"""The one place that decides whether a stage runs."""

import pytest

from otio_speakerzoom.pipeline import Job, session
from otio_speakerzoom.pipeline.caching import cached, has_digest
from otio_speakerzoom.store import Cached


@pytest.mark.parametrize(
    ("document", "force", "expected"),
    [
        (None, False, "computed"),
        (Cached("cached", "new"), False, "cached"),
        (Cached("cached", "old"), False, "computed"),
        (Cached("cached", "new"), True, "computed"),
    ],
)
def test_a_result_is_computed_and_saved_unless_a_current_one_is_cached(
    tmp_path, document, force, expected
):
    calls = []

    def compute():
        calls.append("compute")
        return "computed", "new"

    def save(folder, value, input_digest):
        calls.append((folder, value, input_digest))

    result = cached(tmp_path, lambda _: document, save, has_digest("new"), compute, force=force)

    assert result == (expected, "new")
    assert calls == ([] if expected == "cached" else ["compute", (tmp_path, "computed", "new")])


def test_nothing_is_saved_where_a_stage_fails(tmp_path):
    def fail():
        raise KeyboardInterrupt

    def save(folder, value, input_digest):
        raise AssertionError("saved")

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, lambda _: None, save, has_digest("new"), fail)


def test_a_new_source_is_probed_once(make_clip, tmp_path, monkeypatch):
    probes, probe = [], session.source_file.probe
    monkeypatch.setattr(
        session.source_file, "probe", lambda path: probes.append(path) or probe(path)
    )
    job = Job(make_clip("probed.mp4"), tmp_path)
    with session.exclusive_session(job) as opened:
        assert opened.media.duration == 50
    with session.exclusive_session(job):
        pass

    assert len(probes) == 1
