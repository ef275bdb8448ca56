"""The stage that groups face tracks into people; it uses its cached result if that is current."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.model import Detections, FaceTrack, Person
from otio_speakerzoom.pipeline.caching import cached
from otio_speakerzoom.pipeline.digests import AnalysisFolder, ExpectedDigests, people_digests
from otio_speakerzoom.pipeline.reconcile import EarlierPerson, reconcile_people, sample_sightings
from otio_speakerzoom.pipeline.session import Session
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import EMBEDDER

log = logging.getLogger("otio_speakerzoom.pipeline")


def group_by_person(
    session: Session,
    folder: AnalysisFolder,
    expected: ExpectedDigests,
    detections: Detections,
    tracks: tuple[FaceTrack, ...],
    earlier: Sequence[EarlierPerson],
    embeddings: NDArray[np.float32] | None = None,
) -> tuple[tuple[Person, ...], str]:
    """Return the people, and their input digest; `embeddings` are those of the tracks, if known.

    Tracks are grouped by face embedding if its weights are installed and it could join any of them,
    else by position. An edited people.json stays when only that changes. New people get the ids,
    the names and what else the editor wrote of `earlier` ones.
    """
    path = folder.path / "people.json"
    expected_digest, document = store.file_digest(path), store.load_people(folder.path)
    by_position, by_embedding = people_digests(expected.tracks)
    uses_embeddings = _can_use_embeddings(tracks)
    input_digest = by_embedding if uses_embeddings else by_position

    def is_current(people: store.Cached[tuple[Person, ...]]) -> bool:
        return people.input_digest == input_digest or (
            people.edited and people.input_digest in (by_position, by_embedding)
        )

    def compute() -> tuple[tuple[Person, ...], str]:
        from otio_speakerzoom.faces.people import group_people

        vectors = _embed(session, folder, tracks, embeddings) if uses_embeddings else None
        groups = group_people(tracks, detections.camera_cuts, vectors)
        people = reconcile_people(groups, tracks, earlier)
        _report_changes(path, people, edited=bool(document and document.edited))
        return people, input_digest

    def save(folder: Path, people: Sequence[Person], input_digest: str) -> None:
        sightings = sample_sightings(people, tracks)
        store.save_people(folder, people, input_digest, sightings, expected_digest=expected_digest)

    return cached(folder.path, lambda _: document, save, is_current, compute)


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
    """Whether people who were grouped by position could be grouped by face embedding now."""
    people, cached_tracks = store.load_people(folder.path), store.load_tracks(folder.path)
    if not people or not cached_tracks or people.edited:
        return False
    by_position, _ = people_digests(cached_tracks.input_digest)
    return people.input_digest == by_position and _can_use_embeddings(tracks)


def _can_use_embeddings(tracks: tuple[FaceTrack, ...]) -> bool:
    """Whether two tracks could be one person, and the embedder is installed."""
    apart = any(not _overlap(a, b) for a, b in combinations(tracks, 2))
    return apart and fetch.find(EMBEDDER) is not None


def _embed(
    session: Session,
    folder: AnalysisFolder,
    tracks: tuple[FaceTrack, ...],
    embeddings: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Return a face embedding of each track: those that are known already, if any."""
    if embeddings is not None:
        return embeddings
    from otio_speakerzoom.faces.detect import detector_size
    from otio_speakerzoom.faces.embed import candidate_frames, embed_tracks, find_embedder

    media, embedder = session.media, find_embedder()
    assert embedder is not None
    frames = source_file.read_frames(
        media, size=detector_size(media), within=folder.range,
        is_needed=candidate_frames(tracks).__contains__,
    )  # fmt: skip
    on_progress = session.job.on_stage("group people")
    with closing(frames):
        embeddings = embed_tracks(frames, media, tracks, embedder, on_progress=on_progress)
    session.check_unchanged()
    return embeddings


def _overlap(a: FaceTrack, b: FaceTrack) -> bool:
    return a.start < b.range.end and b.start < a.range.end
