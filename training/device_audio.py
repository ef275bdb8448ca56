"""Audio of a batch of scenes on a device: voices mixed, then degraded, as MFCC rows.

Chances and ranges are those of `mixing.py` and `augment.py`, unless a comment says otherwise.
"""

from __future__ import annotations

import numpy as np
import torch
from augment import music, noise
from mixing import TICK
from torch import Tensor
from torch.nn import functional as fn

from otio_speakerzoom.speech import mfcc as reference

RATE = 16000
ECHO_SAMPLES = 6400
FADE_SAMPLES = 320
"""20 ms, in which one voice replaces another."""
BANK_S = 8
"""Length of a stretch of noise or music; scenes take a random part of it."""
BABBLE_VOICES = 4
"""People who talk in the background; not in `augment.py`."""


def uniform(low: float, high: float, *shape: int, device: torch.device) -> Tensor:
    """Return numbers between `low` and `high`."""
    return low + (high - low) * torch.rand(shape, device=device)


def chance(share: float, *shape: int, device: torch.device) -> Tensor:
    """Return True in `share` of all places."""
    return torch.rand(shape, device=device) < share


def decibels(low: float, high: float, *shape: int, device: torch.device) -> Tensor:
    """Return factors of amplitude between `low` and `high` dB."""
    return 10 ** (uniform(low, high, *shape, device=device) / 20)


def loudness(audio: Tensor) -> Tensor:
    """Return the root mean square over the last dimension, with an amplitude of 1 as the floor."""
    return (audio.square().mean(-1, keepdim=True) + 1).sqrt()


def replace_voice(audio: Tensor, other: Tensor, turns: Tensor, gain: Tensor) -> Tensor:
    """Return (B, 640 T) `audio` with `other` instead where the (B, T) `turns` say so, faded."""
    samples = turns.float().repeat_interleave(TICK, 1)[:, None]
    share = fn.avg_pool1d(fn.pad(samples, (FADE_SAMPLES // 2, FADE_SAMPLES // 2 - 1), "replicate"),
                          FADE_SAMPLES, 1)[:, 0]  # fmt: skip
    level = gain[:, None] * loudness(audio) / loudness(other)
    return audio + share * (other * level - audio)


def delay_unevenly(audio: Tensor, delay: Tensor) -> Tensor:
    """Return (B, 640 T) audio with each tick late by its (B, T) delay in ticks."""
    count = audio.shape[1]
    late = fn.interpolate(delay[:, None], count, mode="linear")[:, 0]
    place = (torch.arange(count, device=audio.device) - TICK * late).clamp(0, count - 1)
    low = place.long().clamp(max=count - 2)
    return torch.lerp(audio.gather(1, low), audio.gather(1, low + 1), place - low)


def smooth_paths(batch: int, ticks: int, sigma: float, device: torch.device) -> Tensor:
    """Return (B, T) random paths, normal noise smoothed over `sigma` ticks, each of deviation 1."""
    reach = int(3 * sigma)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1, device=device) ** 2) / (2 * sigma**2))
    rough = torch.randn(batch, 1, ticks + 2 * reach, device=device)
    path = fn.conv1d(rough, kernel[None, None])[:, 0]
    return path / path.std(1, keepdim=True).clamp(min=1e-6)


