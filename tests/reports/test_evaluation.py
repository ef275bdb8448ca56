"""What a cut is worth: every figure worked out by hand, and the page that shows it."""

import io
import json
import math
from dataclasses import asdict, replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    Box,
    CutList,
    FaceTrack,
    FrameRange,
    Media,
    Person,
    Shot,
    Speech,
)
from otio_speakerzoom.reports import draw_text
from otio_speakerzoom.reports.data_files import as_json
from otio_speakerzoom.reports.evaluation import (
    CutFigures,
    explanations,
    lanes_framed,
    measure,
)
from otio_speakerzoom.reports.page import write_report
from otio_speakerzoom.reports.speaker_chart import draw_chart
from otio_speakerzoom.reports.summary import AnalysisSummary, evaluate, least_certain_first
from otio_speakerzoom.reports.tables import show, show_review
from otio_speakerzoom.reports.talkers import Talker, talkers_of_labels

MEDIA = Media(Path("/talk.mp4"), Fraction(10), 200, (1000, 600))
LEFT, RIGHT = (200, 200, 300, 320), (700, 200, 800, 320)
ON_LEFT, ON_RIGHT, WIDE = Box(0, 100, 500, 400), Box(500, 100, 1000, 400), Box(0, 0, 1000, 600)
PEOPLE = (Person(1, (1,)), Person(2, (2,), '<b>&"'))
TRACKS = tuple(
    FaceTrack(n, 0, np.tile(np.array(box, np.float32), (200, 1)), np.ones(200, bool))
    for n, box in ((1, LEFT), (2, RIGHT))
)


def talkers(*turns):
    """The two people, who speak in (person, from, to) turns, in frames."""
    rows = [
        Talker(p.label, t.boxes.copy(), np.zeros(200, bool))
        for p, t in zip(PEOPLE, TRACKS, strict=True)
    ]
    for person, start, end in turns:
        rows[person - 1].speaks[start:end] = True
    return rows


def cut(*shots):
    """A cut of (end, subjects, crop) shots."""
    starts = [0, *(end for end, _, _ in shots[:-1])]
    made = [
        Shot(FrameRange(start, end), subjects, crop, "because", 0.9)
        for start, (end, subjects, crop) in zip(starts, shots, strict=True)
    ]
    return CutList(MEDIA, (1000, 600), tuple(made), PEOPLE)


PLAIN = cut((60, (1,), ON_LEFT), (110, (2,), ON_RIGHT), (150, (), WIDE), (200, (1,), ON_LEFT))
TURNS = talkers((1, 5, 50), (2, 58, 100), (1, 145, 195))


def test_every_figure_of_a_small_cut_is_as_worked_out_by_hand():
    figures = measure(PLAIN, TRACKS, TURNS)

    assert figures == CutFigures(
        shots=4,
        shots_per_minute=12.0,
        shortest_s=4.0,
        median_s=5.0,
        switches=1,
        reversals=0,
        alone_s=13.7,  # 45 + 42 + 50 frames
        in_frame=pytest.approx((137 - 2) / 137),  # person 2 from 58, shown from 60
        right=pytest.approx((137 - 2 - 5) / 137),  # and person 1 wide from 145 to 150
        wrong=pytest.approx(2 / 137),
        intruded=0.0,
        empty=0,
        backchannels=0,
        latency_median_s=pytest.approx(0.2),
        latency_p90_s=pytest.approx(0.2),
        punch_in_median_s=pytest.approx(0.5),
        upscale_max=pytest.approx(2.0),
        eyes_off=pytest.approx(abs((200 + 0.4 * 120 - 100) / 300 - 1 / 3)),
    )


def test_another_face_in_a_single_intrudes():
    loose = cut((60, (1,), WIDE), (200, (2,), ON_RIGHT))

    assert measure(loose, TRACKS, TURNS).intruded == pytest.approx(60 / 200)


def shifted(by):
    """The small cut's second single, its other face `by` pixels into the crop's left edge."""
    return replace(ON_RIGHT, left=LEFT[2] - by, right=LEFT[2] - by + 500)


