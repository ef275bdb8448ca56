"""Kdenlive itself opens our project, edits it and saves it, and nothing of it is lost.

Kdenlive works on a display that nobody sees. `-m "not editor"` leaves this out.
"""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import opentimelineio as otio
import pytest
import readers
from conftest import ffmpeg
from desk import KdeDesk, needs
from melting import rendered_project

from otio_speakerzoom import store
from otio_speakerzoom.interchange import import_edits
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Person, Shot
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.build import to_otio

pytestmark = pytest.mark.editor

SIZE = (320, 180)
WIDE, ANN, ZOE = (
    Box(0, 0, 320, 180),
    Box(10.3, 20.7, 170.3, 110.7),
    Box(150.25, 60.5, 300.25, 144.875),
)
SHOTS = (
    Shot(FrameRange(7, 25), (), WIDE, "nobody speaks"),
    Shot(FrameRange(25, 48), (1,), ANN, "Ann & <Bo> speak", 0.4),
    Shot(FrameRange(48, 70), (2,), ZOE, "moves", keys=(CropKey(48, ZOE), CropKey(60, ANN))),
    Shot(FrameRange(70, 97), (1,), ANN, "Ann speaks"),
)
ANGLES = (
    Shot(FrameRange(7, 97), (), WIDE),
    Shot(FrameRange(7, 97), (1,), ANN),
    Shot(FrameRange(20, 90), (2,), ZOE),
)
PROJECTS = {
    "one track": (Fraction(30000, 1001), (640, 360), ()),
    "other angles": (Fraction(25), (1280, 720), ANGLES),
}
"""Name -> frames per second, canvas, other angles; both of two audio streams."""


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    """Kdenlive, once a project, with our project open; both start at once."""
    # without ffmpeg Kdenlive asks for it and opens nothing; its package depends on it
    needs("kdenlive", "ffmpeg", "Xvfb", "xdotool", "dbus-daemon", "dbus-send", "melt")
    folder = tmp_path_factory.mktemp("kdenlive")
    opened = {}
    try:
        for name in PROJECTS:
            cut_list, project = a_project(folder / name, *PROJECTS[name])
            desk = KdeDesk(project.parent / "home", "kdenlive", str(project))
            opened[name] = desk, cut_list, project
        yield opened
    finally:
        for desk, _, _ in opened.values():
            desk.close()


def a_project(folder, rate, canvas, angles):
    """A cut of a source, which begins at frame 7 of it, and our project of that."""
    folder.mkdir()
    tones = [f"sine={440 * (n + 1)}:r=48000:d=5" for n in range(2)]
    inputs = [x for tone in tones for x in ("-f", "lavfi", "-i", tone)]
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=320x180:r={rate}:d=5", *inputs,
           "-map", "0:v", "-map", "1:a", "-map", "2:a",
           "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(folder / "Anna & Zoë.mov"))  # fmt: skip
    people = (Person(1, (), "Ann"), Person(2, (), "Zoë"))
    cut_list = CutList(probe(folder / "Anna & Zoë.mov"), canvas, SHOTS, people, angles=angles)
    project = folder / "cut.kdenlive"
    text = otio.adapters.write_to_string(to_otio(cut_list), "speakerzoom_kdenlive")
    project.write_text(text, encoding="utf-8")
    (folder / "ours.kdenlive").write_text(text, encoding="utf-8")
    return cut_list, project


def wait_until_open(desk):
    """Wait for the project's window, and for nothing else: a question would be a window too."""
    assert desk.wait_for(lambda title: "cut /" in title), "Kdenlive does not open it"
    desk.settle()
    (window,) = filter(None, desk.title().split("\n"))
    assert window.endswith("— Kdenlive")


def save(desk):
    desk.act("file_save")
    assert desk.wait_for(lambda title: "cut /" in title), "Kdenlive does not save it"
    assert "Kdenlive" in desk.title()


