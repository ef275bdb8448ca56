"""Files of version 1, as that version wrote them, with its digests: they are read as they are."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import (
    AudioStream,
    Box,
    Cover,
    CropKey,
    FrameRange,
    Lock,
    Media,
    Microphone,
    Person,
    Shot,
    Sighting,
)

CUT_LIST = """{
  "schema": "speakerzoom.cutlist/1",
  "made_from": {"inputs": "cut-inputs", "as_written": "c2ab2f78a98437be51b9d447cb395c74",
    "analysis": "analysis-inputs", "locks": "locks-inputs", "people_in": ""},
  "media": {"path": "/shoot/talk.mkv", "rate": [25, 1], "duration": 100, "width": 640,
    "height": 360, "start": 0, "digest": "source"},
  "canvas": [640, 360],
  "style": {"caution": 2.0, "hide": "dim", "min_shot_seconds": 4.0},
  "people": [
    {"id": 1},
    {"id": 2}
  ],
  "shots": [
    {"start": 0, "end": 60, "kind": "single", "subjects": [1], "crop": [0.0, 0.0, 320.0, 180.0],
      "reason": "Person 1 speaking", "confidence": 0.9,
      "keys": [[0, 0.0, 0.0, 320.0, 180.0], [59, 20.0, 0.0, 340.0, 180.0]],
      "covers": [["blur", 400.0, 50.0, 440.0, 100.0]], "framed": "1 5db985ed"},
    {"start": 60, "end": 100, "kind": "single", "subjects": [2],
      "crop": [320.0, 0.0, 640.0, 180.0], "reason": "locked", "confidence": 1.0, "locked": true,
      "framed": "2 0276231a"}
  ]
}
"""

LOCKS = """{
  "schema": "speakerzoom.locks/1",
  "made_from": {"inputs": "", "as_written": "80bbe5b5f3bd2a331c0d9a903078feb9"},
  "locks": [
    {"start": 60, "end": 100, "show": [2], "crop": [320.0, 0.0, 640.0, 180.0],
      "people": [{"id": 2, "seen": [12, 400.0, 50.0, 440.0, 100.0]}]},
    {"start": 0, "end": 9, "show": "wide"}
  ]
}
"""

MEDIA = """{
  "schema": "speakerzoom.media/1",
  "made_from": {"inputs": "media-inputs", "as_written": "a4fcf39287598b76fb62174db3a7fed6"},
  "media": {"path": "/shoot/talk.mkv", "rate": [25, 1], "duration": 100, "width": 640,
    "height": 360, "start": 0, "drop_frame": false, "rotation": 0, "variable_rate": false,
    "video_offset": [1, 50], "sounds": [{"rate": 48000, "channels": 2, "delay": [-1, 50],
    "index": 1, "varies": false}], "picture": 0, "fields": "top", "colour": [1, 1, 1],
    "size_varies": false, "stamped": false, "warnings": [], "digest": "source"}
}
"""

OPTIONS = """{
  "schema": "speakerzoom.options/1",
  "made_from": {"inputs": "source", "as_written": "5bbed6f1d831f3ef0c6f48f1e8e37b23"},
  "options": {"detector": "yunet", "part": [0, 100], "style": "calm",
    "style_values": {"caution": 2.0, "hide": "dim"}}
}
"""

PEOPLE = """{
  "schema": "speakerzoom.people/1",
  "made_from": {"inputs": "people-inputs", "as_written": "433e95cfc7a39368cb86386814b915f0"},
  "people": [
    {"id": 1, "name": "Ada", "tracks": [1], "seen": [[12, 40.0, 50.0, 80.5, 100.0]]},
    {"id": 2, "name": "", "tracks": [2], "seen": [[12, 400.0, 50.0, 440.0, 100.0]]}
  ]
}
"""

DOCUMENTS = {
    "cutlist.json": CUT_LIST,
    "locks.json": LOCKS,
    "media.json": MEDIA,
    "options.json": OPTIONS,
    "people.json": PEOPLE,
}

SOURCE = Media(
    Path("/shoot/talk.mkv"),
    Fraction(25),
    100,
    (640, 360),
    video_offset=Fraction(1, 50),
    audio_streams=(AudioStream(48000, 2, Fraction(-1, 50), 1),),
    field_order="top",
    has_timestamps=False,
)


@pytest.fixture
def folder(tmp_path):
    for name, text in DOCUMENTS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_media_json_is_read(folder):
    cached = store.load_media(folder)

    assert (cached.value, cached.input_digest, cached.edited) == (SOURCE, "media-inputs", False)
    edit(folder, "media.json", '"duration": 100', '"duration": 99')
    assert store.load_media(folder).edited


def test_media_json_of_an_early_version_1_is_computed_again(folder):
    edit(folder, "media.json", '"stamped"', '"timed"')

    assert store.load_media(folder) is None


@pytest.mark.parametrize("early", [False, True])
def test_a_source_finds_its_folder_by_media_json(tmp_path, early):
    source = tmp_path / "renamed.mkv"
    source.write_bytes(b"content")
    content = store.source_digest(source)
    digest, inputs = content, "media-inputs"
    if early:  # the digest of the source was in the input digest only
        digest, inputs = "", store.digest("media", 2, content)
    folder = tmp_path / "talk.mkv.speakerzoom"
    folder.mkdir()
    text = MEDIA.replace('"digest": "source"', f'"digest": "{digest}"')
    (folder / "media.json").write_text(text.replace("media-inputs", inputs))

    assert store.find_folder(source) == folder
    source.write_bytes(b"other content")
    assert store.find_folder(source) == tmp_path / "renamed.mkv.speakerzoom"


def test_people_json_is_read_and_a_name_by_hand_counts_as_an_edit(folder):
    cached = store.load_people(folder)

    assert cached.value == (Person(1, (1,), "Ada"), Person(2, (2,)))
    assert (cached.input_digest, cached.edited) == ("people-inputs", False)
    assert store.load_sightings(folder) == (
        Sighting(1, 12, Box(40, 50, 80.5, 100)),
        Sighting(2, 12, Box(400, 50, 440, 100)),
    )
    edit(folder, "people.json", '"name": ""', '"name": "Eve"')
    cached = store.load_people(folder)
    assert cached.edited
    assert cached.value[1].name == "Eve"


def test_locks_json_is_read_and_written_as_version_2(folder):
    edit(folder, "locks.json", '"show": "wide"', '"show": "wide", "why": "laughs"')
    sighting = Sighting(2, 12, Box(400, 50, 440, 100))
    locks = (
        Lock(FrameRange(0, 9), ()),
        Lock(FrameRange(60, 100), (2,), Box(320, 0, 640, 180), (sighting,)),
    )

    assert store.load_locks(folder, SOURCE) == locks
    store.save_locks(folder, [replace_sightings(locks[1], ()), locks[0]])
    document = json.loads((folder / "locks.json").read_text())
    assert document["schema"] == "speakerzoom.locks/2"
    assert "made_from" not in document
    assert document["locks"][0]["people"] == [{"id": 2, "sighting": [12, 400.0, 50.0, 440.0, 100]}]
    assert document["locks"][1]["why"] == "laughs"
    assert store.load_locks(folder, SOURCE) == locks


def replace_sightings(lock, sightings):
    return Lock(lock.range, lock.subjects, lock.crop, sightings)


def test_sightings_are_added_to_locks_json_and_nothing_else_changes(folder):
    edit(folder, "locks.json", '"show": "wide"', '"show": 1, "why": "laughs"')
    first, second = store.load_locks(folder)
    store.write_sightings(
        folder, [replace_sightings(first, (Sighting(1, 5, Box(0, 0, 9, 9)),)), second]
    )

    document = json.loads((folder / "locks.json").read_text())
    assert document["schema"] == "speakerzoom.locks/2"
    assert document["locks"] == [
        {"start": 60, "end": 100, "show": [2], "crop": [320.0, 0.0, 640.0, 180.0],
         "people": [{"id": 2, "sighting": [12, 400.0, 50.0, 440.0, 100.0]}]},
        {"start": 0, "end": 9, "show": 1, "why": "laughs",
         "people": [{"id": 1, "sighting": [5, 0, 0, 9, 9]}]},
    ]  # fmt: skip


def test_options_json_is_read_under_the_names_of_today(folder):
    assert store.load_options(folder, "source") == store.Options(
        detector="yunet",
        part=(0, 100),
        style="calm",
        style_values={"wrong_speaker_penalty": 2.0, "obscure_others": "dim"},
    )
    assert store.load_options(folder, "another source") == store.Options()


def test_cutlist_json_is_read_with_its_digests_and_style(folder):
    cached = store.load_cut_list(folder, SOURCE, source_digest="source")

    assert (cached.input_digest, cached.edited, cached.misfits) == ("cut-inputs", False, ())
    assert (cached.analysis_digest, cached.locks_digest) == ("analysis-inputs", "locks-inputs")
    assert cached.people_folder == ""
    assert cached.style == {
        "wrong_speaker_penalty": 2.0, "obscure_others": "dim", "min_shot_seconds": 4.0,
    }  # fmt: skip
    assert cached.value.people == (Person(1, (1,), "Ada"), Person(2, (2,)))
    first = Box(0, 0, 320, 180)
    assert cached.value.shots == (
        Shot(
            FrameRange(0, 60), (1,), first, "Ada speaking", 0.9,
            (CropKey(0, first), CropKey(59, Box(20, 0, 340, 180))),
            covers=(Cover(Box(400, 50, 440, 100), "blur"),),
        ),
        Shot(FrameRange(60, 100), (2,), Box(320, 0, 640, 180), "locked", locked=True),
    )  # fmt: skip


def test_an_edit_by_hand_of_cutlist_json_is_recognized(folder):
    edit(folder, "cutlist.json", '"subjects": [2]', '"subjects": [1]')
    cached = store.load_cut_list(folder, SOURCE)

    assert cached.edited
    assert cached.misfits == (1,)


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("options.json", '"hide": "dim"', '"hide": "dim", "obscure_others": "no"',
         "options: style_values: hide is the old name of obscure_others"),
        ("cutlist.json", '"hide": "dim"', '"hide": "dim", "obscure_others": "no"',
         "style: hide is the old name of obscure_others"),
        ("people.json", '"seen": [[12', '"sightings": [], "seen": [[12',
         "people: seen is the old name of sightings"),
        ("people.json", '"seen": [[12,', '"seen": [[', r"people\[0\]\.seen\[0\]: needs frame"),
        ("people.json", '"seen": [[12,', '"sightings": [[', r"people\[0\]\.sightings\[0\]: needs"),
        ("cutlist.json", '"1 5db985ed"', '5', r"shots\[0\]\.framed: needs a text, not 5"),
        ("locks.json", '"seen": [12,', '"seen": [', r"locks\[0\]\.people\[0\]\.seen: needs frame"),
        ("locks.json", '"seen": [12,', '"seem": [12,', r"people\[0\]\.sighting is missing"),
        ("media.json", '"sounds": [', '"sounds": 7, "x": [', r"media\.sounds: needs a list, not 7"),
        ("options.json", '"caution": 2.0', '"caution": []', r"style_values\.caution: needs a num"),
        ("people.json", '{"id": 1', '7, {"id": 1', r"people\[0\]: needs an object, not 7"),
        ("locks.json", '"people": [{', '"people": [7, {', "needs an object, not 7"),
        ("cutlist.json", '"shots": [', '"shots": 7, "x": [', "shots: needs a list, not 7"),
        ("media.json", '"media": {', '"media": 7, "x": {', "media: needs an object, not 7"),
    ],
)  # fmt: skip
def test_faults_are_one_line_that_names_the_file_and_its_key(folder, name, old, new, fault):
    edit(folder, name, old, new)
    load = {
        "options.json": lambda: store.load_options(folder, "source"),
        "cutlist.json": lambda: store.load_cut_list(folder, SOURCE, ()),
        "people.json": lambda: store.load_people(folder),
        "locks.json": lambda: store.load_locks(folder),
        "media.json": lambda: store.load_media(folder),
    }[name]

    with pytest.raises(StoreError, match=fault) as caught:
        load()
    assert str(folder / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_of_a_backup_may_be_pasted_into_a_document_of_version_2(folder):
    cut_list, locks = json.loads(CUT_LIST), json.loads(LOCKS)
    store.save_cut_list(folder, store.load_cut_list(folder, SOURCE).value, "inputs")
    store.save_locks(folder, store.load_locks(folder))
    paste(folder / "cutlist.json", "shots", 1, {**cut_list["shots"][1], "subjects": [1]})
    paste(folder / "locks.json", "locks", 1, locks["locks"][0])
    cached = store.load_cut_list(folder, SOURCE)

    assert (cached.edited, cached.misfits) == (True, (1,))
    assert store.load_locks(folder)[1].sightings == (Sighting(2, 12, Box(400, 50, 440, 100)),)


def paste(path, key, number, row):
    document = json.loads(path.read_text())
    assert document["schema"].endswith("/2")
    document[key][number] = row
    path.write_text(json.dumps(document))


def test_reading_rewrites_nothing(folder):
    store.load_media(folder)
    store.load_people(folder)
    store.load_locks(folder)
    store.load_options(folder, "source")
    store.load_cut_list(folder, SOURCE)

    assert {path.name: path.read_text() for path in folder.iterdir()} == DOCUMENTS


def save_version_1(path, kind, input_digest, **arrays):
    schema = np.array(f"speakerzoom.{kind}/1")
    np.savez_compressed(path, schema=schema, made_from=np.array(input_digest), **arrays)


def test_arrays_are_read_under_the_names_of_today(tmp_path):
    ids, boxes = np.array([1, 2], np.int32), np.ones((2, 4), np.float32)
    save_version_1(
        tmp_path / "detections.npz", "detections", "d", frames=ids, boxes=boxes,
        confidences=boxes[:, 0], looked_at=ids, camera_cuts=ids[:0],
    )  # fmt: skip
    save_version_1(
        tmp_path / "tracks.npz", "tracks", "t", ids=ids, starts=ids, lengths=ids // ids,
        boxes=boxes, seen=np.array([True, False]),
    )  # fmt: skip
    save_version_1(
        tmp_path / "voice.npz", "voice", "v", start=np.array(0, np.int32),
        probability=boxes[:, 0], microphones=np.array([[0, -1]], np.int32),
    )  # fmt: skip
    save_version_1(
        tmp_path / "scores.npz", "scores", "s", late=np.array(0.08), track_ids=ids, starts=ids,
        lengths=ids // ids, logits=boxes[:, 0],
    )  # fmt: skip
    detections, tracks = store.load_detections(tmp_path), store.load_tracks(tmp_path)
    voice, scores = store.load_voice(tmp_path), store.load_scores(tmp_path)

    assert [c.input_digest for c in (detections, tracks, voice, scores)] == ["d", "t", "v", "s"]
    assert detections.value.detected_frames.tolist() == [1, 2]
    assert [track.has_detection.tolist() for track in tracks.value] == [[True], [False]]
    assert voice.value.microphones == (Microphone(0),)
    assert scores.value.av_offset_s == 0.08
    assert [score.logits.tolist() for score in scores.value.scores] == [[1.0], [1.0]]


def test_scores_of_an_early_version_1_have_no_offset(tmp_path):
    none = np.zeros(0, np.int32)
    save_version_1(
        tmp_path / "scores.npz", "scores", "s", track_ids=none, starts=none, lengths=none,
        logits=np.zeros(0, np.float32),
    )  # fmt: skip

    assert store.load_scores(tmp_path).value.av_offset_s is None


@pytest.mark.parametrize("kind", ["people", "locks", "media", "cutlist", "options"])
def test_version_3_is_refused_as_newer(tmp_path, kind):
    path = tmp_path / f"{kind}.json"
    path.write_text(f'{{"schema": "speakerzoom.{kind}/3"}}')
    load = {
        "people": lambda: store.load_people(tmp_path),
        "locks": lambda: store.load_locks(tmp_path),
        "media": lambda: store.load_media(tmp_path),
        "cutlist": lambda: store.load_cut_list(tmp_path, SOURCE),
        "options": lambda: store.load_options(tmp_path, "source"),
    }[kind]

    with pytest.raises(StoreError, match=rf"speakerzoom\.{kind}/3, from a newer speakerzoom"):
        load()
    np.savez(tmp_path / "tracks.npz", schema=np.array("speakerzoom.tracks/3"))
    with pytest.raises(StoreError, match="from a newer speakerzoom"):
        store.load_tracks(tmp_path)
