"""Other faces in singles: wherever one shows, it is covered, in every frame, in the film too."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import find_ffmpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.crop_geometry import crops_of
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import (
    Box,
    Cover,
    CoverKey,
    CutList,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    Shot,
    SpeechScores,
)
from otio_speakerzoom.render.covers import FaceObscurer, blur
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.transform import cover_at, trim_shot

SIZE = (1920, 1080)


def path(points, frames, width):
    """(frames, 4) boxes of a face that walks from point to point."""
    at = np.linspace(0, frames - 1, len(points))
    x, y = (np.interp(np.arange(frames), at, [p[axis] for p in points]) for axis in (0, 1))
    boxes = np.stack([x, y, x + width, y + width * 4 / 3], axis=1)
    return boxes.astype(np.float32)


def single(own, other, *, style, locks=(), start=0):
    """The cut of somebody who speaks all the time, while somebody else walks about."""
    media = Media(Path("/talk.mp4"), Fraction(25), len(own), SIZE)
    tracks = [
        FaceTrack(n, first, boxes, np.ones(len(boxes), bool))
        for n, first, boxes in ((1, 0, own), (2, start, other))
    ]
    scores = [SpeechScores(1, 0, np.full(len(own), 4, np.float32))]
    people = [Person(1, (1,)), Person(2, (2,))]
    return direct(media, tracks, people, scores, style, canvas=SIZE, locks=locks)


def uncovered(cut_list, other, start=0):
    """Frames of singles of person 1 in which more of the other face shows than a pixel's edge."""
    bare = []
    for shot in cut_list.shots:
        crops = crops_of(shot, SIZE, cut_list.canvas)
        for frame in range(shot.range.start, shot.range.end):
            if not 0 <= frame - start < len(other) or shot.subjects != (1,):
                continue
            box, crop = other[frame - start].astype(float), crops[frame - shot.range.start]
            low, high = np.maximum(box[:2], crop[:2]), np.minimum(box[2:], crop[2:])
            if (high - low).min() < 1:
                continue
            hidden = [b for cover in shot.covers if (b := cover_at(cover, frame))]
            if not any(
                b.left <= low[0] and b.top <= low[1] and high[0] <= b.right and high[1] <= b.bottom
                for b in hidden
            ):
                bare.append(frame)
    return bare


points = st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 900)), min_size=2, max_size=6)


@given(points, points, st.integers(60, 240), st.sampled_from(("still", "reframe", "smooth")),
       st.integers(0, 100))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_wherever_another_face_shows_in_a_single_it_is_covered(mine, others, width, follow, start):
    style = replace(Style(), follow=follow, obscure_others="blur")
    own, other = path(mine, 200, width), path(others, 200 - start, width)
    cut_list = single(own, other, style=style, start=start)

    assert uncovered(cut_list, other, start) == []


def test_a_crop_that_follows_its_face_past_somebody_has_him_covered_in_every_frame():
    own = path([(400, 400), (400, 400), (1300, 400), (1300, 400)], 300, 120)
    other = path([(800, 420)], 300, 120)
    cut_list = single(own, other, style=replace(Style(), follow="smooth", obscure_others="blur"))

    assert cut_list.shots[0].keys
    assert cut_list.shots[0].covers
    assert uncovered(cut_list, other) == []


def test_a_face_that_shows_for_a_moment_only_is_covered():
    own = path([(800, 400)], 200, 120)
    other = path([(800, 420)], 200, 120)
    other[:, [0, 2]] += 900
    other[90:100, [0, 2]] -= 750  # one frame in twenty, so its usual place is out of the picture
    cut_list = single(own, other, style=replace(Style(), obscure_others="dim"))

    assert len(cut_list.shots[0].covers) == 1
    assert uncovered(cut_list, other) == []


def test_a_locked_crop_of_another_shape_has_covers_for_what_is_seen_of_it():
    own = path([(320, 500)], 100, 120)
    lock = Lock(FrameRange(0, 100), (1,), Box(300, 300, 700, 900))  # of it, 487 to 712 is seen
    style = replace(Style(), obscure_others="blur")

    for top, covers in ((320, 0), (420, 1)):
        cut_list = single(own, path([(450, top)], 100, 120), style=style, locks=[lock])
        assert len(cut_list.shots[0].covers) == covers


