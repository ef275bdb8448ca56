import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import cut_lists, media

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import (
    Box,
    CutList,
    Detections,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Microphone,
    Person,
    Shot,
    Sighting,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.store import atomic
from otio_speakerzoom.store.arrays import write_arrays

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)


@given(cut_lists())
@in_one_folder
def test_a_kept_cut_list_comes_back(tmp_path, cut_list):
    store.save_cut_list(tmp_path, cut_list, "abc")
    kept = store.load_cut_list(tmp_path, cut_list.media, cut_list.people)

    assert kept is not None
    assert (kept.input_digest, kept.edited, kept.misfits) == ("abc", False, ())
    assert kept.value.canvas == cut_list.canvas
    assert kept.value.people == cut_list.people
    for back, shot in zip(kept.value.shots, cut_list.shots, strict=True):
        assert (back.range, back.subjects, back.reason) == (shot.range, shot.subjects, shot.reason)
        assert (back.locked, back.confidence) == (shot.locked, shot.confidence)
        assert (back.covers, back.keys) == (shot.covers, shot.keys)
        assert back.crop.left == pytest.approx(shot.crop.left, abs=6e-4)
        assert back.crop.bottom == pytest.approx(shot.crop.bottom, abs=6e-4)


@given(media())
@in_one_folder
def test_kept_facts_come_back_exactly(tmp_path, facts):
    store.save_media(tmp_path, facts, "abc")
    kept = store.load_media(tmp_path)

    assert kept is not None
    assert kept.value == facts


def some_tracks(lengths):
    rng = np.random.default_rng(1)
    return tuple(
        FaceTrack(n, 7 * n, rng.random((length, 4), np.float32), rng.random(length) > 0.5)
        for n, length in enumerate(lengths, 1)
    )


@given(st.lists(st.integers(1, 9), max_size=4))
@in_one_folder
def test_kept_arrays_come_back_exactly(tmp_path, lengths):
    tracks = some_tracks(lengths)
    scores = tuple(SpeechScores(t.id, t.start, t.boxes[:, 0]) for t in tracks)
    store.save_tracks(tmp_path, tracks, "t")
    store.save_scores(tmp_path, Speech(scores, 0.08 if lengths else None), "s")
    kept_tracks, kept_scores = store.load_tracks(tmp_path), store.load_scores(tmp_path)

    assert kept_tracks is not None
    assert kept_scores is not None
    for back, track in zip(kept_tracks.value, tracks, strict=True):
        assert (back.id, back.start) == (track.id, track.start)
        assert np.array_equal(back.boxes, track.boxes)
        assert np.array_equal(back.has_detection, track.has_detection)
    assert kept_scores.value.av_offset_s == (0.08 if lengths else None)
    for back, score in zip(kept_scores.value.scores, scores, strict=True):
        assert (back.track_id, back.start) == (score.track_id, score.start)
        assert np.array_equal(back.logits, score.logits)


def test_what_is_heard_comes_back(tmp_path):
    voice = VoiceActivity(7, np.array([0, 0.25, 1], np.float32), (Microphone(0), Microphone(1, 3)))
    store.save_voice(tmp_path, voice, "v")
    kept = store.load_voice(tmp_path)

    assert kept is not None
    assert (kept.input_digest, kept.value.start) == ("v", 7)
    assert kept.value.microphones == voice.microphones
    assert kept.value.probability.tolist() == [0, 0.25, 1]


def test_facts_by_a_version_that_knew_less_of_a_source_are_made_anew(tmp_path):
    facts = Media(tmp_path / "talk.mp4", Fraction(25), 10, (64, 64))
    store.save_media(tmp_path, facts, "abc")
    path = tmp_path / "media.json"
    path.write_text(path.read_text().replace('"has_timestamps"', '"timed"'))

    assert store.load_media(tmp_path) is None


def test_nothing_kept_is_none(tmp_path):
    assert store.load_media(tmp_path) is None
    assert store.load_people(tmp_path) is None
    assert store.load_detections(tmp_path) is None


