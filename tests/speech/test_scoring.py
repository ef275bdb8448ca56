"""Windows, ticks and voice: what lies between the tracks and a scorer."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import FaceTrack, FrameRange
from otio_speakerzoom.speech import scoring
from otio_speakerzoom.speech.av_sync import AvSyncEstimator
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import WHOLE_BOX, mfcc
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.scorers import NETWORKS, choose_scorer
from otio_speakerzoom.speech.scoring import cepstra_of, gated, score_speech
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.device import find_device
from otio_speakerzoom.weights.names import BUNDLED_SCORER


class Brightness:
    """Scores each crop by its mean, plus nothing that depends on the window it is seen in."""

    name, recipe, gated = "brightness", WHOLE_BOX, False
    calibration = Calibration(1.0, 0.0)

    def __init__(self, window=10, context=3):
        self.window, self.context, self.seen, self.batches = window, context, [], []

    def encode(self, clips):
        self.batches.append(len(clips))
        return [self.encoded(clip) for clip in clips]

    def encoded(self, clip):
        self.seen.append((len(clip.crops), round(float(clip.mfcc[0, 0, 0]))))
        gray = clip.crops.mean(axis=(1, 2))
        return np.stack([gray + sound[0, 1] for sound in clip.mfcc], 1).astype(np.float32)

    def decide(self, track):
        return track.read(0, len(track)).T


def world(rate, frames, tracks):
    """Pictures whose gray is the frame number, cepstra whose rows are numbered, and the tracks."""
    pictures = [(n, np.full((40, 60), n % 250, np.uint8)) for n in range(frames)]
    ticks = -(-frames * 25 // rate)
    cepstrum = RowBuffer(13)
    cepstrum.add(np.arange(4 * int(ticks), dtype=np.float32)[:, None] * (np.arange(13) == 0))
    box = np.array([10, 10, 30, 30], np.float32)
    made = [
        FaceTrack(n, start, np.tile(box, (length, 1)), np.ones(length, bool))
        for n, (start, length) in enumerate(tracks, 1)
    ]
    return pictures, [cepstrum], made


@given(
    st.sampled_from(("24000/1001", "25", "30000/1001", "50", "12")),
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 120)), min_size=1, max_size=3),
    st.integers(1, 30),
    st.integers(0, 20),
)
@settings(deadline=None, max_examples=60)
def test_scores_do_not_depend_on_windows_and_cover_every_frame(rate, spans, window, context):
    rate = Fraction(rate)
    pictures, cepstra, tracks = world(rate, 200, spans)

    def scored(scorer):
        return score_speech(iter(pictures), cepstra, tracks, scorer, rate, FrameRange(0, 200))

    once, windowed = scored(Brightness(1000, 0)), scored(Brightness(window, context))
    for whole, part, track in zip(once, windowed, tracks, strict=True):
        assert (part.track_id, part.start) == (track.id, track.start)
        assert len(part.logits) == len(track.boxes)
        assert np.array_equal(whole.logits, part.logits)


def test_at_25_fps_each_frame_has_its_own_score_and_its_own_sound():
    pictures, cepstra, tracks = world(Fraction(25), 100, [(7, 60)])
    scorer = Brightness(window=20, context=5)
    (scoring,) = score_speech(
        iter(pictures), cepstra, tracks, scorer, Fraction(25), FrameRange(0, 100)
    )

    assert scoring.logits.tolist() == list(range(7, 67))
    # each call starts its sound at four rows for every tick before its first crop
    assert scorer.seen == [(25, 28), (30, 88), (25, 168)]


def test_a_range_is_scored_as_if_it_were_the_whole():
    pictures, cepstra, tracks = world(Fraction(25), 100, [(40, 30)])
    within = FrameRange(30, 80)
    (scoring,) = score_speech(
        iter(pictures[30:80]), cepstra, tracks, Brightness(), Fraction(25), within
    )

    assert (scoring.start, scoring.logits.tolist()) == (40, list(range(40, 70)))


def test_memory_follows_the_window_and_not_the_track():
    most = 0

    class Watching(Brightness):
        def encoded(self, clip):
            nonlocal most
            most = max(most, len(clip.crops))
            return super().encoded(clip)

    pictures, cepstra, tracks = world(Fraction(25), 500, [(0, 500)])
    score_speech(iter(pictures), cepstra, tracks, Watching(20, 5), Fraction(25), FrameRange(0, 500))

    assert most == 30


@pytest.mark.parametrize("context", [3, 140])
def test_nothing_is_held_of_a_track_that_has_ended(context, monkeypatch):
    """Short tracks, one after another, with the offset meter that waits for long ones."""
    monkeypatch.setattr(scoring, "AT_ONCE", 50)
    spans = [(first, 50) for first in range(0, 2000, 50)]
    pictures, cepstra, tracks = world(Fraction(25), 2000, spans)
    held = []

    def measured():
        for frame, picture in pictures:
            yield frame, picture
            if (frame + 1) % 500 == 0:
                held.append(tracemalloc.get_traced_memory()[0])

    scorer = Brightness(20, context)
    tracemalloc.start()
    try:
        score_speech(measured(), cepstra, tracks, scorer, Fraction(25), FrameRange(0, 2000),
                     meter=AvSyncEstimator())  # fmt: skip
    finally:
        tracemalloc.stop()

    assert held[-1] - held[0] < 112 * 112 * 10  # of 30 tracks, 1500 crops: fewer than ten


def test_the_meter_is_shown_whole_pieces_until_it_has_seen_enough():
    class Noting(AvSyncEstimator):
        def __init__(self):
            super().__init__()
            self.shown = []

        @property
        def done(self):
            return len(self.shown) >= 3

        def push(self, clip):
            self.shown.append(clip.mfcc[0, 0, 0] / 4)  # its first tick

    spans = [(0, 1200), (100, 499), (200, 500), (1300, 2000)]
    pictures, cepstra, tracks = world(Fraction(25), 3300, spans)
    meter = Noting()
    score_speech(iter(pictures), cepstra, tracks, Brightness(), Fraction(25), FrameRange(0, 3300),
                 meter=meter)  # fmt: skip

    assert meter.shown == [0, 200, 500]


def test_windows_of_several_tracks_are_scored_together():
    pictures, cepstra, tracks = world(Fraction(25), 100, [(0, 40), (10, 50), (70, 20)])
    scorer = Brightness(window=500)
    score_speech(iter(pictures), cepstra, tracks, scorer, Fraction(25), FrameRange(0, 100))

    assert scorer.batches == [3]


def test_of_several_microphones_the_one_that_fits_best_counts():
    pictures, (cepstrum,), tracks = world(Fraction(25), 100, [(10, 60)])
    louder = RowBuffer(13)
    louder.add(cepstrum.read(0, 400) + 5 * (np.arange(13) == 1))
    (scoring,) = score_speech(
        iter(pictures), [cepstrum, louder], tracks, Brightness(), Fraction(25), FrameRange(0, 100)
    )

    assert scoring.logits.tolist() == list(range(15, 75))


def test_voice_gates_a_scorer_that_cannot_hear_it():
    logits = np.array([4, 4, -4, 0], np.float32)
    voice = np.array([1, 0, 1, 0.5], np.float32)
    by_hand = 1 / (1 + np.exp(-gated(logits, voice)))

    expected = 1 / (1 + np.exp(-logits)) * np.clip(voice, 0.001, 0.999)
    assert by_hand == pytest.approx(expected, rel=1e-4)

    class Deaf(Brightness):
        gated = True

    pictures, cepstra, tracks = world(Fraction(25), 50, [(10, 30)])
    voice = np.zeros(50, np.float32)
    voice[20:] = 1
    (scoring,) = score_speech(
        iter(pictures), cepstra, tracks, Deaf(), Fraction(25), FrameRange(0, 50), voice=voice
    )
    assert (scoring.logits > 0).tolist() == [False] * 10 + [True] * 20


class Certain(Brightness):
    """Gives every crop the logit 1.5, on a scale of its own."""

    gated = True
    calibration = Calibration(2.0, -1.0)

    def encoded(self, clip):
        return np.full((len(clip.crops), 1), 1.5, np.float32)


def certain_scores(voice=None):
    pictures, cepstra, tracks = world(Fraction(25), 50, [(10, 30)])
    (scoring,) = score_speech(
        iter(pictures), cepstra, tracks, Certain(), Fraction(25), FrameRange(0, 50), voice=voice
    )
    return scoring.logits


def test_what_is_kept_is_calibrated():
    logits = certain_scores()

    assert logits.dtype == np.float32
    assert logits.tolist() == [2 * 1.5 - 1] * 30


def test_voice_gates_the_calibrated_probability():
    logits = certain_scores(np.full(50, 0.25, np.float32))

    expected = 0.25 / (1 + np.exp(-(2 * 1.5 - 1)))
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(np.full(30, expected), rel=1e-5)


@pytest.mark.parametrize(
    ("slope", "offset"), [(0, 0), (-1, 0), (np.inf, 0), (np.nan, 0), (1, np.inf), (1, np.nan)]
)
def test_a_calibration_must_rise_and_be_finite(slope, offset):
    with pytest.raises(ValueError, match="slope must be above 0"):
        Calibration(slope, offset)


@pytest.mark.parametrize("scorer", [*NETWORKS.values(), MouthMotion])
def test_every_scorer_declares_its_calibration(scorer):
    assert isinstance(scorer.calibration, Calibration)


def test_auto_takes_the_projects_own_network_where_nothing_else_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("SPEAKERZOOM_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caplog.set_level("INFO")

    assert choose_scorer("auto", "cpu", on_fetch=unasked).name == BUNDLED_SCORER
    assert caplog.messages == ["scorer: sync-asd on cpu, the best that is installed"]


def test_auto_takes_talknet_where_its_weights_are(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "find", lambda name, path=None: tmp_path / name)
    monkeypatch.setitem(NETWORKS, "talknet", lambda path, device: (path.name, device))

    assert choose_scorer("auto", "cpu", on_fetch=unasked) == ("talknet", "cpu")


def unasked(name):
    """Stand in for a fetch's progress, and bring no bytes."""
    return lambda done, total: pytest.fail(f"{name} is not to be fetched")