@pytest.mark.parametrize(("pixels", "share"), [(9, 0.0), (11, 1.0)])
def test_a_tenth_of_another_face_is_borne(pixels, share):
    assert measure(cut((200, (2,), shifted(pixels))), TRACKS, TURNS).intruded == share


@pytest.mark.parametrize(("pixels", "share"), [(49, 0.0), (51, 1.0)])
def test_half_a_face_is_in_frame(pixels, share):
    said = talkers((1, 0, 200))

    assert measure(cut((200, (2,), shifted(pixels))), TRACKS, said).in_frame == share


@pytest.mark.parametrize(("aside", "right"), [(60, 1.0), (70, 0.0)])
def test_a_labelled_box_a_fifth_of_which_is_ours_is_the_same_face(aside, right):
    (one, other) = talkers((1, 0, 200))
    moved = replace(one, boxes=one.boxes + np.array([aside, 0, aside, 0], np.float32))

    assert measure(cut((200, (1,), ON_LEFT)), TRACKS, [moved, other]).right == right


def test_a_two_shot_is_never_right_and_wrong_only_without_the_speaker():
    both = measure(cut((200, (1, 2), WIDE)), TRACKS, talkers((1, 0, 200)))

    assert (both.right, both.wrong, both.in_frame) == (0.0, 0.0, 1.0)


def test_the_ninetieth_percentile_is_of_the_switches_alone():
    turns = talkers((1, 0, 40), (2, 40, 80), (1, 80, 120), (2, 120, 200))
    late = cut(
        (45, (1,), ON_LEFT), (90, (2,), ON_RIGHT), (120, (1,), ON_LEFT), (200, (2,), ON_RIGHT)
    )
    figures = measure(late, TRACKS, turns)

    assert figures.latency_median_s == pytest.approx(0.5)  # of 0.5, 1.0 and 0
    assert figures.latency_p90_s == pytest.approx(0.9)


def test_a_single_of_an_empty_chair_is_empty():
    beside = cut((60, (1,), ON_RIGHT), (200, (2,), ON_RIGHT))

    assert measure(beside, TRACKS, TURNS).empty == 1


def test_a_picture_taken_up_again_at_once_is_a_reversal():
    back = cut((60, (1,), ON_LEFT), (85, (2,), ON_RIGHT), (200, (1,), ON_LEFT))
    later = cut((60, (1,), ON_LEFT), (95, (2,), ON_RIGHT), (200, (1,), ON_LEFT))

    assert measure(back, TRACKS, TURNS).reversals == 1
    assert measure(later, TRACKS, TURNS).reversals == 0


def test_a_cut_for_a_word_is_a_backchannels():
    words = talkers((1, 0, 60), (2, 62, 67), (1, 70, 200))
    found = measure(
        cut((60, (1,), ON_LEFT), (85, (2,), ON_RIGHT), (200, (1,), ON_LEFT)), TRACKS, words
    )

    assert found.backchannels == 1


def test_a_turn_begins_where_it_is_said_alone():
    over = talkers((1, 0, 60), (2, 40, 120))

    assert measure(
        cut((65, (1,), ON_LEFT), (200, (2,), ON_RIGHT)), TRACKS, over
    ).latency_median_s == pytest.approx(0.5)


def test_where_nobody_speaks_there_are_no_shares():
    figures = measure(PLAIN, TRACKS, talkers())

    assert math.isnan(figures.in_frame)
    assert math.isnan(figures.latency_p90_s)


def test_labels_count_from_the_files_first_time_stamp():
    labels = {
        "first_video_pts_s": 0.5,
        "faces": [{"person": "A", "from_s": 0.5, "to_s": 20.5, "box": LEFT}],
        "speech": [{"person": "A", "from_s": 1.0, "to_s": 2.0},
                   {"person": None, "from_s": 3.0, "to_s": 4.0}],
    }  # fmt: skip
    (talker,) = talkers_of_labels(labels, MEDIA)

    assert np.flatnonzero(talker.speaks).tolist() == list(range(5, 15))
    assert not np.isnan(talker.boxes).any()


