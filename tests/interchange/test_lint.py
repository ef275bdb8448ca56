"""`check` reports what an editor would trip over before anyone imports the file."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from conftest import SHARED

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import SpeakerZoomError, TimelineError
from otio_speakerzoom.interchange import lint, lint_dtd
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.formats import FORMATS

DTD = SHARED / "reference" / "dtd" / "FCPXMLv1_10.dtd"
ID = r'<clipitem id="([^"]*)"'
OURS = [
    (suffix, adapter)
    for suffix, dialects in FORMATS.items()
    if suffix in READERS
    for adapter in dialects.values()
]


@pytest.fixture(scope="module")
def talk(make_clip):
    return probe(make_clip("checked.mp4", seconds=4))


@pytest.fixture
def write(talk, tmp_path):
    """Return a function that writes three shots in a format and replaces patterns in the text."""
    crops = (Box(0, 0, 320, 180), Box(20, 30, 180, 120), Box(150, 50, 310, 140))
    starts = ((0, 40), (40, 70), (70, 100))
    shots = tuple(Shot(FrameRange(*at), (), c) for at, c in zip(starts, crops, strict=True))

    def file(suffix, adapter=None, **replacements):
        adapter = adapter or next(iter(FORMATS[suffix].values()))
        text = timeline_text(CutList(talk, (320, 180), shots), *adapter)
        for was, now in replacements.items():
            text, count = re.subn(was, now, text, count=1, flags=re.DOTALL)
            assert count
        path = tmp_path / f"checked{suffix}"
        path.write_text(text)
        return path

    return file


@pytest.mark.parametrize(("suffix", "adapter"), OURS)
def test_our_own_timelines_have_no_problems(write, suffix, adapter):
    report = check(write(suffix, adapter), canvas=(320, 180))

    assert report.problems == ()
    assert any("zooms 2.00 and moves" in line for line in report.remarks)


def test_a_missing_size_is_assumed_from_the_media_and_reported(write):
    report = check(write(".otio"))

    assert report.problems == ()
    assert report.remarks[-1].startswith("the project's size is not in this file")
    assert any("then zooms 2.00" in line for line in report.remarks)


def test_what_resolve_will_do_is_reported_in_plain_words(write):
    remarks = check(write(".otio"), canvas=(320, 180)).remarks

    assert remarks[0] == "Resolve: plays 3 clips at 25 frames per second, in 320x180"
    assert any("Resolve fits 320x180 into 320x180, then zooms 2.00" in line for line in remarks)


@pytest.mark.parametrize(
    ("suffix", "was", "now", "message"),
    [
        (".xml", "checked.mp4</pathurl>", "gone.mp4</pathurl>", "the editor will show it offline"),
        (".xml", "<start>40<", "<start>38<", "plays at another speed"),
        (".xml", f"{ID}(.*?){ID}", r'<clipitem id="\1"\2<clipitem id="\1"', "2 clips have the id"),
        (".xml", "<linkclipref>[^<]*", "<linkclipref>nobody", "which is not there"),
        (".xml", f"<linkclipref>[^<]*(.*?){ID}", r'<linkclipref>\2\1<clipitem id="\2"',
         "not the other way"),
        (".xml", '<file id="file-1" />', '<file id="file-7" />', "not described anywhere"),
        (".xml", "<value>200<", "<value>1200<", "more than 1000 %"),
        (".xml", "<timebase>25", "<timebase>30", "the timeline at 30"),
        (".fcpxml", 'duration="8/5s"', 'duration="9/5s"', "overlaps the clip before it"),
        (".fcpxml", 'duration="8/5s"', 'duration="7/5s"', "frames 35 to 40 of the programme show"),
        (".fcpxml", 'start="8/5s"', 'start="3s"', "shows frames up to 105 of media that has 100"),
        (".otio", '"Parameter Value": 2.0', '"Parameter Value": 200.0', "takes 0 to 100"),
        (".mlt", '<track producer="background" />', "", "its lowest track is not a background"),
    ],
)  # fmt: skip
def test_each_fault_is_a_problem(write, suffix, was, now, message):
    problems = check(write(suffix, **{was: now}), canvas=(320, 180)).problems

    assert any(message in problem for problem in problems), problems


@pytest.mark.parametrize(("suffix", "adapter"), OURS)
def test_a_timecode_that_differs_from_the_media_is_a_problem(talk, tmp_path, suffix, adapter):
    shot = Shot(FrameRange(0, 100), (), Box(0, 0, 320, 180))
    path = tmp_path / f"elsewhere{suffix}"
    path.write_text(
        timeline_text(CutList(replace(talk, start=90000), (320, 180), (shot,)), *adapter)
    )
    problems = check(path, canvas=(320, 180)).problems

    silent = ("speakerzoom_premiere_otio", "speakerzoom_mlt", "speakerzoom_kdenlive")
    if adapter[0] in silent:  # which do not carry it
        assert problems == ()
        return
    (problem,) = problems
    assert "starts at frame 0 of its timecode, but the timeline says 90000" in problem


def test_an_fcpxml_is_validated_with_a_dtd(write):
    if not DTD.exists():
        pytest.skip("Apple's DTDs are not beside the project")
    good = check(write(".fcpxml"), DTD)
    bad = check(write(".fcpxml", **{"<adjust-conform": "<adjust-nothing"}), DTD)

    assert (good.problems, good.remarks[-1]) == ((), "validated with FCPXMLv1_10.dtd")
    assert any("adjust-nothing" in problem for problem in bad.problems)


@pytest.fixture
def beside_a_dtd(write):
    """A file that violates the DTD beside it."""
    path = write(".fcpxml")
    dtd = path.with_name("FCPXMLv1_10.dtd")
    dtd.write_text("<!ELEMENT fcpxml EMPTY>")
    return path, dtd


def test_a_dtd_beside_the_file_is_read_only_if_it_is_named(beside_a_dtd):
    path, dtd = beside_a_dtd

    assert check(path).problems == ()
    assert check(path).remarks[-1] == "not validated with a DTD: --dtd names one"
    assert any("fcpxml" in problem for problem in check(path, dtd).problems)
    with pytest.raises(SpeakerZoomError, match="no such file"):
        check(path, path.with_name("absent.dtd"))


@pytest.mark.parametrize(
    ("text", "line"),
    [('<!ENTITY % more SYSTEM "more.dtd"> %more;', "refers to another file by its entity more"),
     ('<!ENTITY % k "SYSTEM"><!ENTITY more %k; "/etc/passwd">', "by its entity more"),
     ("<!ELEMENT fcpxml", "is not a DTD"), ("\0", "is not a DTD")],
)  # fmt: skip
@pytest.mark.parametrize("has_lxml", [True, False])
def test_a_dtd_that_refers_to_other_files_or_is_none_is_refused(
    beside_a_dtd, text, line, has_lxml, monkeypatch
):
    if not has_lxml:
        monkeypatch.setitem(sys.modules, "lxml", None)
    path, dtd = beside_a_dtd
    dtd.write_text(text)

    with pytest.raises(TimelineError, match=line):
        check(path, dtd)


def test_without_lxml_xmllint_validates(beside_a_dtd, monkeypatch):
    if not shutil.which("xmllint"):
        pytest.skip("xmllint is not installed")
    monkeypatch.setitem(sys.modules, "lxml", None)

    assert any("fcpxml" in problem for problem in check(*beside_a_dtd).problems)


def test_without_lxml_and_xmllint_a_remark_says_that_nothing_was_validated(
    beside_a_dtd, monkeypatch
):
    monkeypatch.setitem(sys.modules, "lxml", None)
    monkeypatch.setattr(lint_dtd, "find_program", lambda _: None)
    report = check(*beside_a_dtd)

    assert report.problems == ()
    assert report.remarks[-1] == "not validated with a DTD: neither lxml nor xmllint is installed"


@pytest.mark.parametrize(
    ("suffix", "was"),
    [
        (".otio", '(?<="target_url": ")[^"]*'),
        (".fcpxml", 'file://[^"]*'),
        (".xml", "file://[^<]*"),
        (".mlt", '(?<="resource">)/[^<]*'),
        (".kdenlive", '(?<="resource">)/[^<]*(?=((?!<producer).)*image">0)'),
    ],
)
def test_a_reference_that_climbs_out_of_its_folder_is_a_problem_and_not_opened(
    write, monkeypatch, suffix, was
):
    path = write(suffix, **{was: "file:///media/../../etc/passwd"})
    opened = opened_media(monkeypatch)
    problems = check(path).problems

    assert any("climbs out of its folder" in problem for problem in problems)
    assert not any("\n" in problem for problem in problems)
    assert not any("passwd" in str(path) for path in opened)


def test_a_root_that_climbs_is_a_problem_too(write, monkeypatch):
    path = write(
        ".mlt", **{"<mlt ": '<mlt root="/media/../../etc" ', '(?<="resource">)/[^<]*': "passwd"}
    )
    opened = opened_media(monkeypatch)

    assert any("climbs out of its folder" in problem for problem in check(path).problems)
    assert not any("passwd" in str(path) for path in opened)


def opened_media(monkeypatch):
    """The paths that a check opens from here on."""
    opened = []
    monkeypatch.setattr(lint, "probe", lambda path: opened.append(path) or probe(path))
    return opened


def test_the_exit_code_is_1_where_there_is_a_problem(write, capsys):
    assert main(["check", str(write(".xml"))]) == 0
    assert capsys.readouterr().out.endswith("no problem found\n")
    assert main(["check", str(write(".xml", **{"<value>200<": "<value>1200<"}))]) == 1
    assert "problem: the clip clipitem-2" in capsys.readouterr().out


def test_checking_loads_neither_torch_nor_mediapipe_nor_cv2(write):
    script = (
        "import sys; from otio_speakerzoom.cli.main import main; code = main(sys.argv[1:]);"
        "bad = {'torch', 'mediapipe', 'cv2'} & sys.modules.keys(); sys.exit(code or bool(bad) * 9)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "check", str(write(".fcpxml"))], check=False
    )

    assert run.returncode == 0


def test_media_of_unknown_size_is_no_problem_of_the_timeline(talk, write, tmp_path):
    """With two recordings, an .otio does not carry which size is whose."""
    text = write(".otio", FORMATS[".otio"]["resolve"]).read_text()
    other = tmp_path / "other.mp4"
    shutil.copy(talk.path, other)
    path = tmp_path / "two.otio"
    path.write_text(text.replace(str(talk.path), str(other), 1))
    report = check(path, canvas=(320, 180))

    assert report.problems == ()
    assert any("is unknown without the media" in line for line in report.remarks)
