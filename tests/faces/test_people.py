"""Tracks to people, by position and by embedding, from synthetic tracks; and the real embedder."""

import json
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom import source as source_file
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.faces import place
from otio_speakerzoom.faces.embed import (
    FACE_SIDE_PX,
    MIN_SEGMENTS,
    SEGMENTS_PER_TRACK,
    Looks,
    candidate_frames,
    crop_face,
    embed_tracks,
    unit,
)
from otio_speakerzoom.faces.embedders import FACTORIES, open_embedder, show_no_face
from otio_speakerzoom.faces.likeness import LARGE_FACE_PX, REQUIREMENTS, SMALL_FACE_PX
from otio_speakerzoom.faces.people import group_people
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, common_iou
from otio_speakerzoom.model import FaceTrack, FrameRange, Media
from otio_speakerzoom.weights.names import EMBEDDERS

MEDIA = Media(Path("/talk.mp4"), Fraction(25), 200, (640, 360))
CUTAWAY = SHARED / "footage" / "composed" / "cutaway_ntsc_2997.json"


def track(number, start, left, length=50):
    box = np.array([left, 100, left + 80, 200], np.float32)
    return FaceTrack(number, start, np.tile(box, (length, 1)), np.ones(length, bool))


def members(tracks, cuts=(), angles=None):
    """Track ids of each person; embeddings are unit vectors at `angles` in degrees, 0 for None."""
    looks = None
    if angles is not None:
        radians = np.radians([0 if angle is None else angle for angle in angles])
        vectors = np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)
        vectors[[angle is None for angle in angles]] = 0
        looks = looks_of(vectors)
    people = group_people(tracks, np.array(cuts, np.int32), looks, "sface")
    return [person.track_ids for person in people]


def looks_of(vectors):
    """Looks of large faces with these embeddings."""
    return Looks(np.float32(vectors), np.full(len(vectors), LARGE_FACE_PX, np.float32))


def test_somebody_back_at_the_same_position_is_the_same_person():
    assert members([track(1, 0, 100), track(2, 80, 130), track(3, 80, 600)]) == [(1, 2), (3,)]


def test_faces_at_different_positions_at_the_same_time_are_never_one_person():
    assert members([track(1, 0, 100), track(2, 49, 165)]) == [(1,), (2,)]
    assert members([track(1, 0, 100), track(2, 49, 165)], angles=[0, 0]) == [(1,), (2,)]


def test_two_tracks_on_one_head_are_one_person_whatever_their_embeddings():
    both = [track(1, 0, 100), track(2, 48, 110)]

    assert members(both) == [(1, 2)]
    for angles in ([0, 0], [0, 150], [0, None], [None, None]):
        assert members(both, angles=angles) == [(1, 2)]
    assert members([*both, track(3, 0, 400)], angles=[0, 150, 150]) == [(1, 2), (3,)]


def test_across_a_camera_cut_only_the_same_angle_joins():
    assert members([track(1, 0, 100), track(2, 60, 140)], cuts=[55]) == [(1,), (2,)]
    assert members([track(1, 0, 100), track(2, 60, 104)], cuts=[55]) == [(1, 2)]


def test_by_embedding_people_are_joined_across_cuts_at_any_position():
    one_angle = [track(1, 0, 100), track(2, 0, 400)]
    reverse = [track(3, 50, 100), track(4, 50, 400)]

    assert members(one_angle + reverse, cuts=[50]) == [(1, 3), (2, 4)]
    assert members(one_angle + reverse, cuts=[50], angles=[0, 90, 80, 10]) == [(1, 4), (2, 3)]


def test_somebody_back_at_another_position_is_joined_only_by_embedding():
    tracks = [track(1, 0, 100), track(2, 100, 400)]

    assert members(tracks) == [(1,), (2,)]
    assert members(tracks, angles=[0, 20]) == [(1, 2)]


def test_somebody_else_at_the_same_position_is_another_person():
    tracks = [track(1, 0, 100), track(2, 100, 100)]

    assert members(tracks) == [(1, 2)]
    assert members(tracks, angles=[0, 90]) == [(1,), (2,)]


