"""Measure scores against labelled clips, frame by frame.

    python benchmarks/speaker_scores.py --scorer sync-asd ../shared/footage/composed/*.json

For every labelled clip: average precision over the frames of all visible faces (positive: speaks
and is heard), and the share of frames with one visible speaker among several faces in which that
speaker's score is the highest. Then, of all clips but those in which mouths move unheard, how often
a face counts as speaking (P > 0.5), by what is heard. Faces are those of our own detector and
tracker. With `--cue 1` the mouth-motion cue is added to the raw logits, in that share; P > 0.5 then
means nothing, because the sum is not calibrated.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import pipeline
from otio_speakerzoom.boxes import iou
from otio_speakerzoom.model import FaceTrack, SpeechScores, no_progress
from otio_speakerzoom.speech.analyze import score_source
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.metrics import average_precision
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion, lip_sync
from otio_speakerzoom.speech.scorers import NETWORKS
from otio_speakerzoom.weights.names import SCORERS

MARGIN_S = 0.3
"""Labels are exact to some hundredths of a second, and a mouth opens before its voice is heard."""
VOICES = (
    "the face itself",
    "the face itself, just before or after",
    "somebody else who is visible",
    "somebody who is not visible",
    "nobody",
)


class Cue(MouthMotion):
    """Agreement of mouth and audio alone, in a share of a network's scale."""

    gated_by_vad = False

    def __init__(self, scale: float) -> None:
        self.calibration = Calibration(scale, 0)

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return the (T, M) correlation of each clip."""
        return [
            np.stack([lip_sync(clip.crops, mfcc) for mfcc in clip.mfcc], axis=1).astype("f4")
            for clip in clips
        ]


class FaceFrame(NamedTuple):
    """One face in one frame."""

    logit: float
    """Calibrated: above 0 the face counts as speaking."""
    voice: str
    """One of `VOICES`."""


@dataclass
class Tally:
    """Every face in every frame, and how often the speaker is on top."""

    faces: list[FaceFrame] = field(default_factory=list)
    on_top: list[bool] = field(default_factory=list)
    """Of the frames with one visible speaker among several faces."""

    def add(self, other: Tally) -> None:
        """Add another clip's."""
        self.faces += other.faces
        self.on_top += other.on_top


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--scorer", required=True, choices=SCORERS)
    parser.add_argument("--cue", type=float, default=0, metavar="SHARE")
    parser.add_argument("--work", type=Path, help="keep the analysis here for the next run")
    arguments = parser.parse_args()
    if arguments.cue and arguments.scorer == "motion":
        parser.error("--cue is for networks: `motion` contains the cue")
    print("| clip | average precision | face frames | on top | frames | false, P > 0.5 | frames |")
    print("|---|---|---|---|---|---|---|")
    everything, undubbed = Tally(), Tally()
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.labels:
            labels = json.loads(path.read_text())
            job = pipeline.Job(
                path.parent / labels["file"], work=arguments.work or Path(folder),
                options=pipeline.Options(scorer=arguments.scorer),
            )  # fmt: skip
            analysis = pipeline.analyze(job)
            scores = analysis.speech.scores
            if arguments.cue:
                scores = with_cue(analysis, arguments.cue)
            tally = tally_clip(labels, analysis.tracks, scores, float(analysis.media.rate))
            print(row(path.stem, tally), flush=True)
            everything.add(tally)
            if not labels.get("mouth_moves_unheard"):
                undubbed.add(tally)
    print(row("all together", everything))
    print("\n| heard | P > 0.5 | frames |\n|---|---|---|")
    for voice in VOICES:
        logits = np.array([face.logit for face in undubbed.faces if face.voice == voice])
        share = (logits > 0).mean() if len(logits) else np.nan
        print(f"| {voice} | {share:.4f} | {len(logits)} |")


def with_cue(analysis: pipeline.Analysis, share: float) -> tuple[SpeechScores, ...]:
    """Return a network's scores with a share of the cue added to its raw logits."""
    if analysis.voice is None:
        raise ValueError(f"{analysis.media.path} has no audio to compare mouths with")
    cue = Cue(share * NETWORKS[analysis.scorer].calibration.slope)
    added = score_source(
        analysis.media, analysis.tracks, analysis.voice, cue, analysis.within, no_progress
    )
    return tuple(
        replace(score, logits=score.logits + extra.logits)
        for score, extra in zip(analysis.speech.scores, added.scores, strict=True)
    )


def tally_clip(
    labels: dict[str, Any],
    tracks: tuple[FaceTrack, ...],
    scores: tuple[SpeechScores, ...],
    rate: float,
) -> Tally:
    """Return each labelled face that has a track in each frame, and where the speaker is on top."""
    tally = Tally()
    logits_of = {score.track_id: score.logits for score in scores}
    for frame in range(max((track.range.end for track in tracks), default=0)):
        time = frame / rate + labels.get("first_video_pts_s", 0.0)
        logits: dict[str, float] = {}
        for face in labels["faces"]:
            if face["from_s"] <= time < face["to_s"]:
                track = track_of(tracks, frame, np.array(face["box"], np.float32))
                if track is not None:
                    logits[face["person"]] = float(logits_of[track.id][frame - track.start])
        speakers = speakers_at(labels, time)
        nearly = speakers_at(labels, time, MARGIN_S)
        for person, logit in logits.items():
            voice = voice_with(person, speakers, nearly, visible=bool(speakers & logits.keys()))
            tally.faces.append(FaceFrame(logit, voice))
        if len(logits) > 1 and len(speakers) == 1 and speakers <= logits.keys():
            tally.on_top.append(max(logits, key=lambda person: logits[person]) in speakers)
    return tally


def voice_with(
    person: str, speakers: set[str | None], nearly: set[str | None], *, visible: bool
) -> str:
    """Return which of `VOICES` is heard while `person` is visible; `visible`: so is a speaker."""
    if person in speakers:
        return VOICES[0]
    if person in nearly:
        return VOICES[1]
    if visible:
        return VOICES[2]
    return VOICES[3] if speakers else VOICES[4]


def speakers_at(labels: dict[str, Any], time: float, margin: float = 0) -> set[str | None]:
    """Return who is heard at `time`, or within so many seconds of it."""
    return {
        turn["person"]
        for turn in labels["speech"]
        if turn["from_s"] - margin <= time < turn["to_s"] + margin
    }


def row(name: str, tally: Tally) -> str:
    """Return one line of the table."""
    scores = np.array([face.logit for face in tally.faces])
    speaks = np.array([face.voice == VOICES[0] for face in tally.faces])
    precision = average_precision(scores, speaks)
    return (
        f"| {name} | {precision:.4f} | {len(scores)} | "
        f"{np.mean(tally.on_top) if tally.on_top else np.nan:.3f} | {len(tally.on_top)} | "
        f"{(scores[~speaks] > 0).mean():.3f} | {(~speaks).sum()} |"
    )


def track_of(tracks: tuple[FaceTrack, ...], frame: int, box: NDArray) -> FaceTrack | None:
    """Return the track whose face lies in `box`, if any does."""
    there = [track for track in tracks if track.start <= frame < track.range.end]
    if not there:
        return None
    boxes = np.stack([track.boxes[frame - track.start] for track in there])
    shared = iou(boxes, box)
    return there[int(shared.argmax())] if shared.max() > 0.2 else None


if __name__ == "__main__":
    main()
