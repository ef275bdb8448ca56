"""The evaluation of a cut: every figure calculated by hand, and the page that shows it."""

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
    framed_talkers,
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
    """The two people, who speak in turns of (person, start, end), in frames."""
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
    parts = [
        Shot(FrameRange(start, end), subjects, crop, "because", 0.9)
        for start, (end, subjects, crop) in zip(starts, shots, strict=True)
    ]
    return CutList(MEDIA, (1000, 600), tuple(parts), PEOPLE)


PLAIN = cut((60, (1,), ON_LEFT), (110, (2,), ON_RIGHT), (150, (), WIDE), (200, (1,), ON_LEFT))
TURNS = talkers((1, 5, 50), (2, 58, 100), (1, 145, 195))


def test_every_figure_of_a_small_cut_is_as_calculated_by_hand():
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


@pytest.mark.parametrize(
    ("alone_until", "camera_cuts", "right"), [(15, [], 0.0), (15, [15], 0.15), (20, [], 0.2)]
)
def test_a_wide_in_which_one_person_is_alone_for_a_shot_is_a_single_of_them(
    alone_until, camera_cuts, right
):
    turns = talkers((1, 0, 100))
    turns[1].boxes[:alone_until] = np.nan
    figures = measure(cut((200, (), WIDE)), TRACKS, turns, camera_cuts)

    assert (figures.right, figures.wrong) == (right, 0.0)


def test_a_crop_in_which_the_listener_is_alone_is_wrong_also_without_a_subject():
    figures = measure(cut((200, (), ON_RIGHT)), TRACKS, talkers((1, 0, 200)))

    assert (figures.right, figures.wrong) == (0.0, 1.0)


def test_another_face_in_a_single_intrudes():
    loose = cut((60, (1,), WIDE), (200, (2,), ON_RIGHT))

    assert measure(loose, TRACKS, TURNS).intruded == pytest.approx(60 / 200)


def shifted(by):
    """The small cut's second single, its other face `by` pixels into the crop's left edge."""
    return replace(ON_RIGHT, left=LEFT[2] - by, right=LEFT[2] - by + 500)


@pytest.mark.parametrize(("pixels", "share"), [(9, 0.0), (11, 1.0)])
def test_up_to_a_tenth_of_another_face_is_no_intrusion(pixels, share):
    assert measure(cut((200, (2,), shifted(pixels))), TRACKS, TURNS).intruded == share


@pytest.mark.parametrize(("pixels", "share"), [(49, 0.0), (51, 1.0)])
def test_half_a_face_is_in_frame(pixels, share):
    speaker = talkers((1, 0, 200))

    assert measure(cut((200, (2,), shifted(pixels))), TRACKS, speaker).in_frame == share


@pytest.mark.parametrize(("aside", "right"), [(60, 1.0), (70, 0.0)])
def test_a_labelled_box_with_an_iou_of_a_fifth_is_the_same_face(aside, right):
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


def test_a_return_to_a_framing_within_3_s_is_a_reversal():
    back = cut((60, (1,), ON_LEFT), (85, (2,), ON_RIGHT), (200, (1,), ON_LEFT))
    later = cut((60, (1,), ON_LEFT), (95, (2,), ON_RIGHT), (200, (1,), ON_LEFT))

    assert measure(back, TRACKS, TURNS).reversals == 1
    assert measure(later, TRACKS, TURNS).reversals == 0


def test_a_cut_to_a_single_word_is_counted_as_a_backchannel():
    words = talkers((1, 0, 60), (2, 62, 67), (1, 70, 200))
    figures = measure(
        cut((60, (1,), ON_LEFT), (85, (2,), ON_RIGHT), (200, (1,), ON_LEFT)), TRACKS, words
    )

    assert figures.backchannels == 1


def test_a_turn_begins_where_it_is_spoken_alone():
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


def test_labels_without_a_cut_are_refused_and_markup_in_names_is_plain(tmp_path, summary):
    with pytest.raises(SpeakerZoomError, match="nothing is cut yet"):
        evaluate(replace(summary, cut_list=None), tmp_path / "labels.json")
    people = (PEOPLE[0], replace(PEOPLE[1], name="[bold]B[/x]"))
    media = replace(MEDIA, path=Path("talk [take 2].mp4"))
    named = replace(summary, media=media, people=people, cut_list=replace(PLAIN, people=people))
    console = Console(record=True, width=200, file=io.StringIO())
    show_review(named, console)
    show(named, evaluate(named), console)

    text = console.export_text()
    assert "[bold]B[/x]" in text
    assert "talk [take 2].mp4" in text


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def summary():
    speaks = np.array([talker.speaks for talker in TURNS])
    return AnalysisSummary(MEDIA, TRACKS, PEOPLE, None, Speech(()), speaks, PLAIN, (110,))


def test_the_cut_is_compared_with_the_scores_without_labels(summary):
    evaluation = evaluate(summary)

    assert evaluation.against == "the scores"
    assert evaluation.framed == [[0], [1], [], [0]] == framed_talkers(PLAIN, TRACKS, TURNS)
    assert asdict(evaluation.figures) == asdict(measure(PLAIN, TRACKS, TURNS))
    assert evaluate(replace(summary, cut_list=None)) is None


