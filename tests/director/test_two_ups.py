"""When two people are shown in two halves, and how each half is framed."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import FaceTrack, FrameRange, Lock, Media, Person, SpeechScores

SIZE = (1920, 1080)
TALKING = ((1, 0, 200), (2, 200, 360), (1, 250, 360), (1, 360, 500))  # 250 to 360 together
AUTO = Style(two_up="auto")


def cut(lefts=(400, 1400), turns=TALKING, style=AUTO, canvas=SIZE, faces=120, **options):
    """The cut of people whose faces begin at `lefts`, and who speak in (person, start, end)."""
    media = Media(Path("/talk.mp4"), Fraction(25), 500, SIZE)
    boxes = [
        np.tile(np.float32([left, 400, left + faces, 400 + faces]), (500, 1)) for left in lefts
    ]
    tracks = [FaceTrack(n, 0, rows, np.ones(500, bool)) for n, rows in enumerate(boxes, 1)]
    odds = np.full((len(lefts), 500), -3, np.float32)
    for person, start, end in turns:
        odds[person - 1, start:end] = 3
    return direct(
        media, tracks, [Person(n, (n,)) for n in range(1, len(lefts) + 1)],
        [SpeechScores(n, 0, row) for n, row in enumerate(odds, 1)], style, canvas=canvas, **options,
    )  # fmt: skip


def two_ups(cut_list):
    return [shot for shot in cut_list.shots if shot.two_up]


@pytest.mark.parametrize(
    ("choice", "canvas", "layout"),
    [
        ("auto", (1920, 1080), "side_by_side"),
        ("auto", (1080, 1080), "side_by_side"),
        ("auto", (1080, 1920), "stacked"),
        ("stacked", (1920, 1080), "stacked"),
        ("side_by_side", (1080, 1920), "side_by_side"),
    ],
)
def test_two_who_talk_at_once_are_in_two_halves(choice, canvas, layout):
    style = Style(two_up=choice, tightest_upscale=4)
    shots = two_ups(cut(style=style, canvas=canvas))

    assert shots
    assert all(shot.reason.endswith("in two halves") for shot in shots)
    assert all(shot.two_up.layout == layout for shot in shots)
    assert any(shot.range.start <= 260 < 350 <= shot.range.end for shot in shots)
    width, height = canvas
    shape = (width / 2, height) if layout == "side_by_side" else (width, height / 2)
    for shot in shots:
        for crop in shot.crops:
            assert crop.width / crop.height == pytest.approx(shape[0] / shape[1])
            assert shape[1] / crop.height <= 4 + 1e-9


def test_off_is_the_cut_as_it_was():
    assert not two_ups(cut(style=Style()))
    assert not two_ups(cut(style=Style(overlap="two-shot")))


@pytest.mark.parametrize(("lefts", "subjects"), [((400, 1400), (1, 2)), ((1400, 400), (2, 1))])
def test_whoever_sits_further_left_is_in_the_left_half(lefts, subjects):
    (shot,) = two_ups(cut(lefts))

    assert shot.subjects == subjects
    assert shot.crop.left < 460 < shot.crop.right
    assert shot.two_up.second_crop.left < 1460 < shot.two_up.second_crop.right


def test_each_half_shows_its_person_and_not_the_other_one():
    for lefts in ((400, 1400), (300, 1000), (500, 1300)):
        shots = two_ups(cut(lefts, style=Style(two_up="side_by_side")))
        assert shots
        for shot in shots:
            one, other = shot.crops
            assert one.left <= lefts[0] < lefts[0] + 120 <= one.right <= lefts[1] + 24
            assert lefts[0] + 96 <= other.left <= lefts[1] < lefts[1] + 120 <= other.right


@pytest.mark.parametrize(
    "options",
    [
        {"lefts": (880, 1010)},  # cheek to cheek: no half holds one face alone
        {"lefts": (700, 960)},  # a two-shot shows both as large
        {"faces": 40, "lefts": (900, 1000), "style": replace(AUTO, tightest_upscale=1.0)},
    ],
)  # fmt: skip
def test_where_the_halves_show_no_more_than_one_picture_there_is_no_two_up(options):
    cut_list = cut(**options)

    assert not two_ups(cut_list)


def test_a_quick_exchange_is_a_two_up_rather_than_a_wide():
    turns = [(1 + n % 2, 100 + 20 * n, 120 + 20 * n) for n in range(10)]
    turns = [(1, 0, 100), *turns, (1, 300, 500)]
    wide = next(s for s in cut(turns=turns, style=Style()).shots if s.range.start > 50)
    shot, *_ = two_ups(cut(turns=turns))

    assert wide.kind == "wide"
    assert shot.range.start < 200 < shot.range.end


def test_a_lock_of_two_people_is_a_two_up_unless_its_crop_was_set_by_hand():
    lock = Lock(FrameRange(50, 150), (2, 1))
    by_hand = replace(lock, crop=cut(style=Style()).shots[0].crop)
    (free,) = [s for s in cut(locks=[lock]).shots if s.locked]
    (held,) = [s for s in cut(locks=[by_hand]).shots if s.locked]

    assert (free.kind, free.range, free.subjects) == ("two-up", lock.range, (1, 2))
    assert (held.kind, held.crop) == ("two-shot", by_hand.crop)


def test_somebody_who_is_absent_for_a_part_of_a_lock_is_not_half_of_the_picture():
    media = Media(Path("/talk.mp4"), Fraction(25), 500, SIZE)
    box, aside = np.float32([[400, 400, 520, 520], [1400, 400, 1520, 520]])
    tracks = [
        FaceTrack(1, 0, np.tile(box, (500, 1)), np.ones(500, bool)),
        FaceTrack(2, 0, np.tile(aside, (80, 1)), np.ones(80, bool)),
    ]
    people = [Person(1, (1,)), Person(2, (2,))]
    for end, kind in ((80, "two-up"), (88, "two-up"), (110, "two-shot")):
        locks = [Lock(FrameRange(0, end), (1, 2))]
        shots = direct(media, tracks, people, [], AUTO, canvas=SIZE, locks=locks).shots
        assert shots[0].kind == kind
