"""A work folder that version 1 wrote is used as it is: nothing is computed again, nothing lost."""

import json
from dataclasses import replace

import pytest
from two_faces import edit, files, in_part, lock, shots_of, with_options
from version_1_folder import to_version_1

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import AudioSelection, Box, FrameRange, Lock, Person
from otio_speakerzoom.pipeline import digests

pytest_plugins = ["faked_stages"]  # a second conftest.py would hide the first from imports

STYLE_VALUES = {
    "wrong_speaker_penalty": 2.0,
    "off_screen_prior": 0.3,
    "obscure_others": "dim",
    "expected_turn_seconds": 1.0,
    "speech_threshold": 0.5,
    "break_long_singles_with": "listener",
}


def schemas(job):
    """The schema of every JSON file, by its name."""
    return {
        path.relative_to(job.folder).as_posix(): json.loads(path.read_text())["schema"]
        for path in job.folder.rglob("*.json")
    }


def changed_files(job, before):
    after = files(job)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.fixture
def cut_list(job, stage_runs):
    """The cut in a folder of version 1, with a name, a lock and a style of its own."""
    pipeline.analyze(job)
    edit(job, '"name": ""', '"name": "Ada"', "people.json")
    lock(job, start=100, end=130, show=2)
    pipeline.cut(with_options(job, style_values=STYLE_VALUES))
    cut_list = pipeline.current_cut(job)
    to_version_1(job.folder)
    del stage_runs[:]
    return cut_list


def test_everything_is_version_1_before_each_test(job, cut_list):
    assert set(schemas(job).values()) == {
        f"speakerzoom.{kind}/1" for kind in ("cutlist", "locks", "media", "options", "people")
    }
    texts = "".join(path.read_text() for path in job.folder.glob("*.json"))
    assert '"sightings"' not in texts
    assert '"wrong_speaker_penalty"' not in texts


def test_the_same_job_only_adds_the_panels(job, cut_list, stage_runs, caplog):
    before = files(job)
    caplog.clear()

    assert pipeline.cut(job) == cut_list
    assert pipeline.analyze(job).people[0].name == "Ada"
    assert stage_runs == []
    assert changed_files(job, before) == {"panels.npz"}  # version 1 did not look for them
    assert not caplog.records
    before = files(job)
    pipeline.cut(job)
    assert changed_files(job, before) == set()


def test_reading_computes_and_writes_nothing(job, cut_list, stage_runs):
    before = files(job)

    assert pipeline.open_session(job).options.style_values == STYLE_VALUES
    assert pipeline.cached_analysis(job).scorer == "sync-asd"
    assert pipeline.cached_cut(job) == pipeline.current_cut(job) == cut_list
    assert pipeline.view_cut(in_part(job, 80, 160)).range == FrameRange(80, 160)
    assert pipeline.view_cut(with_options(job, style="calm")).canvas == cut_list.canvas
    assert stage_runs == []
    assert changed_files(job, before) == set()


def test_a_new_style_rewrites_only_the_cut_and_the_options(job, cut_list, stage_runs):
    pipeline.analyze(job)  # which adds the panels
    before = files(job)
    pipeline.cut(with_options(job, style_values={"min_shot_seconds": 1.0}))

    assert stage_runs == []
    assert changed_files(job, before) == {"cutlist.json", "options.json"}
    assert schemas(job)["cutlist.json"] == "speakerzoom.cutlist/2"
    assert schemas(job)["people.json"] == "speakerzoom.people/1"
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert {name: style[name] for name in STYLE_VALUES} == STYLE_VALUES


def test_a_new_lock_is_obeyed_in_the_style_of_the_cut(job, cut_list, stage_runs):
    pipeline.analyze(job)  # which adds the panels
    lock(job, start=100, end=130, show="wide")
    (job.folder / "options.json").unlink()  # as early versions wrote none
    exported = pipeline.current_cut(job)

    assert (100, 130, ()) in shots_of(exported)
    style = json.loads((job.folder / "cutlist.json").read_text())["style"]
    assert {name: style[name] for name in STYLE_VALUES} == STYLE_VALUES
    assert stage_runs == []
    to_version_1(job.folder)
    assert pipeline.cut(job) == exported
    assert pipeline.open_session(job).options.style_values == STYLE_VALUES
    assert stage_runs == []


