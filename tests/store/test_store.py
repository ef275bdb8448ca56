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
def test_a_cut_list_round_trips(tmp_path, cut_list):
    store.save_cut_list(tmp_path, cut_list, "abc")
    cached = store.load_cut_list(tmp_path, cut_list.media, cut_list.people)

    assert cached is not None
    assert (cached.input_digest, cached.edited, cached.misfits) == ("abc", False, ())
    assert cached.value.canvas == cut_list.canvas
    assert cached.value.people == cut_list.people
    for back, shot in zip(cached.value.shots, cut_list.shots, strict=True):
        assert (back.range, back.subjects, back.reason) == (shot.range, shot.subjects, shot.reason)
        assert (back.locked, back.confidence) == (shot.locked, shot.confidence)
        assert (back.covers, back.keys) == (shot.covers, shot.keys)
        assert back.crop.left == pytest.approx(shot.crop.left, abs=6e-4)
        assert back.crop.bottom == pytest.approx(shot.crop.bottom, abs=6e-4)


@given(media())
@in_one_folder
def test_media_round_trips_exactly(tmp_path, source):
    store.save_media(tmp_path, source, "abc")
    cached = store.load_media(tmp_path)

    assert cached is not None
    assert cached.value == source


def random_tracks(lengths):
    rng = np.random.default_rng(1)
    return tuple(
        FaceTrack(n, 7 * n, np.sort(rng.random((length, 4), np.float32)), rng.random(length) > 0.5)
        for n, length in enumerate(lengths, 1)
    )


@given(st.lists(st.integers(1, 9), max_size=4))
@in_one_folder
def test_tracks_and_scores_round_trip_exactly(tmp_path, lengths):
    tracks = random_tracks(lengths)
    scores = tuple(SpeechScores(t.id, t.start, t.boxes[:, 0]) for t in tracks)
    store.save_tracks(tmp_path, tracks, "t")
    store.save_scores(tmp_path, Speech(scores, 0.08 if lengths else None), "s")
    cached_tracks, cached_scores = store.load_tracks(tmp_path), store.load_scores(tmp_path)

    assert cached_tracks is not None
    assert cached_scores is not None
    for back, track in zip(cached_tracks.value, tracks, strict=True):
        assert (back.id, back.start) == (track.id, track.start)
        assert np.array_equal(back.boxes, track.boxes)
        assert np.array_equal(back.has_detection, track.has_detection)
    assert cached_scores.value.av_offset_s == (0.08 if lengths else None)
    for back, score in zip(cached_scores.value.scores, scores, strict=True):
        assert (back.track_id, back.start) == (score.track_id, score.start)
        assert np.array_equal(back.logits, score.logits)


def test_voice_activity_round_trips(tmp_path):
    voice = VoiceActivity(7, np.array([0, 0.25, 1], np.float32), (Microphone(0), Microphone(1, 3)))
    store.save_voice(tmp_path, voice, "v")
    cached = store.load_voice(tmp_path)

    assert cached is not None
    assert (cached.input_digest, cached.value.start) == ("v", 7)
    assert cached.value.microphones == voice.microphones
    assert cached.value.probability.tolist() == [0, 0.25, 1]


def test_media_without_timestamp_information_is_computed_again(tmp_path):
    source = Media(tmp_path / "talk.mp4", Fraction(25), 10, (64, 64))
    store.save_media(tmp_path, source, "abc")
    path = tmp_path / "media.json"
    path.write_text(path.read_text().replace('"has_timestamps"', '"timed"'))

    assert store.load_media(tmp_path) is None


