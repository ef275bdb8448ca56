"""Estimates of the A/V offset of drawn mouths, whose true offset is known."""

import numpy as np
import pytest
from drawn import face_of, mfcc_of, syllables

from otio_speakerzoom.speech.av_sync import (
    MAX_ESTIMATES,
    PIECE_TICKS,
    AvSyncEstimator,
    offset_of_piece,
)
from otio_speakerzoom.speech.clip import Clip


def piece(seed, offset=0, microphones=1):
    """A face of 20 s whose audio is `offset` ticks late, on the last of several microphones."""
    loudness = syllables(seed, PIECE_TICKS)
    others = [mfcc_of(syllables(seed + 100 * n, PIECE_TICKS)) for n in range(1, microphones)]
    own = mfcc_of(np.roll(loudness, offset))
    return Clip(face_of(loudness, seed, sway=0.3), np.stack([*others, own]))


@pytest.mark.parametrize("offset", [-8, 0, 5])
def test_the_offset_of_a_recording_is_estimated(offset):
    estimator = AvSyncEstimator()
    for seed in range(3):
        estimator.push(offset_of_piece(piece(seed, offset)))

    estimate = estimator.offset_s()

    assert estimate is not None
    assert estimate == pytest.approx(offset / 25, abs=0.081)  # two ticks


def test_of_several_microphones_the_best_one_counts():
    estimator = AvSyncEstimator()
    for seed in range(3):
        estimator.push(offset_of_piece(piece(seed, 6, microphones=3)))

    assert estimator.offset_s() == pytest.approx(0.24, abs=0.081)


def test_two_estimates_are_too_few():
    estimator = AvSyncEstimator()
    estimator.push(offset_of_piece(piece(0, 6)))
    estimator.push(offset_of_piece(piece(1, 6)))

    assert estimator.offset_s() is None


def test_still_faces_and_differing_estimates_give_no_offset():
    still = AvSyncEstimator()
    differing = AvSyncEstimator()
    for seed, offset in enumerate((-10, -5, 0, 5, 10)):
        still_face = face_of(np.full(PIECE_TICKS, 0.2), seed)
        still.push(offset_of_piece(Clip(still_face, piece(seed).mfcc)))
        differing.push(offset_of_piece(piece(seed, offset)))

    assert still.offset_s() is None
    assert differing.offset_s() is None


def test_the_estimator_is_done_once_it_has_enough():
    estimator = AvSyncEstimator()
    estimator.push(None)  # a piece that gives no estimate
    for _ in range(MAX_ESTIMATES):
        assert not estimator.done
        estimator.push(offset_ticks=2)

    assert estimator.done
