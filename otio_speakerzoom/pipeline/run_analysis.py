"""What is known of a source: found in its folder, seen through a part of it, or made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.model import (
    Detections,
    FrameRange,
    Person,
    Speech,
)
from otio_speakerzoom.pipeline import stages
from otio_speakerzoom.pipeline.analysis import Analysis, detections_in, part_of
from otio_speakerzoom.pipeline.digests import (
    Expected,
    Place,
    detections_digest,
    digest,
    people_digests,
    scores_digest,
)
from otio_speakerzoom.pipeline.job import (
    Job,
    Session,
    exclusive_session,
    keep_options,
    open_session,
)
from otio_speakerzoom.pipeline.reconcile import known_people
from otio_speakerzoom.weights.names import SCORERS

NO_DETECTIONS = Detections(
    np.zeros(0, np.int32),
    np.zeros((0, 4), np.float32),
    np.zeros(0, np.float32),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
)


def analyze(job: Job) -> Analysis:
    """Find the faces and score their speech, as far as that is not done already.

    Of a part of the source whose whole is known, what is known is shown through that part. Where
    a cut is kept, the next one is of the same part as that, whatever part is analysed now.
    """
    with exclusive_session(job) as session:
        analysis = analysis_of(session, by_best_means=True)
        cut = (session.folder / "cutlist.json").exists()
        part = {"part": session.kept.part} if cut and session.kept.part else {}
        keep_options(session, **scorer_option(analysis), **part)
        return analysis


def scorer_option(analysis: Analysis) -> dict[str, str]:
    """Return the scorer to keep among the options: the one that scored, not `auto`."""
    return {"scorer": analysis.scorer} if analysis.scorer in SCORERS else {}


def analysis_of(session: Session, *, by_best_means: bool = False) -> Analysis:
    """Return the analysis that a session asks for; what is known is not made again.

    With `by_best_means` people are told apart by looks where that has become possible; without,
    what was done by place is good enough.
    """
    for warning in session.media.warnings:
        stages.log.warning("%s: %s", session.media.path, warning)
    if session.within != session.media.range and not session.job.within:
        stages.log.info(
            "frames %d to %d of %d, as last time; --in 0s takes the whole",
            session.within.start, session.within.end, session.media.duration,
        )  # fmt: skip
    if not session.job.force:
        for place in _places(session, session.within):
            known = _known(session, place)
            if known and not (by_best_means and stages.better_by_looks(known.tracks, place)):
                return part_of(known, session.within)
    return _made(session)


def cached_analysis(job: Job) -> Analysis | None:
    """Return what is kept of the source as it is now; None where nothing is.

    What an interrupted run left of an older state counts for nothing: people must be made from the
    tracks that lie beside them, and scores from those and from the voice.
    """
    session = open_session(job)
    within = session.within
    places = [*_places(session, within), *_places(session, session.media.range)]
    found = (_consistent(session, place) for place in places)
    best = max(filter(None, found), key=lambda a: bool(a.scorer), default=None)
    covers = best and best.within.start <= within.start and within.end <= best.within.end
    return part_of(best, within) if best and covers else best


def analysis_of_cut(session: Session, kept: store.CachedCut) -> Analysis | None:
    """Return the kept analysis that a kept cut was planned from; None where it is gone."""
    span = kept.value.range
    for place in _places(session, span):
        known = _consistent(session, place)
        if known and known.scorer:
            part = part_of(known, span)
            if kept.analysis in ("", part.digest):
                return part
    return None


# --- what is there --------------------------------------------------------------------------------


def _places(session: Session, within: FrameRange) -> Iterator[Place]:
    """Yield where an analysis may lie that covers `within`: of the whole first, then of parts."""
    yield Place(session.folder, session.media.range)
    if within == session.media.range:
        return
    yield Place(session.folder, within)  # where an older version kept a part
    for place in store.part_folders(session.folder):
        if place[1].start <= within.start and within.end <= place[1].end:
            yield Place(*place)


def _own_place(session: Session) -> Place:
    """Return where an analysis of what is asked for goes: a part never touches the whole's."""
    within = session.within
    if within == session.media.range:
        return Place(session.folder, within)
    return Place(store.part_folder(session.folder, within), within)