def test_an_empty_folder_has_no_results(tmp_path):
    assert store.load_media(tmp_path) is None
    assert store.load_people(tmp_path) is None
    assert store.load_detections(tmp_path) is None


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        store.save_tracks(tmp_path / name, random_tracks([3, 5]), "t")
        store.save_people(tmp_path / name, (Person(1, (1, 2), "Zoë"),), "p")

    for name in ("tracks.npz", "people.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_edit_by_hand_is_recognized_and_read(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,)),), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"'))
    cached = store.load_people(tmp_path)

    assert cached is not None
    assert cached.edited
    assert cached.value[0].label == "Ada"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"id": 2', '"id": 1', r"people\[1\]\.id: needs an id that no other row has, not 1"),
        ('"tracks": [2]', '"tracks": [1]', r"people\[1\]\.tracks\[0\]: needs an id that no"),
        ('"tracks": [2]', '"tracks": 2', r"people\[1\]\.tracks: needs a list"),
        ('"name": ""', '"name": 7', r"people\[0\]\.name: needs a text"),
        ('"sightings": []', '"sightings": [[1, 2]]', r"people\[0\]\.sightings\[0\]: needs frame"),
        ('"people": [', '"people": [0, ', r"people\[0\]: needs an object"),
        ('"ignore": false', '"ignore": "yes"', r"people\[0\]\.ignore: needs true or false, not 'y"),
        ('"prefer": false', '"prefer": 1', r"people\[0\]\.prefer: needs true or false, not 1"),
        (
            '"ignore": false, "prefer": false',
            '"ignore": true, "prefer": true',
            r"people\[0\]\.prefer: needs false, since this person is to be ignored, not True",
        ),
    ],
)
def test_invalid_people_are_refused_in_one_line(tmp_path, old, new, fault):
    store.save_people(tmp_path, (Person(1, (1,)), Person(2, (2,))), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(StoreError, match=fault) as caught:
        store.load_people(tmp_path)
    assert str(path) in str(caught.value)


def test_utf8_with_a_byte_order_mark_is_read(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,), "Zoë"),), "p")
    path = tmp_path / "people.json"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")

    assert store.load_people(tmp_path).value[0].name == "Zoë"


def test_no_message_advises_to_delete_a_file(tmp_path):
    """Whatever is wrong with a file that somebody may have edited, the advice must not lose it."""
    path = tmp_path / "people.json"
    messages = []
    for content in (b"\xff", b"{", b"[]", b'{"schema": "speakerzoom.people/3"}', b'{"schema": 1}'):
        path.write_bytes(content)
        with pytest.raises(StoreError) as caught:
            store.load_people(tmp_path)
        messages.append(str(caught.value))
    path.unlink()
    path.mkdir()  # stands for what cannot be read: as root everything else can
    with pytest.raises(StoreError, match="is a folder; move it aside"):
        store.load_people(tmp_path)

    for message in messages:
        assert "delete" not in message
        assert "move" in message


def test_a_path_that_is_not_utf8_round_trips(tmp_path):
    source = Media(tmp_path / "talk\udcff.mp4", Fraction(25), 10, (64, 64))
    store.save_media(tmp_path, source, "abc")

    assert store.load_media(tmp_path).value.path == source.path


@pytest.fixture
def cut_file(tmp_path):
    """A folder with a cut list to damage, and its source."""
    source = Media(Path("/talk.mp4"), Fraction(25), 100, (640, 360))
    shots = (
        Shot(FrameRange(0, 60), (), Box(0, 0, 640, 360), "wide"),
        Shot(FrameRange(60, 100), (1,), Box(0, 0, 320, 180), "speaks"),
    )
    store.save_cut_list(tmp_path, CutList(source, (640, 360), shots, (Person(1, (1,)),)), "c")
    return tmp_path, source


