"""What the page reads: state, curves, faces, pictures, and its own files."""

import io

import av
import numpy as np
import pytest

from otio_speakerzoom import pipeline
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service import pyramids
from otio_speakerzoom.service.page_files import page_table

pytest_plugins = ["talks"]  # a second conftest.py would hide the first from imports


@pytest.fixture(scope="module")
def state(read_only):
    return read_only.get("api/state").json


def picture(answer):
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    with av.open(io.BytesIO(answer.body), format="image2pipe") as container:
        return next(container.decode(video=0))


def test_the_state_has_every_shot_of_the_cut(state, cut_talk):
    cut_list = pipeline.cached_cut(Job(cut_talk))

    assert state["status"] == "cut"
    assert [(s["start"], s["end"], tuple(s["subjects"])) for s in state["shots"]] == [
        (shot.range.start, shot.range.end, shot.subjects) for shot in cut_list.shots
    ]
    assert [s["crop"] for s in state["shots"]] == [
        [round(edge, 3) for edge in shot.crop.edges] for shot in cut_list.shots
    ]


def test_the_state_says_how_the_source_is_played(state):
    source = state["source"]

    assert source["rate"] == [25, 1]
    assert source["duration"] == 450
    assert source["codec"].startswith('video/mp4; codecs="avc1.')
    assert (source["name"], source["media"]) == ("talk.mp4", "media/source")


def test_a_person_is_visible_for_as_long_as_their_tracks_last(state, cut_talk):
    analysis = pipeline.cached_analysis(Job(cut_talk))
    tracks = {track.id: track for track in analysis.tracks}

    for person, row in zip(analysis.people, state["people"], strict=True):
        frames = sum(len(tracks[id_].boxes) for id_ in person.track_ids)
        assert row["seen_seconds"] == pytest.approx(frames / 25)
        assert 0 < row["heard_seconds"] < 18


def test_each_level_of_the_ribbons_holds_the_extremes_of_the_one_below(read_only):
    below, level = (
        np.frombuffer(read_only.get(f"api/ribbons/{n}").body, np.uint8).reshape(2, -1, 2)
        for n in (3, 4)
    )

    assert below.shape[1] == -(-450 // 8)
    assert level.shape[1] == -(-450 // 16)
    even = below[:, : 2 * (below.shape[1] // 2)].reshape(2, -1, 2, 2)
    assert (level[:, : even.shape[1], 0] == even[..., 0].min(axis=2)).all()
    assert (level[:, : even.shape[1], 1] == even[..., 1].max(axis=2)).all()


def test_a_window_is_cut_to_the_bins_that_exist(read_only):
    assert len(read_only.get("api/ribbons/0?start=440&end=4000").body) == 2 * 10 * 2
    assert len(read_only.get("api/voice/0?start=10&end=14").body) == 1 * 4 * 2
    assert read_only.get("api/ribbons/60").status == 404


def test_an_odd_number_of_bins_loses_none():
    values = np.array([[3, 9, 1, 7, 20]], np.uint8)
    levels = pyramids.pyramid(values, values)

    assert [level.shape[1] for level in levels] == [5, 3, 2, 1]
    assert levels[-1].tolist() == [[[1, 20]]]


def test_face_boxes_are_those_of_the_tracks(read_only, cut_talk):
    track = pipeline.cached_analysis(Job(cut_talk)).tracks[0]
    faces = read_only.get("api/faces?start=20&end=23").json["faces"]

    own = next(row for row in faces if row["person"] == 1)
    assert own["start"] == 20
    assert own["boxes"] == np.rint(track.boxes[20 - track.start : 23 - track.start]).tolist()
    assert read_only.get("api/faces?start=0&end=5000").status == 422


def test_a_picture_is_of_exactly_that_frame(make_clip, numbered_clip):
    from otio_speakerzoom.service.pictures import frame_jpeg
    from otio_speakerzoom.source import probe

    media = probe(numbered_clip("numbers.mp4"))
    for number in (0, 1, 49, 99):
        with av.open(io.BytesIO(frame_jpeg(media, number, 64)), format="image2pipe") as jpeg:
            gray = next(jpeg.decode(video=0)).to_ndarray(format="gray")
        assert abs(float(gray.mean()) - 255 / 219 * 2 * number) < 1


def test_a_frame_of_the_cut_is_cropped_as_its_shot(read_only, state):
    shot = next(s for s in state["shots"] if s["subjects"])
    whole = picture(read_only.get(f"api/frames/{shot['start']}?height=360"))
    seen = picture(read_only.get(f"api/frames/{shot['start']}?height=360&of=shot"))
    left, top, right, bottom = (round(edge) for edge in shot["crop"])
    part = whole.to_ndarray(format="rgb24")[top:bottom, left:right]

    scaled = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), "rgb24").reformat(64, 36)
    other = whole.reformat(64, 36, "rgb24").to_ndarray().astype(int)
    cropped = seen.reformat(64, 36, "rgb24").to_ndarray().astype(int)
    assert (seen.width, seen.height) == (640, 360)
    # JPEG and another scaler differ a little at the edges of the test pattern
    assert np.abs(scaled.to_ndarray() - cropped).mean() < 12
    assert np.abs(other - cropped).mean() > 24
    assert read_only.get("api/frames/450").status == 404


def test_every_person_has_a_picture(read_only, state):
    for person in state["people"]:
        face = picture(read_only.get(person["picture"]))
        assert face.width == face.height
    assert read_only.get("api/people/99/picture").status == 404


def test_the_page_is_served_from_its_table_only(read_only, tmp_path):
    index = read_only.get("")
    (tmp_path / "app.js").write_text("1")
    (tmp_path / "notes.txt").write_text("private")
    (tmp_path / "link.js").symlink_to(tmp_path / "notes.txt")

    assert (index.status, index.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert read_only.get("page/index.html").body == index.body
    assert list(page_table(tmp_path)) == ["app.js"]
    assert read_only.get("page/missing.js").status == 404
