"""A job whose slow stages are faked, and a list of which of them ran."""

import zlib
from contextlib import contextmanager

import numpy as np
import pytest
from two_faces import LEFT, RIGHT, scores_of

from otio_speakerzoom.faces import embedders
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import Microphone, Speech, VoiceActivity
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.speech.crops import LOWER_FACE


@pytest.fixture(scope="module")
def clip(make_clip):
    return make_clip("two_faces.mp4", seconds=12)


@pytest.fixture
def job(clip, tmp_path):
    return Job(clip, tmp_path)


@pytest.fixture
def stage_runs(monkeypatch):
    fake_embedder(monkeypatch)
    return fake_stages(monkeypatch)


def fake_embedder(monkeypatch):
    """Let every face look like no other: the network takes most of the time of a faked run."""
    from otio_speakerzoom.pipeline import analysis_pass

    def embed(face):
        rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(face)))
        return rng.normal(size=128).astype(np.float32)

    for module in (embedders, analysis_pass):
        monkeypatch.setattr(module, "open_embedder", lambda name: embed)


def fake_stages(monkeypatch):
    """Fake the stages; return the list of those that run from now on."""
    from otio_speakerzoom.pipeline import analysis_pass
    from otio_speakerzoom.speech import analyze, scorers

    runs = []

    @contextmanager
    def choose_detector(name, **_):
        runs.append(f"detect with {name}")
        # another detector finds faces in another order, a little larger
        boxes = np.array([LEFT, RIGHT] if name == "blazeface" else [RIGHT, LEFT], np.float32)
        yield lambda frame: (boxes + np.float32((0, 0, 2, 2)), np.ones(2, np.float32))

    def detect_voice(media, within, selection, on_progress):
        runs.append(f"detect voice in {selection.stream}, {selection.channel}")
        probability = np.ones(within.duration, np.float32)
        return VoiceActivity(within.start, probability, (Microphone(0),))

    class AudioThread:
        """Hears a voice all the time."""

        def __init__(self, passes, *, on_voice, on_progress):
            self._passes, self._on_voice = passes, on_voice

        def __enter__(self):
            selection, within = self._passes._selection, self._passes.within
            self._voice = detect_voice(None, within, selection, None)
            self._on_voice(self._voice)
            return self

        def __exit__(self, *_):
            pass

        def voice(self):
            return self._voice

        def cancel(self):
            pass

        def read_mfcc(self, start, ticks):
            raise AssertionError("no scorer runs")

    class Scorer:
        recipe = LOWER_FACE

        def __init__(self, name):
            self.name = {"auto": "sync-asd"}.get(name, name)

    class SpeechScoring:
        """Scores a track by its place."""

        def __init__(self, scorer, rate, within, mfcc, *, batches, new_file):
            self.needed_from = self.crops_from = within.start
            self._name = scorer.name

        def push(self, growths, settled_end, frames_end, crop):
            self.needed_from = frames_end

        def finish(self, tracks, keys, crop, voice):
            runs.append(f"score with {self._name}")
            return Speech(tuple(scores_of(track) for track in tracks))

    def score_source(media, tracks, voice, scorer, within, on_progress, batches, new_file):
        runs.append(f"score with {scorer.name}")
        return Speech(tuple(scores_of(track) for track in tracks))

    monkeypatch.setattr(choose, "choose_detector", choose_detector)
    monkeypatch.setattr(analysis_pass, "AudioThread", AudioThread)
    monkeypatch.setattr(analysis_pass, "SpeechScoring", SpeechScoring)
    monkeypatch.setattr(analyze, "detect_voice", detect_voice)
    monkeypatch.setattr(analyze, "score_source", score_source)
    monkeypatch.setattr(scorers, "prepare_scorer", lambda *_, **__: None)
    monkeypatch.setattr(scorers, "choose_scorer", lambda name, *_, **__: Scorer(name))
    return runs
