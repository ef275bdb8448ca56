"""The stages that take long, each run only where its result is not kept.

detect -> track -> people, listen -> score
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.model import Detections, FaceTrack, Media, Person, Speech, VoiceActivity
from otio_speakerzoom.pipeline.digests import (
    Expected,
    Place,
    people_digests,
    sha256,
)
from otio_speakerzoom.pipeline.job import Session
from otio_speakerzoom.pipeline.reconcile import KnownPerson, meet, sightings
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import EMBEDDER, SCORERS

log = logging.getLogger("otio_speakerzoom.pipeline")

TOO_FAR = 0.12
"""Seconds by which sound may miss the lips before it is worth a warning: three pictures at 25 fps.
In programmes 0.125 early to 0.045 late is accepted (ITU-R BT.1359)."""


def check_means(session: Session, place: Place, expected: Expected) -> None:
    """Find what the stages to come will need, fetched if need be; raise where it is not there."""
    job, media = session.job, session.media
    fetch.find(EMBEDDER)  # which tells of a wrong file in its place
    if media.first_audio is None:
        return
    from otio_speakerzoom.speech.audio_channels import check_listening

    check_listening(media, session.audio_selection)
    kept = None if job.force else store.load_scores(place.folder)
    if kept and kept.input_digest in {expected.scores[name] for name in good_scorers(session)}:
        return
    from otio_speakerzoom.speech.scorers import prepare_scorer

    prepare_scorer(session.options.scorer or "auto", job.device, on_fetch=job.on_stage)


def good_scorers(session: Session) -> tuple[str, ...]:
    """Return the scorers whose scores are good enough, best first.

    With `auto` those are good enough that are kept, unless a better scorer's weights are here.
    """
    if session.options.scorer != "auto":
        return (session.options.scorer or "",)
    best = next((n for n, name in enumerate(SCORERS) if sha256(name) and fetch.find(name)), None)
    return SCORERS if best is None else SCORERS[: best + 1]


def detections(
    session: Session, place: Place, expected: Expected, covering: Detections | None
) -> Detections:
    """Return every face of a part; `covering` if a longer part is known already."""
    job, media, options = session.job, session.media, session.options
    kept = None if job.force else store.load_detections(place.folder)
    if kept and kept.input_digest == expected.detections:
        return kept.value
    if covering is not None:
        store.save_detections(place.folder, covering, expected.detections)
        return covering
    from otio_speakerzoom.faces.detect import detect_faces, detector_size
    from otio_speakerzoom.faces.detectors.choose import choose_detector

    pictures = source_file.read_frames(media, size=detector_size(media), within=place.range)
    chosen = choose_detector(options.detector or "", device=job.device, on_fetch=job.on_stage)
    with chosen as detector, closing(pictures):
        found = detect_faces(
            pictures, media, detector, within=place.range, every=options.detect_every or None,
            follow=options.tracker or "", on_progress=job.on_stage("find faces"),
        )  # fmt: skip
    session.check_unchanged()
    store.save_detections(place.folder, found, expected.detections)
    if not len(found.frames):
        log.warning("%s: no face is seen anywhere: the cut stays wide", media.path)
    return found


def tracks(
    session: Session, place: Place, expected: Expected, found: Detections
) -> tuple[FaceTrack, ...]:
    """Return the faces of a part, each followed from frame to frame."""
    kept = None if session.job.force else store.load_tracks(place.folder)
    if kept and kept.input_digest == expected.tracks:
        return kept.value
    from otio_speakerzoom.faces.track import track_faces

    followed = track_faces(found, session.media.rate, place.range)
    store.save_tracks(place.folder, followed, expected.tracks)
    return followed


def people(
    session: Session,
    place: Place,
    expected: Expected,
    found: Detections,
    followed: tuple[FaceTrack, ...],
    before: Sequence[KnownPerson],
) -> tuple[tuple[Person, ...], str]:
    """Return the people, and what they were made from.

    They are told apart by looks where that could join any tracks and the weights for it are here;
    people.json is not made anew for that where somebody has edited it. Where it is made anew,
    people keep the numbers and names that they had.
    """
    path = place.folder / "people.json"
    version, kept = store.file_digest(path), store.load_people(place.folder)
    by_place, by_looks = people_digests(expected.tracks)
    input_digest = by_looks if _could_look(followed) else by_place
    if kept and (
        kept.input_digest == input_digest
        or (kept.edited and kept.input_digest in (by_place, by_looks))
    ):
        return kept.value, kept.input_digest
    from otio_speakerzoom.faces.people import group_people

    looks = _looks(session, place, followed) if input_digest == by_looks else None
    met = meet(group_people(followed, found.camera_cuts, looks), followed, before)
    if kept and kept.edited:
        log.info(
            "%s: people were detected again; the file as you edited it is kept as %s",
            path,
            store.back_up(path).name,
        )
    for person in met:
        if not person.track_ids:
            log.warning("%s: was not detected again; the name stays in %s", person.name, path)
    store.save_people(place.folder, met, input_digest, sightings(met, followed), version=version)
    return met, input_digest


def better_by_looks(followed: tuple[FaceTrack, ...], place: Place) -> bool:
    """Whether people who were told apart by place could be told apart by looks by now."""
    kept, kept_tracks = store.load_people(place.folder), store.load_tracks(place.folder)
    if not kept or not kept_tracks or kept.edited:
        return False
    by_place, _ = people_digests(kept_tracks.input_digest)
    return kept.input_digest == by_place and _could_look(followed)


def _could_look(followed: tuple[FaceTrack, ...]) -> bool:
    apart = any(not _overlap(a, b) for a, b in combinations(followed, 2))
    return apart and fetch.find(EMBEDDER) is not None


def _looks(session: Session, place: Place, followed: tuple[FaceTrack, ...]) -> NDArray[np.float32]:
    """Return a vector for each track of what its face looks like."""
    from otio_speakerzoom.faces.detect import detector_size
    from otio_speakerzoom.faces.embed import embed_tracks, find_embedder

    media, embedder = session.media, find_embedder()
    assert embedder is not None
    pictures = source_file.read_frames(media, size=detector_size(media), within=place.range)
    step = session.job.on_stage("tell people apart")
    with closing(pictures):
        looks = embed_tracks(pictures, media, followed, embedder, on_progress=step)
    session.check_unchanged()
    return looks


def _overlap(a: FaceTrack, b: FaceTrack) -> bool:
    return a.start < b.range.end and b.start < a.range.end


def voice(session: Session, place: Place, expected: Expected) -> VoiceActivity | None:
    """Return when anybody is heard; None where the source has no sound."""
    media = session.media
    if media.first_audio is None:
        log.warning(
            "%s: has no sound, so nobody can be heard to speak: the cut stays wide", media.path
        )
        return None
    kept = None if session.job.force else store.load_voice(place.folder)
    if kept and kept.input_digest == expected.voice:
        return kept.value
    from otio_speakerzoom.speech.scorers import hear_source

    heard = hear_source(media, place.range, session.audio_selection, session.job.on_stage("listen"))
    session.check_unchanged()
    store.save_voice(place.folder, heard, expected.voice)
    return heard


def scores(
    session: Session,
    place: Place,
    expected: Expected,
    followed: tuple[FaceTrack, ...],
    heard: VoiceActivity | None,
) -> tuple[Speech, str]:
    """Return the scores and the name of the scorer that made them; `none` without sound."""
    if heard is None:
        return Speech(()), "none"
    job, media = session.job, session.media
    kept = None if job.force else store.load_scores(place.folder)
    for name in good_scorers(session) if kept else ():
        if kept and kept.input_digest == expected.scores[name]:
            return kept.value, name
    from otio_speakerzoom.speech.scorers import choose_scorer, score_source

    scorer = choose_scorer(session.options.scorer or "auto", job.device, on_fetch=job.on_stage)
    step = job.on_stage("score speech")
    speech = score_source(media, followed, heard, scorer, place.range, step)
    session.check_unchanged()
    store.save_scores(place.folder, speech, expected.scores[scorer.name])
    if warning := sync_warning(media, speech):
        log.warning("%s", warning)
    return speech, scorer.name


def sync_warning(media: Media, speech: Speech) -> str:
    """Return a line about sound that does not fit the lips; nothing where it does."""
    late = speech.av_offset_s
    if late is None or abs(late) <= TOO_FAR:
        return ""
    return (
        f"{media.path}: the sound comes about {1000 * abs(late):.0f} ms "
        f"{'after' if late > 0 else 'before'} the lips; this makes the scores worse, and viewers "
        "notice it. "
        f"Shift it first with {source_file.shift_audio_command(media.path, -late)}"
    )