def test_labels_without_a_cut_are_refused_and_markup_in_names_is_plain(tmp_path, known):
    with pytest.raises(SpeakerZoomError, match="nothing is cut yet"):
        evaluate(replace(known, cut_list=None), tmp_path / "labels.json")
    people = (PEOPLE[0], replace(PEOPLE[1], name="[bold]B[/x]"))
    media = replace(MEDIA, path=Path("talk [take 2].mp4"))
    named = replace(known, media=media, people=people, cut_list=replace(PLAIN, people=people))
    console = Console(record=True, width=200, file=io.StringIO())
    show_review(named, console)
    show(named, evaluate(named), console)

    said = console.export_text()
    assert "[bold]B[/x]" in said
    assert "talk [take 2].mp4" in said


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def known():
    speaks = np.array([talker.speaks for talker in TURNS])
    return AnalysisSummary(MEDIA, TRACKS, PEOPLE, None, Speech(()), speaks, PLAIN, (110,))


def test_the_scores_judge_where_no_labels_are_given(known):
    judged = evaluate(known)

    assert judged.against == "the scores"
    assert judged.framed == [[0], [1], [], [0]] == lanes_framed(PLAIN, TRACKS, TURNS)
    assert asdict(judged.figures) == asdict(measure(PLAIN, TRACKS, TURNS))
    assert evaluate(replace(known, cut_list=None)) is None


