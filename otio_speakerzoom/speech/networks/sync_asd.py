"""Sync-ASD, our own network: small enough for a laptop's processor, and it listens for lip sync.

Pictures become features one by one, each as its difference from its neighbours; sound becomes
features at the same rate; both are compared over a range of lags and over short and long windows
(the idea of SyncNet, Chung and Zisserman, ACCV 2016 workshops), and temporal convolutions weigh
what comes of it. Two members of that make, which differ by the luck of their training, score apart,
and the mean of their scores counts. There is no recurrence and no attention: every score depends on
113 ticks on either side and on nothing else, so scoring in windows is exact. Trained by
`training/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as fn

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import Clip, CropRecipe
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.weights.checkpoint import load_checkpoint

RECIPE = CropRecipe(scale=0.8, shift=0.15, square=True)
"""From the eyes to below the chin: speech shows around the mouth, the head's own motion above."""
MEMORY = 12
"""Ticks to either side whose mean is what a face usually looks like: a second."""
WIDTH = 128
LAGS = 5
"""Ticks by which sound may lead or lag in the comparison, 200 ms."""
WINDOWS = (1, 25, 75)
"""Ticks over which agreement is averaged."""
VISUAL_STEPS, AUDIO_STEPS, JOINT_STEPS = (1, 2, 4), (1, 2, 4), (1, 2, 4, 8)
"""Dilations of the temporal layers, which have five taps each; seven in the joint ones."""

ENCODER_HALO = MEMORY + 14
"""Ticks on either side that what is made of a picture depends on: mean, temporal layers."""
JOINT_HALO = WINDOWS[-1] // 2 + LAGS + 45
"""Ticks on either side of that which a score depends on: windows, lags, joint layers."""

MEMBERS = 2
"""One alone varies from one training to the next: of average precision on validation people the
two have .975 and .970, and their mean .974, near the better one, which nobody knows beforehand."""


class SyncAsd(nn.Module):
    """Whether the face seen is the voice heard, tick by tick."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(Member() for _ in range(MEMBERS))

    @property
    def _each(self) -> list[Member]:
        return cast(list[Member], list(self.members))  # ModuleList forgets what it holds

    def forward(self, mfcc: Tensor, crops: Tensor) -> Tensor:
        """Return (B, T) logits; `mfcc` is (B, 4T, 13), `crops` (B, T, 112, 112) of 0 to 255."""
        return self.joint(self.visual(stacked(crops)), self.audio(mfcc))

    def visual(self, pictures: Tensor) -> Tensor:
        """Return (M, B, C, T), what each member makes of `stacked` pictures."""
        return torch.stack([member.visual(pictures) for member in self._each])

    def audio(self, mfcc: Tensor) -> Tensor:
        """Return (M, B, C, T), what each member makes of (B, 4T, 13)."""
        return torch.stack([member.audio(mfcc) for member in self._each])

    def joint(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T) logits from what the members made of picture and sound."""
        pairs = zip(self._each, visual, audio, strict=True)
        return torch.stack([member.joint(seen, heard) for member, seen, heard in pairs]).mean(0)


class Member(nn.Module):
    """One network; training deals with one at a time."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.visual = _Visual(width)
        self.audio = _Audio(width)
        self.joint = _Joint(width)


def _conv_norm(entering: int, leaving: int, k: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(entering, leaving, k, stride, k // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(leaving))


class _Separable(nn.Module):
    """A convolution over space for each channel, then one over channels; residual if it can be."""

    def __init__(self, entering: int, leaving: int, stride: int = 1) -> None:
        super().__init__()
        self.space = nn.Conv2d(entering, entering, 3, stride, 1, groups=entering, bias=False)
        self.mix = _conv_norm(entering, leaving, 1)
        self.residual = stride == 1 and entering == leaving

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(self.space(x))
        return (x + y if self.residual else y).relu_()


class _Temporal(nn.Module):
    """Residual: a convolution over time for each channel, then one over channels."""

    def __init__(self, width: int, taps: int, dilation: int) -> None:
        super().__init__()
        reach = taps // 2 * dilation
        self.time = nn.Conv1d(width, width, taps, 1, reach, dilation, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(self.norm(self.time(x)).relu())


class _Visual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv_norm(5, 24, 5, 2), nn.ReLU(inplace=True))  # (N, 24, 28, 28)
        self.look = nn.Sequential(
            _Separable(24, 48, 2), _Separable(48, 48),  # (N, 48, 14, 14)
            _Separable(48, 96, 2), _Separable(96, 96), _Separable(96, 96),  # (N, 96, 7, 7)
            _conv_norm(96, 32, 1), nn.ReLU(), nn.Flatten(),  # (N, 1568)
            nn.Linear(32 * 7 * 7, width),
        )  # fmt: skip
        self.follow = nn.Sequential(*(_Temporal(width, 5, d) for d in VISUAL_STEPS))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (B, C, T) from `stacked` pictures."""
        seen = self.look(self.stem(pictures.flatten(0, 1)))  # (B T, C)
        return self.follow(seen.unflatten(0, pictures.shape[:2]).transpose(1, 2))


