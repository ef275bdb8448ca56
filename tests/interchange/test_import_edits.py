"""Written, edited as an editor would, imported: the changes become locks, and nothing else."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import opentimelineio as otio
import pytest
from conftest import SHARED
from hypothesis import assume, given, settings
from lxml import etree
from rich.console import Console
from strategies import cut_lists

from otio_speakerzoom import store
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import SpeakerZoomError, TimelineError
from otio_speakerzoom.interchange import import_edits
from otio_speakerzoom.interchange.diff import compare
from otio_speakerzoom.interchange.diff.stacking import visible_ranges
from otio_speakerzoom.interchange.read import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    TransformKey,
    read_timeline,
)
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Lock, Media, Person, Shot
from otio_speakerzoom.pipeline import Job, timeline_text
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.timeline.transform import Transform, crop_of, transform_of

OURS = [
    (suffix, dialect, adapter)
    for suffix, dialects in FORMATS.items()
    if suffix in READERS
    for dialect, adapter in dialects.items()
]
PEOPLE = (Person(1, (1,), "Anna"), Person(2, (2,)))
SUBJECTS = ((1,), (2,), (), (1,), (2,), (1,))


def framings(canvas):
    """Of the wide and both people, of the canvas's shape, in a frame of 320x180."""
    tall = canvas[1] > canvas[0]
    width, height = (67.5, 120) if tall else (160, 90)
    whole = Box(109.375, 0, 210.625, 180) if tall else Box(0, 0, 320, 180)
    return {
        (): whole,
        (1,): Box(20, 30, 20 + width, 30 + height),
        (2,): Box(150, 50, 150 + width, 50 + height),
    }


def a_cut(media, canvas):
    crops = framings(canvas)
    shots = tuple(
        Shot(FrameRange(100 * n, 100 * n + 100), who, crops[who]) for n, who in enumerate(SUBJECTS)
    )
    return CutList(media, canvas, shots, PEOPLE)


@pytest.fixture(scope="module")
def talk(make_clip):
    return probe(make_clip("talk.mp4", seconds=24))


@pytest.fixture
def job(talk, tmp_path):
    return Job(talk.path, work=tmp_path)


def save(job, cut_list):
    store.save_people(job.folder, cut_list.people, "")
    store.save_cut_list(job.folder, cut_list, "")


def edited_timeline(timeline, media, canvas):
    """An edited timeline of one track from (record start, source, crop, changes)."""
    clips = tuple(
        EditedClip(
            FrameRange(record, record + source.duration),
            source,
            changes.pop("name", "x"),
            str(media.path),
            transform_of(crop, media.size, canvas),
            **changes,
        )
        for record, source, crop, changes in timeline
    )
    return EditedTimeline("resolve", "t", media.rate, canvas, (clips,))


def rows_of(cut_list):
    return [(s.range.start, s.range, s.crop, {}) for s in cut_list.shots]


# Editing, as far as it matters here: move the first cut by 7 frames, move the crop of shot 4, and
# frame shot 5 as shot 4 was framed ---------------------------------------------------------------


def edit_otio(text, by):
    timeline = otio.adapters.read_from_string(text, "otio_json")
    clips = list(timeline.video_tracks()[0])
    rate = clips[0].source_range.duration.rate
    seven = otio.opentime.RationalTime(7, rate)
    for clip, start, duration in ((clips[0], 0, seven), (clips[1], seven, -seven)):
        span = clip.source_range
        begin = span.start_time + start if start else span.start_time
        clip.source_range = otio.opentime.TimeRange(begin, span.duration + duration)
    clips[4].effects[:] = [effect.deepcopy() for effect in clips[3].effects]
    for effect in clips[3].effects:
        for metadata in effect.metadata.values():
            nudge(metadata, by)
    return timeline.to_json_string()


def nudge(metadata, by):
    """Move a clip to the right by a part of its width, in any host's metadata."""
    if "crop" in metadata:
        metadata["crop"] = [
            edge - by * 320 * (n % 2 == 0) for n, edge in enumerate(metadata["crop"])
        ]
    for parameter in metadata.get("Parameters", ()):
        if parameter.get("Parameter ID") == "transformationPan":
            parameter["Parameter Value"] += by
        if parameter.get("DisplayName") == "Position":
            parameter["StartValue"]["Value"]["X"] += by


