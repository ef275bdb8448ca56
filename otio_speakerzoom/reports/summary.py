"""What is known of a source, for people to read and for programs: people, screen time, shots."""

from __future__ import annotations

import csv
import json
from collections.abc import Container, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.direct import speaker_activity_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FaceTrack, Media, Person, Shot, Speech, VoiceActivity
from otio_speakerzoom.reports.evaluation import (
    CutFigures,
    Talker,
    lanes_framed,
    measure,
    talkers_of_labels,
    talkers_of_tracks,
)
from otio_speakerzoom.reports.labels import read_labels
from otio_speakerzoom.timecode import timecode
from otio_speakerzoom.weights import catalogue, fetch

HEARD = 0.5
"""Probability above which somebody is heard: Silero VAD's own default."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A cut held against who speaks."""

    talkers: tuple[Talker, ...]
    figures: CutFigures
    framed: list[list[int]]
    """Of each shot, the numbers of the talkers it frames."""
    against: str
    """What says who speaks: the scores, or a labels file."""


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisSummary:
    """Everything that is kept beside one source."""

    media: Media
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: VoiceActivity | None
    speech: Speech
    speaks: NDArray[np.bool_]
    """(P, frames) who holds the floor, by the standard style."""
    cut_list: CutList | None
    camera_cuts: tuple[int, ...] = ()
    """First frame after each of the source's own cuts."""


def summarize(job: pipeline.Job) -> AnalysisSummary:
    """Return what is kept beside the job's source; nothing is computed anew but the floor."""
    kept = pipeline.cached_analysis(job)
    if kept is None:
        raise pipeline.missing_result(job, "known", "analyze")
    media, tracks, people, voice, speech = (
        kept.media, kept.tracks, kept.people, kept.voice, kept.speech
    )  # fmt: skip
    activity = speaker_activity_of(
        media, tracks, people, speech.scores, voice, Style(), media.range
    )
    cuts = tuple(kept.detections.camera_cuts.tolist())
    return AnalysisSummary(
        media, tracks, people, voice, speech, activity.speaks, pipeline.cached_cut(job), cuts
    )


def evaluate(known: AnalysisSummary, labels: Path | None = None) -> Evaluation | None:
    """Return the kept cut held against `labels`, or against the scores; None where none is kept."""
    if known.cut_list is None:
        if labels:
            raise SpeakerZoomError(f"{labels}: nothing is cut yet; run `speakerzoom cut` first")
        return None
    if labels is None:
        talkers = talkers_of_tracks(known.media, known.tracks, known.people, known.speaks)
    else:
        talkers = talkers_of_labels(read_labels(labels, known.media), known.media)
    return Evaluation(
        tuple(talkers),
        measure(known.cut_list, known.tracks, talkers),
        lanes_framed(known.cut_list, known.tracks, talkers),
        labels.name if labels else "the scores",
    )


def doubtful(cut_list: CutList) -> list[tuple[int, Shot]]:
    """Return the shots with their numbers, the least sure first."""
    return sorted(enumerate(cut_list.shots, 1), key=lambda row: (row[1].confidence, row[0]))


def show_review(known: AnalysisSummary, console: Console) -> None:
    """Print the shots that an editor should look at first."""
    if known.cut_list is None:
        console.print("nothing is cut yet: `speakerzoom cut` decides the shots")
        return
    table = Table("sure", "shot", title="Doubtful first")
    table.add_column("at", no_wrap=True)
    for name in ("length", "shows", "why", "or"):
        table.add_column(name)
    for number, shot in doubtful(known.cut_list):
        length = shot.range.duration / float(known.media.rate)
        table.add_row(
            f"{shot.confidence:.2f}", str(number),
            _timecode(known.media, shot.range.start), f"{length:.2f} s",
            *map(escape, (known.cut_list.names(shot), shot.reason, _or_else(known, shot))),
        )  # fmt: skip
    console.print(table)


def _timecode(media: Media, frame: int) -> str:
    """Return the source's timecode of a frame; seconds where its rate has none."""
    base = round(media.rate)
    if media.rate not in (base, Fraction(base * 1000, 1001)):
        return f"{float(frame / media.rate):.2f} s"
    return timecode(media.start + frame, base, drop=media.drop_frame)


def _or_else(known: AnalysisSummary, shot: Shot) -> str:
    """Return what else could be shown: who else speaks most in the shot, or the wide."""
    spoken = known.speaks[:, shot.range.start : shot.range.end].sum(axis=1)
    rest = [
        (int(frames), person.label)
        for frames, person in zip(spoken, known.people, strict=True)
        if frames and person.id not in shot.subjects
    ]
    return max(rest)[1] if rest else ("Wide" if shot.subjects else "")


def _people(known: AnalysisSummary) -> Iterator[tuple[Person, float, float, float]]:
    """Yield each person with the seconds they are seen, speak, and are shown alone."""
    lengths = {track.id: len(track.boxes) for track in known.tracks}
    shots = known.cut_list.shots if known.cut_list else ()
    for person, speaks in zip(known.people, known.speaks, strict=True):
        seen = sum(lengths.get(track, 0) for track in person.track_ids)
        shown = sum(shot.range.duration for shot in shots if shot.subjects == (person.id,))
        frames = np.array([seen, int(speaks.sum()), shown]) / float(known.media.rate)
        seen_s, speaking_s, shown_s = frames.round(3).tolist()
        yield person, seen_s, speaking_s, shown_s