@pytest.mark.parametrize(
    ("old", "new", "fault"),
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
        (
            '"canvas"',
            f'"deep": {"[" * 100_000}{"]" * 100_000}, "canvas"',
            "nested more than 200 deep",
        ),
        ('"start": 60', f'"start": {"6" * 5000}', "has a number of 5000 digits"),
        ('"shots": [', '"shots": [,', "is not JSON"),
        ("speakerzoom.cutlist/2", "speakerzoom.cutlist/3", "newer speakerzoom"),
        ("speakerzoom.cutlist/2", "shopping.list/2", "holds no cutlist"),
        ('"duration": 100', '"duration": 99', "another source"),
    ],
)
def test_an_invalid_cut_list_is_refused_in_one_line_that_names_it(cut_file, old, new, fault):
    folder, source = cut_file
    path = folder / "cutlist.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(StoreError, match=fault) as caught:
        store.load_cut_list(folder, source, ())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cut_of_another_source_is_ignored_unless_it_was_edited(cut_file):
    folder, source = cut_file
    longer = Media(source.path, source.rate, source.duration + 1, source.size)
    assert store.load_cut_list(folder, longer, ()) is None

    path = folder / "cutlist.json"
    path.write_text(path.read_text().replace("speaks", "is funny"))
    with pytest.raises(StoreError, match=r"another source, talk\.mp4, and was edited"):
        store.load_cut_list(folder, longer, ())


def test_names_in_an_early_cut_list_count_until_people_json_has_one(cut_file):
    folder, source = cut_file
    path = folder / "cutlist.json"
    text = path.read_text().replace('{"id": 1}', '{"id": 1, "name": "Ada"}')
    path.write_text(re.sub(r', "framed_for": "[^"]*"', "", text))

    assert store.load_cut_list(folder, source).value.people == (Person(1, (), "Ada"),)
    assert store.load_cut_list(folder, source).misfits == ()
    store.save_people(folder, (Person(1, (1,), "Eve"),), "p")
    assert store.load_cut_list(folder, source).value.people == (Person(1, (1,), "Eve"),)


def test_a_damaged_npz_is_refused_and_pickle_is_never_loaded(tmp_path):
    path = tmp_path / "detections.npz"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)
    np.savez(path, schema=np.array("speakerzoom.detections/2"), frames=np.array([{}], object))
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("lengths", np.array([3, 9], np.int32), "lengths must sum to 5"),
        ("ids", np.array([1, 1], np.int32), "two tracks have one id"),
        ("ids", np.array(["a", "b"]), "ids cannot be"),
        ("boxes", np.full((5, 4), np.nan, np.float32), "boxes has values that are not finite"),
        ("has_detection", np.zeros(5, np.float32), "has_detection cannot be"),
    ],
)
def test_invalid_arrays_are_refused(tmp_path, name, value, fault):
    store.save_tracks(tmp_path, random_tracks([2, 3]), "t")
    path = tmp_path / "tracks.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, name: value})

    with pytest.raises(StoreError, match=fault) as caught:
        store.load_tracks(tmp_path)
    assert str(path) in str(caught.value)


def test_columns_of_detections_must_have_the_same_length():
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


def test_temporary_files_of_dead_processes_only_are_removed(tmp_path):
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


def test_no_link_can_be_placed_where_a_file_will_be_written(tmp_path):
    precious, path = tmp_path / "precious", tmp_path / "talk.otio"
    precious.write_text("precious")
    (tmp_path / f".talk.{os.getpid()}.part.otio").symlink_to(precious)
    with store.atomic_write(path) as one, store.atomic_write(path) as other:
        assert one != other
        assert not one.is_symlink()
    store.write_text(path, "talk")

    assert precious.read_text() == "precious"


def test_a_name_of_the_maximum_length_is_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".otio")
    store.write_text(path, "talk")

    assert path.read_text() == "talk"


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "people.json"
    path.write_text("")
    path.chmod(0o664)
    store.save_people(tmp_path, (), "p")

    assert path.stat().st_mode & 0o777 == 0o664


def test_a_file_that_changed_since_it_was_read_is_not_overwritten(tmp_path):
    store.save_people(tmp_path, (Person(1, (1,)),), "p")
    path = tmp_path / "people.json"
    digest = store.file_digest(path)
    path.write_text(path.read_text().replace('"name": ""', '"name": "Ada"'))
    mine = path.read_text()

    with pytest.raises(store.ConcurrentChangeError, match="another program changed it"):
        store.save_people(tmp_path, (), "q", expected_digest=digest)
    assert path.read_text() == mine


