"""Laws of the whole director: what a shot shows, for any canvas, faces and locks."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.crop_geometry import crops_of, second_crops_of
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.framing import frame_single
from otio_speakerzoom.director.rewards import framing_rewards
from otio_speakerzoom.director.speaker_activity import find_active_speakers
from otio_speakerzoom.director.style import CHOICES, PRESETS, Style
from otio_speakerzoom.director.two_shots import frame_two
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    Box,
    CoverKey,
    CropKey,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    SpeechScores,
    VoiceActivity,
)

SIZE = (1920, 1080)
CANVASES = ((1080, 1920), (1080, 1080), (1920, 1080))


def box(left, top, width, frames=1):
    edges = [left, top, left + width, top + width * 4 / 3]
    return np.tile(np.array(edges, np.float32), (frames, 1))


def share_inside(boxes, crops):
    """Return the share of (..., 4) boxes is in the crops; 0 where there is no face."""
    low = np.maximum(boxes[..., :2], crops[..., :2])
    high = np.minimum(boxes[..., 2:], crops[..., 2:])
    area = np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return np.nan_to_num(np.prod(np.maximum(high - low, 0), axis=-1) / area)


@dataclass(frozen=True)
class Programme:
    """A talk of two or three people who walk, come and go, with camera cuts and locks."""

    seed: int
    frames: int
    people: int
    cuts: frozenset
    locked: tuple
    voice: bool

    def cut(self, style, canvas=SIZE, shift=0):
        """Return its cut, its tracks and who they are; of a part that starts at frame `shift`."""
        rng = np.random.default_rng(self.seed)
        edges = [0, *sorted(cut for cut in self.cuts if cut < self.frames), self.frames]
        tracks, people, scores = [], [], []
        for person in range(1, self.people + 1):
            before = len(tracks)
            for first, end in pairwise(edges):
                start = int(rng.choice([first, rng.integers(first, end)]))
                width, walk = rng.choice([80, 120, 220]), rng.choice([0, 0, 1, -3])
                left = rng.integers(0, 1700) + walk * np.arange(end - start)
                boxes = box(0, rng.integers(50, 800), width, end - start)
                boxes[:, [0, 2]] += np.clip(left, 0, 1920 - width)[:, None].astype(np.float32)
                number = len(tracks) + 1
                tracks.append(FaceTrack(number, start + shift, boxes, np.ones(end - start, bool)))
                turns = rng.choice([-3, 0.5, 3], self.frames // 40 + 1).repeat(40)[: end - start]
                scores.append(SpeechScores(number, start + shift, turns.astype(np.float32)))
            people.append(Person(person, tuple(range(before + 1, len(tracks) + 1))))
        voice = rng.random(self.frames // 50).repeat(50).astype(np.float32)
        media = Media(Path("/talk.mp4"), Fraction(25), self.frames + 2 * shift, SIZE)
        cut_list = direct(
            media, tracks, people, scores, style, canvas=canvas,
            within=FrameRange(shift, shift + self.frames),
            camera_cuts=[cut + shift for cut in edges[1:-1]],
            locks=[Lock(FrameRange(a + shift, b + shift), who) for a, b, who in self.locked],
            voice=VoiceActivity(shift, voice, ()) if self.voice else None,
        )  # fmt: skip
        return cut_list, tracks, people


def _two_locks(frames, *subjects):
    edges = sorted(frames)
    return tuple((*edges[i : i + 2], who) for i, who in zip((0, 2), subjects, strict=True))


who = st.sampled_from(((), (1,), (2,), (1, 2)))
two_locks = st.tuples(st.sets(st.integers(0, 200), min_size=4, max_size=4), who, who).map(
    lambda frames_and_subjects: _two_locks(*frames_and_subjects)
)  # fmt: skip
programmes = st.builds(
    Programme, st.integers(0, 10_000), st.sampled_from((200, 400)), st.integers(2, 3),
    st.frozensets(st.integers(1, 399), max_size=3), st.just(()) | two_locks, st.booleans(),
)  # fmt: skip
styles = st.builds(
    lambda preset, **choices: replace(PRESETS[preset], max_shot_seconds=0, **choices),
    st.sampled_from(sorted(PRESETS)),
    **{name: st.sampled_from(words) for name, words in CHOICES.items()},
    cut_cost_seconds=st.sampled_from((0.3, 3.0)),
)


@given(programmes, styles, st.sampled_from(CANVASES))
@settings(max_examples=60, deadline=None)
def test_no_shot_is_without_a_face_while_a_face_is_visible(programme, style, canvas):
    cut_list, tracks, _ = programme.cut(style, canvas)
    faces = np.full((len(tracks), programme.frames, 4), np.nan)
    for row, track in zip(faces, tracks, strict=True):
        row[track.start : track.range.end] = track.boxes

    for shot in cut_list.shots:
        part = faces[:, shot.range.start : shot.range.end]
        crops = (crops_of(shot, SIZE, canvas), second_crops_of(shot, SIZE, canvas))
        shares = np.array([share_inside(part, halves[None]) for halves in crops])
        assert np.isnan(part).all() or (shares >= 0.5).any()


@given(programmes, styles, st.sampled_from(CANVASES))
@example(Programme(2, 200, 2, frozenset([199]), (), False), PRESETS["calm"], (1080, 1920))
@example(Programme(53, 200, 4, frozenset([66, 195]), (), True), PRESETS["standard"], (1080, 1920))
@example(Programme(2, 400, 2, frozenset([2]), (), True), PRESETS["standard"], (1080, 1920))
@example(
    Programme(3, 200, 3, frozenset([1]), (), False),
    replace(PRESETS["calm"], max_shot_seconds=0, follow="reframe"),
    (1080, 1920),
)
@settings(max_examples=60, deadline=None)
def test_what_is_on_screen_between_two_cuts_is_long_enough(programme, style, canvas):
    """Only the source's own cuts, a lock or the programme's end may make it shorter."""
    cut_list, _, _ = programme.cut(style, canvas)
    cuts_of_others = {0, programme.frames, *programme.cuts}
    cuts_of_others |= {e for s in cut_list.shots if s.locked for e in (s.range.start, s.range.end)}
    cuts = sorted({*cuts_of_others, *(shot.range.start for shot in cut_list.shots)})

    for before, after in pairwise(cuts):
        if not cuts_of_others >= {before, after}:
            locked = any(s.locked and s.range.start <= before < s.range.end for s in cut_list.shots)
            assert locked or after - before >= style.min_shot_seconds * 25


@given(programmes, styles, st.sampled_from(CANVASES))
@settings(max_examples=60, deadline=None)
def test_no_cut_is_between_two_equal_framings_unless_a_lock_or_the_source_cuts(
    programme, style, canvas
):
    cut_list, _, _ = programme.cut(replace(style, obscure_others="no"), canvas)

    for before, after in pairwise(cut_list.shots):
        left, right = (crops_of(shot, SIZE, canvas) for shot in (before, after))
        equal = np.abs(left[-1] - right[0]).max() < 1 and before.two_up == after.two_up
        expected = before.locked or after.locked or after.range.start in programme.cuts
        assert expected or not equal


@given(programmes, styles)
@settings(max_examples=60, deadline=None)
def test_a_single_is_of_somebody_visible(programme, style):
    cut_list, tracks, people = programme.cut(style)

    for shot in cut_list.shots:
        if len(shot.subjects) == 1 and not shot.locked:
            own = people[shot.subjects[0] - 1].track_ids
            assert any(
                track.start < shot.range.end and shot.range.start < track.range.end
                for track in tracks
                if track.id in own
            )


@given(programmes, styles, st.sampled_from(CANVASES), st.integers(1, 500))
@settings(max_examples=40, deadline=None)
def test_a_part_later_in_the_source_gives_the_same_shots_there(programme, style, canvas, shift):
    cut_list, _, _ = programme.cut(style, canvas)
    later, _, _ = programme.cut(style, canvas, shift)

    def moved(span):
        return FrameRange(span.start + shift, span.end + shift)

    for shot, other in zip(cut_list.shots, later.shots, strict=True):
        assert other.range == moved(shot.range)
        assert replace(other, range=shot.range, keys=(), covers=()) == replace(
            shot, keys=(), covers=()
        )
        assert other.keys == tuple(CropKey(k.frame + shift, k.crop) for k in shot.keys)
        assert other.covers == tuple(
            replace(cover, keys=tuple(CoverKey(k.frame + shift, k.box) for k in cover.keys))
            for cover in shot.covers
        )


# --- worked cases ---------------------------------------------------------------------------------


def two_people(*lefts, frames=500, width=120, until=None):
    media = Media(Path("/talk.mp4"), Fraction(25), frames, SIZE)
    tracks = [
        FaceTrack(n, 0, box(left, 400, width, until or frames), np.ones(until or frames, bool))
        for n, left in enumerate(lefts, 1)
    ]
    return media, tracks, [Person(n, (n,)) for n in range(1, len(lefts) + 1)]


def scores_of(*turns, people=2, frames=500):
    rows = np.full((people, frames), -3, np.float32)
    for person, start, end in turns:
        rows[person - 1, start:end] = 3
    return [SpeechScores(n, 0, row) for n, row in enumerate(rows, 1)]


def test_an_expensive_cut_makes_no_single_of_an_empty_chair_between_two_locks():
    media, tracks, people = two_people(400, 1400)
    tracks[0] = FaceTrack(1, 0, tracks[0].boxes[:100], tracks[0].has_detection[:100])
    style = replace(PRESETS["lively"], cut_cost_seconds=3)
    locks = [Lock(FrameRange(0, 100), (1,)), Lock(FrameRange(131, 500), (1,))]
    cut_list = direct(media, tracks, people, scores_of(), style, canvas=SIZE, locks=locks)

    assert [(s.range.start, s.subjects) for s in cut_list.shots] == [
        (0, (1,)),
        (100, ()),
        (131, (1,)),
    ]


def test_a_gap_too_short_for_a_shot_gets_the_better_framing_of_the_locks_beside_it():
    media, tracks, people = two_people(400, 1400)
    tracks[0] = FaceTrack(1, 0, tracks[0].boxes[:100], tracks[0].has_detection[:100])
    locks = [Lock(FrameRange(0, 100), (1,)), Lock(FrameRange(130, 500), (2,))]
    scores = scores_of((2, 100, 500))
    cut_list = direct(media, tracks, people, scores, Style(), canvas=SIZE, locks=locks)

    assert [(s.range.start, s.subjects) for s in cut_list.shots] == [(0, (1,)), (100, (2,))]


def test_a_cut_keeps_clear_of_the_sources_own_by_a_whole_shot():
    media, tracks, people = two_people(400, 1400)
    turns = ((1, 0, 208), (2, 400, 500))  # the hold ends just before the source's cut
    cut_list = direct(media, tracks, people, scores_of(*turns), Style(), canvas=SIZE,
                  camera_cuts=[250])  # fmt: skip
    starts = [shot.range.start for shot in cut_list.shots]

    assert starts[1] in (200, 250)


@pytest.mark.parametrize("canvas", [(1080, 1920), (1080, 1080)])
@pytest.mark.parametrize("speaker", [1, 2])
def test_where_two_do_not_fit_a_wide_and_a_locked_two_shot_show_the_speaker(canvas, speaker):
    media, tracks, people = two_people(0, 1800)
    scores = scores_of((speaker, 200, 300))
    for subjects in ((), (1, 2)):
        locks = [Lock(FrameRange(0, 500), subjects)]
        cut_list = direct(media, tracks, people, scores, Style(), canvas=canvas, locks=locks)
        crop = crops_of(cut_list.shots[0], SIZE, canvas)[0]

        assert share_inside(tracks[speaker - 1].boxes[0], crop) == 1


def test_as_many_faces_as_fit_are_in_an_upright_wide_and_none_is_sliced():
    media, tracks, people = two_people(100, 900, 1200, 1500)
    scores = scores_of(people=4)
    cut_list = direct(media, tracks, people, scores, Style(), canvas=(1080, 1920))
    shares = [
        share_inside(t.boxes[0], crops_of(cut_list.shots[0], SIZE, (1080, 1920))[0]) for t in tracks
    ]

    assert len(cut_list.shots) == 1
    assert sorted(shares) == pytest.approx([0, 0, 1, 1], abs=1e-3)


def test_an_upright_wide_of_two_cameras_is_placed_for_each():
    media = Media(Path("/talk.mp4"), Fraction(25), 200, SIZE)
    tracks = [
        FaceTrack(n, start, box(left, 400, 120, 100), np.ones(100, bool))
        for n, start, left in ((1, 0, 100), (2, 100, 1700))
    ]
    people = [Person(1, (1,)), Person(2, (2,))]
    cut_list = direct(media, tracks, people, [], Style(), canvas=(1080, 1920), camera_cuts=[100])

    assert [(s.range.start, s.subjects) for s in cut_list.shots] == [(0, ()), (100, ())]
    for shot, track in zip(cut_list.shots, tracks, strict=True):
        assert share_inside(track.boxes[0], crops_of(shot, SIZE, (1080, 1920))[0]) == 1


def test_a_locked_single_over_a_camera_cut_is_framed_for_one_of_the_cameras():
    media = Media(Path("/talk.mp4"), Fraction(25), 200, SIZE)
    tracks = [
        FaceTrack(n, start, box(left, 400, 120, 100), np.ones(100, bool))
        for n, start, left in ((1, 0, 100), (2, 100, 1700))
    ]
    lock = Lock(FrameRange(0, 200), (1,))  # half of it here, and half there: nobody in the middle
    cut_list = direct(media, tracks, [Person(1, (1, 2))], [], Style(), canvas=SIZE,
                      camera_cuts=[100],
                      locks=[lock])  # fmt: skip

    assert share_inside(tracks[0].boxes[0], crops_of(cut_list.shots[0], SIZE, SIZE)[0]) == 1


def test_a_locked_single_of_somebody_never_visible_shows_who_is():
    media, tracks, people = two_people(400, 1700)
    tracks[1] = FaceTrack(2, 300, tracks[1].boxes[300:], tracks[1].has_detection[300:])
    people = [Person(1, ()), Person(2, (2,))]
    cut_list = direct(media, tracks[1:], people, [], Style(), canvas=(1080, 1920),
                      camera_cuts=[300],
                  locks=[Lock(FrameRange(0, 500), (1,))])  # fmt: skip

    assert share_inside(tracks[1].boxes[0], crops_of(cut_list.shots[0], SIZE, (1080, 1920))[0]) == 1


def test_the_reward_of_the_wide_is_lower_by_what_it_cannot_show():
    log_odds = np.full((2, 100), -4, np.float32)
    log_odds[0] = 4
    visible = np.ones((2, 100), bool)
    activity = find_active_speakers(
        log_odds, visible, None, FrameRange(0, 100), Fraction(25), Style()
    )

    def wide(*in_wide):
        rows = np.array(in_wide, bool)[:, None] & visible
        return framing_rewards(activity, [()], Fraction(25), Style(), rows)[50, 0]

    assert wide(True, True) == framing_rewards(activity, [()], Fraction(25), Style())[50, 0]
    assert wide(True, True) > wide(True, False) > wide(False, True) > wide(False, False)
    assert wide(False, True) <= -Style().wrong_speaker_penalty


@given(st.integers(0, 300), st.integers(770, 1000), st.integers(0, 100))
@settings(max_examples=200, deadline=None)
def test_a_single_fits_into_a_narrow_gap_between_two_neighbours(left, gap, aside):
    """A single may be 768 wide here, no less; a gap of two pixels more keeps both out."""
    face = box(left + 100 + gap / 2 - 60 + (aside - 50), 480, 120)
    others = [box(left, 480, 100), box(left + 100 + gap, 480, 100)]
    crop = frame_single(face, others, SIZE, SIZE, Style())
    shares = [share_inside(other[0], np.array(crop.edges))
             for other in others]  # fmt: skip

    assert max(shares) < 0.0051  # shares are compared in hundredths
    assert crop.width >= 767.9


def test_a_single_that_fills_the_frame_is_the_whole_frame():
    face = box(700, 250, 216)  # 3.6 times its height is 1037 of 1080

    assert frame_single(face, [], SIZE, SIZE, Style()) == Box(0, 0, 1920, 1080)
    assert frame_two(face, face + 400, SIZE, SIZE, Style()) == Box(0, 0, 1920, 1080)
    upright = frame_single(face, [], SIZE, (1080, 1920), Style())
    assert upright.height == 1080
    assert upright.centre[0] == pytest.approx(700 + 108, abs=40)


def test_a_single_of_the_whole_frame_is_no_cut_from_the_wide():
    media, tracks, people = two_people(700, frames=400, width=216)
    scores = scores_of((1, 0, 150), (1, 300, 400), people=1, frames=400)
    cut_list = direct(media, tracks, people, scores, Style(), canvas=SIZE)

    assert [(s.subjects, s.crop) for s in cut_list.shots] == [((), Box(0, 0, 1920, 1080))]


def test_a_face_that_moves_where_no_crop_can_follow_gets_no_new_framing():
    media, tracks, people = two_people(0)
    tracks[0].boxes[:, [0, 2]] += (np.arange(500) > 250)[:, None] * np.float32(120)
    style = replace(Style(), follow="reframe", safe_area=0.05)
    cut_list = direct(
        media, tracks, people[:1], scores_of((1, 0, 500), people=1), style, canvas=SIZE
    )

    assert [shot.subjects for shot in cut_list.shots] == [(1,)]


@pytest.mark.parametrize(
    ("locks", "message"),
    [
        ([Lock(FrameRange(5, 90), (7,))], "at frame 5 shows person 7, but the people are 1, 2"),
        ([Lock(FrameRange(400, 501), (1,))], "at frame 400 ends at frame 501, the source at 500"),
        ([Lock(FrameRange(600, 700), (1,))], "at frame 600 ends at frame 700, the source at 500"),
        ([Lock(FrameRange(9, 20), (1, 1))], r"at frame 9 shows \[1, 1\]"),
        (
            [Lock(FrameRange(9, 20), (1,), Box(0, 0, 1921, 900))],
            "not inside the source, which is 1920x",
        ),
        (
            [Lock(FrameRange(9, 20), (1,), Box(50, 50, 50, 900))],
            "not inside the source, which is 1920x",
        ),
        ([Lock(FrameRange(9, 20), ()), Lock(FrameRange(0, 10), ())], "at frame 9 begins before"),
    ],
)
def test_an_impossible_lock_is_an_error(locks, message):
    media, tracks, people = two_people(400, 1400)

    with pytest.raises(SpeakerZoomError, match=message) as error:
        direct(media, tracks, people, [], Style(), canvas=SIZE, locks=locks)
    assert str(error.value).startswith("locks.json: the lock at frame ")
