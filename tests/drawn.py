"""Drawn faces whose mouth opens with the loudness of the audio, or with another one."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks


def syllables(seed, ticks=300):
    """Return (ticks,) loudness from 0 to 1 that rises and falls a few times a second."""
    wave = gaussian_filter1d(np.random.default_rng(seed).normal(size=ticks), 2)
    return np.clip(0.5 + 0.35 * wave / wave.std(), 0, 1)


def mfcc_of(loudness, seed=0):
    """Return the (4T, 13) MFCC rows of noise that is as loud as `loudness`, over 40 dB."""
    noise = np.random.default_rng(seed).normal(size=640 * len(loudness))
    at = np.arange(len(noise)) / 640 - 0.5
    amplitude = 30 * 100 ** np.interp(at, np.arange(len(loudness)), loudness)
    return mfcc_at_ticks(compute_mfcc((noise * amplitude).astype(np.int16)), len(loudness))


def face_of(opening, seed=0, sway=0.0):
    """Return (T, 112, 112) crops of a face whose mouth is `opening` wide, on a swaying head."""
    rng = np.random.default_rng(seed)
    skin = 140 + 250 * gaussian_filter(rng.normal(size=(140, 140)), 6)
    path = gaussian_filter1d(rng.normal(size=(len(opening), 2)), 4, axis=0) * 8 * sway
    crops = []
    for wide, (x, y) in zip(opening, path, strict=True):
        frame = skin.copy()
        cv2.ellipse(frame, (70, 84), (18, 2 + round(11 * wide)), 0, 0, 360, (40,), -1)
        move = np.array([[1, 0, x - 14], [0, 1, y - 14]])
        crops.append(cv2.warpAffine(frame, move, (112, 112)) + rng.normal(0, 1, (112, 112)))
    return np.clip(crops, 0, 255).astype(np.uint8)
