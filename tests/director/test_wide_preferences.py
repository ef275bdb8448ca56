"""How often the wide is shown, and the wides that open and close a cut."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import PRESETS, Style
from otio_speakerzoom.model import (
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.pipeline import digests

RATE = 25
PEOPLE = (Person(1, (1,)), Person(2, (2,)))


def cut(turns, style, seconds=40, **options):
    """The cut of two people; `turns` are rows of person, first second, end, log odds."""
    frames = round(seconds * RATE)
    media = Media(Path("/talk.mp4"), Fraction(RATE), frames, (1920, 1080))
    logits, voice = np.full((2, frames), -4, np.float32), np.zeros(frames, np.float32)
    for person, start, end, log_odds in turns:
        span = slice(round(start * RATE), round(end * RATE))
        logits[person - 1, span], voice[span] = log_odds, 0.99
    tracks = [
        FaceTrack(n, 0, np.tile(np.float32([left, 400, left + 120, 560]), (frames, 1)),
                  np.ones(frames, bool))
        for n, left in ((1, 400), (2, 1400))
    ]  # fmt: skip
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    return direct(
        media, tracks, PEOPLE, scores, style, canvas=(1920, 1080),
        voice=VoiceActivity(0, voice, ()), **options,
    )  # fmt: skip


def wide_seconds(cut_list):
    return sum(shot.range.duration for shot in cut_list.shots if not shot.subjects) / RATE


def subjects_at(cut_list, second):
    frame = second * RATE
    return next(s.subjects for s in cut_list.shots if s.range.start <= frame < s.range.end)


PAUSE = [(1, 0, 12, 4), (1, 17, 40, 4)]
QUICK = [(1 + n % 2, 10 + 2.4 * n, 12.4 + 2.4 * n, 4) for n in range(8)]
OVERLAP = [(1, 0, 40, 4), (2, 15, 25, 2)]
OFF_SCREEN = [(1, 0, 12, 4), (1, 12, 20, -4), (1, 20, 40, 4)]


@pytest.mark.parametrize(
    ("turns", "at", "rare", "normal", "often"),
    [
        (PAUSE, 15, (1,), (), ()),
        (OVERLAP, 20, (1,), (1,), ()),
        (PAUSE, 30, (1,), (1,), (1,)),  # a long turn is always a single
        (OFF_SCREEN, 16, (), (), ()),  # a single would be of the wrong person
    ],
)
def test_the_wide_takes_pauses_and_overlaps_by_its_frequency(turns, at, rare, normal, often):
    subjects = [
        subjects_at(cut(turns, Style(wide_frequency=frequency)), at)
        for frequency in ("rare", "normal", "often")
    ]
    assert subjects == [rare, normal, often]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("turns", [PAUSE, QUICK, OVERLAP, OFF_SCREEN])
def test_a_more_frequent_wide_is_not_shown_less(turns, preset):
    lengths = [
        wide_seconds(cut(turns, replace(PRESETS[preset], wide_frequency=frequency)))
        for frequency in ("rare", "normal", "often")
    ]
    assert lengths == sorted(lengths)


def test_quick_changes_of_the_speaker_are_wide_where_the_wide_is_frequent():
    lengths = [
        wide_seconds(cut(QUICK, Style(wide_frequency=frequency)))
        for frequency in ("normal", "often")
    ]
    assert lengths[0] < lengths[1]


TALK = [(1, 0, 20, 4), (2, 20, 40, 4)]


def test_a_wide_opens_and_closes_the_cut_for_as_long_as_the_style_says():
    assert [s.subjects for s in cut(TALK, Style()).shots] == [(1,), (2,)]
    shots = cut(TALK, Style(open_wide_seconds=5, close_wide_seconds=3)).shots

    assert [shot.subjects for shot in shots] == [(), (1,), (2,), ()]
    assert shots[0].range == FrameRange(0, 5 * RATE)
    assert shots[-1].range == FrameRange(37 * RATE, 40 * RATE)
    assert [shots[0].reason, shots[-1].reason] == ["wide: opens the cut", "wide: closes the cut"]
    assert shots[0].confidence == shots[-1].confidence == 1


def test_such_a_wide_is_never_shorter_than_the_shortest_shot():
    shots = cut(TALK, Style(open_wide_seconds=0.5, close_wide_seconds=0.5)).shots
    assert shots[0].range.duration == shots[-1].range.duration == 2 * RATE


def test_locks_go_before_such_a_wide():
    first, last = Lock(FrameRange(0, 60), (1,)), Lock(FrameRange(950, 1000), (2,))
    style = Style(open_wide_seconds=4, close_wide_seconds=4)
    shots = cut(TALK, style, locks=[first, last]).shots

    assert (shots[0].range, shots[0].subjects) == (first.range, (1,))
    assert (shots[-1].range, shots[-1].subjects) == (last.range, (2,))


@given(
    seconds=st.floats(0.2, 12),
    ends=st.tuples(st.floats(0, 8), st.floats(0, 8)),
    preset=st.sampled_from(sorted(PRESETS)),
    frequency=st.sampled_from(("rare", "normal", "often")),
    cuts=st.lists(st.integers(1, 290), max_size=3),
)
@settings(max_examples=40)
def test_no_shot_is_too_short_and_all_is_covered(seconds, ends, preset, frequency, cuts):
    style = replace(PRESETS[preset], wide_frequency=frequency, open_wide_seconds=ends[0],
                    close_wide_seconds=ends[1])  # fmt: skip
    cut_list = cut([(1, 0, 12, 4)], style, seconds, camera_cuts=cuts)
    shortest = style.min_shot_seconds * RATE
    edges = {0, *cuts, cut_list.media.duration}

    assert cut_list.range == cut_list.media.range
    assert len(cut_list.shots) == 1 or all(
        shot.range.duration >= shortest or {shot.range.start, shot.range.end} <= edges
        for shot in cut_list.shots
    )


def test_a_style_without_these_wishes_has_the_digest_of_an_earlier_version():
    def digest(style):
        return digests.cut_digest(style, (320, 180), False, (), (), "analysis", ())

    changed = [{"wide_frequency": "rare"}, {"open_wide_seconds": 3.0}, {"close_wide_seconds": 3.0}]
    assert len({digest(Style()), *(digest(Style(**values)) for values in changed)}) == 4
