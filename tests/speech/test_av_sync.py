"""Whether the sound is early or late, told from drawn mouths whose truth is known."""

import numpy as np
import pytest
from drawn import face_of, mfcc_of, syllables

from otio_speakerzoom.speech.av_sync import PIECE, PLENTY, AvSyncEstimator
from otio_speakerzoom.speech.features import Clip


def piece(seed, late=0, sounds=1):
    """A face of 20 s with its sound, `late` ticks later, and before it others that are not its."""
    said = syllables(seed, PIECE)
    others = [mfcc_of(syllables(seed + 100 * n, PIECE)) for n in range(1, sounds)]
    return Clip(face_of(said, seed, sway=0.3), np.stack([*others, mfcc_of(np.roll(said, late))]))


@pytest.mark.parametrize("late", [-8, 0, 5])
def test_the_offset_of_a_recording_is_found(late):
    meter = AvSyncEstimator()
    for seed in range(3):
        meter.push(piece(seed, late))

    found = meter.late()

    assert found is not None
    assert found == pytest.approx(late / 25, abs=0.081)  # two ticks


def test_of_several_sounds_the_faces_own_counts():
    meter = AvSyncEstimator()
    for seed in range(3):
        meter.push(piece(seed, 6, sounds=3))

    assert meter.late() == pytest.approx(0.24, abs=0.081)


def test_little_to_go_by_is_no_answer():
    meter = AvSyncEstimator()
    meter.push(piece(0, 6))
    meter.push(piece(1, 6))

    assert meter.late() is None


def test_still_faces_and_opinions_that_differ_are_no_answer():
    still = AvSyncEstimator()
    differing = AvSyncEstimator()
    for seed, late in enumerate((-10, -5, 0, 5, 10)):
        still.push(Clip(face_of(np.full(PIECE, 0.2), seed), piece(seed).mfcc))
        differing.push(piece(seed, late))

    assert still.late() is None
    assert differing.late() is None


def test_the_meter_asks_for_no_more_than_it_needs():
    meter = AvSyncEstimator()
    taken = piece(2)
    for _ in range(PLENTY):
        assert not meter.done
        meter.push(taken)

    assert meter.done
