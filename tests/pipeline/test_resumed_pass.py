"""An analysis that was interrupted goes on, and gives the same bytes; so do several processes."""

import tempfile
from contextlib import contextmanager
from dataclasses import replace

import pytest
from faked_stages import fake_embedder
from random_faces import CUTS, CropMeans, find_faces
from two_faces import files

from otio_speakerzoom import pipeline
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.pipeline import Job, analysis_pass, detection_log
from otio_speakerzoom.pipeline import segment as segment_module
from otio_speakerzoom.speech import batches, row_buffer, scorers

RESULTS = (
    "detections.npz", "panels.npz", "tracks.npz", "voice.npz", "scores.npz", "people.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def film(make_clip):
    return make_clip("interrupted.mp4", seconds=8, picture=CUTS.format(rate=25), extra=("-g", "30"))


@pytest.fixture(autouse=True)
def cheap_stages(monkeypatch):
    fake_embedder(monkeypatch)

    @contextmanager
    def choose_detector(name, **_):
        yield find_faces

    monkeypatch.setattr(choose, "choose_detector", choose_detector)
    monkeypatch.setattr(scorers, "choose_scorer", lambda *_, **__: scorer())
    monkeypatch.setattr(scorers, "prepare_scorer", lambda *_, **__: None)
    monkeypatch.setattr(batches, "BATCH_TICKS", 150)
    monkeypatch.setattr(detection_log, "RECORD_FRAMES", 20)


def scorer():
    cheap = CropMeans()
    cheap.name = "sync-asd"
    return cheap


def results(job):
    return {name: data for name, data in files(job).items() if name in RESULTS}


def interrupted_at(job, frame, stage=analysis_pass.STAGE):
    """The job, which is interrupted after so many frames of a stage."""

    def on_stage(name):
        def step(done, total):
            if name == stage and done >= frame:
                raise KeyboardInterrupt

        return step

    return replace(job, on_stage=on_stage)


def test_an_interrupted_analysis_goes_on_to_the_same_bytes(film, tmp_path, monkeypatch):
    whole = Job(film, tmp_path / "whole")
    pipeline.analyze(whole)
    job = Job(film, tmp_path / "interrupted")
    for frame in (20, 90, 140, 141, 199):
        with pytest.raises(KeyboardInterrupt):
            pipeline.analyze(interrupted_at(job, frame))
    searched, encoded = [], []
    spy(monkeypatch, searched, encoded)
    pipeline.analyze(job)

    assert results(job) == results(whole)
    assert set(results(job)) == set(RESULTS)
    assert len(searched) < 45  # of 100: a record, and 2 s that might be a soft transition
    assert len(encoded) < 5
    assert not (job.folder / "unfinished").exists()


def test_an_interrupted_analysis_without_audio_goes_on_to_the_same_bytes(
    make_clip, tmp_path, monkeypatch
):
    picture = CUTS.format(rate=25)
    film = make_clip("quiet.mp4", sound=False, picture=picture, extra=("-g", "30"))
    whole, job = Job(film, tmp_path / "whole"), Job(film, tmp_path / "interrupted")
    pipeline.analyze(whole)
    for frame in (20, 90, 141, 199):
        with pytest.raises(KeyboardInterrupt):
            pipeline.analyze(interrupted_at(job, frame, "find faces"))
    searched = []
    spy(monkeypatch, searched, [])
    pipeline.analyze(job)

    assert results(job) == results(whole)
    assert {"detections.npz", "tracks.npz"} <= set(results(job))
    assert len(searched) < 45  # of 100, as above
    assert not (job.folder / "unfinished").exists()


def test_scores_that_are_computed_again_go_on_too(film, tmp_path, monkeypatch):
    whole, job = Job(film, tmp_path / "whole"), Job(film, tmp_path / "interrupted")
    for one in (whole, job):
        pipeline.analyze(one)
        (one.folder / "scores.npz").unlink()
    pipeline.analyze(whole)
    for frame in (40, 120, 170):
        with pytest.raises(KeyboardInterrupt):
            pipeline.analyze(interrupted_at(job, frame, "score speech"))
    searched, encoded = [], []
    spy(monkeypatch, searched, encoded)
    pipeline.analyze(job)

    assert results(job) == results(whole)
    assert not searched
    assert len(encoded) < 3
    assert not (job.folder / "unfinished").exists()


def test_what_does_not_fit_in_memory_goes_to_the_work_folder(film, tmp_path, monkeypatch):
    monkeypatch.setattr(row_buffer, "MAX_MEMORY_BYTES", 1000)
    folders, open_file = [], tempfile.TemporaryFile
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda dir=None: folders.append(dir) or open_file(dir=dir)
    )
    job = Job(film, tmp_path)
    pipeline.analyze(job)
    (job.folder / "scores.npz").unlink()
    pipeline.analyze(job)

    assert set(folders) == {job.folder / "unfinished"}
    assert not (job.folder / "unfinished").exists()


def spy(monkeypatch, searched, encoded):
    """Note every frame that is searched, and every batch that is encoded."""

    @contextmanager
    def choose_detector(name, **_):
        def detector(frame):
            searched.append(1)
            return find_faces(frame)

        yield detector

    class Spy(CropMeans):
        name = "sync-asd"

        def encode(self, clips):
            encoded.append(1)
            return super().encode(clips)

    monkeypatch.setattr(choose, "choose_detector", choose_detector)
    monkeypatch.setattr(scorers, "choose_scorer", lambda *_, **__: Spy())


def test_force_starts_again(film, tmp_path, monkeypatch):
    job = Job(film, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        pipeline.analyze(interrupted_at(job, 150))
    assert (job.folder / "unfinished").exists()
    searched = []
    spy(monkeypatch, searched, [])
    pipeline.analyze(replace(job, force=True))

    assert len(searched) == 100
    assert not (job.folder / "unfinished").exists()


def test_other_options_start_again(film, tmp_path):
    job = Job(film, tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        pipeline.analyze(interrupted_at(job, 150))
    other = replace(job, options=pipeline.Options(detect_every=5))
    pipeline.analyze(other)
    alone = replace(other, work=tmp_path / "b")
    pipeline.analyze(alone)

    assert results(other) == results(alone)


def test_processes_give_the_bytes_of_one_and_go_on(film, tmp_path, monkeypatch):
    """The processes are threads here: fakes do not reach a process."""

    def in_threads(tasks, opener, processes):
        for task in tasks:
            yield segment_module.analyze_segment(task, find_faces)

    monkeypatch.setattr(analysis_pass, "analyze_segments", in_threads)
    monkeypatch.setattr(analysis_pass, "SEGMENT_S", 2)
    one = Job(film, tmp_path / "one", within=lambda media: FrameRange(3, 195))
    pipeline.analyze(one)
    several = replace(one, work=tmp_path / "several", jobs=2)
    with pytest.raises(KeyboardInterrupt):
        pipeline.analyze(interrupted_at(several, 100))
    with pytest.raises(KeyboardInterrupt):
        pipeline.analyze(interrupted_at(replace(several, jobs=1), 150))
    pipeline.analyze(several)

    folder = "parts/3-195"
    ours, theirs = (
        {n: d for n, d in files(job).items() if n.startswith(folder)} for job in (one, several)
    )
    assert ours == theirs
    assert f"{folder}/scores.npz" in ours
