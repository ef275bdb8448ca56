"""The floor, the shots and their framing."""

from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.cutting import WIDE, choose_pictures, worths
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.floor import runs, smoothed, speaking
from otio_speakerzoom.director.framing import frame_single, frame_wide
from otio_speakerzoom.director.style import PRESETS, Style, read_style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import FaceTrack, Media, Person, SpeechScores

logits = arrays(np.float32, st.integers(0, 200), elements=st.floats(-4, 4, width=32))
BARE = {"enter": 0.5, "leave": -0.5, "min_pause": 0, "min_speech": 1}


@given(logits)
def test_the_floor_agrees_with_the_plain_loop(scores):
    on, expected = False, []
    for score in scores:
        on = bool(score > 0.5 or (on and score >= -0.5))
        expected.append(on)

    assert speaking(scores, **BARE).tolist() == expected


@given(logits, st.integers(1, 30), st.integers(1, 30))
def test_no_pause_and_no_stretch_of_speech_is_too_short(scores, min_pause, min_speech):
    found = runs(speaking(scores, **{**BARE, "min_pause": min_pause, "min_speech": min_speech}))

    assert all(end - start >= min_speech for start, end in found)
    # dropping a burst can only widen a gap
    assert all(after[0] - before[1] >= min_pause for before, after in pairwise(found))


@given(logits, st.floats(0.5, 4))
def test_a_stricter_entrance_never_adds_speech(scores, enter):
    stricter = speaking(scores, **{**BARE, "enter": enter})

    assert not np.any(stricter & ~speaking(scores, **BARE))


def test_a_frame_without_a_face_is_not_speech():
    scores = np.array([3, 3, np.nan, np.nan, 0, 0], np.float32)

    assert speaking(scores, **BARE).tolist() == [True, True, False, False, False, False]
    assert np.isnan(smoothed(scores, 3)).tolist() == [False, False, True, True, False, False]


def test_smoothing_is_a_centred_mean_over_what_is_there():
    scores = np.array([0, 3, 6, np.nan, 9], np.float32)

    assert smoothed(scores, 3).tolist()[:3] == pytest.approx([1.5, 3, 4.5])


# --- cutting --------------------------------------------------------------------------------------


@st.composite
def searches(draw):
    """A small table of worths, a minimum shot, a cost and the source's own cuts."""
    frames, pictures = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    worth = draw(arrays(np.float64, (frames, pictures), elements=st.integers(-3, 3)))
    cuts = draw(st.sets(st.integers(0, frames)).map(sorted))
    return worth, draw(st.integers(1, 3)), draw(st.sampled_from((0.0, 0.5, 2.0))), cuts


def value_of(shots, worth, cost, cuts):
    """What a sequence of shots is worth; None where a single runs across a camera cut."""
    total = 0.0
    for start, end, picture in shots:
        if picture != WIDE and any(start < cut < end for cut in cuts):
            return None
        total += worth[start:end, picture].sum()
    return total - cost * sum(after[0] not in cuts for _, after in pairwise(shots))


def every_sequence(frames, pictures, min_shot):
    """All ways to fill `frames` with shots that are long enough."""
    if frames < min_shot:
        return
    for first in [*range(min_shot, frames - min_shot + 1), frames]:
        for picture in range(pictures):
            if first == frames:
                yield [(0, frames, picture)]
                continue
            for rest in every_sequence(frames - first, pictures, min_shot):
                moved = [(start + first, end + first, p) for start, end, p in rest]
                yield [(0, first, picture), *moved]


@given(searches())
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_long_enough_shots_beats_the_one_chosen(search):
    worth, min_shot, cost, cuts = search
    frames, pictures = worth.shape
    chosen = choose_pictures(worth, min_shot=min_shot, cut_cost=cost, camera_cuts=cuts)
    if frames < 2 * min_shot:
        assert len(chosen) == 1
        return

    values = [
        value
        for shots in every_sequence(frames, pictures, min_shot)
        # a change of nothing is no cut, except where the source cuts anyway
        if all(a[2] != b[2] or b[0] in cuts for a, b in pairwise(shots))
        and (value := value_of(shots, worth, cost, cuts)) is not None
    ]

    assert value_of(chosen, worth, cost, cuts) == pytest.approx(max(values))


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 400), st.integers(1, 4)),
        elements=st.floats(-3, 3, width=32),
    ),
    st.integers(1, 60),
    st.lists(st.integers(0, 400), max_size=12),
)
@settings(deadline=None)
def test_shots_cover_everything_once_and_none_is_too_short(worth, min_shot, camera_cuts):
    shots = choose_pictures(worth, min_shot=min_shot, cut_cost=0.1, camera_cuts=camera_cuts)

    assert shots[0][0] == 0
    assert shots[-1][1] == len(worth)
    assert all(before[1] == after[0] for before, after in pairwise(shots))
    assert len(shots) == 1 or all(end - start >= min_shot for start, end, _ in shots)
    assert not any(
        start < cut < end for (start, end, p), cut in product(shots, camera_cuts) if p != WIDE
    )


