"""The whole director: shots, crops and reasons from faces and scores."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.crop_geometry import crops_of
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import CHOICES, PRESETS, Style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    Box,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    SpeechScores,
    VoiceActivity,
)

RATE = Fraction(25)


def box(left, top, right, bottom, frames=1):
    return np.tile(np.array([left, top, right, bottom], np.float32), (frames, 1))


def two_people(duration=500, rate=Fraction(25)):
    media = Media(Path("/talk.mp4"), rate, duration, (1920, 1080))
    tracks = [
        FaceTrack(n, 0, box(left, 400, left + 120, 560, duration), np.ones(duration, bool))
        for n, left in ((1, 400), (2, 1400))
    ]
    return media, tracks, [Person(1, (1,)), Person(2, (2,))]


styles = st.builds(
    lambda preset, **choices: replace(PRESETS[preset], **choices),
    st.sampled_from(sorted(PRESETS)),
    **{name: st.sampled_from(words) for name, words in CHOICES.items()},
    reactions_per_minute=st.sampled_from((0.0, 4.0)),
    max_shot_seconds=st.sampled_from((0.0, 12.0)),  # three of the calm minimum
)


@given(
    arrays(np.float32, (2, 500), elements=st.floats(-4, 4, width=32)),
    arrays(np.float32, 500, elements=st.floats(0, 1, width=32)),
    styles,
    st.lists(st.integers(0, 500), max_size=5),
    st.data(),
)
@example(np.zeros((2, 500), np.float32), np.zeros(500, np.float32), Style(), [], None)
@settings(max_examples=60, deadline=None)
def test_no_path_through_the_director_makes_a_shot_under_the_minimum(
    logits, voice, style, cuts, data
):
    media, tracks, people = two_people()
    walk = 0 if data is None else data.draw(st.integers(-2, 2))
    tracks[0].boxes[:, [0, 2]] += walk * np.arange(500)[:, None]
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    cut_list = direct(
        media, tracks, people, scores, style,
        canvas=(1920, 1080), camera_cuts=cuts, voice=VoiceActivity(0, voice, ()), stacked=True,
    )  # fmt: skip
    shortest, near = style.min_shot_seconds * media.rate, style.camera_cut_seconds * media.rate

    edges = {0, *cuts, 500}
    assert cut_list.range == media.range
    for shot in cut_list.shots if len(cut_list.shots) > 1 else ():
        span = shot.range
        assert span.duration >= shortest or {span.start, span.end} <= edges
    for shot in cut_list.shots[1:]:
        assert shot.range.start in cuts or all(abs(shot.range.start - c) >= near for c in cuts)
    for shot in (*cut_list.shots, *cut_list.angles):
        layout = shot.two_up.layout if shot.two_up else ""
        aspect = 16 / 9 * {"side_by_side": 1 / 2, "stacked": 2}.get(layout, 1)
        for crop in shot.crops:
            assert crop.width / crop.height == pytest.approx(aspect)


def scores_of(*turns, people=2, duration=500):
    """Scores of people who speak in (person, start, end) turns."""
    rows = np.full((people, duration), -3, np.float32)
    for person, start, end in turns:
        rows[person - 1, start:end] = 3
    return [SpeechScores(n + 1, 0, row) for n, row in enumerate(rows)]


def shots_of(turns, style=None, duration=500, **options):
    """(start, subjects) of the shots of two people who speak in turns."""
    media, tracks, people = two_people(duration)
    cut_list = direct(media, tracks, people, scores_of(*turns, duration=duration), style or Style(),
                  canvas=(1920, 1080), **options)  # fmt: skip
    return [(shot.range.start, shot.subjects) for shot in cut_list.shots]


@given(st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_later_scores_give_later_cuts(shift):
    def cuts(at):
        return shots_of([(1, 100 + at, 200 + at), (2, 200 + at, 300 + at)])[1:]

    assert cuts(shift) == [(start + shift, subjects) for start, subjects in cuts(0)]


def test_without_faces_or_scores_the_cut_is_one_wide_shot():
    media, tracks, people = two_people()
    for some_tracks, some_people in (([], []), (tracks, people)):
        cut_list = direct(media, some_tracks, some_people, [], Style(), canvas=(1920, 1080))

        assert [shot.subjects for shot in cut_list.shots] == [()]
        assert cut_list.shots[0].crop.width == 1920


def test_silence_is_held_and_then_wide():
    media, tracks, people = two_people()
    scores = scores_of((1, 0, 200), (2, 350, 500))
    shots = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080)).shots

    assert [shot.subjects for shot in shots] == [(1,), (), (2,)]
    assert shots[0].range.end == pytest.approx(200 + 25, abs=6)
    assert shots[1].range.end == pytest.approx(350 - 6, abs=6)
    assert shots[1].reason == "wide: nobody speaks"
    assert shots[0].reason == "Person 1 speaking 0.95"
    assert all(shot.confidence > 0.9 for shot in shots)


def test_a_voice_off_screen_goes_wide_or_keeps_the_listener():
    voice = VoiceActivity(0, np.full(500, 0.99, np.float32), ())
    turns = [(1, 0, 200), (2, 400, 500)]
    wide = shots_of(turns, voice=voice)
    listener = shots_of(turns, replace(Style(), off_screen="listener"), voice=voice)

    assert [subjects for _, subjects in wide] == [(1,), (), (2,)]
    assert [subjects for _, subjects in listener] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("rule", "between"), [("highest", ()), ("longest", None), ("wide", ()), ("two-shot", (1, 2))]
)
def test_an_overlap_gets_the_framing_of_the_styles_rule(rule, between):
    turns = [(1, 0, 300), (2, 150, 500)]
    media, tracks, people = two_people()
    tracks[1].boxes[:, [0, 2]] -= 700  # side by side
    cut_list = direct(media, tracks, people, scores_of(*turns), replace(Style(), overlap=rule),
                  canvas=(1920, 1080))  # fmt: skip
    subjects = [shot.subjects for shot in cut_list.shots]

    assert subjects == ([(1,), (2,)] if between is None else [(1,), between, (2,)])


def test_a_long_single_is_broken_up_at_a_quiet_moment():
    voice = np.full(1000, 0.9, np.float32)
    voice[440:450] = 0.1
    shots = shots_of([(1, 0, 1000)], duration=1000, voice=VoiceActivity(0, voice, ()))
    with_listener = shots_of(
        [(1, 0, 1000)], replace(Style(), break_long_singles_with="listener"), duration=1000
    )

    assert [subjects for _, subjects in shots] == [(1,), (), (1,)]
    assert 440 <= shots[1][0] < 450
    assert [subjects for _, subjects in with_listener] == [(1,), (2,), (1,)]
    assert shots_of([(1, 0, 1000)], replace(Style(), max_shot_seconds=0), duration=1000) == [
        (0, (1,))
    ]


def test_reactions_are_off_by_default_and_capped():
    style = replace(Style(), max_shot_seconds=0)
    some = replace(style, reactions_per_minute=1.5)
    turns = [(1, 0, 700), (2, 700, 1500)]

    assert [s for _, s in shots_of(turns, style, duration=1500)] == [(1,), (2,)]
    assert [s for _, s in shots_of(turns, some, duration=1500)] == [(1,), (2,), (1,), (2,)]


def of_random_talk(logits, mirrored=False, **options):
    """The cut of two people who sway; of the mirrored source with `mirrored`."""
    media, tracks, people = two_people()
    rng = np.random.default_rng(1)
    for track in tracks:
        track.boxes[:, [0, 2]] += np.cumsum(rng.normal(0, 1, 500))[:, None]
        if mirrored:
            track.boxes[:] = 1920 - track.boxes[:, [2, 1, 0, 3]]
            track.boxes[:, [1, 3]] = 1920 - track.boxes[:, [1, 3]]
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    return direct(media, tracks, people, scores, canvas=(1080, 1080), **options)


rows_of_two = arrays(np.float32, (2, 500), elements=st.sampled_from((-3, 0.5, 3)))


@given(rows_of_two, styles)
@settings(max_examples=20, deadline=None)
def test_a_mirrored_source_gives_the_same_shots_mirrored(logits, style):
    cut_list = of_random_talk(logits, style=style)
    mirrored = of_random_talk(logits, mirrored=True, style=style)

    for shot, back in zip(cut_list.shots, mirrored.shots, strict=True):
        assert (shot.range, shot.kind) == (back.range, back.kind)
        assert shot.subjects == back.subjects[:: -1 if shot.two_up else 1]  # the halves swap
        crops = back.crops[::-1] if shot.two_up else back.crops[:1]
        for crop, other in zip(shot.crops, crops, strict=False):
            assert (1920 - other.right, other.top) == pytest.approx((crop.left, crop.top), abs=1)


@given(rows_of_two, styles)
@settings(max_examples=10, deadline=None)
def test_the_same_input_gives_the_same_cut(logits, style):
    assert of_random_talk(logits, style=style) == of_random_talk(logits, style=style)


def test_a_lock_stays_exact_and_the_plan_goes_around_it():
    locks = [Lock(FrameRange(130, 170), (2,), Box(0, 0, 960, 540))]
    media, tracks, people = two_people()
    cut_list = direct(media, tracks, people, scores_of((1, 0, 500)), Style(), canvas=(1920, 1080),
                  locks=locks)  # fmt: skip
    (own,) = [shot for shot in cut_list.shots if shot.locked]

    assert (own.range, own.subjects, own.crop) == (
        locks[0].range, locks[0].subjects, locks[0].crop)  # fmt: skip
    assert [shot.subjects for shot in cut_list.shots] == [(1,), (2,), (1,)]


def test_a_lock_of_an_unknown_person_is_an_error():
    media, tracks, people = two_people()
    with pytest.raises(SpeakerZoomError, match=r"locks.json: the lock at frame 5 shows person 7"):
        direct(media, tracks, people, [], Style(), canvas=(1920, 1080),
               locks=[Lock(FrameRange(5, 90), (7,))])  # fmt: skip


def walker(follow):
    """The cut of one person who speaks for 20 s and walks a third of the picture to the right."""
    media = Media(Path("/talk.mp4"), RATE, 500, (1920, 1080))
    left = 400 + np.clip(np.arange(500) - 200, 0, 100) * 6.0
    boxes = np.stack([left, left * 0 + 400, left + 120, left * 0 + 560], axis=1).astype(np.float32)
    track = FaceTrack(1, 0, boxes, np.ones(500, bool))
    style = replace(Style(), follow=follow)
    return direct(media, [track], [Person(1, (1,))], scores_of((1, 0, 500), people=1), style,
                  canvas=(1920, 1080)), boxes  # fmt: skip


def test_a_crop_follows_a_walking_speaker_by_the_style():
    still, boxes = walker("still")
    reframe, _ = walker("reframe")
    smooth, _ = walker("smooth")
    (moving,) = smooth.shots
    crops = crops_of(moving, (1920, 1080), (1920, 1080))
    middle = (boxes[:, 0] + boxes[:, 2]) / 2

    assert [(len(cut.shots), bool(cut.shots[0].keys)) for cut in (still, reframe, smooth)] == [
        (1, False), (3, False), (1, True)]  # fmt: skip
    assert all(shot.subjects == (1,) for shot in reframe.shots)
    assert (np.abs(crops[:, [0, 2]].mean(axis=1) - middle) / moving.crop.width).max() < 0.13
    assert np.ptp(crops[:150], axis=0).max() == pytest.approx(0, abs=1)


def test_a_face_found_shortly_after_a_camera_cut_gets_the_whole_camera_shot():
    media, tracks, people = two_people()
    second = FaceTrack(2, 203, tracks[1].boxes[203:300], np.ones(97, bool))  # cut at 200
    scores = [
        SpeechScores(1, 0, np.full(500, -3, np.float32)),
        SpeechScores(2, 203, np.full(97, 3, np.float32)),
    ]
    cut_list = direct(media, [tracks[0], second], people, scores, Style(), canvas=(1920, 1080),
                      camera_cuts=[200, 300])  # fmt: skip

    assert [(shot.range.start, shot.subjects) for shot in cut_list.shots] == [
        (0, ()), (200, (2,)), (300, ())]  # fmt: skip


def test_nobody_is_framed_in_a_camera_shot_without_them():
    media, tracks, _ = two_people()
    first = FaceTrack(1, 0, tracks[0].boxes[:240], np.ones(240, bool))
    back = FaceTrack(3, 270, tracks[0].boxes[270:], np.ones(230, bool))
    scores = [SpeechScores(id_, 0, np.full(500, 3, np.float32)) for id_ in (1, 3)]
    cut_list = direct(media, [first, back], [Person(1, (1, 3))], scores, Style(),
                      canvas=(1920, 1080), camera_cuts=[240, 270])  # fmt: skip

    assert [(shot.range.start, shot.subjects) for shot in cut_list.shots] == [
        (0, (1,)), (240, ()), (270, (1,))]  # fmt: skip


def test_a_flash_of_light_makes_no_shot():
    assert shots_of([(1, 0, 500)], camera_cuts=[200, 203]) == [(0, (1,)), (200, (1,))]


def test_the_same_person_is_framed_the_same_way_again():
    media, tracks, people = two_people(800)
    tracks[0].boxes[400:] += np.float32(6)  # leans over a little
    scores = scores_of((1, 0, 200), (2, 200, 400), (1, 400, 600), (2, 600, 800), duration=800)
    shots = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080)).shots

    assert [shot.subjects for shot in shots] == [(1,), (2,), (1,), (2,)]
    assert shots[0].crop == shots[2].crop
    assert shots[1].crop == shots[3].crop


@pytest.mark.parametrize("how", ["blur", "dim"])
def test_a_face_that_no_framing_keeps_out_gets_a_cover_by_the_style(how):
    media, tracks, people = two_people()
    tracks[1].boxes[:] = box(530, 400, 650, 560, 500)  # cheek to cheek
    for style, expected in ((Style(), 0), (replace(Style(), obscure_others=how), 1)):
        cut_list = direct(media, tracks, people, scores_of((1, 0, 500)), style, canvas=(1920, 1080))

        (shot,) = cut_list.shots
        assert len(shot.covers) == expected
    assert shot.covers[0].effect == how
    assert shot.covers[0].box.left < 530 < 650 < shot.covers[0].box.right


def test_other_angles_cover_every_shot():
    media, tracks, people = two_people()
    cut_list = direct(media, tracks, people, scores_of((1, 0, 250), (2, 250, 500)), Style(),
                  canvas=(1920, 1080), stacked=True)  # fmt: skip

    for shot in cut_list.shots:
        there = {a.subjects: a.crop for a in cut_list.angles if a.range == shot.range}
        assert set(there) == {(), (1,), (2,)}
        assert there[shot.subjects] == shot.crop
