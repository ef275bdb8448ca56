"""The results for other programs: one JSON document, and a CSV table of every face and frame."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.model import Media
from otio_speakerzoom.reports.summary import (
    AnalysisSummary,
    Evaluation,
    audio_facts,
    screen_time,
)

BOX_COLUMNS = ("left", "top", "right", "bottom")
COLUMNS = ("frame", "time_s", "track", "person", *BOX_COLUMNS, "logit", "speaking", "heard")


def as_json(summary: AnalysisSummary, evaluation: Evaluation | None) -> str:
    """Return the summary as one JSON document; times in seconds, shots in frames."""
    figures = asdict(evaluation.figures) if evaluation else {}
    shots = summary.cut_list.shots if summary.cut_list else ()
    document = {
        "media": _media(summary.media),
        "sound": audio_facts(summary),
        "people": [
            {"id": p.id, "name": p.name, "seen_s": visible, "speaking_s": speaks, "shown_s": alone}
            for p, visible, speaks, alone in screen_time(summary)
        ],
        "canvas": list(summary.cut_list.canvas) if summary.cut_list else None,
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
        "against": evaluation.against if evaluation else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _media(media: Media) -> dict[str, object]:
    return {
        "path": str(media.path),
        "rate": list(media.rate.as_integer_ratio()),
        "duration": media.duration,
        "width": media.size[0],
        "height": media.size[1],
        "start": media.start,
        "sound": media.first_audio is not None,
    }


def write_csv(summary: AnalysisSummary, path: Path) -> None:
    """Write a row per face and frame to `path`, in order of frames.

    `logit` is calibrated; `heard` is the probability of voice activity.
    """
    with (
        store.atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(summary))


def _rows(summary: AnalysisSummary) -> Iterator[tuple[object, ...]]:
    owner = {t: (n, p.id) for n, p in enumerate(summary.people) for t in p.track_ids}
    scores = {score.track_id: score for score in summary.speech.scores}
    voice = summary.voice
    for frame in range(summary.media.duration):
        for track in summary.tracks:
            if not track.start <= frame < track.range.end:
                continue
            row, person = owner.get(track.id, (None, ""))
            score = scores.get(track.id)
            logit = "" if score is None else f"{score.logits[frame - score.start]:.4f}"
            speaks = row is not None and summary.speaks[row, frame]
            box = (f"{edge:.2f}" for edge in track.boxes[frame - track.start])
            time = f"{float(frame / summary.media.rate):.6f}"
            voiced = "" if voice is None else f"{voice.probability[frame - voice.start]:.3f}"
            yield frame, time, track.id, person, *box, logit, int(speaks), voiced
