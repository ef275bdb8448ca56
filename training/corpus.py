"""The corpus: face tracks with their sound, and what the teachers make of them.

    python training/corpus.py --corpus CORPUS --weights FOLDER --out teachers.npz

shows every track with its own sound to LR-ASD and Light-ASD (AVA weights, whole-box crops), hears
where there is speech (Silero VAD), and keeps the outcome. Half an hour on two cores, once.
"""

from __future__ import annotations

import argparse
import csv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray

from otio_speakerzoom.speech.features import WHOLE_BOX, crop_face, mfcc, mfcc_rows
from otio_speakerzoom.speech.networks.checkpoint import load_checkpoint
from otio_speakerzoom.speech.networks.light_asd import LightAsd
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.voice import voice_activity

FACE = np.array([27.4, 0, 164.6, 137.1], np.float32)
"""The face box within the corpus's 192 x 192 pictures."""

FREE = ("MIT", "Apache-2.0", "BSD-3", "CC-BY", "CC0")
"""Licences that allow training without asking: no NC, no AGPL, none unstated."""

CHUNK = 250
"""Ticks that Light-ASD's encoder sees at once, which bounds its memory."""


@dataclass(frozen=True, eq=False)
class Track:
    """One face and its sound, 25 pictures and 16,000 samples a second."""

    name: str
    person: str
    split: str
    """train, val or composed."""
    free: bool
    """Whether its source's licence is one of FREE."""
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


def read(corpus: Path, teachers: Path, wanted: str) -> list[Track]:
    """Return the tracks of `wanted`: train (free ones), unlicensed (other people's), or val.

    `unlicensed` are training people none of whose clips are free, so nobody is in two of the three.
    """
    rows = index(corpus)
    free_people = {row["person"] for row in rows if row["licence"] in FREE}
    kept = []
    for row in rows:
        free = row["licence"] in FREE
        part = row["split"]
        if part == "train" and not free:
            part = "left out" if row["person"] in free_people else "unlicensed"
        if part == wanted:
            kept.append(row)
    with np.load(teachers) as found, ThreadPoolExecutor() as pool:
        said = {row["track"]: found[row["track"]] for row in kept}
        media = pool.map(lambda row: decode(corpus / "tracks" / row["track"]), kept)
        return [
            Track(
                row["track"], row["person"], row["split"], row["licence"] in FREE,
                row["sync"], pictures, pcm, *said[row["track"]],
            )
            for row, (pictures, pcm) in zip(kept, media, strict=True)
        ]  # fmt: skip


def decode(stem: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Return (T, 192, 192) gray pictures and (640 T,) samples of a track."""
    with av.open(str(stem.with_suffix(".mp4"))) as file:
        pictures = np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)])
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
    with av.open(str(stem.with_suffix(".opus"))) as file:
        parts = [p for frame in (*file.decode(audio=0), None) for p in resampler.resample(frame)]
    pcm = np.concatenate([part.to_ndarray().reshape(-1) for part in parts])
    need = 640 * len(pictures)
    return pictures, np.pad(pcm, (0, max(0, need - len(pcm))))[:need]


def main() -> None:
    """Ask the teachers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lr = LrAsdScorer(arguments.weights / "lr-asd_pretrain_AVA.model")
    light = LightAsd().eval()
    load_checkpoint(light, arguments.weights / "light-asd_pretrain_AVA_CVPR.model")
    for weight in light.parameters():
        if weight.ndim == 5:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
    said = {}
    rows = index(arguments.corpus)
    for number, row in enumerate(rows, 1):
        pictures, pcm = decode(arguments.corpus / "tracks" / row["track"])
        crops = np.stack([crop_face(picture, FACE, WHOLE_BOX) for picture in pictures])
        heard = mfcc_rows(mfcc(pcm), len(crops))
        logits = lr(crops, heard), _light_logits(light, crops, heard)
        said[row["track"]] = np.stack([voice_activity(pcm), *logits])
        print(f"\r{number} of {len(rows)} tracks", end="", flush=True)
    np.savez(arguments.out, **said)
    print(f"\nwrote {arguments.out}")


def _light_logits(
    network: LightAsd, crops: NDArray[np.uint8], rows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(T,) logits; the encoder sees 6 ticks more on either side, as far as it looks."""
    with torch.inference_mode():
        visual = []
        for start in range(0, len(crops), CHUNK):
            first = max(0, start - 6)
            seen = torch.tensor(crops[first : start + CHUNK + 6])
            visual.append(network.encode_visual(seen[None])[:, start - first :][:, :CHUNK])
        audio = network.encode_audio(torch.tensor(rows)[None])
        return network.combine(audio, torch.cat(visual, 1))[0].numpy()


if __name__ == "__main__":
    main()