def edit_fcpxml(text, by):
    root = etree.fromstring(text.encode())
    clips = root.findall(".//spine/asset-clip")

    def shift(clip, key, frames):
        clip.set(key, f"{Fraction(clip.get(key)[:-1]) + Fraction(frames, 25)}s")

    shift(clips[0], "duration", 7)
    for key, frames in (("offset", 7), ("start", 7), ("duration", -7)):
        shift(clips[1], key, frames)
    transform = clips[3].find("adjust-transform")
    clips[4].find("adjust-transform").attrib.update(transform.attrib)
    x, y = transform.get("position").split()
    transform.set("position", f"{float(x) + by} {y}")
    return etree.tostring(root, encoding="unicode")


def edit_xmeml(text, by):
    root = etree.fromstring(text.encode())
    clips = root.findall(".//video/track/clipitem")

    def shift(clip, *keys):
        for key in keys:
            clip.find(key).text = str(int(clip.findtext(key)) + 7)

    shift(clips[0], "end", "out")
    shift(clips[1], "start", "in")
    effect = clips[3].find("filter")
    place = clips[4].index(clips[4].find("filter"))
    clips[4][place] = etree.fromstring(etree.tostring(effect))
    horiz = effect.find(".//parameter[parameterid='center']/value/horiz")
    horiz.text = str(float(horiz.text) + by)
    return etree.tostring(root, encoding="unicode")


def edit_mlt(text, by):
    root = etree.fromstring(text.encode())
    first, second = root.findall("playlist[@id='playlist0']/entry")[:2]
    first.set("out", str(int(first.get("out")) + 7))
    second.set("in", str(int(second.get("in")) + 7))
    producers = {producer.get("id"): producer for producer in root.iter("producer")}
    for entry in (first, second):  # Shotcut moves the ends of a filter with those of its clip
        effect = producers[entry.get("producer")].find("filter")
        effect.set("in", entry.get("in"))
        effect.set("out", entry.get("out"))
    rects = [rect for rect in root.iter("property") if rect.get("name") == "transition.rect"]
    rects[4].text = rects[3].text
    x, rest = rects[3].text.split(" ", 1)
    rects[3].text = f"{float(x) + by} {rest}"
    return etree.tostring(root, encoding="unicode")


def edit_kdenlive(text, by):
    """Keys count from the source's first frame, and Kdenlive moves the first with the edge."""
    root = etree.fromstring(text.encode())
    tracks = [t.get("producer") for t in root.findall("tractor")[-2].iterfind("track")]
    entries = root.findall(f"playlist[@id='{tracks[0]}']/entry")
    first, second = entries[:2]
    first.set("out", str(int(first.get("out")) + 7))
    begin = second.get("in")
    second.set("in", str(int(begin) + 7))
    moved = second.find("filter/property[@name='rect']")
    moved.text = moved.text.replace(f"{begin}=", f"{second.get('in')}=")
    third, last = (entry.find("filter/property[@name='rect']") for entry in entries[3:5])
    key, rect = third.text.split("=")
    last.text = f"{last.text.split('=')[0]}={rect}"
    x, rest = rect.split(" ", 1)
    third.text = f"{key}={float(x) + by} {rest}"
    return etree.tostring(root, encoding="unicode")


EDITS = {
    ".otio": (edit_otio, 0.05),
    ".fcpxml": (edit_fcpxml, 5),
    ".xml": (edit_xmeml, 0.05),
    ".mlt": (edit_mlt, 16),
    ".kdenlive": (edit_kdenlive, 16),
}
"""Suffix -> how to edit, and how far a crop is moved in the format's own unit: some pixels."""


