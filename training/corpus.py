"""The corpus: face tracks with their sound, and what the teachers make of them.

    python training/corpus.py --corpus CORPUS --weights FOLDER --out teachers.npz

shows every track with its own sound to LR-ASD and Light-ASD (AVA weights, whole-box crops), hears
where there is speech (Silero VAD), and keeps the outcome and the teachers' features. Done once.
"""

from __future__ import annotations

import argparse
import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.features import WHOLE_BOX, Clip, crop_face, mfcc, mfcc_rows
from otio_speakerzoom.speech.networks.light_asd import LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.scoring import Scorer, score_clip
from otio_speakerzoom.speech.vad import voice_activity

FACE = np.array([27.4, 0, 164.6, 137.1], np.float32)
"""The face box within the corpus's 192 x 192 pictures."""

FREE = ("MIT", "Apache-2.0", "BSD-3", "CC-BY", "CC0")
"""Licences that allow training without asking."""

UNSTATED = "none stated"
"""Trained on too, since what the free ones hold is too few people: see the model card. Clips under
a licence that forbids it, NC or AGPL, are not."""

FEATURES = "/features"
"""What is added to a track's name to keep the teachers' features under."""


@dataclass(frozen=True, eq=False)
class Track:
    """One face and its sound, 25 pictures and 16,000 samples a second."""

    name: str
    person: str
    sync: str
    """ok, no_pauses_to_tell, too_short_to_tell, sync_doubtful or not_speaking; see the corpus."""
    pictures: NDArray[np.uint8]
    """(T, 192, 192) gray."""
    pcm: NDArray[np.int16]
    """(640 T,)"""
    voice: NDArray[np.float32]
    """(T,) probability that anybody is heard."""
    lr: NDArray[np.float32]
    """(T,) logits of LR-ASD."""
    light: NDArray[np.float32]
    """(T,) logits of Light-ASD."""
    seen: NDArray[np.float16]
    """(T, 256) what LR-ASD and Light-ASD make of the picture."""
    heard: NDArray[np.float16]
    """(T, 256) what they make of the sound."""

    @property
    def talking(self) -> NDArray[np.float32]:
        """(T,) how likely the teachers, and the voice detector, find it that this face speaks."""
        # Their softmax over two logits is about the sigmoid of twice the one that they give out.
        teachers = (_sigmoid(2 * self.lr) + _sigmoid(2 * self.light)) / 2
        heard = np.clip((self.voice - 0.15) / 0.35, 0, 1)  # surely silent below .15, speech from .5
        return (teachers * heard).astype(np.float32)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return 1 / (1 + np.exp(-x))


def index(corpus: Path) -> list[dict[str, str]]:
    """Return the rows of the corpus's index.csv, the long name of CC0 made short."""
    with (corpus / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if "CC0" in row["licence"]:
            row["licence"] = "CC0"
    return rows


def parts(corpus: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of `train`, `val` and `strangers`, who are looked at while training.

    `strangers` are every eighth track of training people none of whose clips are free. Nobody is in
    two of the three.
    """
    rows = index(corpus)
    training = [row for row in rows if row["split"] == "train"]
    free = {row["person"] for row in rows if row["licence"] in FREE}
    strangers = [row for row in training if row["person"] not in free][::8]
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


def read(corpus: Path, teachers: Path, part: str) -> list[Track]:
    """Return the tracks of one of the `parts`."""
    rows = parts(corpus)[part]
    with np.load(teachers) as found, ThreadPoolExecutor() as pool:
        names = [row["track"] for row in rows]
        said = [(*found[name], *found[name + FEATURES]) for name in names]
        media = pool.map(lambda name: decode(corpus / "tracks" / name), names)
        return [
            Track(row["track"], row["person"], row["sync"], *pictures_and_sound, *answer)
            for row, pictures_and_sound, answer in zip(rows, media, said, strict=True)
        ]


def decode(stem: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Return (T, 192, 192) gray pictures and (640 T,) samples of a track."""
    with av.open(str(stem.with_suffix(".mp4"))) as file:
        pictures = np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with av.open(str(stem.with_suffix(".opus"))) as file:
        heard = [p for frame in (*file.decode(audio=0), None) for p in resampler.resample(frame)]
    pcm = np.concatenate([part.to_ndarray().reshape(-1) for part in heard])
    need = 640 * len(pictures)
    return pictures, np.pad(pcm, (0, max(0, need - len(pcm))))[:need]


def main() -> None:
    """Ask the teachers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    teachers = (
        LrAsdScorer(arguments.weights / "lr-asd_pretrain_AVA.model"),
        LightAsdScorer(arguments.weights / "light-asd_pretrain_AVA_CVPR.model"),
    )
    said = {}
    rows = [row for part in parts(arguments.corpus).values() for row in part]
    for number, row in enumerate(rows, 1):
        pictures, pcm = decode(arguments.corpus / "tracks" / row["track"])
        crops = np.stack([crop_face(picture, FACE, WHOLE_BOX) for picture in pictures])
        logits, seen, heard = zip(
            *(ask(teacher, crops, mfcc_rows(mfcc(pcm), len(crops))) for teacher in teachers),
            strict=True,
        )
        said[row["track"]] = np.stack([voice_activity(pcm), *logits])
        features = np.stack([np.concatenate(seen, axis=1), np.concatenate(heard, axis=1)])
        said[row["track"] + FEATURES] = features.astype(np.float16)
        print(f"\r{number} of {len(rows)} tracks", end="", flush=True)
    np.savez(arguments.out, **said)
    print(f"\nwrote {arguments.out}")


def ask(
    teacher: Scorer, crops: NDArray[np.uint8], rows: NDArray[np.float32]
) -> tuple[NDArray, NDArray, NDArray]:
    """Return (T,) logits, and (T, 128) features of the picture and of the sound."""
    clip = Clip(crops, rows[None])
    (encoded,) = teacher.encode([clip])
    return score_clip(teacher, clip)[0], encoded[:, :128], encoded[:, 128:]


if __name__ == "__main__":
    main()