def _sound(known: AnalysisSummary) -> dict[str, Any] | None:
    """Return what is known of the sound: for how long voices are heard, and of nobody visible."""
    if known.voice is None:
        return None
    voice, rate = known.voice, float(known.media.rate)
    heard = voice.probability > HEARD
    span = slice(voice.start, voice.start + len(heard))
    unseen = heard & ~known.speaks[:, span].any(axis=0)
    return {
        "microphones": [microphone.label for microphone in voice.microphones],
        "heard_s": round(int(heard.sum()) / rate, 3),
        "heard_unseen_s": round(int(unseen.sum()) / rate, 3),
        "late_s": known.speech.av_offset_s,
    }


def as_json(known: AnalysisSummary, judged: Evaluation | None) -> str:
    """Return what is known as one JSON document; times in seconds, shots in frames."""
    figures = asdict(judged.figures) if judged else {}
    media = known.media
    shots = known.cut_list.shots if known.cut_list else ()
    document = {
        "media": {
            "path": str(media.path),
            "rate": list(media.rate.as_integer_ratio()),
            "duration": media.duration,
            "width": media.size[0],
            "height": media.size[1],
            "start": media.start,
            "sound": media.first_audio is not None,
        },
        "sound": _sound(known),
        "people": [
            {"id": p.id, "name": p.name, "seen_s": seen, "speaking_s": speaking, "shown_s": shown}
            for p, seen, speaking, shown in _people(known)
        ],
        "canvas": list(known.cut_list.canvas) if known.cut_list else None,
        "shots": [
            {
                "start": shot.range.start,
                "end": shot.range.end,
                "kind": shot.kind,
                "subjects": list(shot.subjects),
                "reason": shot.reason,
                "confidence": round(shot.confidence, 3),
            }
            for shot in shots
        ],
        "figures": {k: None if v != v else round(v, 4) for k, v in figures.items()},
        "against": judged.against if judged else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(known: AnalysisSummary, judged: Evaluation | None, console: Console) -> None:
    """Print tables of the people and the shots, and what the cut is worth."""
    media = known.media
    seconds = float(media.duration / media.rate)
    console.print(
        f"{media.path.name}: {media.size[0]}x{media.size[1]}, {media.rate} fps, "
        f"{media.duration} frames ({seconds:.2f} s)",
        markup=False,
    )
    if sound := _sound(known):
        microphones = "; ".join(sound["microphones"])
        console.print(
            f"sound ({microphones}): voices for {sound['heard_s']:.1f} s, of which "
            f"{sound['heard_unseen_s']:.1f} s while nobody is seen speaking",
            soft_wrap=True,
        )
    if warning := pipeline.sync_warning(media, known.speech):
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    people = Table("person", "seen", "speaks", "shown alone", title="People")
    for person, *spans in _people(known):
        people.add_row(escape(person.label), *(f"{span:.1f} s" for span in spans))
    console.print(people)
    if known.cut_list is None:
        console.print("nothing is cut yet: `speakerzoom cut` decides the shots")
        return
    shots = Table("from", "to", "length", "shows", "why", title="Shots")
    for shot in known.cut_list.shots:
        begin, end = (float(frame / media.rate) for frame in (shot.range.start, shot.range.end))
        who = known.cut_list.names(shot)
        shots.add_row(
            f"{begin:.2f} s",
            f"{end:.2f} s",
            f"{end - begin:.2f} s",
            escape(who),
            escape(shot.reason),
        )
    console.print(shots)
    if judged:
        told = judged.figures
        console.print(
            f"judged by {judged.against}: while one person speaks ({told.alone_s:.1f} s) the "
            f"speaker is in frame for {told.in_frame:.3f} of the time, alone in frame for "
            f"{told.right:.3f}, and only others for {told.wrong:.3f}; shortest shot "
            f"{told.shortest_s:.2f} s, {told.reversals} "
            "reversals (more with --report FILE.html)",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


BOX_COLUMNS = ("left", "top", "right", "bottom")
COLUMNS = ("frame", "time_s", "track", "person", *BOX_COLUMNS, "logit", "speaking", "heard")


def write_csv(known: AnalysisSummary, path: Path) -> None:
    """Write a row per face and frame to `path`, in order of frames.

    `logit` is calibrated; `heard` is the probability that anybody is heard.
    """
    with (
        store.atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(known))


def _rows(known: AnalysisSummary) -> Iterator[tuple[object, ...]]:
    owner = {t: (n, p.id) for n, p in enumerate(known.people) for t in p.track_ids}
    logits = {score.track_id: score for score in known.speech.scores}
    voice = known.voice
    for frame in range(known.media.duration):
        for track in known.tracks:
            if not track.start <= frame < track.range.end:
                continue
            row, person = owner.get(track.id, (None, ""))
            score = logits.get(track.id)
            logit = "" if score is None else f"{score.logits[frame - score.start]:.4f}"
            speaks = row is not None and known.speaks[row, frame]
            box = (f"{edge:.2f}" for edge in track.boxes[frame - track.start])
            time = f"{float(frame / known.media.rate):.6f}"
            heard = "" if voice is None else f"{voice.probability[frame - voice.start]:.3f}"
            yield frame, time, track.id, person, *box, logit, int(speaks), heard


def show_weights(console: Console, names: Container[str]) -> None:
    """Print what is known of trained weights: how licensed, from where, and where they are."""
    for item in catalogue.read_catalogue():
        if item.name not in names:
            continue
        found = fetch.find(item.name)
        facts = {
            "file": f"{item.file}, sha256 {item.sha256}",
            "licence": item.licence,
            "from": "\n            ".join([*item.sources, *item.by_hand]) or "this project",
            "here": str(found) if found else "no",
        }
        lines = [f"{item.name}: {item.what}", *(f"  {k:<8}  {v}" for k, v in facts.items())]
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print(
        "`speakerzoom weights fetch NAME` gets one; `sync-asd` is here, `motion` needs none."
    )