@pytest.mark.parametrize("canvas", [(320, 180), (180, 320)])
@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
def test_exactly_the_changes_become_locks(job, talk, suffix, dialect, adapter, canvas):
    cut_list = a_cut(talk, canvas)
    save(job, cut_list)
    path = job.work / f"edited{suffix}"
    edit, by = EDITS[suffix]
    path.write_text(edit(timeline_text(cut_list, *adapter), by))
    result = import_edits.import_timeline(job, path)

    crops = framings(canvas)
    locks = store.load_locks(job.folder)
    assert [(lock.range, lock.subjects) for lock in locks] == [
        (FrameRange(0, 107), (1,)),
        (FrameRange(107, 200), (2,)),
        (FrameRange(300, 400), (1,)),
        (FrameRange(400, 500), (1,)),
    ]
    assert [lock.crop for lock in locks[:2]] == [crops[1,], crops[2,]]
    assert locks[3].crop.edges == pytest.approx(crops[1,].edges, abs=0.01)
    nudged = locks[2].crop
    assert nudged.width == pytest.approx(crops[1,].width, abs=0.01)
    assert nudged.left < crops[1,].left - 1
    assert result.comparison.unchanged == 2
    assert [change.description for change in result.comparison.changes[:2]] == [
        "ends 7 frames later",
        "starts 7 frames later",
    ]
    assert [(c.before, c.after) for c in result.comparison.changes[2:]] == [
        ("Anna", "Anna"),
        ("Person 2", "Anna"),
    ]


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
@settings(deadline=None, max_examples=20)
@given(cut_list=cut_lists())
def test_an_unchanged_file_gives_no_lock(tmp_path_factory, suffix, dialect, adapter, cut_list):
    path = tmp_path_factory.mktemp("same") / f"talk{suffix}"
    try:
        path.write_text(timeline_text(cut_list, *adapter))
    except TimelineError:  # the format cannot hold so tight a crop
        assume(False)
    hints = MediaHints(cut_list.media.size, cut_list.canvas, cut_list.media.rotation, dialect)
    comparison = compare(read_timeline(path, hints), cut_list)

    assert (comparison.changes, comparison.warnings) == ((), ())
    assert comparison.unchanged == len(cut_list.shots)


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
def test_an_unchanged_file_of_moving_shots_and_other_angles_gives_no_lock(
    tmp_path, suffix, dialect, adapter
):
    """Whether the format carries keys and disabled clips, or only the shots of the cut, still."""
    media = Media(tmp_path / "talk.mp4", Fraction(30000, 1001), 600, (320, 180), start=107892)
    crops = framings((180, 320))
    keys = (CropKey(100, crops[2,]), CropKey(130, crops[2,]), CropKey(180, crops[1,]))
    cut_list = a_cut(media, (180, 320))
    shots = list(cut_list.shots)
    shots[1] = replace(shots[1], keys=keys)
    angles = [Shot(FrameRange(0, 600), who, crop) for who, crop in crops.items()]
    cut_list = replace(cut_list, shots=tuple(shots), angles=tuple(angles))
    path = tmp_path / f"talk{suffix}"
    path.write_text(timeline_text(cut_list, *adapter))
    hints = MediaHints(media.size, cut_list.canvas, 0, dialect)
    comparison = compare(read_timeline(path, hints), cut_list)

    assert (comparison.changes, comparison.warnings) == ((), ())
    assert comparison.unchanged == 6


# What an editor may do ----------------------------------------------------------------------------


def test_a_cut_that_changes_nothing_is_none(talk):
    cut_list = a_cut(talk, (320, 180))
    first, *rest = rows_of(cut_list)
    halves = [(0, FrameRange(0, 40), first[2], {}), (40, FrameRange(40, 100), first[2], {})]

    assert compare(edited_timeline([*halves, *rest], talk, (320, 180)), cut_list).changes == ()


def test_a_new_cut_within_a_shot_locks_both_of_its_parts(talk):
    cut_list = a_cut(talk, (320, 180))
    first, *rest = rows_of(cut_list)
    other = framings((320, 180))[2,]
    parts = [(0, FrameRange(0, 40), first[2], {}), (40, FrameRange(40, 100), other, {})]
    locks = compare(edited_timeline([*parts, *rest], talk, (320, 180)), cut_list).locks

    assert [(lock.range, lock.subjects) for lock in locks] == [
        (FrameRange(0, 40), (1,)),
        (FrameRange(40, 100), (2,)),
    ]


def test_a_framing_that_is_nearly_the_wide_is_the_wide(talk):
    rows = rows_of(a_cut(talk, (320, 180)))
    rows[0] = (0, rows[0][1], Box(4, 2.25, 316, 177.75), {"name": "Anna"})
    (change,) = compare(edited_timeline(rows, talk, (320, 180)), a_cut(talk, (320, 180))).changes

    assert (change.before, change.after, change.lock.subjects) == ("Anna", "Wide", ())


def test_a_new_framing_shows_whom_its_metadata_names_else_whom_it_overlaps_most(talk):
    cut_list = a_cut(talk, (320, 180))
    between = Box(90, 42, 250, 132)  # shares more with person 2
    for changes, who in (({}, (2,)), ({"name": "Anna"}, (1,)), ({"subjects": (1,)}, (1,))):
        rows = rows_of(cut_list)
        rows[2] = (200, rows[2][1], between, changes)
        (change,) = compare(edited_timeline(rows, talk, (320, 180)), cut_list).changes
        assert change.lock.subjects == who


