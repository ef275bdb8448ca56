"""How well scores alone tell who speaks, frame by frame, on labelled conversations.

    python benchmarks/speaker_scores.py --scorer sync-asd ../shared/footage/composed/*.json

For every labelled clip: average precision over the frames of all visible faces (speaks and is
heard, or not), and the share of frames with one visible speaker among several faces in which that
speaker's score is the highest. Faces are those that our own detector and tracker found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import pipeline
from otio_speakerzoom.faces.track import overlaps
from otio_speakerzoom.model import FaceTrack, SpeechScores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--scorer", required=True, choices=pipeline.SCORERS)
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    print("| clip | average precision | face frames | on top | frames | false, P > 0.5 | frames |")
    print("|---|---|---|---|---|---|---|")
    everything = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                scorer=arguments.scorer,
            )  # fmt: skip
            analysis = pipeline.analyze(job)
            rate = float(analysis.media.rate)
            found = frames(labels, analysis.tracks, analysis.speech.scores, rate)
            print(row(path.stem, *found), flush=True)
            for mine, all_ in zip(found, everything, strict=True):
                all_ += mine
    print(row("all together", *everything))


def frames(
    labels: dict[str, Any],
    tracks: tuple[FaceTrack, ...],
    scores: tuple[SpeechScores, ...],
    rate: float,
) -> tuple[list[float], list[bool], list[bool]]:
    """Return the score of each face in each frame, whether it speaks, and of frames who is on top.

    The last are of the frames with one visible speaker among several faces.
    """
    found: list[float] = []
    true: list[bool] = []
    tops: list[bool] = []
    last = max((track.range.end for track in tracks), default=0)
    of_track = {score.track_id: score.logits for score in scores}
    for frame in range(last):
        time = frame / rate + labels.get("first_video_pts_s", 0.0)
        speakers = {s["person"] for s in labels["speech"] if s["from_s"] <= time < s["to_s"]}
        here = {}
        for face in labels["faces"]:
            if face["from_s"] <= time < face["to_s"]:
                track = track_of(tracks, frame, np.array(face["box"], np.float32))
                if track is not None:
                    here[face["person"]] = float(of_track[track.id][frame - track.start])
        found += here.values()
        true += [person in speakers for person in here]
        if len(here) > 1 and len(speakers) == 1 and speakers <= here.keys():
            tops.append(max(here, key=lambda person: here[person]) in speakers)
    return found, true, tops


def row(name: str, found: list[float], true: list[bool], tops: list[bool]) -> str:
    """Return one line of the table."""
    scored, spoken = np.array(found), np.array(true, bool)
    precision = average_precision(scored, spoken)
    return (
        f"| {name} | {precision:.4f} | {len(scored)} | "
        f"{np.mean(tops) if tops else np.nan:.3f} | {len(tops)} | "
        f"{(scored[~spoken] > 0).mean():.3f} | {(~spoken).sum()} |"
    )


def track_of(tracks: tuple[FaceTrack, ...], frame: int, box: NDArray) -> FaceTrack | None:
    """Return the track whose face lies in `box`, if any does."""
    there = [track for track in tracks if track.start <= frame < track.range.end]
    if not there:
        return None
    boxes = np.stack([track.boxes[frame - track.start] for track in there])
    shared = overlaps(boxes, box[None])[:, 0]
    return there[int(shared.argmax())] if shared.max() > 0.2 else None


def average_precision(scores: NDArray, true: NDArray) -> float:
    """Area under the stepped precision-recall curve."""
    hits = np.cumsum(true[np.argsort(-scores, kind="stable")])
    steps = np.diff(hits, prepend=0)
    return float(np.sum(steps * hits / np.arange(1, len(hits) + 1)) / max(1, true.sum()))


if __name__ == "__main__":
    main()