def _consistent(session: Session, place: Place) -> Analysis | None:
    """Return what a place holds if it fits together, by whatever options it was made."""
    media, folder = session.media, place.folder
    facts, tracks = store.load_media(session.folder), store.load_tracks(folder)
    people, scores = store.load_people(folder), store.load_scores(folder)
    if not facts or facts.input_digest != session.facts or not tracks or not people:
        return None
    if people.input_digest not in people_digests(tracks.input_digest):
        return None
    detections, voice = store.load_detections(folder), store.load_voice(folder)
    found = detections and detections.input_digest and digest("tracks", detections.input_digest)
    seen = detections.value if detections and found == tracks.input_digest else NO_DETECTIONS
    within = place.range
    if voice:
        within = FrameRange(voice.value.start, voice.value.start + len(voice.value.probability))
    speech, scorer, scores_from = Speech(()), "", ""
    if media.first_audio is None:
        scorer, scores_from = "none", _silence(tracks.input_digest)
    elif voice and scores:
        by = {
            scores_digest(name, tracks.input_digest, voice.input_digest): name for name in SCORERS
        }
        if scores.input_digest in by:
            speech, scorer, scores_from = scores.value, by[scores.input_digest], scores.input_digest
    heard = voice.value if voice and scorer and media.first_audio else None
    cast = tuple(person for person in people.value if person.track_ids)
    return Analysis(
        media, within, seen, tracks.value, cast, heard, speech, scorer,
        _whole_digest(scores_from, people.input_digest, cast), _inside(session, folder),
    )  # fmt: skip


def _known(session: Session, place: Place) -> Analysis | None:
    """Return what a place holds if it was made as the session's options say."""
    known = _consistent(session, place)
    if not known or not known.scorer or known.within != place.range:
        return None
    expected = _expected(session, place)
    detections, voice = store.load_detections(place.folder), store.load_voice(place.folder)
    if not detections or detections.input_digest != expected.detections:
        return None
    if known.scorer != "none":
        if not voice or voice.input_digest != expected.voice:
            return None
        if known.scorer not in stages.good_scorers(session):
            return None
    return known


def _expected(session: Session, place: Place) -> Expected:
    options, within = session.options, place.range
    detections = detections_digest(
        options.detector or "", options.detect_every or 0, options.tracker or "", within,
        session.facts,
    )  # fmt: skip
    heard = (asdict(session.audio_selection), within.start, within.end)
    tracks, voice = digest("tracks", detections), digest("voice", heard, session.facts)
    scores = {name: scores_digest(name, tracks, voice) for name in SCORERS}
    return Expected(detections, tracks, voice, scores)


def _inside(session: Session, folder: Path) -> str:
    return "" if folder == session.folder else folder.relative_to(session.folder).as_posix()


def _silence(tracks: str) -> str:
    return store.digest("no sound", tracks)


def _whole_digest(scores: str, people: str, cast: tuple[Person, ...]) -> str:
    """Return the digest of an analysis; names are no part of it."""
    groups = [(person.id, person.track_ids) for person in cast]
    return store.digest(scores, store.digest(people, groups))


# --- what is made ---------------------------------------------------------------------------------


def _made(session: Session) -> Analysis:
    """Run the stages for the part that is asked for, as far as they are not done."""
    place = _own_place(session)
    expected = _expected(session, place)
    before = known_people(_folders(session, place), place.range)
    stages.check_means(session, place, expected)
    detections = stages.detections(session, place, expected, _covering(session, place))
    tracks = stages.tracks(session, place, expected, detections)
    people, people_from = stages.people(session, place, expected, detections, tracks, before)
    voice = stages.voice(session, place, expected)
    speech, scorer = stages.scores(session, place, expected, tracks, voice)
    scores_from = expected.scores.get(scorer) or _silence(expected.tracks)
    cast = tuple(person for person in people if person.track_ids)
    return Analysis(
        session.media, place.range, detections, tracks, cast, voice, speech, scorer,
        _whole_digest(scores_from, people_from, cast), _inside(session, place.folder),
    )  # fmt: skip


def _folders(session: Session, place: Place) -> list[Path]:
    """Return the folders that may know people of this source, the place's own first."""
    others = [session.folder, *(folder for folder, _ in store.part_folders(session.folder))]
    return list(dict.fromkeys([place.folder, *others]))


def _covering(session: Session, place: Place) -> Detections | None:
    """Return kept detections of a longer part, by the same options, as far as they are of this."""
    if session.job.force:
        return None
    for other in _places(session, place.range):
        kept = store.load_detections(other.folder)
        if kept and kept.input_digest == _expected(session, other).detections:
            return detections_in(kept.value, place.range)
    return None