def test_half_a_pixel_is_no_change_and_more_is(talk):
    cut_list = a_cut(talk, (320, 180))
    for by, count in ((0.45, 0), (0.55, 1)):
        rows = rows_of(cut_list)
        crop = rows[1][2]
        moved = Box(crop.left + by, crop.top, crop.right + by, crop.bottom)
        rows[1] = (100, rows[1][1], moved, {})
        assert len(compare(edited_timeline(rows, talk, (320, 180)), cut_list).changes) == count


def test_what_no_shot_can_hold_is_reported_and_left_out(talk):
    cut_list = a_cut(talk, (320, 180))
    rows = rows_of(cut_list)
    out = Box(-60, 30, 100, 120)
    rows[0] = (0, rows[0][1], rows[0][2], {"unsupported": "is rotated"})
    rows[1] = (100, rows[1][1], rows[1][2], {"enabled": False})
    rows[3] = (300, rows[3][1], out, {})
    rows[4] = (400, rows[4][1], rows[4][2], {"unsupported": "plays at another speed"})
    comparison = compare(edited_timeline(rows[:5], talk, (320, 180)), cut_list)

    assert comparison.locks == ()
    assert [change.description for change in comparison.changes] == [
        "is rotated: left out",
        "is disabled: left out",
        "reaches past the edge of the frame: left out",
        "plays at another speed: left out",
        "is removed: left out",
    ]
    assert comparison.unchanged == 1


def test_frames_in_two_clips_are_left_out(talk):
    cut_list = a_cut(talk, (320, 180))
    rows = rows_of(cut_list)
    rows[0] = (0, FrameRange(0, 107), rows[0][2], {})
    rows[1:] = [(record + 7, source, crop, more) for record, source, crop, more in rows[1:]]
    comparison = compare(edited_timeline(rows, talk, (320, 180)), cut_list)

    assert comparison.locks == ()
    assert [c.description for c in comparison.changes] == [
        "shows frames that another clip shows too: left out"
    ] * 2


def test_removing_a_shot_moves_nothing_else(talk):
    cut_list = a_cut(talk, (320, 180))
    rows = rows_of(cut_list)
    del rows[2]
    rows[2:] = [(record - 100, source, crop, more) for record, source, crop, more in rows[2:]]
    comparison = compare(edited_timeline(rows, talk, (320, 180)), cut_list)

    assert [(c.range, c.description) for c in comparison.changes] == [
        (FrameRange(200, 300), "is removed: left out")
    ]


def test_other_media_and_titles_are_warnings(talk):
    cut_list = a_cut(talk, (320, 180))
    timeline = edited_timeline(rows_of(cut_list), talk, (320, 180))
    title = EditedClip(
        FrameRange(10, 20), None, "Title", "", None, unsupported="has no media of its own"
    )
    other = EditedClip(FrameRange(600, 700), FrameRange(0, 100), "b", "/x/b.mov", None)
    timeline = EditedTimeline("fcp", "t", talk.rate, (320, 180), (*timeline.tracks, (title, other)))
    comparison = compare(timeline, cut_list)

    assert [note.split(":")[0] for note in comparison.warnings] == [
        "the clip 'Title' at frame 10 has no media of its own",
        "the clip 'b' at frame 600 shows another file, b.mov",
    ]


def test_an_enabled_angle_is_visible(talk):
    cut_list = a_cut(talk, (320, 180))
    timeline = edited_timeline(rows_of(cut_list), talk, (320, 180))
    wide = framings((320, 180))[()]
    over = edited_timeline([(150, FrameRange(150, 200), wide, {})], talk, (320, 180)).tracks
    off = edited_timeline(
        [(0, FrameRange(0, 600), wide, {"enabled": False})], talk, (320, 180)
    ).tracks
    stacked = EditedTimeline("fcp", "t", talk.rate, (320, 180), (*timeline.tracks, *over, *off))

    assert [(lock.range, lock.subjects) for lock in compare(stacked, cut_list).locks] == [
        (FrameRange(100, 150), (2,)),
        (FrameRange(150, 200), ()),
    ]


