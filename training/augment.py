"""Augmentation: audio and crops as bad rooms, microphones, trackers and cameras would give them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from corpus import FACE
from mixing import Audio, loudness
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, fftconvolve, sosfilt

from otio_speakerzoom.speech.crops import CROP_SIZE
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.networks.sync_asd import RECIPE

Random = np.random.Generator
Frames = NDArray[np.uint8]

OUTSIDE = 110
"""Gray of what a crop shows outside the frame."""


def degrade_audio(audio: Audio, rng: Random) -> NDArray[np.int16]:
    """Return `audio` with echo, noise or music, a narrow band, and a level of -25 to 6 dB."""
    if rng.random() < 0.25:
        tail = np.exp(-np.arange(6400) / 16000 * 6.9 / rng.uniform(0.1, 0.6))  # -60 dB in so long
        echo = rng.normal(size=6400) * tail * rng.uniform(0.05, 0.3) / np.sqrt((tail**2).sum())
        echo[0] = 1
        audio = fftconvolve(audio, echo)[: len(audio)]
    if rng.random() < 0.4:
        added = music(len(audio), rng) if rng.random() < 0.35 else noise(len(audio), rng)
        gain = 10 ** (-rng.uniform(3, 30) / 20)
        audio = audio + added * loudness(audio) / loudness(added) * gain
    if rng.random() < 0.15:  # a telephone, a cheap microphone
        edges = [rng.uniform(50, 300), rng.uniform(3000, 7000)]
        audio = np.asarray(sosfilt(butter(2, edges, "band", fs=16000, output="sos"), audio))
    level = 10 ** (rng.uniform(-25, 6) / 20)
    hiss = rng.normal(size=len(audio)) * 10 ** rng.uniform(-1, 1.5)
    return np.clip(level * audio + hiss, -32768, 32767).astype(np.int16)


def degrade_mfcc(pcm: NDArray[np.int16], ticks: int, rng: Random) -> NDArray[np.float32]:
    """Return (4 ticks, 13) MFCC rows, as of another microphone and another voice."""
    rows = mfcc_at_ticks(compute_mfcc(pcm), ticks)
    rows[:, 1:] += rng.normal(0, rng.uniform(0, 6), 12)
    return rows


def noise(samples: int, rng: Random) -> Audio:
    """White, pink or brown noise that swells now and then."""
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** rng.choice([0, 0.5, 1])
    swell = gaussian_filter1d(rng.normal(size=samples // 1600 + 1), 4).repeat(1600)[:samples]
    return (1000 * np.fft.irfft(spectrum, samples) * np.exp(4 * swell)).astype(np.float32)


def music(samples: int, rng: Random) -> Audio:
    """Chords of plucked or sustained notes, a new one every 0.2 to 1 s."""
    audio = np.zeros(samples)
    start = 0
    decay = rng.uniform(0.5, 8)
    while start < samples:
        length = int(rng.uniform(0.2, 1) * 16000)
        time = np.arange(min(length, samples - start), dtype=np.float32) / 16000
        fading = np.exp(-decay * time)
        for pitch in 110 * 2 ** (rng.integers(0, 36, 3) / 12):
            for harmonic in range(1, 5):
                wave = np.sin(np.float32(6.2832 * harmonic * pitch) * time + rng.uniform(0, 6.3))
                audio[start : start + len(time)] += wave * fading / harmonic
        start += length
    return (1000 * audio).astype(np.float32)


def crop_as_tracked(frames: Frames, rng: Random) -> Frames:
    """Return (T, 112, 112) crops as trackers cut faces: off-centre, trembling, tilted, mirrored."""
    count, face = len(frames), float(FACE[2] - FACE[0])
    slow = gaussian_filter1d(rng.normal(size=(count + 60, 3)), 8, axis=0)[30:-30]
    fast = gaussian_filter1d(rng.normal(size=(count, 3)), 1, axis=0)
    # of the box against the face; 8 is a head that shakes while its box follows late
    unrest = rng.choice([0, 0.3, 1, 1.5, 4, 8], p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.1])
    path = unrest * (0.012 * slow / slow.std(axis=0) + 0.004 * fast / fast.std(axis=0))
    centre = (FACE[:2] + FACE[2:]) / 2 + face * (rng.normal(0, 0.04, 2) + path[:, :2])
    centre[:, 1] += face * RECIPE.shift
    size = face * RECIPE.scale * rng.uniform(0.9, 1.35) * (1 + path[:, 2])  # (T,)
    tilt = np.radians(rng.normal(0, 6))
    squeeze = np.exp(rng.normal(0, 0.04))
    mirror = rng.choice([-1, 1])
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    turn = turn @ np.diag([mirror * squeeze, 1 / squeeze])
    crops = np.empty((count, CROP_SIZE, CROP_SIZE), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for frame, crop, middle, side in zip(frames, crops, centre, size, strict=True):
        back = turn * side / CROP_SIZE
        corner = middle - 0.5 - back @ np.full(2, (CROP_SIZE - 1) / 2)
        matrix = np.column_stack([back, corner])
        cv2.warpAffine(
            frame, matrix, (CROP_SIZE, CROP_SIZE), crop, flags, cv2.BORDER_CONSTANT, (OUTSIDE,)
        )
    return crops


def degrade_crops(crops: Frames, rng: Random) -> Frames:
    """Dark, flat, small, soft, compressed, noisy, or at another rate: each only sometimes."""
    crops = _soften(_drop_frames(crops, rng), rng)
    if rng.random() < 0.6:
        gain, gamma = rng.uniform(0.15, 1.2), np.exp(rng.normal(0, 0.3))
        levels = 255 * gain * (np.arange(256) / 255) ** gamma + rng.uniform(0, 30)
        crops = np.clip(levels, 0, 255).astype(np.uint8)[crops]
    if rng.random() < 0.4:
        grain = rng.normal(0, rng.uniform(1, 8), (8, *crops.shape[1:]))
        crops = np.clip(crops + grain[rng.integers(0, 8, len(crops))], 0, 255).astype(np.uint8)
    return crops


def _drop_frames(crops: Frames, rng: Random) -> Frames:
    """Repeat some frames, as after a conversion of rates or over a bad line."""
    count = len(crops)
    if rng.random() < 0.15:  # 24 frames a second at 25, or fewer: some are shown twice
        rate = rng.choice([24, 20, 15, 12.5], p=[0.5, 0.2, 0.2, 0.1]) / 25
        ticks = (np.floor(np.arange(count) * rate + rng.random()) / rate).astype(int)
        return crops[ticks.clip(0, count - 1)]
    if rng.random() < 0.15:  # a call over a bad line: some are lost, and the last one stays
        lost = rng.random(count) < rng.uniform(0.03, 0.3)
        return crops[np.maximum.accumulate(np.where(lost, 0, np.arange(count)))]
    return crops


def _soften(crops: Frames, rng: Random) -> Frames:
    """Blur or compress the crops, or scale them down and up again as a distant face's would be."""
    if rng.random() < 0.4:
        side = int(rng.integers(24, 90)) * 4 // 5  # of the crop, four fifths of the face
        way = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC

        def rescaled(crop: Frames) -> NDArray:
            small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
            return cv2.resize(small, (CROP_SIZE, CROP_SIZE), interpolation=way)

        crops = _map(rescaled, crops)
    if rng.random() < 0.15:
        blur = rng.uniform(0.5, 2.5)
        crops = _map(lambda crop: cv2.GaussianBlur(crop, (0, 0), blur), crops)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 50))]
        crops = _map(lambda crop: _jpeg(crop, quality), crops)
    return crops


def _jpeg(crop: Frames, quality: list[int]) -> NDArray:
    """Return what is left of a crop after JPEG."""
    decoded = cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], 0)
    assert decoded is not None, "OpenCV cannot read the JPEG that it wrote"
    return decoded


def _map(change: Callable[[Frames], NDArray], crops: Frames) -> Frames:
    """Return every crop after `change`."""
    return np.stack([change(crop) for crop in crops]).astype(np.uint8)