def stacked(crops: Tensor) -> Tensor:
    """Return (B, T, 5, 56, 56): how each of (B, T, 112, 112) came about and what becomes of it.

    Four changes from picture to picture, two before and two after, and the picture's difference
    from the mean of the second around it. What never changes, such as who it is, does not show.
    """
    small = fn.avg_pool2d(crops.float(), 2)  # (B, T, 56, 56)
    centred = small - small.mean((2, 3), keepdim=True)
    # at least 8 of 256 levels, so that a blank crop does not magnify its noise
    even = centred / centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=8)
    padded = torch.cat([even[:, :1]] * MEMORY + [even] + [even[:, -1:]] * MEMORY, dim=1)
    until = fn.pad(padded.cumsum(1), (0, 0, 0, 0, 1, 0))
    usual = (until[:, 2 * MEMORY + 1 :] - until[:, : -2 * MEMORY - 1]) / (2 * MEMORY + 1)
    near = [padded[:, MEMORY + n : MEMORY + n + crops.shape[1]] for n in range(-2, 3)]
    changes = [after - before for before, after in pairwise(near)]
    # channels last in memory, as convolutions on a processor like them
    return torch.stack([*changes, even - usual], dim=-1).movedim(-1, 2)


class _Audio(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(13)
        self.hear = nn.Sequential(
            nn.Conv1d(13, 64, 5, 1, 2, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Conv1d(64, 96, 4, 2, 1, bias=False), nn.BatchNorm1d(96), nn.ReLU(),
            nn.Conv1d(96, width, 4, 2, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.follow = nn.Sequential(*(_Temporal(width, 5, d) for d in AUDIO_STEPS))

    def forward(self, mfcc: Tensor) -> Tensor:
        """Return (B, C, T) from (B, 4T, 13)."""
        return self.follow(self.hear(self.norm(mfcc.transpose(1, 2))))


class _Joint(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_picture = nn.Conv1d(width, 64, 1)
        self.of_sound = nn.Conv1d(width, 64, 1)
        agreements = len(WINDOWS) * (2 * LAGS + 2)
        self.mix = nn.Conv1d(2 * width + 64 + agreements, width, 1)
        self.follow = nn.Sequential(*(_Temporal(width, 7, d) for d in JOINT_STEPS))
        self.score = nn.Conv1d(width, 1, 1)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T) logits from (B, C, T) features."""
        seen, heard = self.of_picture(visual), self.of_sound(audio)  # (B, 64, T)
        agreement = windowed(lagged(fn.normalize(seen, dim=1), fn.normalize(heard, dim=1)))
        features = torch.cat([visual, audio, seen * heard, agreement], dim=1)
        return self.score(self.follow(self.mix(features).relu()).relu())[:, 0]


def lagged(seen: Tensor, heard: Tensor) -> Tensor:
    """Return (B, 11, T): the dot product of (B, D, T) features, sound shifted by -5 to 5 ticks."""
    padded = fn.pad(heard, (LAGS, LAGS))
    return torch.einsum("bdt,bdtl->blt", seen, padded.unfold(2, 2 * LAGS + 1, 1))


def windowed(agreement: Tensor) -> Tensor:
    """Return (B, 36, T): means of (B, 11, T) over each window, and the best lag's."""
    means = [fn.avg_pool1d(agreement, w, 1, w // 2, count_include_pad=False) for w in WINDOWS]
    return torch.cat([part for m in means for part in (m, m.amax(1, keepdim=True))], dim=1)


class SyncAsdScorer:
    """Sync-ASD with trained weights, as the pipeline calls it."""

    name = "sync-asd"
    licence = "MIT"
    recipe = RECIPE
    gated = False
    window = 500
    """Ticks encoded in one go: 20 s, in about 0.2 GB."""
    context = ENCODER_HALO
    calibration = Calibration(1.16, 1.29)
    """Of the corpus's validation people (54 tracks, 27 people)."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        network = SyncAsd()
        load_checkpoint(network, path)
        self.network = network.eval().to(device)
        self.device = device

    @torch.inference_mode()
    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return for each clip (T, 256 (1 + M)): its pictures encoded, then each of M sounds."""
        return [self._encoded(clip) for clip in clips]

    def _encoded(self, clip: Clip) -> NDArray[np.float32]:
        pictures = stacked(torch.tensor(clip.crops, device=self.device)[None])
        visual = self.network.visual(pictures)  # (members, 1, C, T)
        audio = self.network.audio(torch.tensor(clip.mfcc, device=self.device))
        parts = torch.cat([visual, audio], dim=1).transpose(0, 1)  # (1 + M, members, C, T)
        return parts.flatten(0, 2).T.cpu().numpy()

    @torch.inference_mode()
    def decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) logits from what `encode` made of a whole track."""
        made = [np.empty((track.width // (MEMBERS * WIDTH) - 1, 0), np.float32)]
        for start in range(0, len(track), self.window):
            first = max(0, start - JOINT_HALO)
            rows = torch.tensor(track.read(first, start + self.window + JOINT_HALO))
            parts = rows.to(self.device).unflatten(1, (-1, MEMBERS, WIDTH))
            both = parts.permute(2, 1, 3, 0)  # (members, 1 + M, C, n)
            visual, audio = both[:, :1], both[:, 1:]
            logits = self.network.joint(visual.expand_as(audio), audio)  # (M, n)
            made.append(logits[:, start - first :][:, : self.window].cpu().numpy())
        return np.concatenate(made, axis=1)