def test_twins_at_the_same_time_stay_two_people_despite_a_third_track():
    twins = [track(1, 0, 100), track(2, 0, 400), track(3, 100, 250)]

    assert members(twins, angles=[0, 8, 6]) == [(1,), (2, 3)]


def test_a_chain_of_similar_faces_is_not_one_person():
    tracks = [track(1, 0, 100), track(2, 100, 300), track(3, 200, 500)]

    assert members(tracks, angles=[0, 50, 110]) == [(1, 2), (3,)]


def test_the_same_position_in_the_same_shot_compensates_for_a_profile():
    here, there = [track(1, 0, 100), track(2, 100, 110)], [track(1, 0, 100), track(2, 100, 400)]

    assert members(here, angles=[0, 70]) == [(1, 2)]
    assert members(there, angles=[0, 70]) == [(1,), (2,)]
    assert members(here, cuts=[80], angles=[0, 70]) == [(1,), (2,)]


def test_a_surplus_face_is_joined_where_the_wide_comes_back():
    wide = [track(1, 0, 100), track(2, 0, 400), track(3, 100, 100), track(4, 100, 400)]
    single = track(5, 200, 250)
    joined = [(1, 3, 5), (2, 4)]

    assert members([*wide, single], cuts=[90, 190], angles=[0, 180, 0, 180, 68]) == joined
    assert members([*wide, single], cuts=[90, 190], angles=[0, 180, 0, 180, 75]) == [
        (1, 3), (2, 4), (5,)
    ]  # fmt: skip
    pairs = [track(1, 0, 0), track(2, 0, 400), track(3, 100, 150), track(4, 100, 550)]
    assert members(pairs, cuts=[90], angles=[0, 180, 68, 270]) == [(1,), (2,), (3,), (4,)]
    once = [track(1, 0, 100), track(2, 0, 400), track(5, 200, 250)]
    assert members(once, cuts=[90], angles=[0, 180, 68]) == [(1,), (2,), (5,)]


def pan(number, start, left, length=50):
    """A face that drifts through the picture, from `left` 240 pixels on."""
    track_ = track(number, start, left, length)
    track_.boxes[:, ::2] += np.linspace(0, 240, length, dtype=np.float32)[:, None]
    return track_


def test_in_a_pan_who_comes_to_the_same_place_is_somebody_else():
    still, moving = [track(1, 0, 100), track(2, 80, 100)], [pan(1, 0, 100), pan(2, 80, 100)]

    assert members(still) == [(1, 2)]
    assert members(moving) == [(1,), (2,)]
    assert members(still, angles=[0, 70]) == [(1, 2)]
    assert members(moving, angles=[0, 70]) == [(1,), (2,)]
    assert members(moving, angles=[0, 10]) == [(1, 2)]


def test_while_most_faces_drift_one_that_stays_for_a_moment_is_in_no_place():
    passing = [pan(3, 0, 300, 100), pan(4, 60, 600, 100)]
    short = [track(1, 0, 100, 20), track(2, 80, 100, 20)]

    assert members([*short, *passing]) == [(1,), (3,), (4,), (2,)]
    # one who walks past is no pan
    assert members([*short, track(5, 0, 400, 100), pan(3, 0, 600)])[0] == (1, 2)


def test_small_faces_must_be_more_alike():
    tracks = [track(1, 0, 100), track(2, 100, 400)]
    required = REQUIREMENTS["sface"]
    angle = np.arccos((required.large + required.small) / 2)
    vectors = [[1, 0], [np.cos(angle), np.sin(angle)]]

    def count(*sides):
        looks = replace(looks_of(vectors), sides=np.float32(sides))
        return len(group_people(tracks, np.zeros(0, np.int32), looks, "sface"))

    assert count(LARGE_FACE_PX, 200) == 1
    assert count(SMALL_FACE_PX, LARGE_FACE_PX) == 1
    assert count(SMALL_FACE_PX, SMALL_FACE_PX) == 2


