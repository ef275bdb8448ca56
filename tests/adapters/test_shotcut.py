"""Shotcut itself opens our project, edits it and saves it, and nothing of it is lost.

Shotcut works on a display that nobody sees. `-m "not editor"` leaves this out.
"""

from fractions import Fraction

import opentimelineio as otio
import pytest
import readers
from conftest import ffmpeg
from desk import Desk, needs

from otio_speakerzoom import store
from otio_speakerzoom.interchange import import_edits
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Person, Shot
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.transform import transform_of

pytestmark = pytest.mark.editor

RATES = {1: Fraction(25), 2: Fraction(30000, 1001)}
"""Streams of sound -> frames per second."""
SIZE, CANVAS = (320, 180), (640, 360)
WIDE, ANN, ZOE = Box(0, 0, 320, 180), Box(10, 20, 170, 110), Box(150.25, 60.5, 310.25, 150.5)


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    """Shotcut, once a number of streams of sound, with our project open; both start at once."""
    needs("shotcut", "Xvfb", "xdotool")
    folder = tmp_path_factory.mktemp("shotcut")
    opened = {}
    try:
        for streams in RATES:
            cut_list, project = a_project(folder / f"streams {streams}", streams)
            command = ("shotcut", "--noupgrade", str(project))
            opened[streams] = Desk(project.parent / "home", *command), cut_list, project
        yield opened
    finally:
        for desk, _, _ in opened.values():
            desk.close()


def a_project(folder, streams):
    """A cut of a source, which begins at frame 7 of it, and our project of that."""
    folder.mkdir()
    tones = [f"sine={440 * (n + 1)}:r=48000:d=4" for n in range(streams)]
    inputs = [x for tone in tones for x in ("-f", "lavfi", "-i", tone)]
    maps = [x for n in range(streams) for x in ("-map", f"{n + 1}:a")]
    picture = f"testsrc2=s=320x180:r={RATES[streams]}:d=4"
    ffmpeg("-f", "lavfi", "-i", picture, *inputs, "-map", "0:v", *maps,
           "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(folder / "Anna & Zoë.mov"))  # fmt: skip
    shots = (
        Shot(FrameRange(7, 25), (), WIDE, "nobody speaks"),
        Shot(FrameRange(25, 48), (1,), ANN, "Ann & <Bo> speak", 0.4),
        Shot(FrameRange(48, 70), (2,), ZOE, "moves", keys=(CropKey(48, ZOE), CropKey(60, ANN))),
        Shot(FrameRange(70, 97), (1,), ANN, "Ann speaks"),
    )
    people = (Person(1, (), "Ann"), Person(2, (), "Zoë"))
    cut_list = CutList(probe(folder / "Anna & Zoë.mov"), CANVAS, shots, people)
    project = folder / "cut.mlt"
    text = otio.adapters.write_to_string(to_otio(cut_list), "speakerzoom_mlt")
    project.write_text(text, encoding="utf-8")
    return cut_list, project


@pytest.mark.parametrize("streams", RATES)
def test_shotcut_deletes_a_shot_and_keeps_all_else_of_our_project(desks, streams):
    desk, cut_list, project = desks[streams]
    ours = project.read_text(encoding="utf-8")
    try:
        assert desk.wait_for(lambda title: "cut.mlt" in title), "Shotcut does not open it"
        desk.settle()
        desk.press_until(["x"], lambda title: "cut.mlt*" in title)  # ripple delete, at the playhead
        desk.press_until(["ctrl+s"], lambda title: "cut.mlt*" not in title)
    finally:
        desk.screenshot(project.parent / "screen.png")

    saved = project.read_text(encoding="utf-8")
    assert "Shotcut version" in saved
    (picture,) = read_timeline(project, MediaHints(SIZE, CANVAS, 0)).tracks
    left = cut_list.shots[1:]
    begins = left[0].range.start
    assert [(clip.record.start, clip.source) for clip in picture] == [
        (shot.range.start - begins, shot.range) for shot in left
    ]
    assert [clip.name for clip in picture] == ["Ann", "Zoë", "Ann"]
    assert not any(clip.unsupported for clip in picture)
    for clip, shot in zip(picture, left, strict=True):
        keys = [(key.frame, key.transform) for key in clip.keys] or [
            (clip.source.start, clip.transform)
        ]
        meant = [(key.frame, key.crop) for key in shot.keys] or [(shot.range.start, shot.crop)]
        assert [frame for frame, _ in keys] == [frame for frame, _ in meant]
        for (_, move), (_, crop) in zip(keys, meant, strict=True):
            expected = transform_of(crop, SIZE, CANVAS)
            assert (move.scale, move.dx, move.dy) == pytest.approx(
                (expected.scale, expected.dx, expected.dy), abs=0.01
            )
    assert readers.mlt_markers(saved) == readers.mlt_markers(ours)
    job = Job(cut_list.media.path, work=project.parent / "work")
    store.save_people(job.folder, cut_list.people, "")
    store.save_cut_list(job.folder, cut_list, "")
    comparison = import_edits.import_timeline(job, project).comparison
    assert (comparison.unchanged, comparison.locks, len(comparison.changes)) == (3, (), 1)
    sound = readers.parse_xml(saved).findall("playlist[@id='playlist1']/entry")
    assert len(sound) == (len(cut_list.shots) if streams == 2 else 0)
