"""Returns the analysis of a source: cached, or computed stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.model import Detections, FrameRange, Person, Speech, VoiceActivity
from otio_speakerzoom.pipeline import people_stage, stages
from otio_speakerzoom.pipeline.analysis import (
    NO_DETECTIONS,
    Analysis,
    slice_analysis,
    slice_detections,
)
from otio_speakerzoom.pipeline.digests import (
    AnalysisFolder,
    ExpectedDigests,
    analysis_digest,
    detections_digest,
    digest,
    no_audio_digest,
    people_digests,
    scores_digest,
    voice_digest,
)
from otio_speakerzoom.pipeline.extent import end_of
from otio_speakerzoom.pipeline.job import Job
from otio_speakerzoom.pipeline.reconcile import load_earlier_people
from otio_speakerzoom.pipeline.session import (
    Session,
    exclusive_session,
    open_session,
    save_options,
)
from otio_speakerzoom.weights.best_scorer import better_scorer
from otio_speakerzoom.weights.names import AUTO, SCORERS

Cast = tuple[Person, ...] | None
"""The people of an analysis; None for those of people.json."""


def analyze(job: Job) -> Analysis:
    """Detect the faces and score their speech, as far as that is not cached.

    If the whole source is analyzed, a part of it is a slice of that. If there is a cut, the next
    one will cover the same part as that, whichever part is analyzed now.
    """
    with exclusive_session(job) as session:
        analysis = session_analysis(session, improve=True)
        has_cut = (session.folder / "cutlist.json").exists()
        stored_part = session.stored_options.part
        part = {"part": stored_part} if has_cut and stored_part else {}
        save_options(session, **part)
        return analysis


def session_analysis(session: Session, *, improve: bool = False) -> Analysis:
    """Return the analysis that a session requests, cached as far as possible.

    With `improve`, people grouped by position are grouped by face embedding once that is possible.
    """
    for warning in session.media.warnings:
        stages.log.warning("%s: %s", session.media.path, warning)
    if session.within != session.media.range and not session.job.within:
        stages.log.info(
            "frames %d to %d of %d, as last time; --in 0s takes the whole",
            session.within.start, session.within.end, session.media.duration,
        )  # fmt: skip
    if not session.job.force:
        for folder in _covering_folders(session, session.within):
            analysis = _current_analysis(session, folder)
            if analysis and not (
                improve and people_stage.can_improve_grouping(analysis.tracks, folder)
            ):
                _suggest_better_scorer(session, analysis.scorer)
                return slice_analysis(_with_panels(session, folder, analysis), session.within)
    return _run_stages(session)


def _suggest_better_scorer(session: Session, name: str) -> None:
    """Say how to get better scores, where `auto` goes on with cached ones of the scorer `name`.

    Only where a better one is here already, or where the user has just asked for `auto`.
    """
    if session.options.scorer != AUTO or name not in SCORERS:
        return
    with suppress(WeightsError):  # a wrong file is reported when it is used
        if better := better_scorer(name, at_all=session.job.options.scorer == AUTO):
            stages.log.info(
                "%s: the scores of %s stay; `speakerzoom analyze --scorer %s` replaces them by "
                "better ones", session.media.path, name, better,
            )  # fmt: skip


def cached_analysis(job: Job) -> Analysis | None:
    """Return the cached analysis of the source as it is now; None if there is none.

    Results that an interrupted run left from an earlier state do not count: people must come from
    the tracks beside them, and scores from those and the voice activity.
    """
    session = open_session(job)
    within = session.within
    folders = [
        *_covering_folders(session, within),
        *_covering_folders(session, session.media.range),
    ]
    analyses = filter(None, (_load_analysis(session, folder) for folder in folders))
    best = max(analyses, key=lambda analysis: bool(analysis.scorer), default=None)
    covers = best and best.within.start <= within.start and within.end <= best.within.end
    return slice_analysis(best, within) if best and covers else best


def cut_analysis(session: Session, cut: store.CachedCut, cast: Cast = None) -> Analysis | None:
    """Return the analysis that a cached cut was planned from; None if it is gone.

    With `cast` it has these people.
    """
    span = cut.value.range
    for folder in _covering_folders(session, span):
        analysis = _load_analysis(session, folder, cast)
        if analysis and analysis.scorer:
            part = slice_analysis(analysis, span)
            if cut.analysis_digest in ("", part.digest):
                return part
    return None


# --- cached analyses ------------------------------------------------------------------------------


def _covering_folders(session: Session, within: FrameRange) -> Iterator[AnalysisFolder]:
    """Yield where there may be an analysis that covers `within`: of the whole, then of parts."""
    yield AnalysisFolder(session.folder, session.media.range)
    if within == session.media.range:
        return
    yield AnalysisFolder(session.folder, within)  # where early versions stored a part
    for path, span in store.part_folders(session.folder):
        if span.start <= within.start and within.end <= span.end:
            yield AnalysisFolder(path, span)


def _own_folder(session: Session) -> AnalysisFolder:
    """Return the folder for the requested part: results of the whole stay as they are."""
    within = session.within
    if within == session.media.range:
        return AnalysisFolder(session.folder, within)
    return AnalysisFolder(store.part_folder(session.folder, within), within)


def _load_analysis(session: Session, folder: AnalysisFolder, cast: Cast = None) -> Analysis | None:
    """Return the analysis in a folder if its results fit together, whatever its options were."""
    media, tracks = store.load_media(session.folder), store.load_tracks(folder.path)
    people, scores = store.load_people(folder.path), store.load_scores(folder.path)
    if not media or media.input_digest != session.media_digest or not tracks or not people:
        return None
    if people.input_digest not in people_digests(tracks.input_digest).values():
        return None
    detections = stages.cached_detections(folder.path, tracks.input_digest)
    within, voice = folder.range, store.load_voice(folder.path)
    if voice:
        within = FrameRange(voice.value.start, voice.value.start + len(voice.value.probability))
    speech, scorer, scores_from = _load_speech(session, tracks.input_digest, scores, voice)
    if max(within.end, *map(end_of, (detections, tracks.value, speech))) > session.media.duration:
        return None
    uses_voice = voice and scorer and session.media.first_audio
    cast = tuple(p for p in (people.value if cast is None else cast) if p.track_ids)
    return Analysis(
        session.media, within, detections, tracks.value, cast,
        voice.value if voice and uses_voice else None, speech, scorer,
        _digest(scores_from, people.input_digest, cast), _relative(session, folder.path),
        stages.cached_panels(folder.path),
    )  # fmt: skip


def _load_speech(
    session: Session,
    tracks_digest: str,
    scores: store.Cached[Speech] | None,
    voice: store.Cached[VoiceActivity] | None,
) -> tuple[Speech, str, str]:
    """Return the speech, its scorer and its digest; the scorer is empty if there are no scores."""
    if session.media.first_audio is None:
        return Speech(()), "none", no_audio_digest(tracks_digest)
    if voice and scores:
        for name in SCORERS:
            if scores.input_digest == scores_digest(name, tracks_digest, voice.input_digest):
                return scores.value, name, scores.input_digest
    return Speech(()), "", ""


def _with_panels(session: Session, folder: AnalysisFolder, analysis: Analysis) -> Analysis:
    """Return a current analysis with its panels, which early versions did not look for."""
    expected = _expected_digests(session, folder)
    panels = stages.find_panels(session, folder, expected, analysis.detections, analysis.tracks)
    stages.remove_saved(folder.path)
    return replace(analysis, panels=panels)


def _current_analysis(session: Session, folder: AnalysisFolder) -> Analysis | None:
    """Return the analysis in a folder if it was computed with the session's options."""
    analysis = _load_analysis(session, folder)
    if not analysis or not analysis.scorer or analysis.within != folder.range:
        return None
    expected = _expected_digests(session, folder)
    detections, voice = store.load_detections(folder.path), store.load_voice(folder.path)
    fits = detections and analysis.detections is not NO_DETECTIONS  # the tracks come from them
    if not detections or not fits or detections.input_digest != expected.detections:
        return None
    if analysis.scorer == "none":
        return analysis
    if not voice or voice.input_digest != expected.voice:
        return None
    return analysis if analysis.scorer in stages.accepted_scorers(session) else None


