"""Who is ignored and who is preferred in the cut."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import (
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    SpeechScores,
    VoiceActivity,
)

MEDIA = Media(Path("/talk.mp4"), Fraction(25), 750, (1920, 1080))
HOST, GUEST, WAITER = Person(1, (1,)), Person(2, (2,)), Person(3, (3,))


def cut(people, turns, style=None, **options):
    """The cut of three people; `turns` are rows of track, first frame, end, log odds."""
    tracks, scores = [], []
    for id_, left in ((1, 300), (2, 900), (3, 1500)):
        boxes = np.tile(np.float32([left, 400, left + 120, 560]), (MEDIA.duration, 1))
        tracks.append(FaceTrack(id_, 0, boxes, np.ones(MEDIA.duration, bool)))
        logits = np.full(MEDIA.duration, -4, np.float32)
        for track, start, end, log_odds in turns:
            if track == id_:
                logits[start:end] = log_odds
        scores.append(SpeechScores(id_, 0, logits))
    voice = np.zeros(MEDIA.duration, np.float32)
    for _, start, end, _ in turns:
        voice[start:end] = 0.99
    return direct(
        MEDIA, tracks, people, scores, style or Style(), canvas=(1920, 1080),
        voice=VoiceActivity(0, voice, ()), **options,
    )  # fmt: skip


def subjects_at(cut_list, frame):
    return next(s.subjects for s in cut_list.shots if s.range.start <= frame < s.range.end)


TURNS = [(1, 0, 250, 4), (3, 250, 500, 4), (2, 500, 750, 4)]


def test_somebody_ignored_gets_no_single_and_counts_as_a_voice_off_screen():
    assert subjects_at(cut((HOST, GUEST, WAITER), TURNS), 375) == (3,)

    cut_list = cut((HOST, GUEST, replace(WAITER, ignore=True)), TURNS)
    assert [subjects_at(cut_list, frame) for frame in (125, 375, 625)] == [(1,), (), (2,)]
    shot = next(shot for shot in cut_list.shots if shot.range.start <= 375 < shot.range.end)
    assert shot.reason == "wide: a voice off screen"
    assert [person.ignore for person in cut_list.people] == [False, False, True]


@pytest.mark.parametrize("style", [
    Style(off_screen="listener", reactions_per_minute=20),
    Style(max_shot_seconds=6, break_long_singles_with="listener"),
])  # fmt: skip
def test_somebody_ignored_is_no_listener_either(style):
    listeners = [(1, 0, 750, 4)]
    people = (HOST, replace(GUEST, ignore=True), WAITER)

    before = {s.subjects for s in cut((HOST, GUEST, WAITER), listeners, style).shots}
    assert {(2,), (3,)} & before
    assert (2,) not in {s.subjects for s in cut(people, listeners, style).shots}
    angles = cut(people, TURNS, style, stacked=True).angles
    assert {angle.subjects for angle in angles} == {(), (1,), (3,)}


def test_who_speaks_over_somebody_ignored_speaks_alone():
    turns = [(1, 0, 750, 3), (3, 0, 750, 4)]

    assert subjects_at(cut((HOST, GUEST, WAITER), turns), 375) == (3,)
    assert subjects_at(cut((HOST, GUEST, replace(WAITER, ignore=True)), turns), 375) == (1,)


def test_a_lock_shows_even_somebody_ignored():
    lock = Lock(FrameRange(300, 400), (3,))
    cut_list = cut((HOST, GUEST, replace(WAITER, ignore=True)), TURNS, locks=[lock])

    assert [s.range for s in cut_list.shots if s.subjects == (3,)] == [lock.range]


@pytest.mark.parametrize("rule", ["highest", "longest"])
@pytest.mark.parametrize("others_odds", [2, 2.9, 4])
def test_somebody_preferred_wins_every_overlap_and_tie(rule, others_odds):
    turns = [(2, 0, 750, others_odds), (1, 250, 500, 2)]
    style = Style(overlap=rule)

    host = cut((replace(HOST, prefer=True), GUEST, WAITER), turns, style)
    assert [subjects_at(host, frame) for frame in (125, 375, 625)] == [(2,), (1,), (2,)]
    if others_odds == 4:
        assert subjects_at(cut((HOST, GUEST, WAITER), turns, style), 375) == (2,)


def test_of_two_who_are_preferred_the_one_who_leads_wins():
    turns = [(2, 0, 750, 4), (1, 0, 750, 2)]
    people = (replace(HOST, prefer=True), replace(GUEST, prefer=True), WAITER)

    assert subjects_at(cut(people, turns), 375) == (2,)


def test_a_style_that_shows_overlaps_wide_goes_before_the_preference():
    turns = [(2, 0, 750, 4), (1, 250, 500, 2)]
    people = (replace(HOST, prefer=True), GUEST, WAITER)

    assert subjects_at(cut(people, turns, Style(overlap="wide")), 375) == ()


def test_nobody_is_ignored_and_preferred():
    with pytest.raises(ValueError, match="person 1 is to be ignored and preferred; choose one"):
        Person(1, (), ignore=True, prefer=True)
