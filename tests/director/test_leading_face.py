"""The face that leads all others while a voice is heard."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.leading_face import with_leading_face
from otio_speakerzoom.director.speaker_activity import find_active_speakers
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import FrameRange, VoiceActivity

RATE = Fraction(25)
HEARD = np.full(250, 0.99, np.float32)


def style_with(off_screen_prior):
    return replace(Style(), off_screen_prior=off_screen_prior)


def activity_of(log_odds, voice=HEARD):
    """The activity of visible people with these constant log odds under a voice."""
    rows = np.repeat(np.array(log_odds, np.float32)[:, None], len(voice), axis=1)
    span = FrameRange(0, len(voice))
    voice = VoiceActivity(0, voice, ())
    return find_active_speakers(rows, ~np.isnan(rows), voice, span, RATE, Style())


def test_a_face_below_even_that_leads_all_others_by_far_speaks():
    activity = activity_of([-1.0, -5.0, -5.0])

    assert activity.speaks[0].all()
    assert not activity.speaks[1:].any()
    assert not activity.off_screen.any()
    assert activity.probability[0].min() > 0.5


def test_it_does_not_speak_in_a_pause():
    voice = HEARD.copy()
    voice[100:150] = 0.01

    assert runs(activity_of([-1.0, -5.0], voice).speaks[0]) == [(0, 100), (150, 250)]


@pytest.mark.parametrize("log_odds", [(-5.0, -5.2, -5.0), (-5.0,)])
def test_where_no_face_leads_the_voice_is_off_screen(log_odds):
    activity = activity_of(log_odds)

    assert not activity.speaks.any()
    assert activity.off_screen.all()


rows = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.just(60)),
    elements=st.one_of(st.just(np.nan), st.floats(-8, 8, width=32)),
)


@given(rows, arrays(np.float32, 60, elements=st.floats(0, 1, width=32)), st.floats(0.01, 1))
@settings(deadline=None)
def test_only_one_face_is_raised_in_a_frame_and_only_under_a_voice(log_odds, voice, prior):
    raised = with_leading_face(log_odds, voice, RATE, style_with(prior))
    changed = np.nan_to_num(raised) != np.nan_to_num(log_odds)

    assert (np.isnan(raised) == np.isnan(log_odds)).all()
    assert (np.nan_to_num(raised) >= np.nan_to_num(log_odds)).all()
    assert changed.sum(axis=0).max() <= 1
    assert not changed[:, voice < 0.5].any()


@given(st.floats(-6, 2), st.floats(0, 3), st.floats(0.01, 0.5))
@settings(deadline=None)
def test_a_higher_prior_of_voices_off_screen_never_raises_a_face_more(highest, lead, prior):
    log_odds = np.repeat(np.array([[highest], [highest - lead]], np.float32), 50, axis=1)
    few = with_leading_face(log_odds, HEARD[:50], RATE, style_with(prior))
    many = with_leading_face(log_odds, HEARD[:50], RATE, style_with(2 * prior))

    assert (many <= few + 1e-6).all()