def test_a_moving_shot_round_trips_and_any_other_motion_is_a_change(talk):
    crops = framings((320, 180))
    keys = (CropKey(0, crops[1,]), CropKey(90, crops[2,]))
    shots = (Shot(FrameRange(0, 600), (1,), crops[1,], keys=keys),)
    cut_list = CutList(talk, (320, 180), shots, PEOPLE)
    size, canvas = talk.size, (320, 180)
    path = tuple(TransformKey(key.frame, transform_of(key.crop, size, canvas)) for key in keys)
    whole = [(0, FrameRange(0, 600), crops[1,], {"keys": path})]
    parts = [
        (0, FrameRange(0, 90), crops[1,], {}),
        (90, FrameRange(90, 600), crops[2,], {}),
    ]
    still = [(0, FrameRange(0, 600), crops[1,], {})]
    stopped = (path[0], TransformKey(90, path[0].transform), TransformKey(95, path[1].transform))
    other = [(0, FrameRange(0, 600), crops[1,], {"keys": stopped})]

    assert compare(edited_timeline(whole, talk, canvas), cut_list).changes == ()
    assert [
        (change.range, change.lock.crop, change.description.split(", ")[-1])
        for change in compare(edited_timeline(parts, talk, canvas), cut_list).changes
    ] == [
        (FrameRange(0, 90), crops[1,], "no longer moves"),
        (FrameRange(90, 600), None, "starts 90 frames later"),  # where the move had ended
    ]
    (change,) = compare(edited_timeline(still, talk, canvas), cut_list).changes
    assert (change.description, change.lock.crop) == ("no longer moves", crops[1,])
    (change,) = compare(edited_timeline(other, talk, canvas), cut_list).changes
    assert change.description == "moves, but a lock holds one framing: left out"


def test_the_uppermost_enabled_clip_is_visible():
    def clip(start, end, **changes):
        return EditedClip(FrameRange(start, end), None, f"{start}", "", None, **changes)

    low, high, off = clip(0, 100), clip(20, 30), clip(0, 50, enabled=False)

    assert [(p.record, p.clip) for p in visible_ranges(((low,), (high,), (off,)))] == [
        (FrameRange(0, 20), low),
        (FrameRange(20, 30), high),
        (FrameRange(30, 100), low),
    ]


# Locks ------------------------------------------------------------------------------------------


def test_old_locks_that_overlap_new_ones_are_replaced_and_others_stay():
    old = tuple(Lock(FrameRange(n, n + 50), (1,)) for n in (0, 60, 120))
    new = (Lock(FrameRange(40, 60), (2,)), Lock(FrameRange(169, 300), ()))
    locks, replaced = import_edits.merge_locks(old, new)

    assert replaced == (old[0], old[2])
    assert locks == (new[0], old[1], new[1])


def test_no_cut_another_rate_another_canvas_and_another_recording_are_errors(job, talk):
    path = job.work / "talk.xml"
    cut_list = a_cut(talk, (320, 180))
    path.write_text(timeline_text(cut_list, *FORMATS[".xml"]["premiere"]))
    with pytest.raises(SpeakerZoomError, match="nothing is cut yet"):
        import_edits.import_timeline(job, path)
    save(job, cut_list)
    text = path.read_text()
    for was, now, message in (
        ("<timebase>25", "<timebase>30", "runs at 30 frames per second, the recording at 25"),
        ("<width>320", "<width>480", "its canvas is 480x180"),
        ("talk.mp4", "other.mp4", "none of its clips shows talk.mp4"),
    ):
        path.write_text(text.replace(was, now))
        with pytest.raises(TimelineError, match=re.escape(message)):
            import_edits.import_timeline(job, path)
    assert not (job.folder / "locks.json").exists()


def test_a_recording_that_is_a_link_is_recognized_by_its_targets_name_too(talk, tmp_path):
    """An editor may resolve the link when it saves, as our own timelines once did."""
    link = tmp_path / "today.mp4"
    link.symlink_to(talk.path)
    job = Job(link, work=tmp_path)
    cut_list = a_cut(replace(talk, path=link), (320, 180))
    save(job, cut_list)
    path = tmp_path / "edited.fcpxml"
    for media in (cut_list.media, talk):
        path.write_text(timeline_text(a_cut(media, (320, 180)), *FORMATS[".fcpxml"]["fcp"]))
        comparison = import_edits.import_timeline(job, path).comparison
        assert (comparison.unchanged, comparison.locks) == (len(cut_list.shots), ())