def speech(values):
    """Labels whose second row of speech has these values."""
    row = '{"person": 1, "from_s": 0, "to_s": 1}'
    return f'{{"faces": [], "speech": [{row}, {{"person": 1, "from_s": 0, {values}}}]}}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "line 1 is not JSON"),
        ("[" * 99999, "is nested too deeply"),
        ("[1]", "the file: needs an object, not"),
        ('{"faces": []}', "speech is missing"),
        ('{"file": "other.mp4", "faces": [], "speech": []}', "labels other.mp4, not talk.mp4"),
        ('{"file": 7, "faces": [], "speech": []}', "file: needs a text, not 7"),
        ('{"faces": {}, "speech": []}', "faces: needs a list"),
        ('{"faces": [{"person": 1}], "speech": []}', r"faces\[0\].from_s is missing"),
        (
            '{"faces": [{"person": 1, "from_s": 0, "to_s": 1, "box": [9, 0, 5, 9]}], "speech": []}',
            r"faces\[0\].box: needs left, top, right, bottom, with an area, not .9, 0, 5, 9.;",
        ),
        (speech('"to_s": "soon"'), r"speech\[1\].to_s: needs a number, not 'soon'"),
        (speech('"to_s": NaN'), r"speech\[1\].to_s: needs a number, not nan"),
        (speech('"to_s": ' + "9" * 400), r"speech\[1\].to_s: needs a number"),
        (speech('"to_s": -1'), r"speech\[1\].to_s: needs a time that is not before from_s, 0, not"),
        (speech('"to_s": 1, "person": [1]'), r"speech\[1\].person: needs a whole number"),
        ('{"faces": [], "speech": [], "first_video_pts_s": "x"}', "first_video_pts_s: needs a num"),
    ],
)
def test_wrong_labels_are_refused_in_one_line(known, tmp_path, text, says):
    path = tmp_path / "labels.json"
    path.write_text(text)

    with pytest.raises(SpeakerZoomError, match=says) as caught:
        evaluate(known, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_may_have_a_byte_order_mark(known, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(speech('"to_s": 2, "person": null'), encoding="utf-8-sig")

    assert evaluate(known, path).against == "labels.json"


class Page(HTMLParser):
    """What a page holds: its tags, its words, and whether what is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.sources = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_and_needs_nothing_else(known, tmp_path):
    write_report(known, evaluate(known), tmp_path / "cut.html")
    text = (tmp_path / "cut.html").read_text()
    page = Page(text)

    assert page.open == []
    assert page.sources == []
    assert "://" not in text
    assert "script" not in page.tags
    assert '<b>&"' in page.words
    assert "b" not in page.tags
    assert page.tags.count("rect") > 10


def test_every_figure_has_an_explanation():
    assert explanations()["wrong"] == "In which the shot frames others only."
    assert set(explanations()) == set(asdict(measure(PLAIN, TRACKS, TURNS)))


def test_the_picture_is_twice_the_drawing(known, tmp_path):
    write_report(known, evaluate(known), tmp_path / "cut.png")
    picture = cv2.imread(str(tmp_path / "cut.png"))

    assert picture.shape[1] == 2 * 960 + 32
    assert (picture == [0x1E, 0x8A, 0xE0]).all(axis=2).sum() > 1000  # BGR: orange, who speaks
    ribbon = picture[: 2 * draw_chart(PLAIN, ["A", "B"], known.speaks, [[]] * 4, []).height]
    assert (ribbon == [0xB0, 0x6C, 0x2B]).all(axis=2).sum() == 0  # no shot is sure beyond doubt


def test_the_picture_has_every_figure_and_the_key_under_the_ribbon(known, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(draw_text, "draw_text", lambda _, text, *__: written.append(text))
    write_report(known, evaluate(known), tmp_path / "cut.png")

    assert {"speaks", "shown", "wide", "the source's own cut"} <= set(written)
    assert "in frame: 0.985" in written
    assert "judged by the scores" in written
    assert sum(": " in text for text in written) == len(asdict(evaluate(known).figures))


def test_a_long_film_is_drawn_in_rows():
    media = replace(MEDIA, duration=36_000)
    shots = tuple(Shot(FrameRange(n, n + 1000), (), WIDE) for n in range(0, 36_000, 1000))
    speaks = np.zeros((1, 36_000), bool)
    speaks[0, 1100:1300] = True  # over the end of the first row
    drawing = draw_chart(CutList(media, (1000, 600), shots), ["A"], speaks, [[]] * 36, [600])
    said = [part for part in drawing.parts if getattr(part, "kind", "") == "speaks"]

    assert len(said) == 2
    assert said[0].x + said[0].width == pytest.approx(960)
    assert said[1].x == pytest.approx(130)
    assert sum(part.width for part in said) == pytest.approx(200 * (960 - 130) / 1200)


def test_the_least_sure_shot_comes_first():
    shots = tuple(
        replace(shot, confidence=c)
        for shot, c in zip(PLAIN.shots, (0.9, 0.2, 0.5, 0.2), strict=True)
    )

    assert [n for n, _ in least_certain_first(replace(PLAIN, shots=shots))] == [2, 4, 3, 1]


def test_the_review_tells_timecode_and_what_else_could_be_shown(known):
    media = replace(MEDIA, start=36_000)  # an hour
    console = Console(record=True, width=200, file=io.StringIO())
    people = (PEOPLE[0], Person(2, (2,)))
    cut_list = replace(PLAIN, media=media, people=people)
    show_review(replace(known, media=media, people=people, cut_list=cut_list), console)
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]]
        for line in console.export_text().splitlines()
        if "because" in line
    ]

    assert rows == [
        ["0.90", "1", "01:00:00:00", "6.00 s", "Person 1", "because", "Person 2"],
        ["0.90", "2", "01:00:06:00", "5.00 s", "Person 2", "because", "Wide"],
        ["0.90", "3", "01:00:11:00", "4.00 s", "Wide", "because", "Person 1"],
        ["0.90", "4", "01:00:15:00", "5.00 s", "Person 1", "because", "Wide"],
    ]


def test_what_cannot_be_counted_is_null_in_json(known):
    silent = replace(known, speaks=np.zeros((2, 200), bool))
    told = json.loads(as_json(silent, evaluate(silent)), parse_constant=pytest.fail)

    assert told["figures"]["in_frame"] is None
    assert told["figures"]["shots"] == 4
