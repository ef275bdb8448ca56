"""Two-ups in every timeline: what they hold, and what an editor's changes to them become."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from conftest import SHARED
from hypothesis import assume, given, settings
from lxml import etree
from strategies import cut_lists_of_two_ups

from otio_speakerzoom import store
from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.diff import compare
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Box, CutList, FrameRange, Lock, Media, Person, Shot, TwoUp
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.formats import FORMATS

FORMATS_READ = [
    (suffix, dialect, adapter)
    for suffix, dialects in FORMATS.items()
    if suffix in READERS
    for dialect, adapter in dialects.items()
]
PEOPLE = (Person(1, (1,), "Anna"), Person(2, (2,), "Bo"))


def media(size=(1920, 1080), **fields):
    return Media(Path("/talk.mp4"), Fraction(25), 300, size, **fields)


def a_cut(canvas=(1920, 1080), layout="side_by_side", **fields):
    """A single, two halves, a single; of a talk in 1920x1080."""
    whole = Box(0, 0, 1920, 1080) if canvas[0] > canvas[1] else Box(656.25, 0, 1263.75, 1080)
    side = layout == "side_by_side"
    one = Box(210, 224, 750, 831.5) if side else Box(188, 234, 728, 714)
    other = Box(1146, 224, 1686, 831.5) if side else Box(1146, 226, 1686, 706)
    shots = (
        Shot(FrameRange(0, 100), (1,), whole),
        Shot(FrameRange(100, 200), (1, 2), one, two_up=TwoUp(layout, other)),
        Shot(FrameRange(200, 300), (2,), whole),
    )
    return CutList(media(**fields), canvas, shots, PEOPLE)


def written(cut_list, adapter, folder, suffix):
    """The path of a timeline, unless the format cannot hold so tight a crop."""
    path = folder / f"talk{suffix}"
    try:
        path.write_text(timeline_text(cut_list, *adapter))
    except TimelineError:
        assume(False)
    return path


def read_back(cut_list, path, dialect):
    source = cut_list.media
    return read_timeline(path, MediaHints(source.size, cut_list.canvas, source.rotation, dialect))


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), FORMATS_READ)
@settings(deadline=None, max_examples=12)
@given(cut_list=cut_lists_of_two_ups())
def test_two_ups_that_nobody_changed_are_no_edits(
    tmp_path_factory, suffix, dialect, adapter, cut_list
):
    path = written(cut_list, adapter, tmp_path_factory.mktemp("ours"), suffix)
    comparison = compare(read_back(cut_list, path, dialect), cut_list)

    assert (comparison.changes, comparison.warnings) == ((), ())
    assert comparison.unchanged == len(cut_list.shots)


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), FORMATS_READ)
def test_a_half_whose_frame_ends_at_the_seam_is_no_edit(suffix, dialect, adapter, tmp_path):
    """Nothing of its frame is cut off then, and a trim of 0 is no crop."""
    one, other = Box(0, 0, 640 / 3, 240), Box(0, 0, 520 / 3, 195)
    shots = (
        Shot(FrameRange(0, 150), (1,), Box(0, 0, 240, 135)),
        Shot(FrameRange(150, 300), (1, 2), one, two_up=TwoUp("side_by_side", other)),
    )
    cut_list = CutList(media(size=(240, 240)), (1920, 1080), shots, PEOPLE)
    path = tmp_path / f"talk{suffix}"
    path.write_text(timeline_text(cut_list, *adapter))

    assert compare(read_back(cut_list, path, dialect), cut_list).changes == ()


@settings(deadline=None, max_examples=12)
@given(cut_list=cut_lists_of_two_ups())
def test_a_plain_otio_holds_two_ups_too(tmp_path_factory, cut_list):
    path = tmp_path_factory.mktemp("plain") / "talk.otio"
    path.write_text(to_otio(cut_list).to_json_string())

    assert compare(read_back(cut_list, path, ""), cut_list).changes == ()


@settings(deadline=None, max_examples=20)
@given(cut_list=cut_lists_of_two_ups())
def test_a_cut_list_with_two_ups_is_read_as_it_was_saved(tmp_path_factory, cut_list):
    folder = tmp_path_factory.mktemp("work")
    saved = store.save_cut_list(folder, cut_list, "x")
    loaded = store.load_cut_list(folder, cut_list.media, cut_list.people)

    assert loaded.value == saved.value
    assert not loaded.edited
    for shot, own in zip(loaded.value.shots, cut_list.shots, strict=True):
        assert shot.kind == own.kind
        for crop, meant in zip(shot.crops, own.crops, strict=True):
            assert crop.edges == pytest.approx(meant.edges, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kind": "two-shot"}, "kind: needs two-up"),
        ({"two_up": None}, "two_up"),
        ({"subjects": [1], "kind": "two-up"}, "kind: needs single"),
        ({"keys": [[100, 210, 224, 750, 831.5]]}, "keys: needs left out of a two_up"),
        ({"two_up": {"layout": "beside", "crop": [0, 0, 540, 607]}}, "layout: needs side_by_side"),
        ({"two_up": {"layout": "stacked", "crop": [0, 0, 5400, 607]}}, "crop"),
    ],
)
def test_a_row_of_a_two_up_that_is_wrong_is_named(change, fault):
    row = store.shot_to_json(a_cut().shots[1])

    with pytest.raises(ValueError, match=fault):
        store.shot_from_row({**row, **change}, media(), PEOPLE)


def test_a_row_without_its_second_half_is_no_two_up():
    row = store.shot_to_json(a_cut().shots[1])
    del row["two_up"]

    with pytest.raises(ValueError, match="kind: needs two-shot"):
        store.shot_from_row(row, media(), PEOPLE)


@pytest.mark.parametrize("subjects", [(), (1,)])
def test_a_two_up_is_of_two_people(subjects):
    with pytest.raises(ValueError, match="needs two people"):
        replace(a_cut().shots[1], subjects=subjects)


# --- what each format holds -----------------------------------------------------------------------


def test_the_numbers_of_a_two_up_side_by_side():
    """The right half begins at 1146 of 1920 pixels; each pixel of the source is 16/9 on screen."""
    cut_list = a_cut()
    lower, upper = (track[n] for track, n in zip(otio_of(cut_list, "resolve"), (1, 1), strict=True))
    assert [effect["Effect Name"] for effect in effects_of(upper)] == [
        "Cropping", "Transform", "Retime and Scaling",
    ]  # fmt: skip
    assert parameters_of(upper, "Cropping") == {"cropLeft": pytest.approx(1146 / 1920)}
    zoom = {"transformationZoomX": 16 / 9, "transformationZoomY": 16 / 9}
    # the halves' centres lie 480 px beside the canvas's; the crops' at 480 and 1416, 527.75
    assert parameters_of(upper, "Transform") == pytest.approx(
        {**zoom, "transformationPan": ((960 - 1416) * 16 / 9 + 480) / 1920,
         "transformationTilt": -(540 - 527.75) * 16 / 9 / 1080}, abs=1e-8,
    )  # fmt: skip
    assert parameters_of(lower, "Transform")["transformationPan"] == pytest.approx(
        ((960 - 480) * 16 / 9 - 480) / 1920
    )
    assert effects_of(lower)[0]["Effect Name"] == "Transform"


def test_the_crop_of_a_two_up_in_xml():
    document = ET.fromstring(timeline_text(a_cut(), "speakerzoom_premiere_xml", {}))
    clips = [track.findall("clipitem") for track in document.iterfind(".//video/track")]
    (upper,), lower = clips[1], clips[0][1]

    assert crop_in_xml(upper) == [59.6875, 0, 0, 0]
    assert crop_in_xml(lower) is None
    assert [upper.findtext(tag) for tag in ("start", "end", "in", "out")] == [
        lower.findtext(tag) for tag in ("start", "end", "in", "out")
    ]


@pytest.mark.parametrize(("rotation", "edge"), [(0, 0), (90, 3), (180, 2), (270, 1)])
def test_the_crop_of_a_turned_recording_is_that_of_its_stored_frame(rotation, edge):
    """Turned by 90 degrees clockwise, the lower edge of the stored frame is the left one."""
    cut_list = a_cut(rotation=rotation)
    document = ET.fromstring(timeline_text(cut_list, "speakerzoom_premiere_xml", {}))
    upper = document.findall(".//video/track")[1].find("clipitem")

    expected = [0.0] * 4
    expected[edge] = 59.6875
    assert crop_in_xml(upper) == expected


@pytest.mark.parametrize(
    ("variant", "layout", "canvas", "rect"),
    [
        ("fcp", "side_by_side", (1920, 1080), {"left": 1146 / 10.8}),
        ("resolve", "side_by_side", (1920, 1080), {"left": 1146 / 10.8}),
        ("fcp", "stacked", (1080, 1920), {"top": 226 / 10.8}),
        ("resolve", "stacked", (1080, 1920), {"top": 226 / 10.8 / 0.5625}),
    ],
)
def test_the_trim_of_a_two_up_in_fcpxml(variant, layout, canvas, rect):
    cut_list = a_cut(canvas, layout)
    text = timeline_text(cut_list, "speakerzoom_fcpxml", {"variant": variant})
    (crop,) = ET.fromstring(text).iter("adjust-crop")
    (trim,) = crop

    assert crop.attrib == {"mode": "trim"}
    assert {name: float(value) for name, value in trim.attrib.items()} == pytest.approx(rect)


def test_fcpxml_with_two_ups_is_valid_by_apples_dtd():
    path = SHARED / "reference" / "dtd" / "FCPXMLv1_10.dtd"
    if not path.is_file():
        pytest.skip("Apple's DTD is not in shared/reference/dtd")
    with path.open("rb") as file:
        rules = etree.DTD(file)
    text = timeline_text(a_cut(), "speakerzoom_fcpxml", {})

    assert rules.validate(etree.fromstring(text.encode())), rules.error_log


def test_an_edl_warns_that_its_two_ups_are_cuts(caplog):
    text = timeline_text(a_cut(), "speakerzoom_edl", {})

    assert "its 1 two-ups are ordinary cuts" in caplog.text
    halves = [line for line in text.splitlines() if "HALF" in line]
    assert halves == [
        "* OSZ HALF: AT=0,0 SIZE=960x1080 X=210 Y=224 W=540 H=607.5 SRC=1920x1080 SEQ=1920x1080",
        "* OSZ HALF: AT=960,0 SIZE=960x1080 X=1146 Y=224 W=540 H=607.5 SRC=1920x1080 SEQ=1920x1080",
    ]
    assert text.count("AX") == 3


def otio_of(cut_list, host):
    """The clips of each video track."""
    timeline = otio.adapters.read_from_string(
        timeline_text(cut_list, f"speakerzoom_{host}_otio", {}), "otio_json"
    )
    return [list(track.find_clips()) for track in timeline.video_tracks()][:1] + [
        [None, *track.find_clips()] for track in timeline.video_tracks()[1:]
    ]


def effects_of(clip):
    return [effect.metadata["Resolve_OTIO"] for effect in clip.effects]


def parameters_of(clip, name):
    (effect,) = (effect for effect in effects_of(clip) if effect["Effect Name"] == name)
    return {row["Parameter ID"]: row["Parameter Value"] for row in effect["Parameters"]}


def crop_in_xml(clip):
    """Left, top, right and bottom of the effect Crop; None without one."""
    for effect in clip.iterfind("filter/effect"):
        if effect.findtext("effectid") == "crop":
            rows = {p.findtext("parameterid"): p.findtext("value") for p in effect if len(p)}
            return [float(rows[edge]) for edge in ("left", "top", "right", "bottom")]
    return None


def test_a_two_up_is_no_problem_in_a_check_but_a_crop_by_itself_is(tmp_path, make_clip):
    still = "color=gray:s=1920x1080:r=25:d=12"
    source = probe(
        make_clip("still.mp4", picture=still, sound=False, extra=("-preset", "ultrafast"))
    )
    cut_list = replace(a_cut(), media=source)
    path = written(cut_list, FORMATS[".xml"]["premiere"], tmp_path, ".xml")
    report = check(path)
    assert not report.problems
    assert any("cuts off all but 1146.0, 0.0 to 1920.0, 1080.0" in line for line in report.remarks)

    document = ET.parse(path)
    document.find(".//video").remove(document.findall(".//video/track")[0])
    document.write(path)
    assert any("has a crop effect" in line for line in check(path).problems)


# --- edits ----------------------------------------------------------------------------------------


@pytest.fixture
def timeline(tmp_path):
    """The timeline of `a_cut` as Resolve's file has it: three clips, and one above the second."""
    path = written(a_cut(), FORMATS[".otio"]["resolve"], tmp_path, ".otio")
    return read_back(a_cut(), path, "resolve")