def test_the_table_lists_every_change(job, talk):
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    people = [replace(person, name=f"Ada [/{person.id}]") for person in cut_list.people]
    store.save_people(job.folder, people, "")
    store.save_locks(job.folder, (Lock(FrameRange(0, 100), (2,)),))
    path = job.work / "edited.otio"
    text = timeline_text(cut_list, *FORMATS[".otio"]["resolve"])
    path.write_text(edit_otio(text, 0.05))
    console = Console(width=160, record=True, file=io.StringIO())
    before = (job.folder / "locks.json").read_text()
    import_edits.print_result(import_edits.import_timeline(job, path), console)

    output = console.export_text()
    assert (job.folder / "locks.json.bak-1").read_text() == before
    assert "ends 7 frames later" in output
    assert "Ada [/1]" in output
    assert "2 shots unchanged, 4 saved as locks; 1 earlier locks replaced" in output


def test_importing_loads_neither_torch_nor_mediapipe_nor_cv2(job, talk):
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    path = job.work / "edited.fcpxml"
    path.write_text(edit_fcpxml(timeline_text(cut_list, *FORMATS[".fcpxml"]["fcp"]), 5))
    script = (
        "import sys; from otio_speakerzoom.cli.main import main; code = main(sys.argv[1:]);"
        "bad = {'torch', 'mediapipe', 'cv2'} & sys.modules.keys(); sys.exit(code or bool(bad) * 9)"
    )
    arguments = ("import", str(talk.path), str(path), "--work", str(job.work))
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)

    assert (run.returncode, run.stderr) == (0, "")
    assert "4 saved as locks" in run.stdout