class Degrading:
    """Rooms, noise, music, babble and microphones, for clips on a device."""

    def __init__(self, seed: int, device: str, stretches: int) -> None:
        rng, samples = np.random.default_rng(seed), BANK_S * RATE
        sounds = [noise(samples, rng) if n % 3 else music(samples, rng) for n in range(stretches)]
        self.bank = torch.tensor(np.stack(sounds)).to(device)
        """(stretches, 8 s)"""

    def __call__(self, audio: Tensor, babble: Tensor) -> Tensor:
        """Return (C, samples) clips degraded, as whole numbers of 16 bit; `babble` likewise."""
        clips, device = len(audio), audio.device
        audio = self._in_a_room(audio)
        start = torch.randint(self.bank.shape[1] - audio.shape[1], (clips, 1), device=device)
        place = start + torch.arange(audio.shape[1], device=device)
        added = self.bank[torch.randint(len(self.bank), (clips, 1), device=device), place]
        for sound, share, softest in ((added, 0.4, -30.0), (babble, 0.15, -25.0)):
            level = decibels(softest, -3, clips, 1, device=device) * loudness(audio)
            audible = chance(share, clips, 1, device=device)
            audio = audio + audible * sound * level / loudness(sound)
        level = decibels(-25, 6, clips, 1, device=device)
        hiss = torch.randn_like(audio) * 10 ** uniform(-1, 1.5, clips, 1, device=device)
        return (level * audio + hiss).clamp(-32768, 32767).trunc()

    def _in_a_room(self, audio: Tensor) -> Tensor:
        """Echo in a quarter of the clips, a narrow band in one of seven."""
        clips, device = len(audio), audio.device
        size = 1 << (audio.shape[1] + ECHO_SAMPLES - 1).bit_length()
        time = torch.arange(ECHO_SAMPLES, device=device) / RATE
        tail = torch.exp(-time * 6.9 / uniform(0.1, 0.6, clips, 1, device=device))
        tail = tail / tail.norm(dim=1, keepdim=True)
        level = uniform(0.05, 0.3, clips, 1, device=device) * chance(0.25, clips, 1, device=device)
        echo = torch.randn(clips, ECHO_SAMPLES, device=device) * tail * level
        echo[:, 0] = 1
        hertz = torch.fft.rfftfreq(size, 1 / RATE, device=device)[1:]
        low = uniform(50, 300, clips, 1, device=device)
        high = uniform(3000, 7000, clips, 1, device=device)
        # magnitude of a Butterworth band of second order
        band = (1 + ((hertz**2 - low * high) / (hertz * (high - low))) ** 4).rsqrt()
        band = torch.where(chance(0.15, clips, 1, device=device), band, 1)
        spectrum = torch.fft.rfft(audio, size) * torch.fft.rfft(echo, size)
        spectrum = spectrum * fn.pad(band, (1, 0), value=1.0)
        return torch.fft.irfft(spectrum, size)[:, : audio.shape[1]]


class Cepstra:
    """`compute_mfcc` and `mfcc_at_ticks` for clips on a device, in single precision."""

    def __init__(self, device: str) -> None:
        order = np.arange(reference.COEFFICIENTS)[:, None]
        band = np.arange(reference.MEL_FILTERS)
        dct = np.cos(np.pi * order * (2 * band + 1) / (2 * len(band))) * np.sqrt(2 / len(band))
        dct[0] /= np.sqrt(2)
        lift = 1 + reference.LIFTER / 2 * np.sin(np.pi * order / reference.LIFTER)
        filters = reference.mel_filters()
        self._filters = torch.tensor(filters, dtype=torch.float32).to(device)
        self._dct = torch.tensor((dct * lift).T, dtype=torch.float32).to(device)

    def __call__(self, audio: Tensor) -> Tensor:
        """Return (C, 4 T, 13) rows of (C, 640 T) samples, whole numbers."""
        before = fn.pad(audio, (1, 0))[:, :-1]
        emphasised = fn.pad(audio - reference.PRE_EMPHASIS * before, (0, 80))  # of the last row
        windows = emphasised.unfold(1, reference.ROW_SAMPLES, reference.STEP_SAMPLES)
        spectrum = torch.fft.rfft(windows, reference.FFT_SIZE)
        power = (spectrum.real.square() + spectrum.imag.square()) / reference.FFT_SIZE
        tiny = float(np.finfo(np.float64).eps)
        bands = power @ self._filters
        cepstra = torch.where(bands == 0, tiny, bands).log() @ self._dct
        energy = power.sum(-1)
        cepstra[..., 0] = torch.where(energy == 0, tiny, energy).log()
        return torch.cat([cepstra, cepstra[:, -1:]], dim=1)
