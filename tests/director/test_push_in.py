"""A slow push-in on a long single, instead of a cutaway."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.push_in import push_in
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import (
    Box,
    FaceTrack,
    FrameRange,
    Media,
    Panel,
    Person,
    SpeechScores,
)

SIZE = (3840, 2160)
CANVAS = (1920, 1080)
PUSH_IN = replace(Style(), break_long_singles_with="push-in", max_shot_seconds=10)
FACE = np.array([[1400, 700, 1700, 1150]], np.float32)


def cut_of(style, *, frames=1000, panels=()):
    """A talk of two in 25 fps in which the left one speaks all the time."""
    media = Media(Path("/talk.mp4"), Fraction(25), frames, SIZE)
    boxes = [FACE, FACE + np.float32([1200, 0, 1200, 0])]
    tracks = [
        FaceTrack(n, 0, np.repeat(box, frames, axis=0), np.ones(frames, bool))
        for n, box in enumerate(boxes)
    ]
    scores = [SpeechScores(n, 0, np.full(frames, 6.0 - 12 * n, np.float32)) for n in range(2)]
    people = [Person(1, (0,)), Person(2, (1,))]
    return direct(media, tracks, people, scores, style, canvas=CANVAS, panels=panels).shots


def test_a_long_single_closes_in_instead_of_being_broken_up():
    [shot] = cut_of(PUSH_IN)
    sizes = [key.crop.height for key in shot.keys]

    assert len(cut_of(replace(PUSH_IN, break_long_singles_with="wide"))) > 1
    assert shot.subjects == (1,)
    assert (shot.keys[0].frame, shot.keys[-1].frame) == (0, 999)
    assert shot.keys[0].crop == shot.crop
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] / sizes[-1] == pytest.approx(1.2)
    assert shot.keys[-1].crop.lies_in(shot.crop)
    assert cut_of(PUSH_IN) == (shot,)


@pytest.mark.parametrize("seconds", [0, 50])
def test_a_single_within_the_limit_stands_still(seconds):
    shots = cut_of(replace(PUSH_IN, max_shot_seconds=seconds))

    assert [shot.keys for shot in shots] == [()]


def test_a_push_in_stays_in_its_panel():
    panel = Box(0, 0, 1915, 2160)
    [shot] = cut_of(PUSH_IN, panels=[Panel(FrameRange(0, 1000), panel)])

    assert all(key.crop.lies_in(panel) for key in shot.keys)


@given(
    st.integers(26, 3000), st.floats(0.001, 0.05), st.floats(0.9, 4), st.floats(0, 1),
    st.integers(-200, 200),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_push_in_is_no_faster_softer_or_tighter_than_allowed(frames, rate, upscale, place, shift):
    style = replace(PUSH_IN, push_in_per_second=rate, max_upscale=upscale)
    crop = Box(600 + 200 * place, 300, 2520 + 200 * place, 1380)
    span, face = FrameRange(40, 40 + frames), FACE + np.float32(shift)
    keys = push_in(np.repeat(face, 3, axis=0), crop, span, 25.0, CANVAS, style)
    head = Box(*(face[0] + np.array([-105, -135, 105, 22.5])))

    for before, after in pairwise(keys):
        seconds = (after.frame - before.frame) / 25
        assert after.crop.lies_in(before.crop)
        assert crop.height / after.crop.height - crop.height / before.crop.height <= (
            rate * seconds + 1e-3
        )
    for key in keys:
        assert key.crop.width / key.crop.height == pytest.approx(16 / 9)
        assert CANVAS[1] / key.crop.height <= max(upscale, 1) + 1e-6
        assert head.lies_in(key.crop)
    if keys:
        assert (keys[0].frame, keys[-1].frame) == (40, span.end - 1)
        assert keys[-1].crop.height >= crop.height / 1.2 - 1e-6
