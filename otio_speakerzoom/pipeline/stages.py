"""The stages that take long: each uses its cached result if that is current.

detect -> track -> group people (in `people_stage`), and voice activity -> score
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store
from otio_speakerzoom.model import Detections, FaceTrack, Media, Panel, Speech, VoiceActivity
from otio_speakerzoom.pipeline.analysis import NO_DETECTIONS
from otio_speakerzoom.pipeline.caching import cached, has_digest
from otio_speakerzoom.pipeline.digests import AnalysisFolder, ExpectedDigests, digest
from otio_speakerzoom.pipeline.extent import Result, end_of
from otio_speakerzoom.pipeline.session import Session
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import AUTO, EMBEDDERS, SCORERS

log = logging.getLogger("otio_speakerzoom.pipeline")

NO_FACES = "%s: no face is detected: the cut stays wide"
MAX_SYNC_ERROR_S = 0.12
"""Between audio and lips before a warning is worthwhile: three frames at 25 fps. In programmes
0.125 early to 0.045 late is accepted (ITU-R BT.1359)."""


def check_requirements(session: Session, folder: AnalysisFolder, expected: ExpectedDigests) -> None:
    """Find the weights that the stages need, download them if need be; raise if any is missing."""
    job, media = session.job, session.media
    for embedder in EMBEDDERS:
        fetch.find(embedder)  # which reports a wrong file in its place
    if media.first_audio is None:
        return
    from otio_speakerzoom.speech.audio_channels import check_audio_selection

    check_audio_selection(media, session.audio_selection)
    document = None if job.force else store.load_scores(folder.path)
    if document and document.input_digest in accepted_scores(session, expected):
        return
    from otio_speakerzoom.speech.scorers import prepare_scorer

    prepare_scorer(session.scorer, job.device, on_fetch=job.on_stage)


def accepted_scorers(session: Session) -> tuple[str, ...]:
    """Return the scorers whose cached scores are used, best first.

    With `auto` those of any scorer are, although a better one may be here now: an hour of analysis
    is not repeated without a request.
    """
    return SCORERS if session.options.scorer == AUTO else (session.options.scorer or "",)


def accepted_scores(session: Session, expected: ExpectedDigests) -> set[str]:
    """Return the input digests of cached scores that are used."""
    return {expected.scores[name] for name in accepted_scorers(session)}


def detect(
    session: Session,
    folder: AnalysisFolder,
    expected: ExpectedDigests,
    covering: Detections | None,
) -> Detections:
    """Return every face in a part of the source.

    `covering` are its detections if they are known from a longer part.
    """

    def compute() -> tuple[Detections, str]:
        detections = _detect(session, folder, expected) if covering is None else covering
        return detections, expected.detections

    detections, _ = cached(
        folder.path, store.load_detections, _save_detections,
        has_digest(expected.detections, _within(session)), compute, force=session.job.force,
    )  # fmt: skip
    return detections


def _within(session: Session) -> Callable[[Result], bool]:
    """Return a check of whether a result lies in the source; one that does not is not of it."""
    return lambda result: end_of(result) <= session.media.duration


def _save_detections(folder: Path, detections: Detections, input_digest: str) -> None:
    """Save the detections; what an interrupted run has left of them is not needed any more."""
    store.save_detections(folder, detections, input_digest)
    store.remove_unfinished(folder)


def _detect(session: Session, folder: AnalysisFolder, expected: ExpectedDigests) -> Detections:
    from otio_speakerzoom.faces.detect import FaceDetection
    from otio_speakerzoom.faces.detectors.choose import choose_detector
    from otio_speakerzoom.pipeline.detection_log import DetectionLog, detect_with_log

    job, media, options = session.job, session.media, session.options
    journal = store.DetectionJournal(folder.path, expected.detections, restart=job.force)
    opening = choose_detector(options.detector or "", device=job.device, on_fetch=job.on_stage)
    with closing(journal), opening as detector:
        detection = FaceDetection(
            media, detector, within=folder.range, every=options.detect_every or None,
            tracker=options.tracker or "",
        )  # fmt: skip
        detections = detect_with_log(
            media, folder.range, detection, DetectionLog(detection, journal),
            job.on_stage("find faces"),
        )  # fmt: skip
    session.check_unchanged()
    if not len(detections.frames):
        log.warning(NO_FACES, media.path)
    return detections


def track(
    session: Session, folder: AnalysisFolder, expected: ExpectedDigests, detections: Detections
) -> tuple[FaceTrack, ...]:
    """Return the face tracks in a part of the source."""

    def compute() -> tuple[tuple[FaceTrack, ...], str]:
        from otio_speakerzoom.faces.track import track_faces

        return track_faces(detections, session.media.rate, folder.range), expected.tracks

    tracks, _ = cached(
        folder.path, store.load_tracks, store.save_tracks,
        has_digest(expected.tracks, _within(session)), compute, force=session.job.force,
    )  # fmt: skip
    return tracks


def find_panels(
    session: Session,
    folder: AnalysisFolder,
    expected: ExpectedDigests,
    detections: Detections,
    tracks: Sequence[FaceTrack],
) -> tuple[Panel, ...]:
    """Return the panels of split screens in a part of the source; none where there are no faces.

    The pass that detects and scores faces finds them too; after an interruption, or beside an
    analysis of an earlier version, they take a decode of their own.
    """

    def compute() -> tuple[tuple[Panel, ...], str]:
        return _find_panels(session, folder, detections) if tracks else (), expected.panels

    panels, _ = cached(
        folder.path, store.load_panels, store.save_panels,
        has_digest(expected.panels, _within(session)), compute, force=session.job.force,
    )  # fmt: skip
    return panels


def cached_detections(folder: Path, tracks_digest: str) -> Detections:
    """Return the detections that the tracks come from; none if they are not cached any more."""
    detections = store.load_detections(folder)
    if not detections:
        return NO_DETECTIONS
    expected = detections.input_digest and digest("tracks", detections.input_digest)
    return detections.value if expected == tracks_digest else NO_DETECTIONS


def cached_panels(folder: Path) -> tuple[Panel, ...]:
    """Return the panels between the camera cuts of the detections beside them; none elsewhere."""
    panels, detections = store.load_panels(folder), store.load_detections(folder)
    fit = panels and detections and digest("panels", detections.input_digest)
    return panels.value if panels and panels.input_digest == fit else ()


def _find_panels(
    session: Session, folder: AnalysisFolder, detections: Detections
) -> tuple[Panel, ...]:
    from otio_speakerzoom.faces.detect import detector_size
    from otio_speakerzoom.faces.panel_search import find_panels, sample_step

    media, within, step = session.media, folder.range, sample_step(session.media)
    frames = source_file.read_frames(
        media, size=detector_size(media), within=within,
        is_needed=lambda number: (number - within.start) % step == 0,
    )  # fmt: skip
    on_progress = session.job.on_stage("find split screens")
    with closing(frames):
        panels = find_panels(
            frames, media, detections.camera_cuts.tolist(), within, on_progress=on_progress
        )
    session.check_unchanged()
    return panels


def detect_voice(
    session: Session, folder: AnalysisFolder, expected: ExpectedDigests
) -> VoiceActivity | None:
    """Return the voice activity; None if the source has no audio."""
    media = session.media
    if media.first_audio is None:
        log.warning("%s: has no audio, so nobody is heard speaking: the cut stays wide", media.path)
        return None

    def compute() -> tuple[VoiceActivity, str]:
        from otio_speakerzoom.speech.analyze import detect_voice

        on_progress = session.job.on_stage("detect voice")
        voice = detect_voice(media, folder.range, session.audio_selection, on_progress)
        session.check_unchanged()
        return voice, expected.voice

    voice, _ = cached(
        folder.path, store.load_voice, store.save_voice,
        has_digest(expected.voice, _within(session)), compute, force=session.job.force,
    )  # fmt: skip
    return voice


def score(
    session: Session,
    folder: AnalysisFolder,
    expected: ExpectedDigests,
    tracks: tuple[FaceTrack, ...],
    voice: VoiceActivity | None,
) -> tuple[Speech, str]:
    """Return the scores and the name of their scorer; `none` if the source has no audio."""
    if voice is None:
        return Speech(()), "none"

    def compute() -> tuple[Speech, str]:
        from otio_speakerzoom.speech.analyze import score_source
        from otio_speakerzoom.speech.scorers import choose_scorer

        job, media = session.job, session.media
        scorer = choose_scorer(
            session.scorer, job.device, on_fetch=job.on_stage, reason=session.scorer_reason
        )
        on_progress, input_digest = job.on_stage("score speech"), expected.scores[scorer.name]
        batches_digest = _batches_digest(input_digest, tracks)
        journal = store.BatchJournal(folder.path, batches_digest, restart=job.force)
        with closing(journal):
            speech = score_source(
                media, tracks, voice, scorer, folder.range, on_progress, journal,
                partial(store.unnamed_file, folder.path),
            )  # fmt: skip
        session.check_unchanged()
        if warning := sync_warning(media, speech):
            log.warning("%s", warning)
        return speech, input_digest

    accepted, within = accepted_scores(session, expected), _within(session)
    speech, input_digest = cached(
        folder.path, store.load_scores, _save_scores,
        lambda document: document.input_digest in accepted and within(document.value),
        compute, force=session.job.force,
    )  # fmt: skip
    remove_saved(folder.path)
    return speech, {digest: name for name, digest in expected.scores.items()}[input_digest]


def _save_scores(folder: Path, speech: Speech, input_digest: str) -> None:
    """Save the scores; what led to them is not needed any more."""
    store.save_scores(folder, speech, input_digest)
    store.remove_unfinished(folder)


def remove_saved(folder: Path) -> None:
    """Remove what a run has left that was interrupted after it had saved the results."""
    if not store.has_unfinished(folder):
        return
    detections, scores = store.load_detections(folder), store.load_scores(folder)
    tracks = store.load_tracks(folder)
    saved = [document.input_digest for document in (detections, scores) if document]
    if scores and tracks:
        saved.append(_batches_digest(scores.input_digest, tracks.value))
    store.remove_unfinished(folder, saved)


def _batches_digest(scores: str, tracks: Sequence[FaceTrack]) -> str:
    """Return the digest of batches of final tracks: other tracks are divided into other batches."""
    return store.digest(scores, [(track.start, len(track.boxes)) for track in tracks])


def sync_warning(media: Media, speech: Speech) -> str:
    """Return a warning about audio that is out of sync with the lips; "" if it is in sync."""
    offset = speech.av_offset_s
    if offset is None or abs(offset) <= MAX_SYNC_ERROR_S:
        return ""
    return (
        f"{media.path}: the audio comes about {1000 * abs(offset):.0f} ms "
        f"{'after' if offset > 0 else 'before'} the lips; this makes the scores worse, and viewers "
        "notice it. "
        f"Shift it first with {source_file.shift_audio_command(media.path, -offset)}"
    )