def test_a_hand_edit_from_before_is_still_an_edit(job, cut_list, caplog):
    path = edit(job, '"reason": "', '"reason": "my own: ')
    text = path.read_text()

    assert pipeline.cut(job).shots[0].reason.startswith("my own: ")
    assert "was edited and stays" in caplog.text
    assert path.read_text() == text
    pipeline.cut(replace(job, force=True))
    assert path.with_name("cutlist.json.bak-1").read_text() == text
    assert schemas(job)["cutlist.json"] == "speakerzoom.cutlist/2"


def test_people_who_are_detected_again_keep_their_names(job, cut_list, stage_runs):
    people = (job.folder / "people.json").read_text()
    again = pipeline.analyze(replace(with_options(job, detector="yunet"), force=True))

    assert "detect with yunet" in stage_runs
    assert [person.name for person in again.people] == ["Ada", ""]
    assert (job.folder / "people.json.bak-1").read_text() == people
    assert schemas(job)["people.json"] == "speakerzoom.people/2"


def test_a_part_is_a_slice_of_the_whole(job, cut_list, stage_runs):
    part = pipeline.analyze(in_part(job, 60, 200))

    assert stage_runs == []
    assert part.within == FrameRange(60, 200)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("options.json", '"hide": "dim"', '"hide": "dim", "obscure_others": "blur"'),
        ("cutlist.json", '"hide": "dim"', '"hide": "dim", "obscure_others": "blur"'),
    ],
)
def test_a_style_value_under_both_its_names_is_refused_in_one_line(job, cut_list, file, old, new):
    edit(job, old, new, file)
    if file == "cutlist.json":
        (job.folder / "options.json").unlink()

    with pytest.raises(StoreError, match=rf"{file}: .*hide is the old name of obscure_others"):
        pipeline.cut(job)


def test_a_wrong_style_value_is_named_as_in_the_file(job, cut_list):
    edit(job, '"caution": 2.0', '"caution": -2.0')

    with pytest.raises(StoreError, match=r"cutlist.json: style: caution: must be 0 to 1000 times"):
        pipeline.view_cut(replace(job, canvas=lambda media: (90, 160)))


def test_input_digests_are_those_of_version_1(monkeypatch):
    """Computed by version 1: with any other one it would all be computed again.

    The versions of the stages are those of that time; raising one is meant to compute again.
    """
    then = {"media": 4, "detections": 3, "tracks": 4, "people": 4, "voice": 1, "scores": 4}
    monkeypatch.setattr(digests, "VERSIONS", {**then, "cut": 3})
    part, source = FrameRange(60, 200), "media"
    locks = [Lock(FrameRange(0, 9), ()), Lock(FrameRange(9, 20), (1, 2), Box(0, 0.5, 64, 36))]

    assert digests.digest("media", "source") == "23f7ac7fc155bc9a4e4d0cfbf231af8a"
    assert [
        digests.detections_digest("blazeface", 0, "iou", part, source),
        digests.detections_digest("yunet", 5, "csrt", part, source),
    ] == ["76a8fa6be70b2b8620f5f841b2278cfa", "b430285ac6f8a0b9178ed11c1f12c83b"]
    assert digests.digest("tracks", "detections") == "007f08bbf2562a2379cf8d7444f0ca26"
    people = digests.people_digests("tracks")
    assert people[digests.BY_PLACE] == "f9f8fac2014cae1107155330710cabc8"
    assert people["mobilefacenet"] == "85623a72672b15d13251298304424eac"
    selection = AudioSelection(1, 2, mixed=False)
    voice = digests.voice_digest(selection, part, source)
    assert voice == "20781218d07d80a28bcc796f4e711a45"
    scores = digests.scores_digest("sync-asd", "tracks", "voice")
    assert scores == "2ed000f4a420bcfe5ace56f9f2112ef0"
    assert digests.no_audio_digest("tracks") == "560d11797a000c1156934982a3ad539e"
    groups = [(1, (1, 2)), (2, ())]
    analysis = digests.analysis_digest("scores", "people", groups)
    assert analysis == "4a6f4835b3118be75fca7e69e9fcfc71"
    assert store.digest("part", 60, 200, "analysis") == "8d556ff982e8035f08af12deeb252628"
    assert digests.locks_digest(locks) == "7ff591406d9a252640d3ece4dc374ccb"
    cut = digests.cut_digest(Style(), (320, 180), False, locks, (Person(1, ()),), "analysis", ())
    assert cut == "504cc23906b8fa9b97457a84e63bda75"