def test_a_track_without_embedding_is_joined_by_position():
    tracks = [track(1, 0, 100), track(2, 0, 400), track(3, 100, 410)]

    assert members(tracks, angles=[0, 90, None]) == [(1,), (2, 3)]
    assert members(tracks, angles=[None, None, None]) == [(1,), (2, 3)]


def test_no_tracks_are_nobody():
    assert group_people((), np.zeros(0, np.int32)) == ()
    assert group_people((), np.zeros(0, np.int32), looks_of(np.zeros((0, 128)))) == ()


@settings(deadline=None)  # a busy machine is not a slow function
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 500), st.none() | st.integers(0, 359)),
        max_size=12,
    ),
    st.sets(st.integers(1, 340), max_size=3).map(sorted),
    st.booleans(),
)
def test_every_track_has_one_person_who_is_never_in_two_places_at_once(faces, cuts, embedded):
    tracks = [track(n, start, left) for n, (start, left, _) in enumerate(faces, 1)]
    groups = members(tracks, cuts, [angle for *_, angle in faces] if embedded else None)
    by_id = {t.id: t for t in tracks}
    starts = {t.id: t.start for t in tracks}

    assert sorted(n for group in groups for n in group) == [t.id for t in tracks]
    for a, b in (pair for group in groups for pair in combinations(group, 2)):
        assert (common_iou(by_id[a], by_id[b]) or 1) >= SAME_HEAD_IOU
    firsts = [starts[group[0]] for group in groups]
    assert firsts == sorted(firsts)


def gray_frames(frames):
    """Gray frames, 100 in the left half and 200 in the right half."""
    frame = np.full((180, 320, 3), 100, np.uint8)
    frame[:, 160:] = 200
    return ((frame_index, frame) for frame_index in range(frames))


def embed_brightness(face):
    return np.array([face.mean(), 100], np.float32)


def test_every_track_gets_the_mean_of_its_embeddings_and_progress_is_reported():
    progress = []
    tracks = [track(1, 0, 100), track(2, 100, 400), track(3, 150, 100)]
    embeddings = embed_tracks(
        gray_frames(200), MEDIA, tracks, embed_brightness, on_progress=lambda *p: progress.append(p)
    ).embeddings

    assert embeddings.shape == (3, 2)
    assert embeddings.dtype == np.float32
    assert embeddings[0] == pytest.approx(embeddings[2])
    assert embeddings[0] == pytest.approx(unit(np.float32([100, 100])))
    assert embeddings[1] == pytest.approx(unit(np.float32([200, 100])))
    assert progress[-1] == (200, 200)


def test_each_segment_of_a_track_embeds_its_sharpest_large_box():
    noise = np.random.default_rng(5).integers(0, 255, (360, 640, 3), np.uint8)
    film = ((f, noise if f % 16 == 0 else np.full_like(noise, f)) for f in range(160))
    boxes = np.tile(np.float32([100, 100, 180, 200]), (160, 1))
    boxes[0::16, 2:] += 4
    contrasts = []

    def embedder(face):
        contrasts.append(float(face.std()))
        return np.ones(4, np.float32)

    embed_tracks(film, MEDIA, [FaceTrack(1, 0, boxes, np.ones(160, bool))], embedder)

    assert len(contrasts) == SEGMENTS_PER_TRACK
    assert min(contrasts) > 10


def test_only_candidate_frames_are_read():
    tracks = [track(1, 0, 100), track(2, 100, 400), track(3, 150, 100)]
    needed, nothing = candidate_frames(tracks), np.empty(0, np.uint8)
    some = ((n, frame if n in needed else nothing) for n, frame in gray_frames(200))

    embeddings = [
        embed_tracks(frames, MEDIA, tracks, embed_brightness).embeddings
        for frames in (gray_frames(200), some)
    ]

    assert embeddings[0].tolist() == embeddings[1].tolist()
    assert len(needed) < 150  # of the frames in tracks