@pytest.mark.parametrize("how", ["dim", "blur"])
@pytest.mark.parametrize("pixels", ["yuv420p", "rgb24"])
def test_a_cover_changes_all_of_its_box_and_nothing_else(how, pixels):
    rng = np.random.default_rng(1)
    noise = np.kron(rng.integers(60, 230, (32, 48, 1), np.uint8), np.ones((2, 2, 3), np.uint8))
    picture = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=pixels)
    boxes = [Box(3.4, 5.2, 30.1, 41), Box(70, 50, 200, 99), Box(-20, -20, -5, 3)]

    covered = FaceObscurer().obscure(picture, [(how, box) for box in boxes])
    changed = covered.to_ndarray()[0] != FaceObscurer().obscure(picture, []).to_ndarray()[0]
    inside = np.zeros((64, 96), bool)
    inside[5:41, 3:31] = inside[50:, 70:] = True

    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.9


def test_a_part_of_a_shot_has_the_covers_of_its_frames():
    keys = (CoverKey(10, Box(0, 0, 10, 10)), CoverKey(20, Box(100, 0, 110, 10)))
    shot = Shot(
        FrameRange(0, 50), (1,), Box(0, 0, *SIZE), covers=(Cover(keys[0].box, "dim", keys),)
    )

    part = trim_shot(shot, FrameRange(15, 40), SIZE, SIZE)
    assert part.covers[0].keys == (CoverKey(15, Box(50, 0, 60, 10)), keys[1])
    assert [cover_at(part.covers[0], frame) for frame in (14, 21)] == [None, None]
    assert trim_shot(shot, FrameRange(21, 40), SIZE, SIZE).covers == ()


@pytest.mark.parametrize("how", ["dim", "blur"])
def test_in_the_film_a_moving_face_never_shows(tmp_path, how):
    """A white square with black bars walks through a dark picture."""
    clip = tmp_path / "walk.mkv"
    face = r"between(X\,4*N\,4*N+31)*between(Y\,40\,71)*gt(mod(X-4*N\,16)\,7)"
    command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i",
               f"color=black:s=320x180:r=25:d=2,geq=lum='16+219*{face}':cb=128:cr=128",
               "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv420p", str(clip)]  # fmt: skip
    subprocess.run(command, check=True)
    keys = tuple(
        CoverKey(frame, Box(4 * frame - 10, 30, 4 * frame + 42, 82)) for frame in (5, 20, 44)
    )
    shots = (
        Shot(FrameRange(0, 50), (1,), Box(0, 0, 320, 180), covers=(Cover(keys[0].box, how, keys),)),
    )
    media = probe(clip)
    render_film(CutList(media, (320, 180), shots, (Person(1, (1,)),)), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        pictures = [frame.to_ndarray(format="gray")[44:68].astype(int) for frame in film.decode()]
    steps = [np.abs(np.diff(frame, axis=1)).max() for frame in pictures]

    assert len(steps) == 50
    assert max(steps[5:45]) < 60
    assert min(steps[:5] + steps[45:]) > 150


def test_a_blur_is_the_mean_around_each_pixel_weighed_by_a_gaussian():
    rng = np.random.default_rng(1)
    part = rng.integers(0, 256, (3, 90, 60), np.uint8)
    part[:, :40] //= 16  # a hard edge
    weights = []
    for length in (90, 60):
        at = np.arange(length)
        bell = np.exp(-((at[:, None] - at) ** 2) / (2 * (60 / 8) ** 2))
        weights.append(bell / bell.sum(axis=1, keepdims=True))

    assert np.abs(blur(part, 60) - weights[0] @ part @ weights[1].T).max() < 0.51


def test_a_face_half_out_of_the_frame_is_blurred_as_softly_as_a_whole_one():
    stripes = np.broadcast_to((np.arange(240) // 10 % 2 * 200 + 30).astype(np.uint8), (160, 240))
    picture = av.VideoFrame.from_ndarray(np.repeat(stripes[..., None], 3, 2), format="rgb24")

    left = {}
    for box in (Box(40, 20, 200, 140), Box(-120, 20, 40, 140)):  # of the second a quarter shows
        luma = FaceObscurer().obscure(picture, [("blur", box)]).to_ndarray()[0]
        inside = luma[60:100, max(0, int(box.left)) : int(box.right)].astype(int)
        left[box.left] = np.abs(np.diff(inside)).max()

    assert left[-120] <= left[40] + 2
