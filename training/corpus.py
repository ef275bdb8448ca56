"""The corpora: face tracks with their audio, and what the teachers' networks make of them.

    python training/corpus.py --corpus CORPUS ... --weights FOLDER --out teachers.npz

runs LR-ASD and Light-ASD (AVA weights, whole-box crops) on every track with its own audio, detects
voice activity (Silero), and writes the results with the teachers' features. Run it once.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.source import open_input
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import WHOLE_BOX, crop_face
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.networks.light_asd import LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.scorer import Scorer, decide
from otio_speakerzoom.speech.vad import voice_activity

FACE = np.array([27.4, 0, 164.6, 137.1], np.float32)
"""The face box within the corpus's 192 x 192 frames."""

FREE = ("MIT", "Apache-2.0", "BSD-3", "CC-BY", "CC0")
"""Licences that allow training without asking."""

UNSTATED = "none stated"
"""Used for training too, because the free clips show too few people: see the model card. Clips
under a licence that forbids it, NC or AGPL, are not used."""

QUIET = 0.15
"""Below this probability of voice activity surely nobody is heard."""

FEATURES = "/features"
"""Suffix of a track's name under which its teachers' features are stored."""


@dataclass(frozen=True, eq=False)
class Track:
    """One face and its audio, 25 frames and 16,000 samples a second."""

    name: str
    person: str
    sync: str
    """ok, no_pauses_to_tell, too_short_to_tell, sync_doubtful, not_speaking or, in conversations,
    not_measured; see the corpora."""
    frames: NDArray[np.uint8]
    """(T, 192, 192) gray."""
    pcm: NDArray[np.int16]
    """(640 T,)"""
    voice: NDArray[np.float32]
    """(T,) probability that anybody is heard."""
    lr: NDArray[np.float32]
    """(T,) logits of LR-ASD."""
    light: NDArray[np.float32]
    """(T,) logits of Light-ASD."""
    visual_features: NDArray[np.float16]
    """(T, 256) of LR-ASD and Light-ASD."""
    audio_features: NDArray[np.float16]
    """(T, 256) of the same."""

    @property
    def talking(self) -> NDArray[np.float32]:
        """(T,) probability, by the teachers and the voice detector, that this face speaks."""
        # Their softmax over two logits is about the sigmoid of twice the one that they give out.
        teachers = _sigmoid(2 * self.lr)
        if not self.converses:  # of real conversations LR-ASD alone is the better judge
            teachers = (teachers + _sigmoid(2 * self.light)) / 2
        voiced = np.clip((self.voice - QUIET) / 0.35, 0, 1)  # speech from .5
        return (teachers * voiced).astype(np.float32)

    @property
    def converses(self) -> bool:
        """Whether what is heard may be somebody else's voice."""
        return self.sync == "not_measured"

    @property
    def speech(self) -> NDArray[np.bool_]:
        """(T,) where the mouth surely speaks: in a conversation, by the teacher."""
        return self.talking > 0.7 if self.converses else self.voice > 0.5

    @property
    def listens(self) -> NDArray[np.bool_]:
        """(T,) where somebody else is heard; in a conversation, by the teacher."""
        if self.converses:
            return (self.voice > 0.5) & (self.talking < 0.1)
        return np.full(len(self.voice), self.sync == "not_speaking")


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.floating]:
    return 1 / (1 + np.exp(-x))