def test_the_same_content_makes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        store.save_tracks(tmp_path / name, some_tracks([3, 5]), "t")
        store.save_people(tmp_path / name, (Person(1, (1, 2), "Zoë"),), "p")

    for name in ("tracks.npz", "people.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_edit_is_noticed_and_kept(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,)),), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"'))
    kept = store.load_people(tmp_path)

    assert kept is not None
    assert kept.edited
    assert kept.value[0].label == "Ada"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"id": 2', '"id": 1', r"people\[1\]\.id: needs an id that no other row has, not 1"),
        ('"tracks": [2]', '"tracks": [1]', r"people\[1\]\.tracks\[0\]: needs an id that no"),
        ('"tracks": [2]', '"tracks": 2', r"people\[1\]\.tracks: needs a list"),
        ('"name": ""', '"name": 7', r"people\[0\]\.name: needs a text"),
        ('"sightings": []', '"sightings": [[1, 2]]', r"people\[0\]\.sightings\[0\]: needs frame"),
        ('"people": [', '"people": [0, ', r"people\[0\]: needs an object"),
    ],
)
def test_wrong_people_are_refused_in_one_line(tmp_path, old, new, says):
    store.save_people(tmp_path, (Person(1, (1,)), Person(2, (2,))), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(StoreError, match=says) as caught:
        store.load_people(tmp_path)
    assert str(path) in str(caught.value)


def test_what_an_editor_saves_as_utf8_with_a_mark_is_read(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,), "Zoë"),), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")

    assert store.load_people(tmp_path).value[0].name == "Zoë"


def test_no_advice_destroys_a_file(tmp_path):
    """Whatever is wrong with a file that somebody may have edited, it is to be kept."""
    path = tmp_path / "people.json"
    messages = []
    for content in (b"\xff", b"{", b"[]", b'{"schema": "speakerzoom.people/3"}', b'{"schema": 1}'):
        path.write_bytes(content)
        with pytest.raises(StoreError) as caught:
            store.load_people(tmp_path)
        messages.append(str(caught.value))
    path.unlink()
    path.mkdir()  # stands for what cannot be read: as root everything else can
    with pytest.raises(StoreError, match=r"cannot be read .* check its permissions"):
        store.load_people(tmp_path)

    for message in messages:
        assert "delete" not in message
        assert "move" in message


def test_a_source_whose_name_is_no_utf8_is_kept(tmp_path):
    facts = Media(tmp_path / "talk\udcff.mp4", Fraction(25), 10, (64, 64))
    store.save_media(tmp_path, facts, "abc")

    assert store.load_media(tmp_path).value.path == facts.path


