"""A crop that follows a face: its path and its keys."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.camera_path import key_steps, smooth_path
from otio_speakerzoom.director.crop_geometry import crops_of
from otio_speakerzoom.model import (
    Box,
    CropKey,
    FrameRange,
    Shot,
)


@given(arrays(np.float64, st.integers(4, 60), elements=st.floats(300, 1500)), st.floats(5, 60))
@settings(max_examples=40, deadline=None)
def test_a_moving_crop_obeys_its_maximum_speed_and_stays_in_the_frame(targets, max_step):
    path = smooth_path(targets, 40.0, max_step, 320.0, 1600.0)

    assert np.abs(np.diff(path)).max() <= max_step + 1e-6
    assert path.min() >= 320 - 1e-6
    assert path.max() <= 1600 + 1e-6


def test_a_crop_rests_while_the_face_is_in_its_safe_area():
    sway = 960 + 30 * np.sin(np.arange(100))

    assert np.ptp(smooth_path(sway, 40.0, 50.0, 320.0, 1600.0)) == 0


def test_a_crop_follows_a_face_that_leaves_and_rests_before_and_after():
    targets = np.concatenate([np.full(40, 600.0), np.linspace(600, 1000, 20), np.full(40, 1000.0)])
    path = smooth_path(targets, 50.0, 40.0, 320.0, 1600.0)

    assert np.abs(path - targets).max() <= 50 + 1e-3
    speed = np.abs(np.diff(path))
    assert (speed[:20] < 1e-6).all()
    assert (speed[-20:] < 1e-6).all()


def test_straight_stretches_of_a_path_have_keys_at_their_ends_only():
    path = np.concatenate([np.zeros(10), np.arange(10), np.full(10, 9)])[:, None] * 10.0

    assert key_steps(path, 0.5) == [0, 10, 19, 29]


def test_between_two_keys_scale_and_position_change_evenly():
    full, close = Box(0, 0, 1920, 1080), Box(960, 540, 1920, 1080)
    shot = Shot(FrameRange(0, 11), (), full, keys=(CropKey(0, full), CropKey(10, close)))
    crops = crops_of(shot, (1920, 1080), (1920, 1080))

    assert crops[0].tolist() == [0, 0, 1920, 1080]
    assert crops[10].tolist() == [960, 540, 1920, 1080]
    assert crops[5, 2] - crops[5, 0] == pytest.approx(1920 / 1.5)
