"""Which tracks become people."""

import numpy as np

from otio_speakerzoom.faces import embedders
from otio_speakerzoom.faces.embed import Looks
from otio_speakerzoom.model import FaceTrack
from otio_speakerzoom.pipeline import people_stage

NO_CUTS = np.zeros(0, np.int32)


def track(number, start, left):
    boxes = np.tile(np.float32([left, 100, left + 80, 200]), (50, 1))
    return FaceTrack(number, start, boxes, np.ones(50, bool))


def test_a_track_that_shows_no_face_is_nobodys(monkeypatch):
    tracks = (track(1, 0, 100), track(2, 0, 400), track(3, 100, 100))
    looks = Looks(np.float32([[1, 0], [0, 1], [1, 0]]), np.float32([80, 80, 80]))
    monkeypatch.setattr(embedders, "show_no_face", lambda vectors, name: vectors[:, 1] > 0.5)

    def members(looks, embedder):
        people = people_stage._group(tracks, NO_CUTS, looks, embedder)
        return [(person.id, person.track_ids) for person in people]

    assert members(looks, "sface") == [(1, (1, 3))]
    assert members(None, people_stage.BY_PLACE) == [(1, (1, 3)), (2, (2,))]