def edited(timeline, lower=None, upper=None, others=()):
    """The timeline with other fields of the halves, and clips in place of the two singles."""
    (first, below, third), (above,) = timeline.tracks
    first, third = others or (first, third)
    tracks = ((first, replace(below, **lower or {}), third), (replace(above, **upper or {}),))
    return replace(timeline, tracks=tracks)


def test_a_two_up_that_ends_earlier_is_a_lock_of_both_without_a_crop(timeline):
    *_, third = timeline.tracks[0]
    shorter = {"record": FrameRange(100, 190), "source": FrameRange(100, 190)}
    longer = replace(third, record=FrameRange(190, 300), source=FrameRange(190, 300))
    others = (timeline.tracks[0][0], longer)
    locks = compare(edited(timeline, shorter, shorter, others), a_cut()).locks

    assert locks[0] == Lock(FrameRange(100, 190), (1, 2), None)
    assert (locks[1].range, locks[1].subjects) == (FrameRange(190, 300), (2,))


def test_a_half_that_is_framed_otherwise_is_reported_and_left_out(timeline):
    transform = timeline.tracks[1][0].transform
    moved = {"transform": replace(transform, dx=transform.dx + 20)}
    (change,) = compare(edited(timeline, upper=moved), a_cut()).changes

    assert (change.range, change.lock) == (FrameRange(100, 200), None)
    assert "no two-up of the cut" in change.description


@pytest.mark.parametrize("lower", [{"enabled": False}, {"source": FrameRange(120, 220)}])
def test_one_half_alone_is_no_two_up(timeline, lower):
    (change,) = compare(edited(timeline, lower), a_cut()).changes

    assert (change.range, change.lock) == (FrameRange(100, 200), None)


def test_a_two_up_without_its_upper_half_is_the_picture_of_the_lower_one(timeline):
    (change,) = compare(edited(timeline, upper={"enabled": False}), a_cut()).changes

    assert change.range == change.lock.range == FrameRange(100, 200)
    assert change.lock.crop.edges == pytest.approx((210, 224, 1290, 831.5), abs=1e-3)


def test_a_two_up_over_a_shot_in_one_piece_is_reported(timeline):
    cut_list = a_cut()
    whole = replace(cut_list.shots[1], two_up=None, crop=cut_list.shots[0].crop)
    one_piece = replace(cut_list, shots=(cut_list.shots[0], whole, cut_list.shots[2]))
    (change,) = compare(timeline, one_piece).changes

    assert change.lock is None
    assert "cropped over another clip" in change.description