def test_faces_too_small_or_never_detected_have_no_embedding():
    tiny = FaceTrack(1, 0, np.tile(np.float32([10, 10, 30, 30]), (50, 1)), np.ones(50, bool))
    undetected = FaceTrack(2, 0, np.tile(np.float32([10, 10, 90, 90]), (50, 1)), np.zeros(50, bool))
    embeddings = embed_tracks(
        gray_frames(200), MEDIA, [tiny, undetected, track(3, 0, 100)], embed_brightness
    ).embeddings

    assert embeddings.any(axis=1).tolist() == [False, False, True]


def test_a_face_at_the_edge_of_the_frame_is_cropped_with_the_edge_repeated():
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[:, -1] = 255
    face = crop_face(frame, np.float32([60, 20, 140, 100]))

    assert face.shape == (FACE_SIDE_PX, FACE_SIDE_PX, 3)
    assert (face[:, -50:] == 255).all()
    assert (face[:, :50] == 0).all()
    assert (crop_face(frame, np.float32([-40, 20, 40, 100])) == 0).all()


@pytest.mark.weights
def test_sface_tells_a_face_from_what_is_none():
    shade = np.tile(np.linspace(90, 150, FACE_SIDE_PX).astype(np.uint8), (FACE_SIDE_PX, 1))
    wall = np.repeat(shade[:, ::-1, None], 3, axis=2)
    embeddings = unit(open_embedder("sface")(wall))[None]

    assert show_no_face(embeddings, "sface").tolist() == [True]
    assert show_no_face(-embeddings, "sface").tolist() == [False]
    assert show_no_face(embeddings[:0], "sface").tolist() == []
    assert show_no_face(embeddings, "mobilefacenet").tolist() == [False]


@pytest.mark.parametrize("embedder", FACTORIES.values())
def test_a_file_that_is_no_network_is_refused(tmp_path, embedder):
    (tmp_path / "face.onnx").write_bytes(b"nothing of the kind")

    with pytest.raises(WeightsError, match=r"face\.onnx"):
        embedder(tmp_path / "face.onnx")


def test_a_long_track_has_more_samples_than_a_short_one():
    def count(length):
        calls = []
        tracks = [track(1, 0, 100, length)]
        embed_tracks(gray_frames(200), MEDIA, tracks, lambda _: calls.append(1) or np.ones(2))
        return len(calls)

    assert count(20) == MIN_SEGMENTS
    assert count(64) == 4
    assert count(160) == SEGMENTS_PER_TRACK


@pytest.mark.weights
@pytest.mark.footage
@pytest.mark.parametrize("name", EMBEDDERS)
@pytest.mark.skipif(not CUTAWAY.is_file(), reason=f"no labelled clip at {CUTAWAY}")
def test_the_real_embedders_recognize_two_people_who_swap_places_at_a_cut(name):
    labels = json.loads(CUTAWAY.read_text())
    media = source_file.probe(CUTAWAY.parent / labels["file"])
    tracks, names = [], []
    for face in labels["faces"][:4]:
        start, end = (round(face[key] * media.rate) for key in ("from_s", "to_s"))
        boxes = np.tile(np.float32(face["box"]), (end - start, 1))
        tracks.append(FaceTrack(len(tracks) + 1, start, boxes, np.ones(end - start, bool)))
        names.append(face["person"])
    with closing(source_file.read_frames(media, within=FrameRange(0, 360))) as frames:
        looks = embed_tracks(frames, media, tracks, open_embedder(name))

    assert names == ["A", "B", "B", "A"]
    assert not show_no_face(looks.embeddings, name).any()
    people = group_people(tracks, np.array([180], np.int32), looks, name)
    assert [p.track_ids for p in people] == [(1, 4), (2, 3)]


def test_positions_are_computed_once_per_track(monkeypatch):
    tracks = [track(n, 50 * (n // 2), 100 + 300 * (n % 2)) for n in range(60)]
    calls = []
    drift = place._drift
    monkeypatch.setattr(place, "_drift", lambda of: calls.append(of) or drift(of))

    assert len(members(tracks, cuts=range(50, 1500, 50))) == 2
    assert len(calls) == len(tracks)
