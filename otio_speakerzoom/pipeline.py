"""The stages in order, reusing what is already there.

    probe -> detect -> track -> people -> score -> direct -> cut list

Each stage's result is kept beside the source with a digest of what it was made from; a stage whose
digest has not changed is not run again. What an editor changed by hand is kept.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom import store, weights
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import SpeakerZoomError, StoreError
from otio_speakerzoom.faces.choose import WEIGHTS as DETECTOR_WEIGHTS
from otio_speakerzoom.model import (
    Box,
    CutList,
    Detections,
    FaceTrack,
    FrameRange,
    Listening,
    Lock,
    Media,
    Person,
    Progress,
    Speech,
    Voice,
    quiet,
)

log = logging.getLogger(__name__)

EMBEDDER = "mobilefacenet"
"""The weights that tell people apart by looks, where they are here."""
SCORERS = ("talknet", "sync-asd", "lr-asd", "light-asd", "motion")
"""Best first. The weights of `sync-asd` come with the project; `motion` needs none."""

TOO_FAR = 0.12
"""Seconds by which sound may miss the lips before it is worth a warning: three pictures at 25 fps.
In programmes 0.125 early to 0.045 late is accepted (ITU-R BT.1359)."""

# Raise a stage's number whenever its result changes for the same input and options.
VERSIONS = {
    "media": 4,
    "detections": 3,
    "tracks": 3,
    "people": 3,
    "voice": 1,
    "scores": 4,
    "cut": 3,
}


def silent(stage: str) -> Progress:
    """Report no stage's progress to anybody."""
    return quiet