@pytest.fixture
def cut_file(tmp_path):
    """A folder with a kept cut list to damage, and its source."""
    source = Media(Path("/talk.mp4"), Fraction(25), 100, (640, 360))
    shots = (
        Shot(FrameRange(0, 60), (), Box(0, 0, 640, 360), "wide"),
        Shot(FrameRange(60, 100), (1,), Box(0, 0, 320, 180), "speaks"),
    )
    store.save_cut_list(tmp_path, CutList(source, (640, 360), shots, (Person(1, (1,)),)), "c")
    return tmp_path, source


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"start": 60', '"start": 61', r"shots\[1\]\.start: is 61, .* ends at 60"),
        ('"start": 60', '"start": 100', r"shots\[1\]: needs start < end"),
        ('"end": 100', '"end": 101', r"shots\[1\]\.end: needs 100 at most"),
        ('"subjects": [1]', '"subjects": [7]', r"shots\[1\]\.subjects\[0\]: .* \(1\), not 7"),
        ('"subjects": [1]', '"subjects": [1, 1]', r"shots\[1\]\.subjects: needs two different"),
        ('"subjects": [1]', '"subjects": "1"', r"shots\[1\]\.subjects: needs a list, not '1'"),
        ('"subjects": [1]', '"subjects": []', r"shots\[1\]\.kind: needs wide"),
        ('"kind": "wide"', '"kind": "wise"', r"shots\[0\]\.kind: needs wide"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, 320.0]", r"shots\[1\]\.crop: needs left, top"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, 641.0, 180.0]", "the frame, which is 640x360"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, NaN, 180.0]", r"crop\[2\]: needs a number"),
        ("[0.0, 0.0, 320.0, 180.0]", "[9.0, 0.0, 9.0, 180.0]", "inside the frame"),
        ("[0.0, 0.0, 320.0, 180.0]", '{"left": 0}', r"shots\[1\]\.crop: needs a list"),
        ('"confidence": 1.0', '"confidence": 7', r"shots\[0\]\.confidence: needs a number from 0"),
        ('"reason": "wide"', '"reason": ["wide"]', r"shots\[0\]\.reason: needs a text"),
        ('"reason": "wide"', '"locked": 1', r"shots\[0\]\.locked: needs true or false"),
        ('"reason": "wide"', '"keys": [[1, 0, 0, 9, 9]]', r"shots\[0\]\.keys: needs frames that"),
        ('"reason": "wide"', '"covers": [["hide", 0, 0, 9, 9]]', r"covers\[0\]\[0\]: needs blur"),
        ('"end": 60', '"end": 60.5', r"shots\[0\]\.end: needs a whole number"),
        ('"start": 60', '"start": true', r"shots\[1\]\.start: needs a whole number"),
        ('{"id": 1}', '{"id": 1}, {"id": 1}', r"people\[1\]\.id: needs an id that no other"),
        ('{"id": 1}', "1", r"people\[0\]: needs an object, not 1"),
        ('"canvas": [640, 360]', '"canvas": [640]', "canvas: needs width, height"),
        ('"canvas": [640, 360]', '"canvas": [0, 360]', r"canvas\[0\]: needs a whole number from 2"),
        ('"canvas"', '"canvass"', "canvas is missing"),
        ('"rate": [25, 1]', '"rate": [25, 0]', r"media\.rate: needs numerator"),
        ('"canvas"', f'"deep": {"[" * 100_000}{"]" * 100_000}, "canvas"', "cannot be parsed"),
        ('"start": 60', f'"start": {"6" * 5000}', "cannot be parsed"),
        ('"shots": [', '"shots": [,', "is not JSON"),
        ("speakerzoom.cutlist/2", "speakerzoom.cutlist/3", "newer speakerzoom"),
        ("speakerzoom.cutlist/2", "shopping.list/2", "is no cutlist"),
        ('"duration": 100', '"duration": 99', "another source"),
    ],
)
def test_a_damaged_cut_list_is_refused_in_one_line_that_names_it(cut_file, old, new, says):
    folder, source = cut_file
    path = folder / "cutlist.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(StoreError, match=says) as caught:
        store.load_cut_list(folder, source, ())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cut_of_another_source_counts_for_nothing_unless_somebody_edited_it(cut_file):
    folder, source = cut_file
    longer = Media(source.path, source.rate, source.duration + 1, source.size)
    assert store.load_cut_list(folder, longer, ()) is None

    path = folder / "cutlist.json"
    path.write_text(path.read_text().replace("speaks", "is funny"))
    with pytest.raises(StoreError, match=r"another source, talk\.mp4, and was edited"):
        store.load_cut_list(folder, longer, ())


def test_names_in_the_cut_list_of_an_older_version_are_read_until_people_json_has_one(cut_file):
    folder, source = cut_file
    path = folder / "cutlist.json"
    text = path.read_text().replace('{"id": 1}', '{"id": 1, "name": "Ada"}')
    path.write_text(re.sub(r', "framed_for": "[^"]*"', "", text))

    assert store.load_cut_list(folder, source).value.people == (Person(1, (), "Ada"),)
    assert store.load_cut_list(folder, source).misfits == ()
    store.save_people(folder, (Person(1, (1,), "Eve"),), "p")
    assert store.load_cut_list(folder, source).value.people == (Person(1, (1,), "Eve"),)


def test_a_damaged_npz_is_refused_and_pickle_is_never_read(tmp_path):
    path = tmp_path / "detections.npz"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)
    np.savez(path, schema=np.array("speakerzoom.detections/2"), frames=np.array([{}], object))
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lengths", np.array([3, 9], np.int32), "lengths must sum to 5"),
        ("ids", np.array([1, 1], np.int32), "two tracks have one id"),
        ("ids", np.array(["a", "b"]), "ids cannot be"),
        ("boxes", np.full((5, 4), np.nan, np.float32), "boxes has values that are not finite"),
        ("has_detection", np.zeros(5, np.float32), "has_detection cannot be"),
    ],
)
def test_arrays_that_no_stage_writes_are_refused(tmp_path, name, value, says):
    store.save_tracks(tmp_path, some_tracks([2, 3]), "t")
    path = tmp_path / "tracks.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, name: value})

    with pytest.raises(StoreError, match=says) as caught:
        store.load_tracks(tmp_path)
    assert str(path) in str(caught.value)


