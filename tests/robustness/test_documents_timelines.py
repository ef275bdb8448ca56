"""What is said of edited timelines that are damaged, or that no editor writes."""

import json
import os

import pytest
from tables import Table
from talk_folder import copy_of, run

from otio_speakerzoom.interchange.read.edited_timeline import MediaHints
from otio_speakerzoom.interchange.read.open import MAX_TIMELINE_BYTES, read_timeline

pytest_plugins = ["talks"]

XML = '<?xml version="1.0" encoding="{}"?>\n'


def fcpxml(clip="", *, encoding="UTF-8", doctype="<!DOCTYPE fcpxml>", attributes=""):
    """One clip of the talk, 450 frames at 25 fps, with these elements in it."""
    return XML.format(encoding) + doctype + (
        f'<fcpxml version="1.10"{attributes}><resources>'
        '<format id="r1" frameDuration="1/25s" width="640" height="360"/>'
        '<asset id="r2" start="0s" duration="18s" hasVideo="1" format="r1">'
        '<media-rep kind="original-media" src="file:///talk.mp4"/></asset></resources>'
        '<library><event><project><sequence format="r1" duration="18s" tcStart="0s"><spine>'
        f'<asset-clip ref="r2" offset="0s" start="0s" duration="18s" name="talk">{clip}'
        "</asset-clip></spine></sequence></project></event></library></fcpxml>"
    )  # fmt: skip


TIMELINES = {
    "a scale of one number in FCPXML": fcpxml('<adjust-transform scale="1"/>'),
    "a scale of words in FCPXML": fcpxml('<adjust-transform scale="large larger"/>'),
    "an encoding that nobody knows": fcpxml(encoding="foo-99"),
    "an encoding that unpacks what it gets": fcpxml(encoding="zlib"),
    "a prefix that is not declared": fcpxml(attributes=' odd:name="x"'),
    "elements nested 1,000 deep": fcpxml("<clip>" * 1000 + "</clip>" * 1000),
    "an entity": fcpxml("&bomb;", doctype='<!DOCTYPE fcpxml [<!ENTITY bomb "b">]>'),
    "cut off in the middle": fcpxml()[:400],
    "binary": b"\x00\x01\x02" * 100,
    "UTF-16": fcpxml(encoding="UTF-16").encode("utf-16"),
    "an .otio nested 1,000 deep": "[" * 1000 + "]" * 1000,
    "an .otio with a number of 5,000 digits": '{"OTIO_SCHEMA": ' + "9" * 5000 + "}",
    "an .otio that is a list": "[]",
}
"""What is in a timeline -> its text. All are .fcpxml, but for those that say otherwise."""

FILES = {
    "a pipe that nobody writes to": os.mkfifo,
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a byte larger than a timeline may be": lambda path: sparse(path, MAX_TIMELINE_BYTES + 1),
}
"""What is in place of a timeline -> how to put it there."""

TABLE = Table("timelines", ("an edited timeline with", "`import`"), [*TIMELINES, *FILES])


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


@pytest.fixture
def talk(cut_talk, tmp_path):
    """The folder of results of a copy of the talk."""
    return copy_of(cut_talk, tmp_path)


@pytest.mark.parametrize("case", TIMELINES)
def test_a_timeline_that_no_editor_writes_is_refused_in_one_line(case, talk, capsys):
    suffix = ".otio" if ".otio" in case else ".fcpxml"
    text = TIMELINES[case]
    path = talk.parent / f"edited{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    TABLE.check(case, outcome(talk, capsys, path))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
@pytest.mark.parametrize("case", FILES)
def test_what_is_no_timeline_is_refused_before_it_is_read(case, talk, capsys):
    path = talk.parent / "edited.fcpxml"
    FILES[case](path)

    TABLE.check(case, outcome(talk, capsys, path))


def outcome(talk, capsys, path):
    line = run(talk, capsys, "import", str(path))
    if line:
        return f"`{line}`"
    if (talk / "locks.json").exists():
        assert len(json.loads((talk / "locks.json").read_text())["locks"]) == 1
        return "right"
    (clip,) = read_timeline(path, MediaHints((640, 360), (640, 360))).clips
    return f"no lock: the clip `{clip.unsupported}`"


def test_the_table_of_timelines_is_whole():
    TABLE.check_cases()
