"""Computes the results that need the pixels of a source in one pass, and saves them.

The pass leaves journals in the work folder; after an interruption the next run goes on from them,
to the same results.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

from otio_speakerzoom import store
from otio_speakerzoom.faces.detect import FaceDetection
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.faces.detectors.interface import Detector, FaceDetector
from otio_speakerzoom.faces.embed import Looks
from otio_speakerzoom.faces.embedders import open_embedder
from otio_speakerzoom.faces.face_samples import FaceSamples
from otio_speakerzoom.faces.panel_search import PanelSearch
from otio_speakerzoom.model import FrameRange, Progress, Speech, VoiceActivity, no_progress
from otio_speakerzoom.pipeline.detection_log import DetectionLog
from otio_speakerzoom.pipeline.digests import BY_PLACE, AnalysisFolder, ExpectedDigests
from otio_speakerzoom.pipeline.job import no_stage_progress
from otio_speakerzoom.pipeline.one_pass import Faces, detect_and_score, join_segments
from otio_speakerzoom.pipeline.people_stage import best_embedder
from otio_speakerzoom.pipeline.segment import SegmentTask, no_crop, no_faces, split
from otio_speakerzoom.pipeline.segment_crops import SegmentCrops
from otio_speakerzoom.pipeline.segment_processes import (
    MIN_SPLIT_S,
    SegmentRunner,
    analyze_segments,
    segment_processes,
)
from otio_speakerzoom.pipeline.session import Session
from otio_speakerzoom.pipeline.stages import NO_FACES, sync_warning
from otio_speakerzoom.source import share_heap
from otio_speakerzoom.speech import scorers
from otio_speakerzoom.speech.audio_analysis import AudioPasses
from otio_speakerzoom.speech.audio_thread import AudioThread
from otio_speakerzoom.speech.crops import LOWER_FACE, CropRecipe
from otio_speakerzoom.speech.scoring import SpeechScoring
from otio_speakerzoom.weights import fetch

log = logging.getLogger("otio_speakerzoom.pipeline")

STAGE = "find faces and score speech"
SEGMENT_S = 30
"""Seconds of film in a segment. Its margins take 5 % then, and the crops of three faces 28 MB."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """What a pass over a part of a source consists of."""

    session: Session
    within: FrameRange
    scoring: SpeechScoring
    recipe: CropRecipe
    journal: store.DetectionJournal
    on_progress: Progress

    @property
    def every(self) -> int | None:
        """Frames from one run of the detector to the next; None for the default."""
        return self.session.options.detect_every or None

    @property
    def tracker(self) -> str:
        return self.session.options.tracker or ""

    def panels(self) -> PanelSearch | None:
        """Return the search for panels; None where a journal holds a part, without the frames."""
        whole = self.journal.end is None
        return PanelSearch(self.session.media, self.within) if whole else None

    def detection(self, detector: Detector) -> tuple[FaceDetection, DetectionLog]:
        """Return the detection of the faces, with its log."""
        detection = FaceDetection(
            self.session.media, detector, within=self.within, every=self.every, tracker=self.tracker
        )
        return detection, DetectionLog(detection, self.journal)


def run_pass(session: Session, folder: AnalysisFolder, expected: ExpectedDigests) -> Looks | None:
    """Detect, track and score the faces in a part of a source that has audio; save the results.

    Return what each track looks like, to the best embedder, if all was done in one go in this
    process; they are not saved.
    """
    share_heap()
    job, media, within = session.job, session.media, folder.range
    scorer = scorers.choose_scorer(
        session.scorer, job.device, on_fetch=job.on_stage, reason=session.scorer_reason
    )
    scores_digest, new_file = expected.scores[scorer.name], partial(store.unnamed_file, folder.path)
    with (
        closing(
            store.DetectionJournal(folder.path, expected.detections, restart=job.force)
        ) as journal,
        closing(store.BatchJournal(folder.path, scores_digest, restart=job.force)) as batches,
        _audio(session, folder, expected) as audio,
    ):
        scoring = SpeechScoring(
            scorer, media.rate, within, audio.read_mfcc, batches=batches, new_file=new_file
        )
        on_progress = _cancelling(audio, job.on_stage(STAGE))
        faces = _find_faces(_Pass(session, within, scoring, scorer.recipe, journal, on_progress))
        probability = audio.voice().probability
        speech = scoring.finish(faces.tracks, faces.keys, no_crop, probability)
        session.check_unchanged()
    store.save_detections(folder.path, faces.detections, expected.detections)
    store.save_tracks(folder.path, faces.tracks, expected.tracks)
    store.save_scores(folder.path, speech, scores_digest)
    if faces.panels is not None:
        panels = faces.panels if faces.tracks else ()
        store.save_panels(folder.path, panels, expected.panels)
    store.remove_unfinished(folder.path)
    _warn(session, faces, speech)
    return faces.looks


def _warn(session: Session, faces: Faces, speech: Speech) -> None:
    if not len(faces.detections.frames):
        log.warning(NO_FACES, session.media.path)
    if warning := sync_warning(session.media, speech):
        log.warning("%s", warning)


@contextmanager
def _audio(
    session: Session, folder: AnalysisFolder, expected: ExpectedDigests
) -> Iterator[AudioThread]:
    """Analyse the audio beside the frames; save the voice activity as soon as it is known."""
    cached = None if session.job.force else store.load_voice(folder.path)
    voice = cached.value if cached and cached.input_digest == expected.voice else None
    passes = AudioPasses(
        session.media, folder.range, session.audio_selection, voice=voice,
        new_file=partial(store.unnamed_file, folder.path),
    )  # fmt: skip

    def save(new: VoiceActivity) -> None:
        if voice is None:
            session.check_unchanged()
            store.save_voice(folder.path, new, expected.voice)

    on_progress = no_progress if voice else session.job.on_stage("detect voice")
    with AudioThread(passes, on_voice=save, on_progress=on_progress) as thread:
        yield thread


def _cancelling(audio: AudioThread, on_progress: Progress) -> Progress:
    """Cancel the audio if `on_progress` raises an error, lest scoring waits for it."""

    def step(done: int, total: int) -> None:
        try:
            on_progress(done, total)
        except BaseException:
            audio.cancel()
            raise

    return step


def _find_faces(running: _Pass) -> Faces:
    """Return the faces; all their boxes are scored."""
    job, media, within = running.session.job, running.session.media, running.within
    processes = segment_processes(job.jobs, media, within)
    if job.run_segments and within.duration >= MIN_SPLIT_S * media.rate:
        return _find_in_segments(running, job.run_segments)
    if processes > 1:
        return _find_in_segments(running, partial(analyze_segments, processes=processes))
    name = running.session.options.detector or ""
    with choose.choose_detector(name, device=job.device, on_fetch=job.on_stage) as detector:
        detection, detection_log = running.detection(detector)
        embedder = best_embedder() if running.journal.end is None else BY_PLACE
        return detect_and_score(
            media, within, detection, running.scoring, running.on_progress, detection_log,
            FaceSamples(media, open_embedder(embedder)) if embedder else None, running.panels(),
        )  # fmt: skip


def _find_in_segments(running: _Pass, run_segments: SegmentRunner) -> Faces:
    """Return the faces as `_find_faces` does, from segments that are analysed side by side."""
    media, within = running.session.media, running.within
    recipes = tuple(dict.fromkeys((running.recipe, LOWER_FACE)))  # for the A/V offset the latter
    start = running.journal.end or within.start
    tasks = [
        SegmentTask(media, within, span, running.every, running.tracker, recipes)
        for span in split(media, FrameRange(start, within.end), running.every, SEGMENT_S)
    ]
    detection, detection_log = running.detection(no_faces)
    with (
        closing(SegmentCrops(media, within, recipes)) as crops,
        closing(run_segments(tasks, _opener(running))) as results,
    ):
        return join_segments(
            media, within, results, crops, detection, running.scoring, running.on_progress,
            detection_log, running.panels(),
        )  # fmt: skip


def _opener(running: _Pass) -> partial[FaceDetector]:
    """Return what opens the detector in another process; its weights are here then."""
    job, name = running.session.job, running.session.options.detector or ""
    for weights in choose.WEIGHTS[name]:
        fetch.need(weights, on_progress=job.on_stage(f"fetch {weights}"))
    return partial(choose.choose_detector, name, device=job.device, on_fetch=no_stage_progress)
