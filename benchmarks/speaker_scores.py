"""How well scores alone tell who speaks, frame by frame, on labelled conversations.

    python benchmarks/speaker_scores.py --scorer sync-asd ../shared/footage/composed/*.json

For every labelled clip: average precision over the frames of all visible faces (speaks and is
heard, or not), and the share of frames with one visible speaker among several faces in which that
speaker's score is the highest. Then, of all clips but those in which mouths move unheard, how often
a face counts as speaking (P > 0.5), by what is heard. Faces are those that our own detector and
tracker found. With `--cue 1` the mouth-motion cue is added to the raw logits, in that share; what
passes P > 0.5 then tells nothing, because the sum is not calibrated.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import pipeline
from otio_speakerzoom.faces.track import overlaps
from otio_speakerzoom.model import FaceTrack, SpeechScores, no_progress
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import Clip
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion, agreement
from otio_speakerzoom.speech.scorers import NETWORKS, score_source
from otio_speakerzoom.weights.names import SCORERS

NEAR_S = 0.3
"""Labels are good to some hundredths of a second, and a mouth opens before its voice is heard."""
HEARD = ("the face itself", "the face itself, just before or after", "somebody else who is seen",
         "somebody who is not seen", "nobody")  # fmt: skip


class Cue(MouthMotion):
    """Agreement of mouth and sound alone, in a share of a network's scale."""

    gated = False

    def __init__(self, scale: float) -> None:
        self.calibration = Calibration(scale, 0)

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return the (T, M) agreement of each clip."""
        return [
            np.stack([agreement(clip.crops, sound) for sound in clip.mfcc], axis=1).astype("f4")
            for clip in clips
        ]


class FaceFrame(NamedTuple):
    """One face in one frame."""

    logit: float
    """Calibrated: above 0 the face counts as speaking."""
    heard: str
    """One of `HEARD`."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--scorer", required=True, choices=SCORERS)
    parser.add_argument("--cue", type=float, default=0, metavar="SHARE")
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    if arguments.cue and arguments.scorer == "motion":
        parser.error("--cue is for networks: `motion` is made of the cue")
    print("| clip | average precision | face frames | on top | frames | false, P > 0.5 | frames |")
    print("|---|---|---|---|---|---|---|")
    everything: tuple[list[FaceFrame], list[bool]] = [], []
    undubbed: list[FaceFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                options=pipeline.Options(scorer=arguments.scorer),
            )  # fmt: skip
            analysis = pipeline.analyze(job)
            rate = float(analysis.media.rate)
            scores = analysis.speech.scores
            if arguments.cue:
                scores = with_cue(analysis, arguments.cue)
            found = frames(labels, analysis.tracks, scores, rate)
            print(row(path.stem, *found), flush=True)
            for mine, all_ in zip(found, everything, strict=True):
                all_ += mine
            if not labels.get("mouth_moves_unheard"):
                undubbed += found[0]
    print(row("all together", *everything))
    print("\n| heard | P > 0.5 | frames |\n|---|---|---|")
    for heard in HEARD:
        logits = np.array([face.logit for face in undubbed if face.heard == heard])
        print(f"| {heard} | {(logits > 0).mean() if len(logits) else np.nan:.4f} | {len(logits)} |")


def with_cue(analysis: pipeline.Analysis, share: float) -> tuple[SpeechScores, ...]:
    """Return a network's scores with a share of the cue added to its raw logits."""
    if analysis.voice is None:
        raise ValueError(f"{analysis.media.path} has no sound to compare mouths with")
    cue = Cue(share * NETWORKS[analysis.scorer].calibration.slope)
    added = score_source(
        analysis.media, analysis.tracks, analysis.voice, cue, analysis.within, no_progress
    )
    return tuple(
        replace(score, logits=score.logits + extra.logits)
        for score, extra in zip(analysis.speech.scores, added.scores, strict=True)
    )


def frames(
    labels: dict[str, Any],
    tracks: tuple[FaceTrack, ...],
    scores: tuple[SpeechScores, ...],
    rate: float,
) -> tuple[list[FaceFrame], list[bool]]:
    """Return each face in each frame, and whether the speaker is on top.

    The last is of the frames with one visible speaker among several faces.
    """
    found: list[FaceFrame] = []
    tops: list[bool] = []
    last = max((track.range.end for track in tracks), default=0)
    of_track = {score.track_id: score.logits for score in scores}
    for frame in range(last):
        time = frame / rate + labels.get("first_video_pts_s", 0.0)
        speakers = who_speaks(labels, time)
        nearly = who_speaks(labels, time, NEAR_S)
        here = {}
        for face in labels["faces"]:
            if face["from_s"] <= time < face["to_s"]:
                track = track_of(tracks, frame, np.array(face["box"], np.float32))
                if track is not None:
                    here[face["person"]] = float(of_track[track.id][frame - track.start])
        for person, logit in here.items():
            if person in speakers:
                heard = HEARD[0]
            elif person in nearly:
                heard = HEARD[1]
            elif speakers & here.keys():
                heard = HEARD[2]
            else:
                heard = HEARD[3] if speakers else HEARD[4]
            found.append(FaceFrame(logit, heard))
        if len(here) > 1 and len(speakers) == 1 and speakers <= here.keys():
            tops.append(max(here, key=lambda person: here[person]) in speakers)
    return found, tops


def who_speaks(labels: dict[str, Any], time: float, near: float = 0) -> set[str | None]:
    """Return who is heard at `time`, or within so many seconds of it."""
    return {
        turn["person"]
        for turn in labels["speech"]
        if turn["from_s"] - near <= time < turn["to_s"] + near
    }


def row(name: str, found: list[FaceFrame], tops: list[bool]) -> str:
    """Return one line of the table."""
    scored = np.array([face.logit for face in found])
    spoken = np.array([face.heard == HEARD[0] for face in found])
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