def test_detections_must_agree_in_length():
    empty = np.zeros(0, np.int32)
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        Detections(np.zeros(2, np.int32), np.zeros((1, 4), np.float32), np.zeros(2, np.float32),
                   empty, empty)  # fmt: skip


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "cut.otio"
    path.write_text("old")

    def fail_after(some):
        with store.atomic_write(path) as temporary:
            temporary.write_text(some)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_after("half of the new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("cut.otio", "old")]


def test_what_dead_runs_left_is_removed_and_what_others_write_is_not(tmp_path):
    path, host = tmp_path / "talk.otio", atomic.host()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leftover = tmp_path / f".talk.{host}-{dead.pid}-aaaa.part.otio"
    others = [
        tmp_path / f".talk.{host}-{os.getpid()}-aaaa.part.otio",
        tmp_path / f".talk.elsewhere-{dead.pid}-aaaa.part.otio",
        tmp_path / ".talk.notes.part.otio",
        tmp_path / f".other.{host}-{dead.pid}-aaaa.part.otio",
        tmp_path / "mine.part.otio",
    ]
    for file in (leftover, *others):
        file.write_text("half")
    store.write_text(path, "whole")

    assert {*tmp_path.iterdir()} == {path, *others}
    store.remove_leftovers(tmp_path)
    assert not others[3].exists()
    assert others[0].exists()


def test_nobody_can_lay_a_link_where_a_file_will_be_written(tmp_path):
    precious, path = tmp_path / "precious", tmp_path / "talk.otio"
    precious.write_text("precious")
    (tmp_path / f".talk.{os.getpid()}.part.otio").symlink_to(precious)
    with store.atomic_write(path) as one, store.atomic_write(path) as other:
        assert one != other
        assert not one.is_symlink()
    store.write_text(path, "talk")

    assert precious.read_text() == "precious"


def test_a_name_as_long_as_names_may_be_is_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".otio")
    store.write_text(path, "talk")

    assert path.read_text() == "talk"


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "people.json"
    path.write_text("")
    path.chmod(0o664)
    store.save_people(tmp_path, (), "p")

    assert path.stat().st_mode & 0o777 == 0o664


def test_a_file_that_was_changed_since_it_was_read_is_not_overwritten(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,)),), "p")
    path = tmp_path / "people.json"
    digest = store.file_digest(path)
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"'))
    mine = path.read_text()

    with pytest.raises(store.ConcurrentChangeError, match="another program changed it"):
        store.save_people(tmp_path, (), "q", expected_digest=digest)
    assert path.read_text() == mine


def test_backups_never_replace_each_other(tmp_path):
    path = tmp_path / "people.json"
    for text in ("one", "two"):
        path.write_text(text)
        store.back_up(path)

    assert [path.with_name(f"people.json.bak-{n}").read_text() for n in (1, 2)] == ["one", "two"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "talk.speakerzoom").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="cannot be written"):
        store.save_people(tmp_path / "talk.speakerzoom", (), "p")