def test_by_the_scores_somebody_ignored_is_no_speaker(summary):
    people = (PEOPLE[0], replace(PEOPLE[1], ignore=True))
    figures = evaluate(replace(summary, people=people)).figures

    assert repr(figures) == repr(measure(PLAIN, TRACKS, [TURNS[0], silent(TURNS[1])]))
    assert figures.alone_s < evaluate(summary).figures.alone_s


def silent(talker):
    return replace(talker, speaks=np.zeros_like(talker.speaks))


def speech(values):
    """Labels whose second row of speech has these values."""
    row = '{"person": 1, "from_s": 0, "to_s": 1}'
    return f'{{"faces": [], "speech": [{row}, {{"person": 1, "from_s": 0, {values}}}]}}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json", "line 1 is not JSON"),
        ("[" * 99999, "nested more than 200 deep"),
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
        (speech('"to_s": 1').replace("1", "[1]"), r"speech\[0\].person: needs a whole number"),
        ('{"faces": [], "speech": [], "first_video_pts_s": "x"}', "first_video_pts_s: needs a num"),
    ],
)
def test_wrong_labels_are_refused_in_one_line(summary, tmp_path, text, says):
    path = tmp_path / "labels.json"
    path.write_text(text)

    with pytest.raises(SpeakerZoomError, match=says) as caught:
        evaluate(summary, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_may_have_a_byte_order_mark(summary, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(speech('"to_s": 2'), encoding="utf-8-sig")

    assert evaluate(summary, path).against == "labels.json"


class Page(HTMLParser):
    """The tags, links and text of a page; asserts that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.sources = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_complete_and_self_contained(summary, tmp_path):
    write_report(summary, evaluate(summary), tmp_path / "cut.html")
    text = (tmp_path / "cut.html").read_text()
    page = Page(text)

    assert page.open == []
    assert page.sources == []
    assert "://" not in text
    assert "script" not in page.tags
    assert '<b>&"' in page.text
    assert "b" not in page.tags
    assert page.tags.count("rect") > 10


def test_every_figure_has_an_explanation():
    assert explanations()["wrong"] == "In which the shot frames others only."
    assert set(explanations()) == set(asdict(measure(PLAIN, TRACKS, TURNS)))


def test_the_png_has_twice_the_size_of_the_chart(summary, tmp_path):
    write_report(summary, evaluate(summary), tmp_path / "cut.png")
    image = cv2.imread(str(tmp_path / "cut.png"))

    assert image.shape[1] == 2 * 960 + 32
    assert (image == [0x1E, 0x8A, 0xE0]).all(axis=2).sum() > 1000  # BGR: orange, who speaks
    chart = image[: 2 * draw_chart(PLAIN, ["A", "B"], summary.speaks, [[]] * 4, []).height]
    assert (chart == [0xB0, 0x6C, 0x2B]).all(axis=2).sum() == 0  # no shot has a confidence of 1


def test_the_png_has_every_figure_and_the_key_below_the_chart(summary, tmp_path, monkeypatch):
    texts = []
    monkeypatch.setattr(draw_text, "draw_text", lambda _, text, *__: texts.append(text))
    write_report(summary, evaluate(summary), tmp_path / "cut.png")

    assert {"speaks", "shown", "wide", "the source's own cut"} <= set(texts)
    assert "in frame: 0.985" in texts
    assert "judged by the scores" in texts
    assert sum(": " in text for text in texts) == len(asdict(evaluate(summary).figures))


def test_a_long_film_is_drawn_in_rows():
    media = replace(MEDIA, duration=36_000)
    shots = tuple(Shot(FrameRange(n, n + 1000), (), WIDE) for n in range(0, 36_000, 1000))
    speaks = np.zeros((1, 36_000), bool)
    speaks[0, 1100:1300] = True  # over the end of the first row
    drawing = draw_chart(CutList(media, (1000, 600), shots), ["A"], speaks, [[]] * 36, [600])
    speech_bars = [part for part in drawing.parts if getattr(part, "kind", "") == "speaks"]

    assert len(speech_bars) == 2
    assert speech_bars[0].x + speech_bars[0].width == pytest.approx(960)
    assert speech_bars[1].x == pytest.approx(130)
    assert sum(part.width for part in speech_bars) == pytest.approx(200 * (960 - 130) / 1200)


def test_the_least_certain_shot_comes_first():
    shots = tuple(
        replace(shot, confidence=c)
        for shot, c in zip(PLAIN.shots, (0.9, 0.2, 0.5, 0.2), strict=True)
    )

    assert [n for n, _ in least_certain_first(replace(PLAIN, shots=shots))] == [2, 4, 3, 1]


def test_the_review_shows_timecode_and_what_else_could_be_shown(summary):
    media = replace(MEDIA, start=36_000)  # an hour
    console = Console(record=True, width=200, file=io.StringIO())
    people = (PEOPLE[0], Person(2, (2,)))
    cut_list = replace(PLAIN, media=media, people=people)
    show_review(replace(summary, media=media, people=people, cut_list=cut_list), console)
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


def test_a_figure_without_a_value_is_null_in_json(summary):
    silent = replace(summary, speaks=np.zeros((2, 200), bool))
    document = json.loads(as_json(silent, evaluate(silent)), parse_constant=pytest.fail)

    assert document["figures"]["in_frame"] is None
    assert document["figures"]["shots"] == 4
