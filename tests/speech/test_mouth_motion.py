import numpy as np
import pytest
from drawn import face_of, mfcc_of, syllables
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import LOWER_FACE
from otio_speakerzoom.speech.mouth_motion.audio_features import audio_features
from otio_speakerzoom.speech.mouth_motion.mouth_features import mouth_features
from otio_speakerzoom.speech.mouth_motion.scorer import (
    COEFFICIENTS,
    MouthMotion,
    lip_sync,
    regression_features,
)
from otio_speakerzoom.speech.scorer import score_clip

SEEDS = (1, 2, 3, 4)


def score(crops, rows):
    return score_clip(MouthMotion(), Clip(crops, rows[None]))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mouth_scores_higher_with_its_own_audio_than_with_another(seed):
    loudness, other = syllables(seed), syllables(seed + 100)
    crops = face_of(loudness, seed, sway=0.3)

    own, foreign = score(crops, mfcc_of(loudness)), score(crops, mfcc_of(other))

    assert own.mean() > 0.5
    assert own.mean() > foreign.mean() + 1
    # the correlation alone distinguishes them too
    assert lip_sync(crops, mfcc_of(loudness)).mean() > lip_sync(crops, mfcc_of(other)).mean() + 0.5


@pytest.mark.parametrize("sway", [0, 0.3, 1])
def test_a_still_mouth_does_not_speak_however_the_head_sways(sway):
    loudness = syllables(5)

    logits = score(face_of(np.full(300, 0.2), 5, sway), mfcc_of(loudness))

    assert logits.max() < 0
    assert logits.mean() < score(face_of(loudness, 5, sway), mfcc_of(loudness)).mean() - 2


def test_the_talker_scores_higher_in_each_turn():
    loudness = syllables(6, 500)
    turn = np.arange(500) // 125 % 2 == 0  # 5 s each
    left = face_of(np.where(turn, loudness, 0.1), 1)
    right = face_of(np.where(turn, 0.1, loudness), 2)

    ahead = score(left, mfcc_of(loudness)) > score(right, mfcc_of(loudness))

    assert (ahead == turn).mean() > 0.9


def test_audio_that_is_two_ticks_late_still_scores():
    loudness = syllables(7)

    late = score(face_of(loudness), mfcc_of(np.roll(loudness, 2)))

    assert late.mean() > 0.5


def test_crops_and_audio_shifted_together_shift_the_scores():
    loudness = syllables(8, 700)
    crops, rows = face_of(loudness), mfcc_of(loudness)

    whole, later = score(crops, rows), score(crops[30:], rows[120:])

    inside = slice(MouthMotion.context, None)
    np.testing.assert_allclose(later[inside], whole[30:][inside], atol=1e-3)


def test_a_window_with_its_context_scores_as_in_the_whole():
    loudness = syllables(9, 600)
    crops, rows = face_of(loudness, sway=0.5), mfcc_of(loudness)
    reach, start, end = MouthMotion.context, 200, 350

    part = score(crops[start - reach : end + reach], rows[4 * (start - reach) : 4 * (end + reach)])

    whole = score(crops, rows)
    np.testing.assert_allclose(part[reach:-reach], whole[start:end], atol=1e-3)


@given(
    ticks=st.integers(1, 30),
    gray=st.integers(0, 255),
    level=st.sampled_from([-36.04, 0.0, 10.0, 30.0]),
)
@settings(max_examples=40, deadline=None)
def test_blank_crops_and_steady_audio_score_finite_and_below_zero(ticks, gray, level):
    crops = np.full((ticks, 112, 112), gray, np.uint8)
    rows = np.full((4 * ticks, 13), level, np.float32)

    logits = score(crops, rows)

    assert logits.shape == (ticks,)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert (logits < 0).all()


@given(ticks=st.integers(1, 60), seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_crops_and_audio_of_any_kind_score_finite(ticks, seed):
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (ticks, 112, 112), dtype=np.uint8)
    rows = rng.normal(0, 30, (4 * ticks, 13)).astype(np.float32)

    assert np.isfinite(score(crops, rows)).all()


def test_the_same_input_scores_the_same():
    loudness = syllables(10, 80)
    crops, rows = face_of(loudness), mfcc_of(loudness)

    np.testing.assert_array_equal(score(crops, rows), score(crops.copy(), rows.copy()))


def test_silence_correlates_with_nothing():
    silence = np.full((1200, 13), -36.04, np.float32)

    features = regression_features(mouth_features(face_of(syllables(11))), audio_features(silence))

    assert np.abs(features[:, :3]).max() < 1e-6
    assert features.shape == (300, len(COEFFICIENTS))


def test_a_moving_head_is_not_a_moving_mouth():
    still = np.full(200, 0.2)

    swaying, talking = (
        mouth_features(face_of(still, sway=1)),
        mouth_features(face_of(syllables(12, 200))),
    )

    assert np.median(swaying.mouth_speed) < 0.5 * np.median(talking.mouth_speed)


def test_it_declares_its_crops_and_its_gate():
    assert (MouthMotion.name, MouthMotion.recipe, MouthMotion.gated_by_vad) == (
        "motion",
        LOWER_FACE,
        True,
    )
