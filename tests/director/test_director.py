"""Who speaks, the shots and their framing."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.camera_path import key_steps, smooth_path
from otio_speakerzoom.director.crop_geometry import crops_of
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.framing import frame_single, frame_two
from otio_speakerzoom.director.plan import plan
from otio_speakerzoom.director.planned_shot import WIDE, PlannedShot
from otio_speakerzoom.director.rewards import framing_rewards
from otio_speakerzoom.director.shot_search import ShotSearch, search_shots
from otio_speakerzoom.director.speaker_activity import find_active_speakers, moving_average
from otio_speakerzoom.director.style import CHOICES, PRESETS, Style
from otio_speakerzoom.director.turns import fill_pauses_and_drop_bursts, find_turns
from otio_speakerzoom.director.wide import frame_wide
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    Box,
    CropKey,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    Shot,
    SpeechScores,
    VoiceActivity,
)

RATE = Fraction(25)
odds = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 40)),
    elements=st.floats(-4, 4, width=32),
)


# --- turns ----------------------------------------------------------------------------------------


def value_of_course(told, heard, style, states):
    """What a course of conversation is worth: `states` are tuples of people, or "off_screen"."""
    total = 0.0
    for t, state in enumerate(states):
        who = () if state == "off_screen" else state
        total += sum((0.5 if n in who else -0.5) * told[n, t] for n in range(len(told)))
        total += heard[t] / 2 * (-1 if state == () else 1)
    total /= max(1.0, float(style.smooth_seconds * RATE))
    rare = {"off_screen": -np.log(style.off_screen_prior)}
    for before, state in pairwise([None, *states]):
        if state != before:
            total -= rare.get(state, -np.log(style.overlap_share) if len(state) == 2 else 0)
            total -= 0 if before is None else np.log(style.expected_turn_seconds * RATE)
    return total


@given(
    arrays(np.float32, st.tuples(st.just(2), st.integers(1, 5)), elements=st.integers(-3, 3)),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_no_course_of_the_conversation_is_likelier_than_the_one_found(told, data):
    frames = told.shape[1]
    voice = data.draw(arrays(np.float32, frames, elements=st.sampled_from((0.05, 0.5, 0.95))))
    style = replace(
        Style(), expected_turn_seconds=0.1
    )  # changes cheap enough to be made in five frames
    speaks, off_screen = find_turns(told, voice, RATE, style)
    heard = np.log(voice / (1 - voice))
    states = [(), "off_screen", (0,), (1,), (0, 1)]

    def every(length):
        return [[]] if not length else [[s, *rest] for s in states for rest in every(length - 1)]

    found = [
        "off_screen" if out else tuple(np.flatnonzero(who))
        for who, out in zip(speaks.T, off_screen, strict=True)
    ]
    values = [value_of_course(told, heard, style, course) for course in every(frames)]
    assert value_of_course(told, heard, style, found) == pytest.approx(max(values), abs=1e-4)


@given(odds, st.floats(0.01, 3))
@settings(deadline=None)
def test_a_stricter_entrance_never_adds_speech(told, enter):
    lax, _ = find_turns(told, None, RATE, Style())
    strict, _ = find_turns(told, None, RATE, replace(Style(), speech_threshold=enter))

    assert strict.sum() <= lax.sum()


@given(arrays(np.bool_, st.integers(0, 200)), st.integers(1, 30), st.integers(1, 30))
def test_no_pause_and_no_stretch_of_speech_is_too_short(speech, min_pause, min_speech):
    found = runs(fill_pauses_and_drop_bursts(speech, min_pause=min_pause, min_speech=min_speech))

    assert all(end - start >= min_speech for start, end in found)
    # dropping a burst can only widen a gap
    assert all(after[0] - before[1] >= min_pause for before, after in pairwise(found))


def test_a_half_sure_face_is_believed_where_a_voice_is_heard_and_nobody_else_speaks():
    told = np.full((2, 150), -4, np.float32)
    told[0, :50] = told[0, 100:] = 4
    told[1, 50:100] = 0.5
    heard, no_progress = np.full(150, 0.99, np.float32), np.full(150, 0.99, np.float32)
    no_progress[50:100] = 0.01

    assert find_turns(told, heard, RATE, Style())[0][1, 52:98].all()
    assert not find_turns(told, no_progress, RATE, Style())[0][1].any()


def test_a_voice_that_no_face_goes_with_is_off_screen():
    told = np.full((2, 150), -4, np.float32)
    voice = np.zeros(150, np.float32)
    voice[50:100] = 0.99
    speaks, off_screen = find_turns(told, voice, RATE, Style())

    assert not speaks.any()
    assert runs(off_screen) == [(50, 100)]


def test_a_frame_without_a_face_is_not_speech():
    told = np.full((1, 100), 4, np.float32)
    told[0, 40:70] = np.nan

    assert runs(find_turns(told, None, RATE, Style())[0][0]) == [(0, 40), (70, 100)]
    assert np.isnan(moving_average(told[0], 5)[40:70]).all()


def test_smoothing_is_a_centred_mean_over_what_is_there():
    scores = np.array([0, 3, 6, np.nan, 9], np.float32)

    assert moving_average(scores, 3).tolist()[:3] == pytest.approx([1.5, 3, 4.5])


def overlap(first, second, **style):
    """Two people who speak from 0 and 50 to 100 and 150 of 200 frames, as sure as that."""
    told = np.full((2, 200), -4, np.float32)
    told[0, :100], told[1, 50:150] = first, second
    seen = np.ones_like(told, bool)
    return find_active_speakers(
        told, seen, None, FrameRange(0, 200), RATE, replace(Style(), **style)
    )


def test_the_surest_leads_an_overlap_and_nobody_a_tie():
    assert overlap(2, 3).leads[:, 75].tolist() == [False, True]
    assert overlap(3, 2.8).leads[:, 75].tolist() == [False, False]
    assert overlap(3, 2, overlap="longest").leads[:, 75].tolist() == [True, False]


def test_an_overlap_too_short_to_count_is_the_leaders():
    activity = overlap(3, 2, min_overlap_seconds=3)

    assert activity.speaks.sum(axis=0).max() == 1
    assert activity.speaks[0, :100].all()


# --- cutting --------------------------------------------------------------------------------------

FRAMINGS = (WIDE, (0,), (1,))


@st.composite
def searches(draw, frames=7):
    """Rewards of framings, a minimum shot, costs of cuts, and frames at which framings break."""
    frames, framings = draw(st.integers(1, frames)), draw(st.integers(1, 3))
    start = draw(st.integers(0, 3))
    span = FrameRange(start, start + frames)
    reward = draw(arrays(np.float64, (frames, framings), elements=st.integers(-3, 3)))
    costs = st.sampled_from((0.0, 0.5, 2.0, np.inf))
    cost = draw(arrays(np.float64, frames + 1, elements=costs))
    inside = st.integers(start + 1, start + max(1, frames - 1))
    cuts = frozenset(draw(st.sets(inside, max_size=3)))
    own = [frozenset(draw(st.sets(inside, max_size=1))) for _ in "ab"]
    breaks = (frozenset(), cuts | own[0], cuts | own[1])[:framings]
    for frame in frozenset().union(*breaks):
        cost[frame - start] = 0.5
    min_shot = draw(st.integers(1, 3))
    return ShotSearch(span, FRAMINGS[:framings], reward, cost, min_shot, breaks, cuts)


def value_of(shots, search, before, after):
    """The value of a sequence of shots; None where it breaks a rule."""
    total = 0.0
    for shot in shots:
        column = search.framings.index(shot.framing)
        if any(shot.range.start < cut < shot.range.end for cut in search.breaks[column]):
            return None
        total += search.part(shot.range).reward[:, column].sum()
    for left, right in pairwise(shots):
        at = right.range.start
        same = left.framing == right.framing
        if same and at not in search.breaks[search.framings.index(right.framing)]:
            return None  # a change of nothing is no cut
        total -= 0 if at in search.free_cuts else search.cut_cost[at - search.range.start]
    edge = min((cost for cost in search.cut_cost if np.isfinite(cost)), default=0.0)
    total -= edge * (before not in (None, shots[0].framing))
    return total - edge * (after not in (None, shots[-1].framing))


def every_sequence(search, start=None):
    """All ways to fill the frames with shots that are long enough, cut where they may be."""
    start, last = search.range.start if start is None else start, search.range.end
    for end in range(start + search.min_shot, last + 1):
        if end != last and not np.isfinite(search.cut_cost[end - search.range.start]):
            continue
        for framing in search.framings:
            shot = PlannedShot(FrameRange(start, end), framing)
            if end == last:
                yield [shot]
            else:
                for rest in every_sequence(search, end):
                    yield [shot, *rest]


@given(searches(), st.sampled_from((None, *FRAMINGS)), st.sampled_from((None, *FRAMINGS)))
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_long_enough_shots_beats_the_result(search, before, after):
    shots = search_shots(search, before=before, after=after)
    if len(search.reward) < 2 * search.min_shot:
        assert len(shots) == 1
        return

    values = [
        value
        for sequence in every_sequence(search)
        if (value := value_of(sequence, search, before, after)) is not None
    ]

    assert value_of(shots, search, before, after) == pytest.approx(max(values))


@given(searches(frames=300), st.data())
@settings(deadline=None)
def test_shots_cover_everything_once_and_none_is_too_short(search, data):
    search = replace(search, min_shot=data.draw(st.integers(1, 60)))
    shots = search_shots(search)

    assert shots[0].range.start == search.range.start
    assert shots[-1].range.end == search.range.end
    assert all(before.range.end == after.range.start for before, after in pairwise(shots))
    assert len(shots) == 1 or all(shot.range.duration >= search.min_shot for shot in shots)
    assert len(shots) == 1 or not any(
        shot.range.start < cut < shot.range.end
        for shot in shots
        for cut in search.breaks[search.framings.index(shot.framing)]
    )


@given(searches(frames=100), st.integers(1, 1000))
@settings(max_examples=50, deadline=None)
def test_a_search_elsewhere_in_the_source_gives_the_same_shots_there(search, shift):
    def moved(frames):
        return frozenset(frame + shift for frame in frames)

    def moved_range(span):
        return FrameRange(span.start + shift, span.end + shift)

    later = replace(
        search,
        range=moved_range(search.range),
        breaks=tuple(map(moved, search.breaks)),
        free_cuts=moved(search.free_cuts),
    )
    expected = [replace(s, range=moved_range(s.range)) for s in search_shots(search)]

    assert search_shots(later) == expected


def activity_of(speaks, start=0):
    """The activity of people who are all visible and surely speak where `speaks` is True."""
    log_odds = np.where(speaks, 4, -4).astype(np.float32)
    span = FrameRange(start, start + speaks.shape[1])
    return find_active_speakers(log_odds, np.ones_like(speaks), None, span, RATE, Style())


def test_an_interjection_takes_no_shot_but_a_turn_does():
    speaks = np.zeros((2, 300), bool)
    speaks[0, :] = True
    speaks[1, 100:120] = True
    speaks[:, 200:] = [[False], [True]]
    reward = framing_rewards(activity_of(speaks), FRAMINGS, RATE, Style()) / 25
    span = FrameRange(0, 300)
    search = ShotSearch(span, FRAMINGS, reward, np.full(301, 0.3), 50, (frozenset(),) * 3)

    assert search_shots(search) == [
        PlannedShot(FrameRange(0, 194), (0,)),
        PlannedShot(FrameRange(194, 300), (1,)),
    ]


@given(searches(frames=120), st.data())
@settings(deadline=None)
def test_locks_stay_exact_and_nothing_else_is_too_short(search, data):
    span = search.range
    frames = st.integers(span.start, span.end)
    edges = sorted(data.draw(st.sets(frames, min_size=2, max_size=6)))
    locked = []
    for start, end in list(pairwise(edges))[::2]:
        framing = data.draw(st.sampled_from(search.framings))
        lock = Lock(FrameRange(start, end), framing)
        locked.append(PlannedShot(lock.range, framing, lock))
    speech = activity_of(np.zeros((2, span.duration), bool), span.start)
    shots = plan(search, speech, replace(Style(), max_shot_seconds=0), 25.0, locked=locked)

    assert [shot.range.start for shot in shots] == [
        span.start,
        *(shot.range.end for shot in shots[:-1]),
    ]
    assert shots[-1].range.end == span.end
    for lock in locked:
        (own,) = [shot for shot in shots if shot.lock == lock.lock]
        assert own.framing == lock.framing
        assert own.range.start <= lock.range.start < lock.range.end <= own.range.end
        # longer only where what lies beside it is too short for a shot
        assert lock.range.start - own.range.start < search.min_shot
        assert own.range.end - lock.range.end < search.min_shot
    free = [shot for shot in shots if shot.lock is None]
    assert not locked or all(shot.range.duration >= search.min_shot for shot in free)


# --- framing --------------------------------------------------------------------------------------

SIZES = ((1920, 1080), (1080, 1920), (1281, 719), (640, 360))
CANVASES = ((1920, 1080), (1080, 1920), (1080, 1080))


@st.composite
def faces(draw, size):
    """(T, 4) boxes of a face that may touch the border or reach outside."""
    height = draw(st.floats(12, size[1] / 2))
    x, y = draw(st.floats(0, size[0])), draw(st.floats(0, size[1]))
    box = np.array([x - height / 3, y - height / 2, x + height / 3, y + height / 2], np.float32)
    drift = draw(st.floats(-1, 1))
    return box + drift * np.arange(draw(st.integers(1, 20)), dtype=np.float32)[:, None]


@given(st.data(), st.sampled_from(SIZES), st.sampled_from(CANVASES))
@settings(deadline=None)
def test_every_crop_lies_in_the_picture_and_has_the_canvas_shape(data, size, canvas):
    face = data.draw(faces(size))
    others = data.draw(st.lists(faces(size), max_size=3))
    crops = (
        frame_single(face, others, size, canvas, Style()),
        frame_wide(face[None], np.ones((1, len(face)), bool), size, canvas),
    )

    for crop in crops:
        assert crop.left >= 0
        assert crop.top >= 0
        assert crop.right <= size[0] + 1e-6
        assert crop.bottom <= size[1] + 1e-6
        assert crop.width / crop.height == pytest.approx(canvas[0] / canvas[1], rel=1e-6)


def box(left, top, right, bottom, frames=1):
    return np.tile(np.array([left, top, right, bottom], np.float32), (frames, 1))


def test_a_single_has_the_eyes_on_the_upper_third_and_the_face_in_the_middle():
    crop = frame_single(box(900, 400, 1020, 560), [], (1920, 1080), (1920, 1080), Style())

    assert crop.height == pytest.approx(3.6 * 160)
    assert (400 + 0.4 * 160 - crop.top) / crop.height == pytest.approx(1 / 3)
    assert crop.centre[0] == pytest.approx(960)


def test_a_neighbour_is_kept_out_of_a_single():
    me, other = box(700, 400, 820, 560), box(1000, 400, 1120, 560)
    crop = frame_single(me, [other], (1920, 1080), (1920, 1080), Style())

    assert crop.right <= 1000 + 2
    assert crop.left < 700 - 20
    assert crop.right > 820 + 20


def test_a_neighbour_too_close_to_keep_out_is_not_sliced():
    me, other = box(200, 245, 450, 580), box(760, 240, 960, 510)
    crop = frame_single(me, [other], (1280, 720), (1280, 720), Style())

    assert crop.left <= 200
    assert crop.right >= 960


def test_nothing_is_enlarged_beyond_the_limit():
    crop = frame_single(box(900, 500, 920, 526), [], (1920, 1080), (1920, 1080), Style())

    assert 1080 / crop.height == pytest.approx(Style().max_upscale)


@given(st.data())
@settings(deadline=None)
def test_a_mirrored_source_gives_mirrored_crops(data):
    size = (1920, 1080)
    face = data.draw(faces(size))
    crop = frame_single(face, [], size, (1080, 1080), Style())
    mirrored = face[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1920, 0, 1920, 0]
    back = frame_single(mirrored.astype(np.float32), [], size, (1080, 1080), Style())

    assert (1920 - back.right, back.top) == pytest.approx((crop.left, crop.top), abs=0.01)


# --- a moving crop --------------------------------------------------------------------------------


@given(arrays(np.float64, st.integers(4, 60), elements=st.floats(300, 1500)), st.floats(5, 60))
@settings(max_examples=40, deadline=None)
def test_a_moving_crop_is_never_faster_than_it_may_be_and_stays_in_the_picture(wanted, fastest):
    path = smooth_path(wanted, 40.0, fastest, 320.0, 1600.0)

    assert np.abs(np.diff(path)).max() <= fastest + 1e-6
    assert path.min() >= 320 - 1e-6
    assert path.max() <= 1600 + 1e-6


def test_a_crop_rests_while_the_face_is_in_its_safe_area():
    sway = 960 + 30 * np.sin(np.arange(100))

    assert np.ptp(smooth_path(sway, 40.0, 50.0, 320.0, 1600.0)) == 0


def test_a_crop_follows_a_face_that_leaves_and_rests_before_and_after():
    wanted = np.concatenate([np.full(40, 600.0), np.linspace(600, 1000, 20), np.full(40, 1000.0)])
    path = smooth_path(wanted, 50.0, 40.0, 320.0, 1600.0)

    assert np.abs(path - wanted).max() <= 50 + 1e-3
    speed = np.abs(np.diff(path))
    assert (speed[:20] < 1e-6).all()
    assert (speed[-20:] < 1e-6).all()


def test_straight_stretches_of_a_path_need_their_ends_only():
    path = np.concatenate([np.zeros(10), np.arange(10), np.full(10, 9)])[:, None] * 10.0

    assert key_steps(path, 0.5) == [0, 10, 19, 29]


def test_between_two_keys_scale_and_position_change_evenly():
    full, close = Box(0, 0, 1920, 1080), Box(960, 540, 1920, 1080)
    shot = Shot(FrameRange(0, 11), (), full, keys=(CropKey(0, full), CropKey(10, close)))
    crops = crops_of(shot, (1920, 1080), (1920, 1080))

    assert crops[0].tolist() == [0, 0, 1920, 1080]
    assert crops[10].tolist() == [960, 540, 1920, 1080]
    assert crops[5, 2] - crops[5, 0] == pytest.approx(1920 / 1.5)


# --- the whole ------------------------------------------------------------------------------------


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
    logits, heard, style, cuts, data
):
    media, tracks, people = two_people()
    walk = 0 if data is None else data.draw(st.integers(-2, 2))
    tracks[0].boxes[:, [0, 2]] += walk * np.arange(500)[:, None]
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    made = direct(
        media, tracks, people, scores, style,
        canvas=(1920, 1080), camera_cuts=cuts, voice=VoiceActivity(0, heard, ()), stacked=True,
    )  # fmt: skip
    shortest, near = style.min_shot_seconds * media.rate, style.camera_cut_seconds * media.rate

    assert made.range == media.range
    assert len(made.shots) == 1 or all(s.range.duration >= shortest for s in made.shots)
    for shot in made.shots[1:]:
        assert shot.range.start in cuts or all(abs(shot.range.start - c) >= near for c in cuts)
    for shot in (*made.shots, *made.angles):
        for key in shot.keys or (CropKey(0, shot.crop),):
            assert key.crop.width / key.crop.height == pytest.approx(16 / 9)


def talk(*turns, people=2, duration=500):
    """Scores of people who speak in (person, start, end) turns."""
    rows = np.full((people, duration), -3, np.float32)
    for person, start, end in turns:
        rows[person - 1, start:end] = 3
    return [SpeechScores(n + 1, 0, row) for n, row in enumerate(rows)]


def shown(turns, style=None, duration=500, **given):
    """(start, subjects) of the shots of two people who speak in turns."""
    media, tracks, people = two_people(duration)
    made = direct(media, tracks, people, talk(*turns, duration=duration), style or Style(),
                  canvas=(1920, 1080), **given)  # fmt: skip
    return [(shot.range.start, shot.subjects) for shot in made.shots]


@given(st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_later_scores_give_later_cuts(shift):
    def cuts(at):
        return shown([(1, 100 + at, 200 + at), (2, 200 + at, 300 + at)])[1:]

    assert cuts(shift) == [(start + shift, subjects) for start, subjects in cuts(0)]


def test_without_faces_or_scores_the_cut_is_one_wide_shot():
    media, tracks, people = two_people()
    for some_tracks, some_people in (([], []), (tracks, people)):
        made = direct(media, some_tracks, some_people, [], Style(), canvas=(1920, 1080))

        assert [shot.subjects for shot in made.shots] == [()]
        assert made.shots[0].crop.width == 1920


def test_silence_is_held_and_then_wide():
    media, tracks, people = two_people()
    scores = talk((1, 0, 200), (2, 350, 500))
    shots = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080)).shots

    assert [shot.subjects for shot in shots] == [(1,), (), (2,)]
    assert shots[0].range.end == pytest.approx(200 + 25, abs=6)
    assert shots[1].range.end == pytest.approx(350 - 6, abs=6)
    assert shots[1].reason == "wide: nobody speaks"
    assert shots[0].reason == "Person 1 speaking 0.95"
    assert all(shot.confidence > 0.9 for shot in shots)


def test_a_voice_off_screen_goes_wide_or_keeps_the_listener():
    heard = np.full(500, 0.99, np.float32)
    turns = [(1, 0, 200), (2, 400, 500)]
    voice = VoiceActivity(0, heard, ())
    wide = shown(turns, voice=voice)
    kept = shown(turns, replace(Style(), off_screen="listener"), voice=voice)

    assert [subjects for _, subjects in wide] == [(1,), (), (2,)]
    assert [subjects for _, subjects in kept] == [(1,), (2,)]


@pytest.mark.parametrize(
    ("rule", "between"), [("highest", ()), ("longest", None), ("wide", ()), ("two-shot", (1, 2))]
)
def test_an_overlap_is_shown_by_the_styles_rule(rule, between):
    turns = [(1, 0, 300), (2, 150, 500)]
    media, tracks, people = two_people()
    tracks[1].boxes[:, [0, 2]] -= 700  # side by side
    made = direct(media, tracks, people, talk(*turns), replace(Style(), overlap=rule),
                  canvas=(1920, 1080))  # fmt: skip
    subjects = [shot.subjects for shot in made.shots]

    assert subjects == ([(1,), (2,)] if between is None else [(1,), between, (2,)])


def test_a_long_single_is_broken_up_at_a_quiet_moment():
    voice = np.full(1000, 0.9, np.float32)
    voice[440:450] = 0.1
    shots = shown([(1, 0, 1000)], duration=1000, voice=VoiceActivity(0, voice, ()))
    listened = shown(
        [(1, 0, 1000)], replace(Style(), break_long_singles_with="listener"), duration=1000
    )

    assert [subjects for _, subjects in shots] == [(1,), (), (1,)]
    assert 440 <= shots[1][0] < 450
    assert [subjects for _, subjects in listened] == [(1,), (2,), (1,)]
    assert shown([(1, 0, 1000)], replace(Style(), max_shot_seconds=0), duration=1000) == [(0, (1,))]


def test_reactions_are_off_unless_asked_for_and_capped():
    style = replace(Style(), max_shot_seconds=0)
    some = replace(style, reactions_per_minute=1.5)
    turns = [(1, 0, 700), (2, 700, 1500)]

    assert [s for _, s in shown(turns, style, duration=1500)] == [(1,), (2,)]
    assert [s for _, s in shown(turns, some, duration=1500)] == [(1,), (2,), (1,), (2,)]


def of_random_talk(logits, mirrored=False, **given):
    """The cut of two people who sway; of the mirrored source where asked for."""
    media, tracks, people = two_people()
    rng = np.random.default_rng(1)
    for track in tracks:
        track.boxes[:, [0, 2]] += np.cumsum(rng.normal(0, 1, 500))[:, None]
        if mirrored:
            track.boxes[:] = 1920 - track.boxes[:, [2, 1, 0, 3]]
            track.boxes[:, [1, 3]] = 1920 - track.boxes[:, [1, 3]]
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    return direct(media, tracks, people, scores, canvas=(1080, 1080), **given)


rows_of_two = arrays(np.float32, (2, 500), elements=st.sampled_from((-3, 0.5, 3)))


@given(rows_of_two, styles)
@settings(max_examples=20, deadline=None)
def test_a_mirrored_source_gives_the_same_shots_mirrored(logits, style):
    made = of_random_talk(logits, style=style)
    mirrored = of_random_talk(logits, mirrored=True, style=style)

    for shot, back in zip(made.shots, mirrored.shots, strict=True):
        assert (shot.range, shot.subjects) == (back.range, back.subjects)
        assert (1920 - back.crop.right, back.crop.top) == pytest.approx(
            (shot.crop.left, shot.crop.top), abs=1
        )


@given(rows_of_two, styles)
@settings(max_examples=10, deadline=None)
def test_the_same_input_gives_the_same_cut(logits, style):
    assert of_random_talk(logits, style=style) == of_random_talk(logits, style=style)


def test_a_lock_is_kept_and_the_rest_planned_around_it():
    locks = [Lock(FrameRange(130, 170), (2,), Box(0, 0, 960, 540))]
    media, tracks, people = two_people()
    made = direct(media, tracks, people, talk((1, 0, 500)), Style(), canvas=(1920, 1080),
                  locks=locks)  # fmt: skip
    (mine,) = [shot for shot in made.shots if shot.locked]

    assert (mine.range, mine.subjects, mine.crop) == (
        locks[0].range, locks[0].subjects, locks[0].crop)  # fmt: skip
    assert [shot.subjects for shot in made.shots] == [(1,), (2,), (1,)]


def test_a_lock_of_somebody_unknown_is_refused():
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
    return direct(media, [track], [Person(1, (1,))], talk((1, 0, 500), people=1), style,
                  canvas=(1920, 1080)), boxes  # fmt: skip


def test_a_walking_speaker_is_followed_as_the_style_says():
    still, boxes = walker("still")
    anew, _ = walker("reframe")
    smooth, _ = walker("smooth")
    (moving,) = smooth.shots
    crops = crops_of(moving, (1920, 1080), (1920, 1080))
    middle = (boxes[:, 0] + boxes[:, 2]) / 2

    assert [(len(cut.shots), bool(cut.shots[0].keys)) for cut in (still, anew, smooth)] == [
        (1, False), (3, False), (1, True)]  # fmt: skip
    assert all(shot.subjects == (1,) for shot in anew.shots)
    assert (np.abs(crops[:, [0, 2]].mean(axis=1) - middle) / moving.crop.width).max() < 0.13
    assert np.ptp(crops[:150], axis=0).max() == pytest.approx(0, abs=1)


def test_the_same_person_is_framed_the_same_way_again():
    media, tracks, people = two_people(800)
    tracks[0].boxes[400:] += np.float32(6)  # leans over a little
    scores = talk((1, 0, 200), (2, 200, 400), (1, 400, 600), (2, 600, 800), duration=800)
    shots = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080)).shots

    assert [shot.subjects for shot in shots] == [(1,), (2,), (1,), (2,)]
    assert shots[0].crop == shots[2].crop
    assert shots[1].crop == shots[3].crop


@pytest.mark.parametrize("how", ["blur", "dim"])
def test_a_face_that_no_framing_keeps_out_is_covered_if_the_style_says_so(how):
    media, tracks, people = two_people()
    tracks[1].boxes[:] = box(530, 400, 650, 560, 500)  # cheek to cheek
    for style, expected in ((Style(), 0), (replace(Style(), obscure_others=how), 1)):
        made = direct(media, tracks, people, talk((1, 0, 500)), style, canvas=(1920, 1080))

        (shot,) = made.shots
        assert len(shot.covers) == expected
    assert shot.covers[0].effect == how
    assert shot.covers[0].box.left < 530 < 650 < shot.covers[0].box.right


def test_other_angles_cover_every_shot():
    media, tracks, people = two_people()
    made = direct(media, tracks, people, talk((1, 0, 250), (2, 250, 500)), Style(),
                  canvas=(1920, 1080), stacked=True)  # fmt: skip

    for shot in made.shots:
        there = {a.subjects: a.crop for a in made.angles if a.range == shot.range}
        assert set(there) == {(), (1,), (2,)}
        assert there[shot.subjects] == shot.crop


def test_a_two_shot_holds_both_faces():
    one, other = box(700, 400, 820, 560), box(1000, 420, 1120, 580)
    crop = frame_two(one, other, (1920, 1080), (1920, 1080), Style())

    assert crop.left < 700 - 50
    assert crop.right > 1120 + 50
    assert crop.width < 1920 * 0.8
