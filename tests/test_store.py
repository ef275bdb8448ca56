import json
import shutil
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
    Speech,
    SpeechScores,
    Voice,
)

in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)


@given(cut_lists())
@in_one_folder
def test_a_kept_cut_list_comes_back(tmp_path, cut_list):
    store.save_cut_list(tmp_path, cut_list, "abc")
    kept = store.load_cut_list(tmp_path, cut_list.media, cut_list.people)

    assert kept is not None
    assert (kept.made_from, kept.edited) == ("abc", False)
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
        assert np.array_equal(back.seen, track.seen)
    assert kept_scores.value.late == (0.08 if lengths else None)
    for back, score in zip(kept_scores.value.scores, scores, strict=True):
        assert (back.track_id, back.start) == (score.track_id, score.start)
        assert np.array_equal(back.logits, score.logits)


def test_what_is_heard_comes_back(tmp_path):
    voice = Voice(7, np.array([0, 0.25, 1], np.float32), (Microphone(0), Microphone(1, 3)))
    store.save_voice(tmp_path, voice, "v")
    kept = store.load_voice(tmp_path)

    assert kept is not None
    assert (kept.made_from, kept.value.start) == ("v", 7)
    assert kept.value.microphones == voice.microphones
    assert kept.value.probability.tolist() == [0, 0.25, 1]


def test_facts_by_a_version_that_knew_less_of_a_source_are_made_anew(tmp_path):
    facts = Media(tmp_path / "talk.mp4", Fraction(25), 10, (64, 64))
    store.save_media(tmp_path, facts, "abc")
    path = tmp_path / "media.json"
    path.write_text(path.read_text().replace('"picture"', '"video"'))

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
        ('"start": 60', '"start": 61', "follow one another"),
        ('"end": 100', '"end": 101', "the source at 100"),
        ('"subjects": [1]', '"subjects": [7]', "unknown person"),
        ('"subjects": [1]', '"subjects": []', "shot 2: a wide has no subject"),
        ('"kind": "wide"', '"kind": "wise"', "shot 1"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, 320.0]", "four numbers"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, 641.0, 180.0]", "not inside the picture"),
        ("[0.0, 0.0, 320.0, 180.0]", "[0.0, 0.0, NaN, 180.0]", "not inside the picture"),
        ("[0.0, 0.0, 320.0, 180.0]", "[9.0, 0.0, 9.0, 180.0]", "not inside the picture"),
        ('"end": 60', '"end": 60.5', "whole frames"),
        ('"canvas"', '"canvass"', "'canvas' is missing"),
        ('"shots": [', '"shots": [,', "is not JSON"),
        ("speakerzoom.cutlist/1", "speakerzoom.cutlist/2", "newer speakerzoom"),
        ("speakerzoom.cutlist/1", "shopping.list/1", "is no cutlist"),
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
    with pytest.raises(StoreError, match=r"another source, talk\.mp4, and edited"):
        store.load_cut_list(folder, longer, ())


def test_a_damaged_npz_is_refused_and_pickle_is_never_read(tmp_path):
    path = tmp_path / "detections.npz"
    path.write_bytes(b"PK but no zip")
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)
    np.savez(path, schema=np.array("speakerzoom.detections/1"), frames=np.array([{}], object))
    with pytest.raises(StoreError, match="damaged"):
        store.load_detections(tmp_path)


def test_detections_must_agree_in_length():
    empty = np.zeros(0, np.int32)
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        Detections(np.zeros(2, np.int32), np.zeros((1, 4), np.float32), np.zeros(2, np.float32),
                   empty, empty)  # fmt: skip


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "cut.otio"
    path.write_text("old")

    def fail_after(some):
        with store.replacing(path) as temporary:
            temporary.write_text(some)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_after("half of the new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("cut.otio", "old")]


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
        ('{"start": 0, "end": 9, "show": "close"}', "lock 1: show is"),
        ('{"start": 0, "end": 9, "show": [1, 2, 3]}', "one or two people"),
        ('{"start": 0, "end": 9.5, "show": 1}', "whole frames"),
        ('{"start": 9, "end": 9, "show": 1}', "start < end"),
        ('{"start": 0, "end": 9, "show": 1, "crop": [1, 2]}', "four numbers"),
        ('{"start": 0, "end": 9, "show": 1}, {"start": 8, "end": 20, "show": 2}', "frame 8"),
        ('{"start": 0, "end": 9}', "'show' is missing"),
    ],
)
def test_wrong_locks_are_refused_in_one_line(tmp_path, row, says):
    path = tmp_path / "locks.json"
    path.write_text(f'{{"schema": "speakerzoom.locks/1", "locks": [{row}]}}')

    with pytest.raises(StoreError, match=says) as caught:
        store.load_locks(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_digests_follow_content_and_not_the_name(tmp_path):
    one, other = tmp_path / "one.bin", tmp_path / "other.bin"
    one.write_bytes(bytes(3_000_000))
    shutil.copy(one, other)
    assert store.digest_of_file(one) == store.digest_of_file(other)
    with other.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    assert store.digest_of_file(one) != store.digest_of_file(other)


def test_written_json_can_be_read_by_anybody(cut_file):
    folder, _ = cut_file
    document = json.loads((folder / "cutlist.json").read_text())

    assert list(document) == [
        "schema", "made_from", "media", "canvas", "style", "people", "shots",
    ]  # fmt: skip
    assert document["shots"][1] == {
        "start": 60, "end": 100, "kind": "single", "subjects": [1],
        "crop": [0.0, 0.0, 320.0, 180.0], "reason": "speaks", "confidence": 1,
    }  # fmt: skip
