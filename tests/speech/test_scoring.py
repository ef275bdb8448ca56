"""Scoring tracks: windows, batches, calibration, the VAD gate, and the choice of a scorer."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.model import FaceTrack, FrameRange
from otio_speakerzoom.speech import batches
from otio_speakerzoom.speech.calibration import LOG_ODDS_STEPS, Calibration, round_log_odds
from otio_speakerzoom.speech.crops import WHOLE_BOX
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.scorer import LogitDecider, gate_by_vad
from otio_speakerzoom.speech.scorers import NETWORKS, choose_scorer, prepare_scorer
from otio_speakerzoom.speech.scoring import score_speech, scored_frames
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import BUNDLED_SCORER


class Brightness:
    """Scores each crop by its mean, whatever window it is in."""

    name, recipe, gated_by_vad = "brightness", WHOLE_BOX, False
    calibration = Calibration(1.0, 0.0)

    def __init__(self, window=10, context=3):
        self.window, self.context, self.calls, self.batches = window, context, [], []

    def encode(self, clips):
        self.batches.append(len(clips))
        return [self.encode_clip(clip) for clip in clips]

    def encode_clip(self, clip):
        self.calls.append((len(clip.crops), round(float(clip.mfcc[0, 0, 0]))))
        gray = clip.crops.mean(axis=(1, 2))
        return np.stack([gray + rows[0, 1] for rows in clip.mfcc], 1).astype(np.float32)

    def decider(self, _):
        return LogitDecider()


def world(rate, duration, spans):
    """Frames whose gray is their number, MFCC whose rows are numbered, and the tracks."""
    frames = [(n, np.full((40, 60), n % 250, np.uint8)) for n in range(duration)]
    ticks = -(-duration * 25 // rate)
    mfcc = RowBuffer(13)
    mfcc.add(np.arange(4 * int(ticks), dtype=np.float32)[:, None] * (np.arange(13) == 0))
    box = np.array([10, 10, 30, 30], np.float32)
    tracks = [
        FaceTrack(n, start, np.tile(box, (length, 1)), np.ones(length, bool))
        for n, (start, length) in enumerate(spans, 1)
    ]
    return frames, [mfcc], tracks


def scored(frames, mfcc, tracks, scorer, duration, **options):
    within = FrameRange(0, duration)
    return score_speech(iter(frames), mfcc, tracks, scorer, Fraction(25), within, **options).scores


@given(
    st.sampled_from(("24000/1001", "25", "30000/1001", "50", "12")),
    st.lists(st.tuples(st.integers(0, 80), st.integers(1, 120)), min_size=1, max_size=3),
    st.integers(1, 30),
    st.integers(0, 20),
)
@settings(deadline=None, max_examples=60)
def test_scores_do_not_depend_on_windows_and_cover_every_frame(rate, spans, window, context):
    rate = Fraction(rate)
    frames, mfcc, tracks = world(rate, 200, spans)

    def scored(scorer):
        return score_speech(iter(frames), mfcc, tracks, scorer, rate, FrameRange(0, 200)).scores

    once, windowed = scored(Brightness(1000, 0)), scored(Brightness(window, context))
    for whole, part, track in zip(once, windowed, tracks, strict=True):
        assert (part.track_id, part.start) == (track.id, track.start)
        assert len(part.logits) == len(track.boxes)
        assert np.array_equal(whole.logits, part.logits)


def test_at_25_fps_each_frame_has_its_own_score_and_its_own_audio():
    frames, mfcc, tracks = world(Fraction(25), 100, [(7, 60)])
    scorer = Brightness(window=20, context=5)
    (scoring,) = scored(frames, mfcc, tracks, scorer, 100)

    assert scoring.logits.tolist() == list(range(7, 67))
    # the audio of each call starts four rows later for every tick before its first crop
    assert scorer.calls == [(25, 28), (30, 88), (25, 168)]


def test_a_range_is_scored_like_a_whole_source():
    frames, mfcc, tracks = world(Fraction(25), 100, [(40, 30)])
    within = FrameRange(30, 80)
    speech = score_speech(iter(frames[30:80]), mfcc, tracks, Brightness(), Fraction(25), within)
    (scoring,) = speech.scores

    assert (scoring.start, scoring.logits.tolist()) == (40, list(range(40, 70)))


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(60), Fraction(24000, 1001)])
def test_only_frames_at_a_tick_of_a_track_are_read(rate):
    spans, within = [(5, 40), (20, 30), (80, 15)], FrameRange(10, 90)
    frames, mfcc, tracks = world(rate, 100, spans)
    tracks = [track for track in tracks if track.start >= within.start]
    is_scored = scored_frames(tracks, rate, within)
    part = frames[within.start : within.end]
    nothing = np.empty(0, np.uint8)
    blanked = [(n, frame if is_scored[n - within.start] else nothing) for n, frame in part]

    scores = [
        score_speech(f, mfcc, tracks, Brightness(), rate, within).scores for f in (part, blanked)
    ]

    for every, some in zip(*scores, strict=True):
        assert every.logits.tolist() == some.logits.tolist()
    assert is_scored.mean() < (0.25 if rate == 60 else 0.6)


def test_memory_follows_the_window_and_not_the_track():
    most = 0

    class Watched(Brightness):
        def encode_clip(self, clip):
            nonlocal most
            most = max(most, len(clip.crops))
            return super().encode_clip(clip)

    frames, mfcc, tracks = world(Fraction(25), 500, [(0, 500)])
    score_speech(iter(frames), mfcc, tracks, Watched(20, 5), Fraction(25), FrameRange(0, 500))

    assert most == 30


@pytest.mark.parametrize("context", [3, 140])
def test_a_track_that_has_ended_uses_no_memory(context, monkeypatch):
    """Short tracks, one after another, too short to measure the A/V sync."""
    monkeypatch.setattr(batches, "BATCH_TICKS", 50)
    spans = [(first, 50) for first in range(0, 2000, 50)]
    frames, mfcc, tracks = world(Fraction(25), 2000, spans)
    memory = []

    def measured():
        for number, frame in frames:
            yield number, frame
            if (number + 1) % 500 == 0:
                memory.append(tracemalloc.get_traced_memory()[0])

    scorer = Brightness(20, context)
    tracemalloc.start()
    try:
        score_speech(measured(), mfcc, tracks, scorer, Fraction(25), FrameRange(0, 2000))
    finally:
        tracemalloc.stop()

    # of 30 tracks, 1500 crops: fewer than 400, which may wait for the thread that encodes
    assert memory[-1] - memory[0] < 112 * 112 * 400


def test_whole_pieces_measure_the_av_sync_until_there_are_enough(monkeypatch):
    """As many of the earliest pieces as it takes count, in order of their end."""
    spans = [(0, 1200), (100, 499), (200, 500), (1300, 2000)]
    frames, mfcc, tracks = world(Fraction(25), 3300, spans)
    first_ticks = []

    def first_tick(clip):
        first_ticks.append(round(clip.mfcc[0, 0, 0] / 4))
        return first_ticks[-1]

    monkeypatch.setattr(batches, "offset_of_piece", first_tick)
    speech = score_speech(
        iter(frames), mfcc, tracks, Brightness(), Fraction(25), FrameRange(0, 3300)
    )

    assert first_ticks == [0, 200, 500, 1300, 1800, 2300, 2800]
    assert speech.av_offset_s is None


def test_windows_of_several_tracks_are_encoded_together():
    frames, mfcc, tracks = world(Fraction(25), 100, [(0, 40), (10, 50), (70, 20)])
    scorer = Brightness(window=500)
    score_speech(iter(frames), mfcc, tracks, scorer, Fraction(25), FrameRange(0, 100))

    assert scorer.batches == [3]


def test_of_several_microphones_the_best_score_counts():
    frames, (mfcc,), tracks = world(Fraction(25), 100, [(10, 60)])
    louder = RowBuffer(13)
    louder.add(mfcc.read(0, 400) + 5 * (np.arange(13) == 1))
    (scoring,) = scored(frames, [mfcc, louder], tracks, Brightness(), 100)

    assert scoring.logits.tolist() == list(range(15, 75))


def test_the_vad_gates_a_scorer_that_needs_it():
    logits = np.array([4, 4, -4, 0], np.float32)
    voice = np.array([1, 0, 1, 0.5], np.float32)
    by_hand = 1 / (1 + np.exp(-gate_by_vad(logits, voice)))

    expected = 1 / (1 + np.exp(-logits)) * np.clip(voice, 0.001, 0.999)
    assert by_hand == pytest.approx(expected, rel=1e-4)

    class NeedsVad(Brightness):
        gated_by_vad = True

    frames, mfcc, tracks = world(Fraction(25), 50, [(10, 30)])
    voice = np.zeros(50, np.float32)
    voice[20:] = 1
    (scoring,) = scored(frames, mfcc, tracks, NeedsVad(), 50, voice=voice)
    assert (scoring.logits > 0).tolist() == [False] * 10 + [True] * 20


class Certain(Brightness):
    """Gives every crop the logit 1.5, on a scale of its own."""

    gated_by_vad = True
    calibration = Calibration(2.0, -1.0)

    def encode_clip(self, clip):
        return np.full((len(clip.crops), 1), 1.5, np.float32)


def certain_scores(voice=None):
    frames, mfcc, tracks = world(Fraction(25), 50, [(10, 30)])
    (scoring,) = scored(frames, mfcc, tracks, Certain(), 50, voice=voice)
    return scoring.logits


def test_scores_are_calibrated_logits():
    logits = certain_scores()

    assert logits.dtype == np.float32
    assert logits.tolist() == [2 * 1.5 - 1] * 30


def test_the_vad_gates_the_calibrated_probability():
    logits = certain_scores(np.full(50, 0.25, np.float32))

    expected = 0.25 / (1 + np.exp(-(2 * 1.5 - 1)))
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(
        np.full(30, expected), abs=0.25 / LOG_ODDS_STEPS
    )


@pytest.mark.parametrize(
    ("slope", "offset"), [(0, 0), (-1, 0), (np.inf, 0), (np.nan, 0), (1, np.inf), (1, np.nan)]
)
def test_a_calibration_must_rise_and_be_finite(slope, offset):
    with pytest.raises(ValueError, match="slope must be above 0"):
        Calibration(slope, offset)


@pytest.mark.parametrize("scorer", [*NETWORKS.values(), MouthMotion])
def test_every_scorer_declares_its_calibration(scorer):
    assert isinstance(scorer.calibration, Calibration)


def test_auto_chooses_the_bundled_network_if_nothing_else_is_installed(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("SPEAKERZOOM_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caplog.set_level("INFO")

    assert choose_scorer("auto", "cpu", on_fetch=no_fetch).name == BUNDLED_SCORER
    assert caplog.messages == ["scorer: sync-asd on cpu, the best that is installed"]


def test_auto_chooses_talknet_if_its_weights_are_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "find", lambda name, path=None: tmp_path / name)
    monkeypatch.setitem(NETWORKS, "talknet", lambda path, device: (path.name, device))

    assert choose_scorer("auto", "cpu", on_fetch=no_fetch) == ("talknet", "cpu")


def test_auto_prefers_lr_asd_to_our_own_network(monkeypatch, tmp_path):
    here = ("lr-asd", "sync-asd", "light-asd")
    monkeypatch.setattr(
        fetch, "find", lambda name, path=None: tmp_path / name if name in here else None
    )
    monkeypatch.setitem(NETWORKS, "lr-asd", lambda path, device: path.name)

    prepare_scorer("auto", "cpu", on_fetch=no_fetch)
    assert choose_scorer("auto", "cpu", on_fetch=no_fetch) == "lr-asd"


def no_fetch(name):
    """Return a progress callback that fails at the first byte."""
    return lambda done, total: pytest.fail(f"{name} must not be downloaded")


def test_scores_are_calibrated():
    class Shifted(Brightness):
        calibration = Calibration(2.0, -1.0)

    frames, mfcc, tracks = world(25, 30, [(0, 30)])

    shifted, plain = (scored(frames, mfcc, tracks, s, 30)[0] for s in (Shifted(), Brightness()))
    assert shifted.logits == pytest.approx(2 * plain.logits - 1, rel=1e-5)


def test_scores_are_kept_in_exact_steps_that_the_noise_of_threads_does_not_change():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 4, 100_000).astype(np.float32)
    noise = rng.normal(0, 6e-7, len(scores)).astype(np.float32)  # mean size 5e-7, as measured

    rounded, other = round_log_odds(scores), round_log_odds(scores + noise)

    assert np.array_equal(rounded * LOG_ODDS_STEPS, np.rint(rounded * LOG_ODDS_STEPS))
    assert np.array_equal(round_log_odds(rounded), rounded)
    assert np.abs(rounded - scores).max() <= 0.5 / LOG_ODDS_STEPS
    assert 0 < np.count_nonzero(rounded != other) < len(scores) // 5000
    assert np.abs(rounded - other).max() == 1 / LOG_ODDS_STEPS


def test_a_scored_track_is_rounded():
    class Thirds(Brightness):
        calibration = Calibration(1 / 3, 0.1)

    frames, mfcc, tracks = world(25, 60, [(0, 60)])

    (scores,) = scored(frames, mfcc, tracks, Thirds(), 60)
    (plain,) = scored(frames, mfcc, tracks, Brightness(), 60)

    assert np.array_equal(scores.logits, round_log_odds(Thirds.calibration(plain.logits)))
    assert not np.array_equal(scores.logits, Thirds.calibration(plain.logits))
