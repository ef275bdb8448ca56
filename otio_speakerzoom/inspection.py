"""What is known of a source, for people to read and for programs: people, screen time, shots."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from otio_speakerzoom import pipeline, store, weights
from otio_speakerzoom.director.direct import floor_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FaceTrack, Media, Person, Speech, Voice

HEARD = 0.5
"""Probability above which somebody is heard: Silero VAD's own default."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Everything that is kept beside one source."""

    media: Media
    tracks: tuple[FaceTrack, ...]
    people: tuple[Person, ...]
    voice: Voice | None
    speech: Speech
    speaks: NDArray[np.bool_]
    """(P, frames) who holds the floor, by the standard style."""
    cut_list: CutList | None


def what_is_known(job: pipeline.Job) -> Known:
    """Return what is kept beside the job's source; nothing is computed anew but the floor."""
    kept = pipeline.kept_analysis(job)
    if kept is None:
        raise SpeakerZoomError(
            f"{job.source}: nothing is known yet; run `speakerzoom analyze` on it first"
        )
    media, tracks, people, voice, speech = kept
    floor = floor_of(media, tracks, people, speech.scores, voice, Style(), media.range)
    return Known(media, tracks, people, voice, speech, floor.speaks, pipeline.kept_cut(job))


def _people(known: Known) -> Iterator[tuple[Person, float, float, float]]:
    """Yield each person with the seconds they are seen, speak, and are shown alone."""
    lengths = {track.id: len(track.boxes) for track in known.tracks}
    shots = known.cut_list.shots if known.cut_list else ()
    for person, speaks in zip(known.people, known.speaks, strict=True):
        seen = sum(lengths.get(track, 0) for track in person.track_ids)
        shown = sum(shot.range.duration for shot in shots if shot.subjects == (person.id,))
        frames = np.array([seen, int(speaks.sum()), shown]) / float(known.media.rate)
        seen_s, speaking_s, shown_s = frames.round(3).tolist()
        yield person, seen_s, speaking_s, shown_s


def _sound(known: Known) -> dict[str, Any] | None:
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
        "late_s": known.speech.late,
    }


def as_json(known: Known) -> str:
    """Return what is known as one JSON document; times in seconds, shots in frames."""
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
            "sound": media.sound is not None,
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
            }
            for shot in shots
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(known: Known, console: Console) -> None:
    """Print tables of the people and the shots."""
    media = known.media
    seconds = float(media.duration / media.rate)
    console.print(
        f"{media.path.name}: {media.size[0]}x{media.size[1]}, {media.rate} fps, "
        f"{media.duration} frames ({seconds:.2f} s)"
    )
    if sound := _sound(known):
        microphones = "; ".join(sound["microphones"])
        console.print(
            f"sound ({microphones}): voices for {sound['heard_s']:.1f} s, "
            f"{sound['heard_unseen_s']:.1f} s of that of nobody seen speaking",
            soft_wrap=True,
        )
    if warning := pipeline.out_of_sync(media, known.speech):
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    people = Table("person", "seen", "speaks", "shown alone", title="People")
    for person, *spans in _people(known):
        people.add_row(person.label, *(f"{span:.1f} s" for span in spans))
    console.print(people)
    if known.cut_list is None:
        console.print("nothing is cut yet: `speakerzoom cut` decides the shots")
        return
    shots = Table("from", "to", "length", "shows", "why", title="Shots")
    for shot in known.cut_list.shots:
        begin, end = (float(frame / media.rate) for frame in (shot.range.start, shot.range.end))
        who = known.cut_list.names(shot)
        shots.add_row(f"{begin:.2f} s", f"{end:.2f} s", f"{end - begin:.2f} s", who, shot.reason)
    console.print(shots)


BOX_COLUMNS = ("left", "top", "right", "bottom")
COLUMNS = ("frame", "time_s", "track", "person", *BOX_COLUMNS, "logit", "speaking", "heard")


def write_csv(known: Known, path: Path) -> None:
    """Write a row per face and frame to `path`, in order of frames.

    `logit` is calibrated; `heard` is the probability that anybody is heard.
    """
    with store.replacing(path) as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(known))


def _rows(known: Known) -> Iterator[tuple[object, ...]]:
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


def show_weights(console: Console) -> None:
    """Print which trained weights there are, how licensed, from where, and where they are found."""
    for item in weights.catalogue():
        found = weights.find(item.name)
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