@dataclass(frozen=True, slots=True)
class Job:
    """One source, and how its analysis is to be made."""

    source: Path
    work: Path | None = None
    """Folder for the results, instead of the source's own."""
    detector: str = "blazeface"
    detect_every: int | None = None
    """Frames from one look of the detector to the next; None for as often as faces move."""
    tracker: str = "iou"
    """What follows faces between two looks; `iou` for nothing: boxes are interpolated."""
    scorer: str = "auto"
    device: str = "auto"
    listening: Listening = field(default_factory=Listening)
    """What of the source's sound is listened to."""
    within: Callable[[Media], FrameRange] | None = None
    """Which part of the source to look at; None for all of it."""
    force: bool = False
    """Run every stage again."""
    on_stage: Callable[[str], Progress] = silent

    @property
    def folder(self) -> Path:
        return store.find_folder(self.source, self.work)


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What is known of a source before anything is cut."""

    media: Media
    within: FrameRange
    detections: Detections
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: Voice | None
    """None where the source has no sound."""
    speech: Speech
    scorer: str
    digest: str
    """Of everything here, for what is made from it."""


def open_source(job: Job) -> tuple[Media, str]:
    """Return the facts of the source, and their digest; nothing is written."""
    if not job.source.is_file():
        return source_file.probe(job.source), ""  # which says what is wrong
    made_from = _digest("media", store.digest_of_file(job.source))
    kept = store.load_media(job.folder)
    if kept and kept.made_from == made_from and kept.value.path == source_file.as_named(job.source):
        return kept.value, made_from
    return source_file.probe(job.source), made_from


def analyze(job: Job) -> Analysis:
    """Find the faces and score their speech, as far as that is not done already."""
    media, media_digest = open_source(job)
    folder = store.settle(job.folder, job.source)
    kept = store.load_media(folder)
    if not kept or (kept.value, kept.made_from) != (media, media_digest):
        store.save_media(folder, media, media_digest, store.digest_of_file(job.source))
    for warning in media.warnings:
        log.warning("%s: %s", media.path, warning)
    within = job.within(media) if job.within else media.range
    detections, detections_digest = _detections(job, media, within, media_digest)
    tracks, tracks_digest = _tracks(job, media, within, detections, detections_digest)
    people, people_digest = _people(job, media, within, detections, tracks, tracks_digest)
    voice, voice_digest = _voice(job, media, within, media_digest)
    inputs = store.digest(tracks_digest, voice_digest)
    speech, scorer, scores_digest = _scores(job, media, within, tracks, voice, inputs)
    digest = store.digest(scores_digest, people_digest)
    return Analysis(media, within, detections, tracks, people, voice, speech, scorer, digest)


def cut(
    job: Job,
    style: Style,
    canvas: Callable[[Media], tuple[int, int]],
    *,
    stacked: bool = False,
) -> CutList:
    """Return the cut of the source, planned anew where what it was made from has changed.

    The locks beside the source are kept. A cut list that somebody edited is returned as it is,
    unless the job is forced. `stacked` adds the angles that were not chosen.
    """
    analysis = analyze(replace(job, force=False))
    size = canvas(analysis.media)
    locks = store.load_locks(job.folder)
    options = (asdict(style), size, stacked, [asdict(lock) for lock in locks])
    made_from = _digest("cut", options, analysis.digest)
    kept = None if job.force else _load_cut(job, analysis)
    if kept and kept.edited:
        log.warning("%s was edited: it is kept; --force plans anew", job.folder / "cutlist.json")
    if kept and (kept.edited or kept.made_from == made_from):
        return kept.value
    cut_list = direct(
        analysis.media,
        analysis.tracks,
        _nameless(analysis.people),
        analysis.speech.scores,
        style,
        canvas=size,
        camera_cuts=analysis.detections.camera_cuts.tolist(),
        within=analysis.within,
        voice=analysis.voice,
        locks=locks,
        stacked=stacked,
    )
    store.save_cut_list(job.folder, cut_list, made_from, asdict(style))
    # what is kept is rounded for people to read: give that, so that export says the same again
    return kept.value if (kept := _load_cut(job, analysis)) else cut_list


def _nameless(people: Sequence[Person]) -> tuple[Person, ...]:
    """Return the people by their numbers alone: what is kept of a cut has no names in it."""
    return tuple(replace(person, name="") for person in people)


def _load_cut(job: Job, analysis: Analysis) -> store.KeptCut | None:
    return store.load_cut_list(job.folder, analysis.media, analysis.people)


def kept_cut(job: Job) -> CutList | None:
    """Return the cut that is kept beside the source, as it is; None where there is none."""
    media, _ = open_source(job)
    people = store.load_people(job.folder)
    kept = store.load_cut_list(job.folder, media, people.value if people else ())
    return kept.value if kept else None


def current_cut(job: Job) -> CutList | None:
    """Return the kept cut as it is, or planned anew in its own style where the locks have changed.

    Nothing is looked at or listened to again. None where nothing is cut yet.
    """
    cut_list = kept_cut(job)
    locks = store.load_locks(job.folder)
    if cut_list is None or _obeys(cut_list, locks):
        return cut_list
    media, people = cut_list.media, store.load_people(job.folder)
    kept = store.load_cut_list(job.folder, media, people.value if people else ())
    known, detections = kept_analysis(job), store.load_detections(job.folder)
    style = kept.style if kept else {}
    if (kept and kept.edited) or not known or not detections or not style:
        log.warning(
            "%s: is not applied to the kept cut, which %s; `speakerzoom cut --force` plans anew",
            job.folder / "locks.json",
            "was edited" if kept and kept.edited else "was made from what is no longer here",
        )
        return cut_list
    _, tracks, people_now, voice, speech = known
    cut_list = direct(
        media, tracks, _nameless(people_now), speech.scores, Style(**style),
        canvas=cut_list.canvas, camera_cuts=detections.value.camera_cuts.tolist(),
        within=cut_list.range, voice=voice, locks=locks, stacked=bool(cut_list.angles),
    )  # fmt: skip
    store.save_cut_list(job.folder, cut_list, "", style)
    return kept_cut(job)


def _obeys(cut_list: CutList, locks: Sequence[Lock]) -> bool:
    """Whether the locked shots of a cut are what the locks say, and no others."""
    shots = [shot for shot in cut_list.shots if shot.locked]
    seen = [
        lock
        for lock in locks
        if lock.range.start < cut_list.range.end and cut_list.range.start < lock.range.end
    ]
    return len(shots) == len(seen) and all(
        set(shot.subjects) == set(lock.subjects)
        and shot.range.start <= max(lock.range.start, cut_list.range.start)
        and min(lock.range.end, cut_list.range.end) <= shot.range.end
        and (lock.crop is None or _alike(lock.crop, shot.crop))
        for shot, lock in zip(shots, seen, strict=True)
    )


def _alike(a: Box, b: Box) -> bool:
    """Whether two crops are the same once written to a thousandth of a pixel, as they are kept."""
    pairs = zip(astuple(a), astuple(b), strict=True)
    return all(abs(one - other) < 1e-3 for one, other in pairs)


def kept_analysis(
    job: Job,
) -> tuple[Media, tuple[FaceTrack, ...], tuple[Person, ...], Voice | None, Speech] | None:
    """Return what is kept of the source as it is now; None where nothing is.

    What an interrupted run left of an older state counts for nothing: people must be made from the
    tracks that lie beside them, and scores from those and from the voice.
    """
    media, media_digest = open_source(job)
    facts, tracks = store.load_media(job.folder), store.load_tracks(job.folder)
    people, scores = store.load_people(job.folder), store.load_scores(job.folder)
    if not facts or facts.made_from != media_digest or not tracks or not people:
        return None
    if people.made_from not in _people_digests(tracks.made_from):
        return None
    voice = store.load_voice(job.folder)
    if voice and scores:
        inputs = store.digest(tracks.made_from, voice.made_from)
        if scores.made_from in {_scores_digest(name, inputs) for name in SCORERS}:
            return media, tracks.value, people.value, voice.value, scores.value
    return media, tracks.value, people.value, None, Speech(())


def _digest(stage: str, *inputs: object) -> str:
    return store.digest(stage, VERSIONS[stage], *inputs)


def _detections(job: Job, media: Media, within: FrameRange, inputs: str) -> tuple[Detections, str]:
    with_weights = [_sha256(name) for name in DETECTOR_WEIGHTS[job.detector]]
    looks = (job.detect_every, job.tracker)
    options = (job.detector, with_weights, *looks, within.start, within.end)
    made_from = _digest("detections", options, inputs)
    kept = None if job.force else store.load_detections(job.folder)
    if kept and kept.made_from == made_from:
        return kept.value, made_from
    from otio_speakerzoom.faces.choose import choose_detector
    from otio_speakerzoom.faces.detect import detect_faces, looked_at_size

    _prepare(job, media)
    pictures = source_file.pictures(media, size=looked_at_size(media), within=within)
    chosen = choose_detector(job.detector, device=job.device, on_fetch=job.on_stage)
    with chosen as detector, closing(pictures):
        detections = detect_faces(
            pictures, media, detector, within=within, every=job.detect_every, follow=job.tracker,
            on_progress=job.on_stage("find faces"),
        )  # fmt: skip
    store.save_detections(job.folder, detections, made_from)
    if not len(detections.frames):
        log.warning("%s: no face is seen anywhere: the cut stays wide", media.path)
    return detections, made_from


def _prepare(job: Job, media: Media) -> None:
    """Find what the stages to come will need, fetched if need be; raise where it is not there."""
    if job.folder.exists() and not os.access(job.folder, os.W_OK):
        raise StoreError(f"{job.folder}: may not be written into; keep the results in --work DIR")
    source_file.find_ffmpeg()
    weights.find(EMBEDDER)  # which tells of a wrong file in its place
    if media.sound is not None:
        from otio_speakerzoom.speech.scorers import prepare_scorer

        prepare_scorer(job.scorer, job.device, on_fetch=job.on_stage)


def _tracks(
    job: Job, media: Media, within: FrameRange, detections: Detections, inputs: str
) -> tuple[tuple[FaceTrack, ...], str]:
    made_from = _digest("tracks", inputs)
    kept = None if job.force else store.load_tracks(job.folder)
    if kept and kept.made_from == made_from:
        return kept.value, made_from
    from otio_speakerzoom.faces.track import track_faces

    tracks = track_faces(detections, media.rate, within)
    store.save_tracks(job.folder, tracks, made_from)
    return tracks, made_from


def _people(
    job: Job,
    media: Media,
    within: FrameRange,
    detections: Detections,
    tracks: tuple[FaceTrack, ...],
    inputs: str,
) -> tuple[tuple[Person, ...], str]:
    """Return the people and their digest.

    They are told apart by looks where that could join any tracks and the weights for it are here;
    people.json is not made anew for that where somebody has edited it.
    """
    by_place, by_looks = _people_digests(inputs)
    apart = any(not _overlap(a, b) for a, b in combinations(tracks, 2))
    made_from = by_looks if apart and weights.find(EMBEDDER) else by_place
    kept = store.load_people(job.folder)
    if kept and (
        kept.made_from == made_from or (kept.edited and kept.made_from in (by_place, by_looks))
    ):
        people, made_from = kept.value, kept.made_from
    elif kept and kept.edited and not job.force:
        raise StoreError(
            f"{job.folder / 'people.json'}: was edited, but the faces have been found anew since; "
            "move it away, or `speakerzoom analyze --force` to replace it"
        )
    else:
        from otio_speakerzoom.faces.people import group_people

        looks = _looks(job, media, within, tracks) if made_from == by_looks else None
        people = group_people(tracks, detections.camera_cuts, looks)
        store.save_people(job.folder, people, made_from)
    return people, store.digest(made_from, [asdict(person) for person in _nameless(people)])


def _looks(
    job: Job, media: Media, within: FrameRange, tracks: tuple[FaceTrack, ...]
) -> NDArray[np.float32]:
    """Return a vector for each track of what its face looks like."""
    from otio_speakerzoom.faces.detect import looked_at_size
    from otio_speakerzoom.faces.embed import embed_tracks, find_embedder

    embedder = find_embedder()
    assert embedder is not None
    pictures = source_file.pictures(media, size=looked_at_size(media), within=within)
    with closing(pictures):
        return embed_tracks(
            pictures, media, tracks, embedder, on_progress=job.on_stage("tell people apart")
        )


def _overlap(a: FaceTrack, b: FaceTrack) -> bool:
    return a.start < b.range.end and b.start < a.range.end


def _people_digests(tracks: str) -> tuple[str, str]:
    """Return the digests of people told apart by place, and by looks."""
    return _digest("people", tracks), _digest("people", _sha256(EMBEDDER), tracks)


def _voice(job: Job, media: Media, within: FrameRange, inputs: str) -> tuple[Voice | None, str]:
    options = (asdict(job.listening), within.start, within.end)
    made_from = _digest("voice", options, inputs)
    if media.sound is None:
        log.warning(
            "%s: has no sound, so nobody can be heard to speak: the cut stays wide", media.path
        )
        return None, made_from
    kept = None if job.force else store.load_voice(job.folder)
    if kept and kept.made_from == made_from:
        return kept.value, made_from
    from otio_speakerzoom.speech.scorers import hear_source

    _prepare(job, media)
    voice = hear_source(media, within, job.listening, job.on_stage("listen"))
    store.save_voice(job.folder, voice, made_from)
    return voice, made_from


def _scores(
    job: Job,
    media: Media,
    within: FrameRange,
    tracks: tuple[FaceTrack, ...],
    voice: Voice | None,
    inputs: str,
) -> tuple[Speech, str, str]:
    """Return the scores, the name of the scorer that made them, and their digest.

    With `auto`, kept scores are good enough unless a better scorer's weights are here by now.
    """
    made = {name: _scores_digest(name, inputs) for name in SCORERS}
    if voice is None:
        return Speech(()), "none", store.digest("no sound", inputs)
    kept = None if job.force else store.load_scores(job.folder)
    if kept:
        names = SCORERS if job.scorer == "auto" else (job.scorer,)
        for name in names:
            if kept.made_from == made[name]:
                return kept.value, name, made[name]
            if job.scorer == "auto" and _sha256(name) and weights.find(name):
                break  # better than what is kept
    from otio_speakerzoom.speech.scorers import choose_scorer, score_source

    scorer = choose_scorer(job.scorer, job.device, on_fetch=job.on_stage)
    if job.scorer == "auto" and kept and kept.made_from == made[scorer.name]:
        return kept.value, scorer.name, made[scorer.name]
    speech = score_source(media, tracks, voice, scorer, within, job.on_stage("score speech"))
    store.save_scores(job.folder, speech, made[scorer.name])
    if warning := out_of_sync(media, speech):
        log.warning("%s", warning)
    return speech, scorer.name, made[scorer.name]


def out_of_sync(media: Media, speech: Speech) -> str:
    """Return a line about sound that does not fit the lips; nothing where it does."""
    late = speech.late
    if late is None or abs(late) <= TOO_FAR:
        return ""
    return (
        f"{media.path}: the sound comes about {1000 * abs(late):.0f} ms "
        f"{'after' if late > 0 else 'before'} the lips; scores suffer from that, and it will show. "
        f"Conform it first: ffmpeg -i IN -itsoffset {-late:.2f} -i IN -map 0:v -map 1:a -c copy OUT"
    )


def _scores_digest(scorer: str, inputs: str) -> str:
    return _digest("scores", scorer, _sha256(scorer), inputs)


def _sha256(name: str) -> str:
    """Return the sha256 of the weights called `name`; nothing for what needs none."""
    return next((item.sha256 for item in weights.catalogue() if item.name == name), "")


def timeline_text(
    cut_list: CutList,
    adapter: str,
    arguments: dict[str, str],
    *,
    media_root: tuple[str, str] | None = None,
) -> str:
    """Return the timeline of `cut_list` as the OTIO adapter of that name writes it.

    `media_root` is a folder above the media, and its name where the timeline will be opened.
    """
    import opentimelineio as otio

    from otio_speakerzoom.locations import relocated
    from otio_speakerzoom.timeline import to_otio

    path = str(cut_list.media.path)
    timeline = to_otio(cut_list, path=relocated(path, *media_root) if media_root else path)
    try:
        return otio.adapters.write_to_string(timeline, adapter, **arguments)
    except otio.exceptions.NotSupportedError as error:
        raise SpeakerZoomError(
            f"OpenTimelineIO does not find {adapter}: install otio-speakerzoom again"
        ) from error