def test_an_interjection_takes_no_shot_but_a_turn_does():
    speaks = np.zeros((2, 300), bool)
    speaks[0, :] = True
    speaks[1, 100:120] = True
    speaks[:, 200:] = [[False], [True]]
    worth = worths(speaks, np.ones_like(speaks), speaks + 0.0, anticipation=0, hold=25) / 25

    assert choose_pictures(worth, min_shot=50, cut_cost=0.3) == [(0, 200, 1), (200, 300, 2)]


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
        frame_wide(np.concatenate([face, *others]), size, canvas),
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


# --- the whole ------------------------------------------------------------------------------------


def two_people(duration=500, rate=Fraction(25)):
    media = Media(Path("/talk.mp4"), rate, duration, (1920, 1080))
    tracks = [
        FaceTrack(n, 0, box(left, 400, left + 120, 560, duration), np.ones(duration, bool))
        for n, left in ((1, 400), (2, 1400))
    ]
    return media, tracks, [Person(1, (1,)), Person(2, (2,))]


@given(
    arrays(np.float32, (2, 500), elements=st.floats(-4, 4, width=32)),
    st.sampled_from(sorted(PRESETS)),
    st.lists(st.integers(0, 500), max_size=5),
)
@example(np.zeros((2, 500), np.float32), "standard", [])
@settings(max_examples=60, deadline=None)
def test_no_path_through_the_director_makes_a_shot_under_the_minimum(logits, style, cuts):
    media, tracks, people = two_people()
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(logits)]
    made = direct(
        media, tracks, people, scores, PRESETS[style], canvas=(1920, 1080), camera_cuts=cuts
    )
    shortest = PRESETS[style].min_shot_seconds * media.rate

    assert made.range == media.range
    assert len(made.shots) == 1 or all(s.range.duration >= shortest for s in made.shots)


@given(st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_later_scores_give_later_cuts(shift):
    media, tracks, people = two_people()

    def cuts(at):
        rows = np.full((2, 500), -3, np.float32)
        rows[0, 100 + at : 200 + at] = rows[1, 200 + at : 300 + at] = 3
        scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(rows)]
        made = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080))
        return [(shot.range.start, shot.subjects) for shot in made.shots[1:]]

    assert cuts(shift) == [(start + shift, subjects) for start, subjects in cuts(0)]


def test_without_faces_or_scores_the_cut_is_one_wide_shot():
    media, tracks, people = two_people()
    for some_tracks, some_people in (([], []), (tracks, people)):
        made = direct(media, some_tracks, some_people, [], Style(), canvas=(1920, 1080))

        assert [shot.subjects for shot in made.shots] == [()]
        assert made.shots[0].crop.width == 1920


def test_silence_is_held_and_then_wide():
    media, tracks, people = two_people()
    rows = np.full((2, 500), -3, np.float32)
    rows[0, :200] = rows[1, 350:] = 3
    scores = [SpeechScores(n + 1, 0, row) for n, row in enumerate(rows)]
    shots = direct(media, tracks, people, scores, Style(), canvas=(1920, 1080)).shots

    assert [shot.subjects for shot in shots] == [(1,), (), (2,)]
    assert shots[0].range.end == pytest.approx(200 + 25, abs=6)
    assert shots[1].range.end == pytest.approx(350 - 6, abs=6)
    assert shots[1].reason == "wide: nobody speaks"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("min_shot = 2", "'min_shot' is unknown"),
        ('base = "wild"', "base 'wild' is unknown"),
        ("enter = -2", "leave"),
        ('enter = "much"', "a number"),
        ("enter = ", "not a TOML file"),
        ("min_shot_seconds = -1", "above 0"),
        ("hold_seconds = nan", "0 or more"),
    ],
)
def test_a_wrong_style_file_is_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(SpeakerZoomError, match=says) as caught:
        read_style(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_style_file_starts_from_its_base(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "calm"\nhold_seconds = 3')

    assert read_style(str(path)).hold_seconds == 3
    assert read_style(str(path)).min_shot_seconds == PRESETS["calm"].min_shot_seconds