def test_a_hostile_file_is_one_line_and_exit_code_1(job, talk, capsys):
    save(job, a_cut(talk, (320, 180)))
    path = job.work / "edited.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "b">]><xmeml>&a;</xmeml>')

    assert main(["import", str(talk.path), str(path), "--work", str(job.work)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# What another program drops or overlays -------------------------------------------------------


def without_transforms(suffix, text):
    """The file without any transform, as a program leaves it that has none."""
    if suffix == ".otio":
        document = json.loads(text)
        for clip in document["tracks"]["children"][0]["children"]:
            clip["effects"] = []
        return json.dumps(document)
    root = etree.fromstring(text.encode())
    tag = "adjust-transform" if suffix == ".fcpxml" else "filter"
    for effect in root.findall(f".//{tag}"):
        effect.getparent().remove(effect)
    return etree.tostring(root, encoding="unicode")


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
def test_a_file_that_lost_all_transforms_gives_its_cuts_only(job, talk, suffix, dialect, adapter):
    """The first cut moved; nobody is locked to the wide."""
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    path = job.work / f"edited{suffix}"
    edit, _ = EDITS[suffix]
    path.write_text(without_transforms(suffix, edit(timeline_text(cut_list, *adapter), 0)))
    comparison = import_edits.import_timeline(job, path).comparison

    crops = framings((320, 180))
    assert [(lock.range, lock.subjects, lock.crop) for lock in comparison.locks] == [
        (FrameRange(0, 107), (1,), crops[1,]),
        (FrameRange(107, 200), (2,), crops[2,]),
    ]
    assert comparison.unchanged == 4
    assert comparison.warnings[0].startswith("no clip has a transform")


def test_a_reset_clip_is_the_wide_where_others_have_transforms(talk):
    cut_list = a_cut(talk, (320, 180))
    rows = rows_of(cut_list)
    rows[0] = (0, rows[0][1], Box(0, 0, 320, 180), {"has_transform": False})
    (change,) = compare(edited_timeline(rows, talk, (320, 180)), cut_list).changes

    assert (change.before, change.after) == ("Anna", "Wide")


def test_a_title_above_changes_no_shot_below(talk):
    cut_list = a_cut(talk, (320, 180))
    timeline = edited_timeline(rows_of(cut_list), talk, (320, 180))
    title = EditedClip(
        FrameRange(10, 220), None, "Anna", "", None, unsupported="is a title", opaque=False
    )
    comparison = compare(replace(timeline, tracks=(*timeline.tracks, (title,))), cut_list)

    assert (comparison.changes, comparison.unchanged) == ((), 6)
    assert comparison.warnings == (
        "the clip 'Anna' at frame 10 lies over the video: it is left out",
    )


def test_music_on_a_lane_above_changes_no_shot_below(job, talk):
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    text = timeline_text(cut_list, *FORMATS[".fcpxml"]["fcp"])
    asset = '<asset id="m" src="file:///m/song.wav" duration="24s" hasAudio="1"/></resources>'
    music = '<asset-clip ref="m" lane="1" offset="0s" duration="24s"/></asset-clip>'
    text = text.replace("</resources>", asset).replace("</asset-clip>", music, 1)
    path = job.work / "edited.fcpxml"
    path.write_text(text)
    comparison = import_edits.import_timeline(job, path).comparison

    assert (comparison.changes, comparison.unchanged) == ((), 6)


def test_a_clip_at_another_speed_leaves_out_the_frames_that_it_plays(talk):
    cut_list = a_cut(talk, (320, 180))
    timeline = edited_timeline(rows_of(cut_list), talk, (320, 180))
    (track,) = timeline.tracks
    slow = replace(track[1], record=FrameRange(100, 300), unsupported="plays at another speed")
    later = [
        replace(clip, record=FrameRange(clip.record.start + 100, clip.record.end + 100))
        for clip in track[2:]
    ]
    comparison = compare(replace(timeline, tracks=((track[0], slow, *later),)), cut_list)

    assert [(c.range, c.description) for c in comparison.changes] == [
        (FrameRange(100, 200), "plays at another speed: left out")
    ]
    assert comparison.unchanged == 5


def test_frames_that_may_be_in_an_unreadable_clip_are_not_reported_as_removed(talk):
    cut_list = a_cut(talk, (320, 180))
    timeline = edited_timeline(rows_of(cut_list), talk, (320, 180))
    (track,) = timeline.tracks
    compound = replace(track[1], source=None, media="", unsupported="is a compound clip")
    timeline = replace(timeline, tracks=((track[0], compound, *track[2:]),))
    (change,) = compare(timeline, cut_list).changes

    assert change.range == FrameRange(100, 200)
    assert change.description == "is removed, or in a clip that cannot be read: left out"


def test_of_several_sequences_the_recordings_or_the_named_one_is_imported(job, talk, capsys):
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    edited = edit_xmeml(timeline_text(cut_list, *FORMATS[".xml"]["premiere"]), 0.05)
    ours = edited[edited.index("<sequence") : edited.index("</xmeml>")]
    fine = re.sub("<name>[^<]*</name>", "<name>Fine</name>", ours, count=1)
    other = fine.replace("talk.mp4", "other.mp4").replace("file-1", "file-2")
    path = job.work / "edited.xml"
    path.write_text(f"<xmeml><project><children>{other}{ours}</children></project></xmeml>")
    assert len(import_edits.import_timeline(job, path).comparison.locks) == 4

    path.write_text(f"<xmeml><project><children>{fine}{ours}</children></project></xmeml>")
    arguments = ["import", str(talk.path), str(path), "--work", str(job.work)]
    assert main(arguments) == 1
    assert "holds 2 sequences: 1 'Fine', 2 'talk'" in capsys.readouterr().err
    assert main([*arguments, "--sequence", "Fine"]) == 0
    assert "4 saved as locks" in capsys.readouterr().out


SHOTCUT = SHARED / "reference" / "editor-exports" / "shotcut"


def test_a_project_that_shotcut_saved_gives_one_lock_for_its_one_edit(tmp_path):
    """A position typed for Zoë, and a split of the moving shot, which changes nothing."""
    if not SHOTCUT.is_dir():
        pytest.skip("the projects that Shotcut saved are not beside the project")
    size, canvas = (1920, 1080), (1920, 1080)

    def crop(scale, dx=0.0, dy=0.0):
        return crop_of(Transform(scale, dx, dy), size, canvas)

    moves = (CropKey(200, crop(1)), CropKey(230, crop(2)), CropKey(259, crop(3, -780, -120)))
    ann, zoe = crop(2, 480, 270), crop(3, -1381.5, -120.75)
    shots = (
        Shot(FrameRange(0, 50), (), crop(1)),
        Shot(FrameRange(50, 120), (1,), ann),
        Shot(FrameRange(120, 200), (2,), zoe),
        Shot(FrameRange(200, 260), (1,), crop(1), keys=moves),
        Shot(FrameRange(260, 300), (1,), crop(4, 2480, -1180)),
    )
    media = Media(tmp_path / "chart25.mp4", Fraction(25), 300, size)
    cut_list = CutList(media, canvas, shots, (Person(1, (1,), "Ann"), Person(2, (2,), "Zoë")))
    hints = MediaHints(size, canvas, media_name="chart25.mp4")
    comparison = compare(
        read_timeline(SHOTCUT / "shotcut_saved_after_edit_25.mlt", hints), cut_list
    )
    (change,) = comparison.changes

    assert (change.range, change.lock.subjects) == (FrameRange(120, 200), (2,))
    assert change.lock.crop.edges == pytest.approx(crop(3, -1080, -120.75).edges)
    assert (comparison.unchanged, comparison.warnings) == (4, ())


def test_a_shot_that_shotcut_stretched_is_unsupported_and_the_others_are_read():
    """The project had no background track: the first shot lies over all others' frames."""
    if not SHOTCUT.is_dir():
        pytest.skip("the projects that Shotcut saved are not beside the project")
    path = SHOTCUT / "shotcut_saved_broken_2997_two_streams.mlt"
    (first, *others) = read_timeline(path, MediaHints((1920, 1080), (1920, 1080))).tracks[0]

    assert first.unsupported == "has a transform for only a part of it"
    assert [(clip.source, clip.unsupported) for clip in others] == [
        (FrameRange(90, 150), ""), (FrameRange(150, 240), ""), (FrameRange(240, 330), ""),
    ]  # fmt: skip


def with_dissolve(suffix, text):
    """The file with a dissolve of 24 frames over the first cut, as each format writes one."""
    if suffix == ".otio":
        document = json.loads(text)
        clips = document["tracks"]["children"][0]["children"]
        clips.insert(1, {"OTIO_SCHEMA": "Transition.1", "name": "dissolve"})
        return json.dumps(document)
    root = etree.fromstring(text.encode())
    if suffix == ".fcpxml":
        spine = root.find(".//spine")
        spine.insert(1, etree.fromstring('<transition offset="88/25s" duration="24/25s"/>'))
    elif suffix == ".kdenlive":  # both clips are longer, and the second is on the other playlist
        track = root.findall("tractor")[-2]
        names = [part.get("producer") for part in track.iterfind("track")]
        clips, mixes = (root.find(f"playlist[@id='{name}']") for name in names)
        first, second = clips.findall("entry")[:2]
        first.set("out", str(int(first.get("out")) + 9))
        second.set("in", str(int(second.get("in")) - 15))
        gap = int(second.get("out")) - int(first.get("out"))
        clips.replace(second, etree.fromstring(f'<blank length="{gap}"/>'))
        mixes.append(etree.fromstring(f'<blank length="{second.get("in")}"/>'))
        mixes.append(second)
        cut = '<property name="kdenlive:mixcut">9</property>'
        track.append(etree.fromstring(f'<transition in="85" out="109">{cut}</transition>'))
    elif suffix == ".mlt":  # what dissolves lies in a tractor, and both clips are shorter by it
        first, second = root.findall("playlist[@id='playlist0']/entry")[:2]
        tracks = "".join(
            f'<track producer="{entry.get("producer")}" in="{begin}" out="{begin + 23}"/>'
            for entry, begin in ((first, 76), (second, 100))
        )
        root.insert(0, etree.fromstring(f'<tractor id="dissolve">{tracks}</tractor>'))
        first.set("out", "75")
        second.set("in", "124")
        first.addnext(etree.fromstring('<entry producer="dissolve" in="0" out="23"/>'))
    else:
        first, second = root.findall(".//video/track/clipitem")[:2]
        first.find("end").text, first.find("out").text = "-1", "112"
        second.find("start").text, second.find("in").text = "-1", "88"
        text = "<start>88</start><end>112</end><alignment>center</alignment>"
        first.addnext(etree.fromstring(f"<transitionitem>{text}</transitionitem>"))
    return etree.tostring(root, encoding="unicode")


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
def test_a_dissolve_over_a_cut_moves_no_cut_and_is_a_warning(job, talk, suffix, dialect, adapter):
    cut_list = a_cut(talk, (320, 180))
    save(job, cut_list)
    path = job.work / f"edited{suffix}"
    path.write_text(with_dissolve(suffix, timeline_text(cut_list, *adapter)))
    comparison = import_edits.import_timeline(job, path).comparison

    assert (comparison.changes, comparison.unchanged) == ((), 6)
    assert [note.rsplit(" ", 1)[0] for note in comparison.warnings] == ["a transition at frame"]
