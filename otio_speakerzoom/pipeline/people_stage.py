"""The stage that groups face tracks into people; it uses its cached result if that is current."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.model import Detections, FaceTrack, Person
from otio_speakerzoom.pipeline.caching import cached
from otio_speakerzoom.pipeline.digests import (
    BY_PLACE,
    AnalysisFolder,
    ExpectedDigests,
    people_digests,
)
from otio_speakerzoom.pipeline.reconcile import EarlierPerson, reconcile_people, sample_sightings
from otio_speakerzoom.pipeline.session import Session
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import EMBEDDERS

if TYPE_CHECKING:  # it loads OpenCV
    from otio_speakerzoom.faces.embed import Looks

log = logging.getLogger("otio_speakerzoom.pipeline")


def group_by_person(
    session: Session,
    folder: AnalysisFolder,
    expected: ExpectedDigests,
    detections: Detections,
    tracks: tuple[FaceTrack, ...],
    earlier: Sequence[EarlierPerson],
    looks: Looks | None = None,
) -> tuple[tuple[Person, ...], str]:
    """Return the people, and their input digest; `looks` are those of the tracks, if known.

    Tracks are grouped by the best face embedder that is installed, or by place where no two of them
    could be one person. An edited people.json stays when only that changes. New people get the ids,
    the names and what else the editor wrote of `earlier` ones.
    """
    path = folder.path / "people.json"
    expected_digest, document = store.file_digest(path), store.load_people(folder.path)
    digests = people_digests(expected.tracks)
    embedder = _choose_embedder(tracks)
    input_digest = digests[embedder]

    def is_current(people: store.Cached[tuple[Person, ...]]) -> bool:
        return people.input_digest == input_digest or (
            people.edited and people.input_digest in digests.values()
        )

    def compute() -> tuple[tuple[Person, ...], str]:
        own = _look(session, folder, tracks, embedder, looks) if embedder else None
        groups = _group(tracks, detections.camera_cuts, own, embedder)
        people = reconcile_people(groups, tracks, earlier)
        _report_changes(path, people, edited=bool(document and document.edited))
        return people, input_digest

    def save(folder: Path, people: Sequence[Person], input_digest: str) -> None:
        sightings = sample_sightings(people, tracks)
        store.save_people(folder, people, input_digest, sightings, expected_digest=expected_digest)

    return cached(folder.path, lambda _: document, save, is_current, compute)


def _group(
    tracks: tuple[FaceTrack, ...],
    camera_cuts: NDArray[np.int32],
    looks: Looks | None,
    embedder: str,
) -> tuple[Person, ...]:
    """Return the people; a track that shows no face is nobody's."""
    from otio_speakerzoom.faces.embed import Looks
    from otio_speakerzoom.faces.embedders import show_no_face
    from otio_speakerzoom.faces.people import group_people

    if looks is None:
        return group_people(tracks, camera_cuts)
    faces = np.flatnonzero(~show_no_face(looks.embeddings, embedder))
    own = Looks(looks.embeddings[faces], looks.sides[faces])
    return group_people([tracks[n] for n in faces.tolist()], camera_cuts, own, embedder)


def _report_changes(path: Path, people: Sequence[Person], *, edited: bool) -> None:
    """Back up an edited people.json before it is replaced, and report who was not detected."""
    if edited:
        log.info(
            "%s: people were detected again; your edited file was copied to %s",
            path,
            store.back_up(path).name,
        )
    for person in people:
        if not person.track_ids:
            log.warning("%s: was not detected again, and stays in %s", person.label, path)


def can_improve_grouping(tracks: tuple[FaceTrack, ...], folder: AnalysisFolder) -> bool:
    """Whether a better embedder than the one that people were grouped by is installed now."""
    people, cached_tracks = store.load_people(folder.path), store.load_tracks(folder.path)
    if not people or not cached_tracks or people.edited:
        return False
    digests = people_digests(cached_tracks.input_digest)
    used = [name for name, digest in digests.items() if digest == people.input_digest]
    names = list(digests)
    return bool(used) and names.index(_choose_embedder(tracks)) < names.index(used[0])


def best_embedder() -> str:
    """Return the name of the best embedder that is installed, or `BY_PLACE`; downloads nothing."""
    return next((name for name in EMBEDDERS if fetch.find(name)), BY_PLACE)


def _choose_embedder(tracks: tuple[FaceTrack, ...]) -> str:
    """Return the best embedder; `BY_PLACE` for none, or where no two tracks may be one person."""
    apart = any(not _overlap(a, b) for a, b in combinations(tracks, 2))
    return best_embedder() if apart else BY_PLACE


def _look(
    session: Session,
    folder: AnalysisFolder,
    tracks: tuple[FaceTrack, ...],
    embedder: str,
    looks: Looks | None,
) -> Looks:
    """Return what each track looks like: what is known already, if it is."""
    if looks is not None:
        return looks
    from otio_speakerzoom.faces.detect import detector_size
    from otio_speakerzoom.faces.embed import candidate_frames, embed_tracks
    from otio_speakerzoom.faces.embedders import open_embedder

    media = session.media
    frames = source_file.read_frames(
        media, size=detector_size(media), within=folder.range,
        is_needed=candidate_frames(tracks).__contains__,
    )  # fmt: skip
    on_progress = session.job.on_stage("group people")
    with closing(frames):
        looks = embed_tracks(
            frames, media, tracks, open_embedder(embedder), on_progress=on_progress
        )
    session.check_unchanged()
    return looks


def _overlap(a: FaceTrack, b: FaceTrack) -> bool:
    return a.start < b.range.end and b.start < a.range.end