def _expected_digests(session: Session, folder: AnalysisFolder) -> ExpectedDigests:
    options, within = session.options, folder.range
    detections = detections_digest(
        options.detector or "", options.detect_every or 0, options.tracker or "", within,
        session.media_digest,
    )  # fmt: skip
    tracks = digest("tracks", detections)
    voice = voice_digest(session.audio_selection, within, session.media_digest)
    scores = {name: scores_digest(name, tracks, voice) for name in SCORERS}
    return ExpectedDigests(detections, digest("panels", detections), tracks, voice, scores)


def _relative(session: Session, folder: Path) -> str:
    return "" if folder == session.folder else folder.relative_to(session.folder).as_posix()


def _digest(scores: str, people: str, cast: tuple[Person, ...]) -> str:
    return analysis_digest(scores, people, [(person.id, person.track_ids) for person in cast])


def _run_stages(session: Session) -> Analysis:
    """Analyze the requested part, stage by stage; each uses its cached result if it is current."""
    folder = _own_folder(session)
    expected = _expected_digests(session, folder)
    earlier = load_earlier_people(_people_folders(session, folder), folder.range)
    stages.check_requirements(session, folder, expected)
    covering = _covering_detections(session, folder)
    looks = None
    if covering is None and _can_share_a_pass(session, folder, expected):
        from otio_speakerzoom.pipeline.analysis_pass import run_pass

        looks = run_pass(session, folder, expected)
        session = replace(session, job=replace(session.job, force=False))
    detections = stages.detect(session, folder, expected, covering)
    tracks = stages.track(session, folder, expected, detections)
    panels = stages.find_panels(session, folder, expected, detections, tracks)
    people, people_from = people_stage.group_by_person(
        session, folder, expected, detections, tracks, earlier, looks
    )
    voice = stages.detect_voice(session, folder, expected)
    speech, scorer = stages.score(session, folder, expected, tracks, voice)
    scores_from = expected.scores.get(scorer) or no_audio_digest(expected.tracks)
    cast = tuple(person for person in people if person.track_ids)
    return Analysis(
        session.media, folder.range, detections, tracks, cast, voice, speech, scorer,
        _digest(scores_from, people_from, cast), _relative(session, folder.path), panels,
    )  # fmt: skip


def _can_share_a_pass(session: Session, folder: AnalysisFolder, expected: ExpectedDigests) -> bool:
    """Whether both the faces and their scores are missing, so that one pass gives both."""
    if session.media.first_audio is None or session.job.force:
        return session.media.first_audio is not None
    detections, scores = store.load_detections(folder.path), store.load_scores(folder.path)
    return not (detections and detections.input_digest == expected.detections) and not (
        scores and scores.input_digest in stages.accepted_scores(session, expected)
    )


def _people_folders(session: Session, folder: AnalysisFolder) -> list[Path]:
    """Return the folders that may hold people of this source, `folder` itself first."""
    others = [session.folder, *(path for path, _ in store.part_folders(session.folder))]
    return list(dict.fromkeys([folder.path, *others]))


def _covering_detections(session: Session, folder: AnalysisFolder) -> Detections | None:
    """Return the detections in `folder.range` from a cached longer part with the same options."""
    if session.job.force:
        return None
    for other in _covering_folders(session, folder.range):
        document = store.load_detections(other.path)
        if document and document.input_digest == _expected_digests(session, other).detections:
            return slice_detections(document.value, folder.range)
    return None