@given(st.integers(1, 20_000), st.integers(1, 7000))
@settings(deadline=None, max_examples=60)
def test_cepstra_of_blocks_are_those_of_the_whole(samples, block):
    pcm = np.random.default_rng(samples).normal(0, 3000, samples).astype(np.int16)
    blocks = [pcm[start : start + block] for start in range(0, samples, block)]

    rows = cepstra_of(blocks)
    assert rows.read(0, len(rows)) == pytest.approx(mfcc(pcm).astype(np.float32), abs=1e-5)


def test_a_device_that_is_not_there_is_said():
    import torch

    if torch.cuda.is_available():
        assert find_device("auto") == "cuda"
    else:
        assert find_device("auto") == "cpu"
        for name in ("cuda", "mps"):
            with pytest.raises(ToolError, match=f"--device {name}: .* choose --device cpu or auto"):
                find_device(name)


def test_scores_are_calibrated():
    class Shifted(Brightness):
        calibration = Calibration(2.0, -1.0)

    pictures, cepstra, tracks = world(25, 30, [(0, 30)])

    def scored(scorer):
        span = FrameRange(0, 30)
        return score_speech(pictures, cepstra, tracks, scorer, Fraction(25), span)[0].logits

    assert scored(Shifted()) == pytest.approx(2 * scored(Brightness()) - 1, rel=1e-5)
