"""A detector whose faces move, vanish and appear by the content of each frame, and a cheap scorer.

Both depend on nothing but their input, so that two ways through the same film can be compared.
"""

import os
import time
import zlib

import numpy as np

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.crops import LOWER_FACE
from otio_speakerzoom.speech.scorer import WholeTrackDecider

CUTS = (
    "testsrc2=s=320x180:r={rate}:d=3[a];smptebars=s=320x180:r={rate}:d=1[b];"
    "testsrc2=s=320x180:r={rate}:d=4,hue=h=120[c];[a][b][c]concat=3"
)
"""Two cuts in 8 s of film."""

FACES = np.array([[40, 40, 80, 90], [140, 50, 180, 100], [230, 45, 275, 95]], np.float32)


def find_faces(frame):
    """Return jittering faces, some missing, some in doubt, and now and then one too many."""
    height, width, _ = frame.shape
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(frame)))
    boxes = FACES * np.float32((width / 320, height / 180) * 2)
    boxes = boxes + rng.normal(0, 2, (3, 1)).astype(np.float32)
    confidences = rng.uniform(0.4, 1, 3).astype(np.float32)
    is_found = rng.random(3) < 0.85
    if rng.random() < 0.1:  # somebody else, or the same head a little further on
        boxes[0] += np.float32(25)
    return boxes[is_found], confidences[is_found]


def follow(tracker, frames, boxes):
    """Follow faces cheaply: they move by the content of each frame, and some are lost."""
    moves = [zlib.crc32(np.ascontiguousarray(frame)) % 7 for frame in frames[1:]]
    rows = [boxes + np.float32(sum(moves[: n + 1])) for n in range(len(moves))]
    return [np.where(row[:, :1] % 5 < 4, row, np.nan) for row in rows]


class CropMeans:
    """Scores a face by the mean of its crops and of the MFCC around each tick."""

    name = "crop means"
    licence = "none"
    recipe = LOWER_FACE
    window = 40
    context = 5
    gated_by_vad = True
    calibration = Calibration(0.05, -6)

    def encode(self, clips):
        return [
            np.stack([_smooth(c.crops.mean(axis=(1, 2))), _smooth(_loudness(c))], axis=1)
            for c in clips
        ]

    def decider(self, new_file):
        return WholeTrackDecider(decide_by_sums, new_file)


def decide_by_sums(track):
    rows = track.read(0, len(track))
    return (rows[:, 0] + rows[:, 1])[None].astype(np.float32)


def _loudness(clip):
    return clip.mfcc[:, :, 0].max(axis=0).reshape(-1, 4).mean(axis=1)


def _smooth(values):
    """Average over the context, as far as there is any."""
    padded = np.pad(values.astype(np.float64), CropMeans.context, mode="edge")
    width = 2 * CropMeans.context + 1
    return np.convolve(padded, np.ones(width) / width, mode="valid").astype(np.float32)


class FaceFinder:
    """`find_faces` as a detector that another process can open."""

    name = "faces of no film"

    def __init__(self, dies_at=None, fails_at=None, slow_s=0.0):
        self.dies_at, self.fails_at, self.slow_s, self.runs = dies_at, fails_at, slow_s, 0

    def __call__(self, frame):
        self.runs += 1
        if self.runs == self.dies_at:
            os._exit(9)
        if self.runs == self.fails_at:
            raise MediaError("talk.mp4: is broken")
        time.sleep(self.slow_s)
        return find_faces(frame)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
