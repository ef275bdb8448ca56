"""Talkers: the participants as face boxes and speech per frame, from scores or from labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FaceTrack, Media, Person


@dataclass(frozen=True, slots=True, eq=False)
class Talker:
    """One participant over the whole source, as the scores or ground-truth labels have them."""

    label: str
    boxes: NDArray[np.float32]
    """(T, 4) the face in source pixels; NaN where it is not visible."""
    speaks: NDArray[np.bool_]
    """(T,)"""


def talkers_of_tracks(
    media: Media, tracks: Sequence[FaceTrack], people: Sequence[Person], speaks: NDArray[np.bool_]
) -> list[Talker]:
    """Return the people with their face tracks and their speech; `speaks` is (P, T)."""
    rows = person_boxes(media, tracks, people)
    return [
        Talker(person.label, boxes, row)
        for person, boxes, row in zip(people, rows, speaks, strict=True)
    ]


def talkers_of_labels(labels: dict[str, Any], media: Media) -> list[Talker]:
    """Return the people of a file of ground-truth labels.

    `labels` is what `labels.read_labels` returns: `faces` (person, from_s, to_s, box) and `speech`
    (person, from_s, to_s) in seconds of the file's own time stamps, which begin at
    `first_video_pts_s`. Speech of a person who is never visible belongs to no talker.
    """
    times = np.arange(media.duration) / float(media.rate) + labels.get("first_video_pts_s", 0.0)

    def during(row: dict[str, Any]) -> NDArray[np.bool_]:
        return (row["from_s"] <= times) & (times < row["to_s"])

    faces, speech = labels["faces"], labels["speech"]
    talkers: list[Talker] = []
    for person in sorted({face["person"] for face in faces}, key=str):
        boxes = np.full((media.duration, 4), np.nan, np.float32)
        speaks = np.zeros(media.duration, bool)
        for face in faces:
            if face["person"] == person:
                boxes[during(face)] = face["box"]
        for row in speech:
            if row["person"] == person:
                speaks |= during(row)
        talkers.append(Talker(str(person), boxes, speaks))
    return talkers


def person_boxes(
    media: Media, tracks: Sequence[FaceTrack], people: Sequence[Person]
) -> list[NDArray[np.float32]]:
    """Return (T, 4) boxes of each person over the whole source; NaN where they are not visible."""
    by_id = {track.id: track for track in tracks}
    rows: list[NDArray[np.float32]] = []
    for person in people:
        boxes = np.full((media.duration, 4), np.nan, np.float32)
        for track in (by_id[id_] for id_ in person.track_ids if id_ in by_id):
            boxes[track.start : track.range.end] = track.boxes
        rows.append(boxes)
    return rows
