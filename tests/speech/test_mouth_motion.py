import numpy as np
import pytest
from drawn import face_of, mfcc_of, syllables
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.speech.features import LOWER_FACE, Clip
from otio_speakerzoom.speech.mouth_motion.lips import movement
from otio_speakerzoom.speech.mouth_motion.scorer import (
    COEFFICIENTS,
    MouthMotion,
    agreement,
    evidence,
    hearing,
)
from otio_speakerzoom.speech.scoring import score_clip

SEEDS = (1, 2, 3, 4)


def score(crops, rows):
    return score_clip(MouthMotion(), Clip(crops, rows[None]))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mouth_that_opens_with_the_sound_beats_the_same_mouth_with_another(seed):
    said, other = syllables(seed), syllables(seed + 100)
    crops = face_of(said, seed, sway=0.3)

    own, foreign = score(crops, mfcc_of(said)), score(crops, mfcc_of(other))

    assert own.mean() > 0.5
    assert own.mean() > foreign.mean() + 1
    # agreement alone tells it too
    assert agreement(crops, mfcc_of(said)).mean() > agreement(crops, mfcc_of(other)).mean() + 0.5


@pytest.mark.parametrize("sway", [0, 0.3, 1])
def test_a_still_mouth_does_not_speak_however_the_head_sways(sway):
    said = syllables(5)

    logits = score(face_of(np.full(300, 0.2), 5, sway), mfcc_of(said))

    assert logits.max() < 0
    assert logits.mean() < score(face_of(said, 5, sway), mfcc_of(said)).mean() - 2


def test_turns_are_told_apart_frame_by_frame():
    said = syllables(6, 500)
    turn = np.arange(500) // 125 % 2 == 0  # 5 s each
    left = face_of(np.where(turn, said, 0.1), 1)
    right = face_of(np.where(turn, 0.1, said), 2)

    ahead = score(left, mfcc_of(said)) > score(right, mfcc_of(said))

    assert (ahead == turn).mean() > 0.9


def test_sound_that_is_two_ticks_late_still_belongs_to_the_mouth():
    said = syllables(7)

    late = score(face_of(said), mfcc_of(np.roll(said, 2)))

    assert late.mean() > 0.5


def test_sight_and_sound_shifted_together_shift_the_scores():
    said = syllables(8, 700)
    crops, rows = face_of(said), mfcc_of(said)

    whole, later = score(crops, rows), score(crops[30:], rows[120:])

    inside = slice(MouthMotion.context, None)
    np.testing.assert_allclose(later[inside], whole[30:][inside], atol=1e-3)


def test_a_window_with_its_context_scores_as_in_the_whole():
    said = syllables(9, 600)
    crops, rows = face_of(said, sway=0.5), mfcc_of(said)
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
def test_blank_crops_and_steady_sound_score_finite_and_below_zero(ticks, gray, level):
    crops = np.full((ticks, 112, 112), gray, np.uint8)
    rows = np.full((4 * ticks, 13), level, np.float32)

    logits = score(crops, rows)

    assert logits.shape == (ticks,)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert (logits < 0).all()


@given(ticks=st.integers(1, 60), seed=st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_pictures_and_sound_of_any_kind_score_finite(ticks, seed):
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 256, (ticks, 112, 112), dtype=np.uint8)
    rows = rng.normal(0, 30, (4 * ticks, 13)).astype(np.float32)

    assert np.isfinite(score(crops, rows)).all()


def test_the_same_input_scores_the_same():
    said = syllables(10, 80)
    crops, rows = face_of(said), mfcc_of(said)

    np.testing.assert_array_equal(score(crops, rows), score(crops.copy(), rows.copy()))


def test_silence_agrees_with_nothing():
    still_sound = np.full((1200, 13), -36.04, np.float32)

    found = evidence(movement(face_of(syllables(11))), hearing(still_sound))

    assert np.abs(found[:, :3]).max() < 1e-6
    assert found.shape == (300, len(COEFFICIENTS))


def test_a_moving_head_is_not_a_moving_mouth():
    still = np.full(200, 0.2)

    swaying, talking = movement(face_of(still, sway=1)), movement(face_of(syllables(12, 200)))

    assert np.median(swaying.mouth) < 0.5 * np.median(talking.mouth)


def test_it_declares_what_it_must_be_given():
    assert (MouthMotion.name, MouthMotion.recipe, MouthMotion.gated) == ("motion", LOWER_FACE, True)