def test_backups_never_overwrite_each_other(tmp_path):
    path = tmp_path / "people.json"
    for text in ("one", "two"):
        path.write_text(text)
        store.back_up(path)

    assert [path.with_name(f"people.json.bak-{n}").read_text() for n in (1, 2)] == ["one", "two"]


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "talk.speakerzoom").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="cannot be written"):
        store.save_people(tmp_path / "talk.speakerzoom", (), "p")


def test_locks_round_trip_in_order_of_time(tmp_path):
    locks = (Lock(FrameRange(60, 90), (2, 1)), Lock(FrameRange(0, 60), (), Box(0, 0, 64, 36)))
    store.save_locks(tmp_path, locks)

    assert store.load_locks(tmp_path) == locks[::-1]
    assert store.load_locks(tmp_path / "elsewhere") == ()


@pytest.mark.parametrize(
    ("row", "fault"),
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
def test_invalid_locks_are_refused_in_one_line(tmp_path, row, fault):
    path = tmp_path / "locks.json"
    path.write_text(f'{{"schema": "speakerzoom.locks/1", "locks": [{row}]}}')

    with pytest.raises(StoreError, match=fault) as caught:
        store.load_locks(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lock_outside_the_source_or_the_frame_is_refused(tmp_path):
    source = Media(Path("/talk.mp4"), Fraction(25), 100, (640, 360))
    store.save_locks(tmp_path, (Lock(FrameRange(0, 9), ()), Lock(FrameRange(90, 110), ())))
    with pytest.raises(StoreError, match=r"locks\[1\]\.end: needs 100 at most, .* not 110"):
        store.load_locks(tmp_path, source)
    store.save_locks(tmp_path, (Lock(FrameRange(0, 9), (), Box(0, 0, 900, 360)),))
    with pytest.raises(StoreError, match=r"locks\[0\]\.crop: .* 640x360"):
        store.load_locks(tmp_path, source)


def test_sightings_are_added_to_locks_and_nothing_else_changes(tmp_path):
    path = tmp_path / "locks.json"
    path.write_text(
        '{"schema": "speakerzoom.locks/1", "note": "mine", "locks": '
        '[{"start": 9, "end": 20, "show": 2, "why": "laughs"}, '
        '{"start": 0, "end": 9, "show": "wide"}]}'
    )
    sightings = (Sighting(2, 15, Box(10, 20, 30.5, 40)),)
    old = store.load_locks(tmp_path)
    locks = [replace(lock, sightings=sightings if lock.subjects else ()) for lock in old]
    store.write_sightings(tmp_path, locks)

    assert store.load_locks(tmp_path) == tuple(locks)
    document = json.loads(path.read_text())
    assert document["note"] == "mine"
    assert document["locks"][0]["why"] == "laughs"
    assert "people" not in document["locks"][1]


def test_new_locks_leave_the_rows_of_old_ones_as_they_are(tmp_path):
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


def test_a_cut_list_is_plain_json(cut_file):
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


def test_an_npz_holds_its_header_and_arrays_of_numbers_only(tmp_path):
    write_arrays(tmp_path / "a.npz", "detections", "inputs", {"frames": np.arange(3)})

    with np.load(tmp_path / "a.npz") as file:
        assert set(file.files) == {"schema", "input_digest", "frames"}
    with pytest.raises(TypeError, match="names: must be arrays of numbers"):
        write_arrays(tmp_path / "b.npz", "detections", "inputs", {"names": np.array([{}])})
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_who_is_ignored_or_preferred_comes_back_and_early_files_know_neither(tmp_path):
    people = (Person(1, (1,), ignore=True), Person(2, (2,), prefer=True), Person(3, (3,)))
    store.save_people(tmp_path, people, "p")
    path = tmp_path / "people.json"

    assert store.load_people(tmp_path).value == people
    path.write_text(re.sub(r'"(ignore|prefer)": (true|false),?', "", path.read_text()))
    plain = tuple(Person(person.id, person.track_ids) for person in people)
    assert store.load_people(tmp_path).value == plain