def test_kept_locks_come_back_in_order_of_time(tmp_path):
    locks = (Lock(FrameRange(60, 90), (2, 1)), Lock(FrameRange(0, 60), (), Box(0, 0, 64, 36)))
    store.save_locks(tmp_path, locks)

    assert store.load_locks(tmp_path) == locks[::-1]
    assert store.load_locks(tmp_path / "elsewhere") == ()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('{"start": 0, "end": 9, "show": "close"}', r'locks\[0\]\.show: needs "wide"'),
        ('{"start": 0, "end": 9, "show": [1, 2, 3]}', "one or two people"),
        ('{"start": 0, "end": 9, "show": true}', r"locks\[0\]\.show: needs a whole number"),
        ('{"start": 0, "end": 9, "show": {"1": 2}}', r"locks\[0\]\.show: needs a whole number"),
        ('{"start": 0, "end": 9.5, "show": 1}', r"locks\[0\]\.end: needs a whole number"),
        ('{"start": 9, "end": 9, "show": 1}', "start < end"),
        ('{"start": 0, "end": 9, "show": 1, "crop": [1, 2]}', r"locks\[0\]\.crop: needs left"),
        ('{"start": 0, "end": 9, "show": 1, "crop": [1, 2, 1, 9]}', "with an area"),
        ('{"start": 0, "end": 9, "show": 1}, {"start": 8, "end": 20, "show": 2}', "frame 8"),
        ('{"start": 0, "end": 9}', r"locks\[0\]\.show is missing"),
        ("7", r"locks\[0\]: needs an object"),
    ],
)
def test_wrong_locks_are_refused_in_one_line(tmp_path, row, says):
    path = tmp_path / "locks.json"
    path.write_text(f'{{"schema": "speakerzoom.locks/1", "locks": [{row}]}}')

    with pytest.raises(StoreError, match=says) as caught:
        store.load_locks(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lock_beyond_the_source_or_the_picture_is_said(tmp_path):
    source = Media(Path("/talk.mp4"), Fraction(25), 100, (640, 360))
    store.save_locks(tmp_path, (Lock(FrameRange(0, 9), ()), Lock(FrameRange(90, 110), ())))
    with pytest.raises(StoreError, match=r"locks\[1\]\.end: needs 100 at most, .* not 110"):
        store.load_locks(tmp_path, source)
    store.save_locks(tmp_path, (Lock(FrameRange(0, 9), (), Box(0, 0, 900, 360)),))
    with pytest.raises(StoreError, match=r"locks\[0\]\.crop: .* 640x360"):
        store.load_locks(tmp_path, source)


def test_what_the_numbers_of_a_lock_mean_is_added_and_nothing_else_is_touched(tmp_path):
    path = tmp_path / "locks.json"
    path.write_text(
        '{"schema": "speakerzoom.locks/1", "note": "mine", "locks": '
        '[{"start": 9, "end": 20, "show": 2, "why": "laughs"}, '
        '{"start": 0, "end": 9, "show": "wide"}]}'
    )
    seen = (Sighting(2, 15, Box(10, 20, 30.5, 40)),)
    locks = [replace(k, sightings=seen if k.subjects else ()) for k in store.load_locks(tmp_path)]
    store.write_sightings(tmp_path, locks)

    assert store.load_locks(tmp_path) == tuple(locks)
    document = json.loads(path.read_text())
    assert document["note"] == "mine"
    assert document["locks"][0]["why"] == "laughs"
    assert "people" not in document["locks"][1]


def test_new_locks_leave_the_old_ones_as_somebody_wrote_them(tmp_path):
    path = tmp_path / "locks.json"
    path.write_text(
        '{"schema": "speakerzoom.locks/1", "note": "mine", "locks": '
        '[{"start": 9, "end": 20, "show": 2, "why": "laughs"}]}'
    )
    store.save_locks(tmp_path, (Lock(FrameRange(0, 9), ()), *store.load_locks(tmp_path)))

    document = json.loads(path.read_text())
    assert document["note"] == "mine"
    assert document["locks"] == [
        {"start": 0, "end": 9, "show": "wide"},
        {"start": 9, "end": 20, "show": 2, "why": "laughs"},
    ]


def test_digests_follow_content_and_not_the_name(tmp_path):
    one, other = tmp_path / "one.bin", tmp_path / "other.bin"
    one.write_bytes(bytes(3_000_000))
    shutil.copy(one, other)
    assert store.source_digest(one) == store.source_digest(other)
    with other.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    assert store.source_digest(one) != store.source_digest(other)


def test_written_json_can_be_read_by_anybody(cut_file):
    folder, _ = cut_file
    document = json.loads((folder / "cutlist.json").read_text())

    assert list(document) == [
        "schema", "input_digest", "content_digest", "provenance", "media", "canvas", "style",
        "people", "shots",
    ]  # fmt: skip
    assert document["shots"][1] == {
        "start": 60, "end": 100, "kind": "single", "subjects": [1],
        "crop": [0.0, 0.0, 320.0, 180.0], "reason": "speaks", "confidence": 1,
        "framed_for": "1 " + document["shots"][1]["framed_for"].split()[1],
    }  # fmt: skip


def test_a_file_of_arrays_holds_what_was_given_and_its_head(tmp_path):
    write_arrays(tmp_path / "a.npz", "detections", "inputs", {"frames": np.arange(3)})

    with np.load(tmp_path / "a.npz") as file:
        assert set(file.files) == {"schema", "input_digest", "frames"}
    with pytest.raises(TypeError, match="names: must be arrays of numbers"):
        write_arrays(tmp_path / "b.npz", "detections", "inputs", {"names": np.array([{}])})
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