def read_index(corpus: Path) -> list[dict[str, str]]:
    """Return the rows of the corpus's index.csv, with CC0's long name shortened.

    The new column `stem` is where a track's files are, without their suffix.
    """
    with (corpus / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["stem"] = str(corpus / "tracks" / row["track"])
        if "CC0" in row["licence"]:
            row["licence"] = "CC0"
    return rows


def split_rows(corpora: Sequence[Path]) -> dict[str, list[dict[str, str]]]:
    """Return the rows of `train`, `val`, and `strangers`, who are evaluated during training.

    `strangers` are every eighth track of training people none of whose clips are free, where it is
    known whether they speak. Nobody is in two of the three.
    """
    rows = [row for corpus in corpora for row in read_index(corpus)]
    training = [row for row in rows if row["split"] == "train"]
    free = {row["person"] for row in rows if row["licence"] in FREE}
    judged = [row for row in training if row["sync"] != "not_measured"]
    strangers = [row for row in judged if row["person"] not in free][::8]
    apart = {row["person"] for row in strangers}
    return {
        "train": [
            row
            for row in training
            if row["licence"] in (*FREE, UNSTATED) and row["person"] not in apart
        ],
        "val": [row for row in rows if row["split"] == "val"],
        "strangers": strangers,
    }


def read_tracks(corpora: Sequence[Path], teachers: Path, split: str) -> list[Track]:
    """Return the tracks of one of `split_rows`, with the teachers' results."""
    rows = split_rows(corpora)[split]
    with np.load(teachers, allow_pickle=False) as results, ThreadPoolExecutor() as pool:
        names = [row["track"] for row in rows]
        taught = [(*results[name], *results[name + FEATURES]) for name in names]
        media = pool.map(decode, (Path(row["stem"]) for row in rows))
        return [
            Track(row["track"], row["person"], row["sync"], *frames_and_pcm, *result)
            for row, frames_and_pcm, result in zip(rows, media, taught, strict=True)
        ]


def describe(tracks: list[Track]) -> str:
    """Return how many tracks, people and minutes these are."""
    people, frames = len({t.person for t in tracks}), sum(len(t.frames) for t in tracks)
    return f"{len(tracks)} tracks, {people} people, {frames / 1500:.1f} minutes"


def decode(stem: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Return (T, 192, 192) gray frames and (640 T,) samples of a track."""
    with open_input(stem.with_name(stem.name + ".mp4")) as file:
        frames = np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with open_input(stem.with_name(stem.name + ".opus")) as file:
        blocks = [b for frame in (*file.decode(audio=0), None) for b in resampler.resample(frame)]
    pcm = np.concatenate([block.to_ndarray().reshape(-1) for block in blocks])
    samples = 640 * len(frames)
    pcm = np.pad(pcm, (0, max(0, samples - len(pcm))))[:samples]
    return frames.astype(np.uint8, copy=False), pcm.astype(np.int16, copy=False)


def run_teacher(
    teacher: Scorer, crops: NDArray[np.uint8], rows: NDArray[np.float32]
) -> tuple[NDArray, NDArray, NDArray]:
    """Return (T,) logits, and (T, 128) features of the frames and of the audio."""
    (encoded,) = teacher.encode([Clip(crops, rows[None])])
    return decide(teacher, encoded)[0], encoded[:, :128], encoded[:, 128:]


def main() -> None:
    """Run the teachers on every track."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    teachers = (
        LrAsdScorer(arguments.weights / "lr-asd_pretrain_AVA.model"),
        LightAsdScorer(arguments.weights / "light-asd_pretrain_AVA_CVPR.model"),
    )
    results = {}
    rows = [row for split in split_rows(arguments.corpus).values() for row in split]
    for number, row in enumerate(rows, 1):
        frames, pcm = decode(Path(row["stem"]))
        crops = np.stack([crop_face(frame, FACE, WHOLE_BOX) for frame in frames])
        mfccs = mfcc_at_ticks(compute_mfcc(pcm), len(crops))
        logits, visual, audio = zip(
            *(run_teacher(teacher, crops, mfccs) for teacher in teachers), strict=True
        )
        results[row["track"]] = np.stack([voice_activity(pcm), *logits])
        features = np.stack([np.concatenate(visual, axis=1), np.concatenate(audio, axis=1)])
        results[row["track"] + FEATURES] = features.astype(np.float16)
        print(f"\r{number} of {len(rows)} tracks", end="", flush=True)
    np.savez(arguments.out, **results)
    print(f"\nwrote {arguments.out}")


if __name__ == "__main__":
    main()
