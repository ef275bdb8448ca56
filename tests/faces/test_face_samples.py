"""Faces embedded while tracks grow are those embedded once the tracks are final."""

import weakref
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.faces.embed import SEGMENTS_PER_TRACK, candidate_frames, embed_tracks
from otio_speakerzoom.faces.face_samples import FaceSamples
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.faces.track import FaceTracker
from otio_speakerzoom.model import FrameFaces, Media

SIZE, FRAME_SIZE = (640, 360), (320, 180)  # of the source, and of the frames


def picture(seed, number):
    """A frame that is unlike any other."""
    rng = np.random.default_rng([seed, number])
    coarse = rng.integers(0, 255, (9, 16, 3), np.uint8)
    return coarse.repeat(20, axis=0).repeat(20, axis=1)


def rows_of(seed, frames, rng):
    """Faces of different sizes that jump, vanish and flicker; some are too small to embed."""
    lefts, sizes = rng.uniform(0, 560, 3), rng.choice([25, 40, 60, 90], 3)
    hidden = np.zeros(3)
    for number in range(0, frames, 2):
        hidden = np.where(rng.random(3) < 0.02, rng.integers(1, 18, 3), hidden - 1)
        lefts += (rng.random(3) < 0.03) * rng.choice([-0.6, 0.6], 3) * sizes
        grown = sizes * rng.uniform(0.9, 1.1, 3)
        visible = (rng.random(3) < 0.85) & (hidden <= 0)
        boxes = np.stack([lefts, lefts * 0 + 100, lefts + grown, 100 + grown], axis=1)
        confidences = rng.uniform(0.4, 1, 3)
        yield FrameFaces(
            number, boxes[visible].astype(np.float32), confidences[visible].astype(np.float32)
        )


def embed(face):
    """Stands for a network: a few numbers that differ from face to face."""
    return np.append(face[::37, ::37].astype(np.float32).ravel(), np.float32(1))


@settings(deadline=None, max_examples=25)  # a busy machine is not a slow function
@given(
    st.integers(0, 2**32), st.integers(10, 500), st.integers(0, 3),
    st.sets(st.integers(1, 499), max_size=3).map(sorted),
)  # fmt: skip
def test_embeddings_equal_those_of_the_final_tracks(seed, length, delay, cuts):
    media = Media(Path("/talk.mp4"), Fraction(25), length, SIZE)
    rows = list(rows_of(seed, length, np.random.default_rng(seed)))
    tracker, samples = FaceTracker(media.rate, media.range), FaceSamples(media, embed)
    for number in range(length + delay):
        if number < length:
            samples.push_frame(SearchFrame.of_array(number, picture(seed, number)))
        for row in [row for row in rows if row.frame == number - delay]:
            samples.push_faces([row])
            samples.push_growth(tracker.push(row, cuts), tracker.settled_end)
    growth, tracks, keys = tracker.finish(cuts)
    samples.push_growth(growth, tracker.settled_end)

    needed = candidate_frames(tracks)
    frames = ((n, picture(seed, n)) for n in range(length) if n in needed)
    expected = embed_tracks(frames, media, tracks, embed)
    looks = samples.finish(keys)
    assert looks.embeddings.tolist() == expected.embeddings.tolist()
    assert looks.sides.tolist() == expected.sides.tolist()


def test_few_pictures_and_faces_stay_in_memory():
    media = Media(Path("/talk.mp4"), Fraction(25), 4000, SIZE)
    tracker, calls = FaceTracker(media.rate, media.range), []
    samples = FaceSamples(media, lambda face: calls.append(1) or embed(face))
    pictures = []
    for number in range(0, 3000, 2):
        frame = picture(0, number)
        pictures = [p for p in pictures if p() is not None] + [weakref.ref(frame)]
        samples.push_frame(SearchFrame.of_array(number, frame))
        boxes = np.float32([[400, 100, 480, 180], [100, 100, 180, 180]])
        if number % 100 > 74:  # missing for longer than a few pictures
            boxes = boxes[:1]
        row = FrameFaces(number, boxes, np.ones(len(boxes), np.float32))
        samples.push_faces([row])
        samples.push_growth(tracker.push(row, []), tracker.settled_end)
        del frame
        assert sum(p() is not None for p in pictures) <= 10
    growth, tracks, keys = tracker.finish([])
    samples.push_growth(growth, tracker.settled_end)

    assert len(tracks) == 2
    assert len(calls) == SEGMENTS_PER_TRACK * 2
    assert samples.finish(keys).embeddings.any(axis=1).all()


def test_short_tracks_are_not_embedded():
    media = Media(Path("/talk.mp4"), Fraction(25), 100, SIZE)
    tracker, samples = FaceTracker(media.rate, media.range), FaceSamples(media, pytest.fail)
    for number in range(0, 100, 2):
        samples.push_frame(SearchFrame.of_array(number, picture(0, number)))
        boxes = np.float32([[100, 100, 180, 180]] if number in (20, 22, 24) else [])
        row = FrameFaces(number, boxes.reshape(-1, 4), np.ones(len(boxes), np.float32))
        samples.push_faces([row])
        samples.push_growth(tracker.push(row, []), tracker.settled_end)

    assert samples.finish([0]).embeddings.shape == (1, 0)


def test_faces_of_a_frame_that_was_not_pushed_are_refused():
    samples = FaceSamples(Media(Path("/talk.mp4"), Fraction(25), 100, SIZE), embed)

    with pytest.raises(ValueError, match="frame 4 has faces, but was not pushed"):
        samples.push_faces([FrameFaces(4, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))])