def shown(timeline):
    """Place, source and transforms of all clips; positions to a thousandth of a pixel."""
    return [
        [
            (clip.record, clip.source, clip.enabled, clip.unsupported,
             [(frame, rounded(move)) for frame, move in moves(clip)])
            for clip in track
        ]
        for track in timeline.tracks
    ]  # fmt: skip


def moves(clip):
    return [(key.frame, key.transform) for key in clip.keys] or [(None, clip.transform)]


def rounded(transform):
    return tuple(round(n, 3) for n in (transform.scale, transform.dx, transform.dy))


def test_kdenlive_saves_our_project_as_it_is_and_melt_shows_the_same(desks):
    """Other angles on tracks of their own, disabled; a crop that moves; guides in two colours."""
    desk, cut_list, project = desks["other angles"]
    ours = project.with_name("ours.kdenlive")
    try:
        wait_until_open(desk)
        save(desk)
    finally:
        desk.screenshot(project.parent / "screen.png")

    text = project.read_text(encoding="utf-8")
    assert "kdenliveversion" in text
    hints = MediaHints(SIZE, cut_list.canvas)
    saved = read_timeline(project, hints)
    assert (saved.warnings, shown(saved)) == ((), shown(read_timeline(ours, hints)))
    assert [clip.enabled for clip in saved.clips].count(False) == 4
    assert guides(text) == guides(ours.read_text(encoding="utf-8"))
    assert check(project).problems == ()
    changing = {"in": 36, "out": 51}  # from one angle to the next, which moves
    before, after = (rendered_project(path, **changing) for path in (ours, project))
    assert len(before) == len(after) == 16
    assert max(np.abs(a - b).max() for a, b in zip(before, after, strict=True)) == 0


def guides(text):
    (main_bin,) = readers.parse_xml(text).iterfind("playlist[@id='main_bin']")
    values = [
        readers.mlt_property(main_bin, f"kdenlive:docproperties.{name}")
        for name in ("guides", "guidesCategories")
    ]
    return [json.loads(value) for value in values]


def test_what_is_edited_in_kdenlive_is_imported_to_the_frame(desks):
    """One shot ends earlier and the others move up, one gets another's framing, one is deleted."""
    desk, cut_list, project = desks["one track"]
    try:
        wait_until_open(desk)
        desk.act("seek_start", "monitor_seek_forward-one-second")
        desk.act(*["monitor_seek_forward-one-frame"] * 3)  # to frame 33, in the second shot
        desk.act("select_timeline_clip", "resize_timeline_clip_end", "edit_copy")
        desk.act("delete_space_all_tracks")
        desk.act("seek_start", "select_timeline_clip", "delete_effects", "paste_effects")
        desk.act("seek_end", "monitor_seek_backward-one-frame")
        desk.act("select_timeline_clip", "delete_timeline_clip")
        assert "cut */" in desk.title()
        save(desk)
    finally:
        desk.screenshot(project.parent / "screen.png")

    saved = read_timeline(project, MediaHints(SIZE, cut_list.canvas))
    (clips,) = saved.tracks
    assert saved.rate == Fraction(30000, 1001)
    assert [(clip.record.start, clip.source, clip.unsupported) for clip in clips] == [
        (0, FrameRange(7, 25), ""), (18, FrameRange(25, 40), ""), (33, FrameRange(48, 70), ""),
    ]  # fmt: skip
    assert rounded(clips[0].transform) == rounded(clips[1].transform)
    job = Job(cut_list.media.path, work=project.parent / "work")
    store.save_people(job.folder, cut_list.people, "")
    store.save_cut_list(job.folder, cut_list, "")
    comparison = import_edits.import_timeline(job, project).comparison
    locks = [(lock.range, lock.subjects) for lock in comparison.locks]
    assert locks == [(FrameRange(7, 25), (1,)), (FrameRange(25, 40), (1,))]
    assert comparison.locks[0].crop.edges == pytest.approx(ANN.edges, abs=0.01)
    assert comparison.unchanged == 1
    assert replace(comparison.locks[0], range=SHOTS[0].range) == comparison.locks[0]
