"""Sync-ASD, our own network: small enough for a laptop's CPU, and built to detect lip sync.

Frames are encoded one by one, each with its differences from its neighbours; audio is encoded at
the same rate; both are compared over a range of lags and over short and long windows (the idea of
SyncNet, Chung and Zisserman, ACCV 2016 workshops), and temporal convolutions weigh the results. It
is an ensemble: two members of this architecture, trained from different seeds, score independently,
and the mean of their scores counts. There is no recurrence and no attention: every score depends on
113 ticks on either side and on nothing else, so scoring in windows is exact. Trained by
`training/`. Names of submodules are keys of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as fn

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import CropRecipe
from otio_speakerzoom.speech.networks.face_channels import MEAN_TICKS, face_channels
from otio_speakerzoom.speech.row_buffer import FileSource
from otio_speakerzoom.weights.checkpoint import load_checkpoint

RECIPE = CropRecipe(scale=0.8, shift=0.15, square=True)
"""From the eyes to below the chin: speech shows around the mouth, the head's own motion above."""
WIDTH = 128
"""Channels of an encoding."""
MAX_LAG_TICKS = 5
"""Maximum lead or lag of the audio in the comparison, 200 ms."""
WINDOWS_TICKS = (1, 25, 75)
"""Windows over which similarity is averaged."""
VISUAL_DILATIONS, AUDIO_DILATIONS, JOINT_DILATIONS = (1, 2, 4), (1, 2, 4), (1, 2, 4, 8)
"""Of the temporal layers, which have five taps each; seven in the joint ones."""

CPU_FRAMES = 128
"""Frames that a CPU encodes at once. All 550 of a window take 0.1 GB more and are no faster."""
CACHE_FRAMES = 32
"""Of these, frames that go through the convolutions at once: their largest values, 2.4 MB, stay in
the processor's cache, and such memory is used again rather than mapped anew."""

ENCODER_HALO_TICKS = MEAN_TICKS + 14
"""Ticks on either side that an encoding depends on: mean, temporal layers."""
JOINT_HALO_TICKS = WINDOWS_TICKS[-1] // 2 + MAX_LAG_TICKS + 45
"""Ticks of encodings on either side that a score depends on: windows, lags, joint layers."""

MEMBERS = 2
"""One alone varies from one training to the next: in average precision on validation people the two
have .975 and .970, and their mean .974, near the better one, which is not known beforehand."""


class SyncAsd(nn.Module):
    """Whether the visible face is the audible voice, tick by tick."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(Member() for _ in range(MEMBERS))

    @property
    def _typed_members(self) -> list[Member]:
        return cast(list[Member], list(self.members))  # ModuleList is not generic

    def forward(self, mfcc: Tensor, crops: Tensor) -> Tensor:
        """Return (B, T) logits; `mfcc` is (B, 4T, 13), `crops` (B, T, 112, 112) of 0 to 255."""
        return self.joint(self.visual(face_channels(crops)), self.audio(mfcc))

    def visual(self, channels: Tensor) -> Tensor:
        """Return (members, B, C, T), each member's encodings of `face_channels`."""
        return torch.stack([member.visual(channels) for member in self._typed_members])

    def audio(self, mfcc: Tensor) -> Tensor:
        """Return (members, B, C, T), each member's encodings of (B, 4T, 13) MFCC rows."""
        return torch.stack([member.audio(mfcc) for member in self._typed_members])

    def joint(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T) logits from the members' visual and audio encodings."""
        inputs = zip(self._typed_members, visual, audio, strict=True)
        return torch.stack([member.joint(v, a) for member, v, a in inputs]).mean(0)


class Member(nn.Module):
    """One network; training deals with one at a time."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.visual = _Visual(width)
        self.audio = _Audio(width)
        self.joint = _Joint(width)


def _conv_norm(in_channels: int, out_channels: int, k: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(in_channels, out_channels, k, stride, k // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class _Separable(nn.Module):
    """A convolution over space per channel, then one over channels; residual if shapes allow."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.space = nn.Conv2d(
            in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False
        )
        self.mix = _conv_norm(in_channels, out_channels, 1)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(self.space(x))
        return (x + y if self.residual else y).relu_()


class _Temporal(nn.Module):
    """Residual: a convolution over time per channel, then one over channels."""

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
        self.stem = nn.Sequential(_conv_norm(6, 24, 5, 2), nn.ReLU(inplace=True))  # (N, 24, 28, 28)
        self.look = nn.Sequential(
            _Separable(24, 48, 2), _Separable(48, 48),  # (N, 48, 14, 14)
            _Separable(48, 96, 2), _Separable(96, 96), _Separable(96, 96),  # (N, 96, 7, 7)
            _conv_norm(96, 32, 1), nn.ReLU(), nn.Flatten(),  # (N, 1568)
            nn.Linear(32 * 7 * 7, width),
        )  # fmt: skip
        self.follow = nn.Sequential(*(_Temporal(width, 5, d) for d in VISUAL_DILATIONS))

    def forward(self, channels: Tensor) -> Tensor:
        """Return (B, C, T) from `face_channels`."""
        frames = channels.flatten(0, 1)  # (B T, 6, 56, 56)
        parts = frames.split(CPU_FRAMES) if frames.device.type == "cpu" else [frames]
        encodings = torch.cat([self._encode(part) for part in parts])  # (B T, C)
        return self.follow(encodings.unflatten(0, channels.shape[:2]).transpose(1, 2))

    def _encode(self, frames: Tensor) -> Tensor:
        """Return (N, C) from (N, 6, 56, 56). Training normalizes over all of the frames."""
        if self.training or frames.device.type != "cpu":
            return self.look(self.stem(frames))
        parts = [self.look[:-1](self.stem(part)) for part in frames.split(CACHE_FRAMES)]
        return self.look[-1](torch.cat(parts))  # the number of rows may change how it rounds


class _Audio(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(13)
        self.hear = nn.Sequential(
            nn.Conv1d(13, 64, 5, 1, 2, bias=False), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Conv1d(64, 96, 4, 2, 1, bias=False), nn.BatchNorm1d(96), nn.ReLU(),
            nn.Conv1d(96, width, 4, 2, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.follow = nn.Sequential(*(_Temporal(width, 5, d) for d in AUDIO_DILATIONS))

    def forward(self, mfcc: Tensor) -> Tensor:
        """Return (B, C, T) from (B, 4T, 13)."""
        return self.follow(self.hear(self.norm(mfcc.transpose(1, 2))))


class _Joint(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_picture = nn.Conv1d(width, 64, 1)
        self.of_sound = nn.Conv1d(width, 64, 1)
        similarities = len(WINDOWS_TICKS) * (2 * MAX_LAG_TICKS + 2)
        self.mix = nn.Conv1d(2 * width + 64 + similarities, width, 1)
        self.follow = nn.Sequential(*(_Temporal(width, 7, d) for d in JOINT_DILATIONS))
        self.score = nn.Conv1d(width, 1, 1)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """Return (B, T) logits from (B, C, T) features."""
        v, a = self.of_picture(visual), self.of_sound(audio)  # (B, 64, T)
        by_lag = similarity_by_lag(fn.normalize(v, dim=1), fn.normalize(a, dim=1))
        features = torch.cat([visual, audio, v * a, window_means(by_lag)], dim=1)
        return self.score(self.follow(self.mix(features).relu()).relu())[:, 0]


def similarity_by_lag(visual: Tensor, audio: Tensor) -> Tensor:
    """Return (B, 11, T) dot products of (B, D, T) features, audio shifted by -5 to 5 ticks."""
    padded = fn.pad(audio, (MAX_LAG_TICKS, MAX_LAG_TICKS))
    return torch.einsum("bdt,bdtl->blt", visual, padded.unfold(2, 2 * MAX_LAG_TICKS + 1, 1))


def window_means(by_lag: Tensor) -> Tensor:
    """Return (B, 36, T): means of (B, 11, T) over each window, and the best lag's."""
    means = [
        fn.avg_pool1d(by_lag, ticks, 1, ticks // 2, count_include_pad=False)
        for ticks in WINDOWS_TICKS
    ]
    return torch.cat([part for m in means for part in (m, m.amax(1, keepdim=True))], dim=1)


class SyncAsdScorer:
    """Sync-ASD with trained weights, as the pipeline calls it."""

    name = "sync-asd"
    licence = "MIT"
    recipe = RECIPE
    gated_by_vad = False
    window = 500
    """Ticks encoded at a time: 20 s, in about 0.2 GB."""
    context = ENCODER_HALO_TICKS
    calibration = Calibration(1.44, 1.63)
    """Fitted on the corpus's validation people (80 tracks, 44 people)."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        network = SyncAsd()
        load_checkpoint(network, path)
        self.network = network.eval().to(device)
        self.device = device

    @torch.inference_mode()
    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return (T, 256 (1 + M)) for each clip: its frames encoded, then each of M microphones."""
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Clip) -> NDArray[np.float32]:
        channels = face_channels(torch.tensor(clip.crops, device=self.device)[None])
        visual = self.network.visual(channels)  # (members, 1, C, T)
        audio = self.network.audio(torch.tensor(clip.mfcc, device=self.device))
        parts = torch.cat([visual, audio], dim=1).transpose(0, 1)  # (1 + M, members, C, T)
        return parts.flatten(0, 2).T.cpu().numpy()

    def decider(self, _: FileSource) -> SyncAsdDecider:
        """Return the decider of one track, which stores nothing."""
        return SyncAsdDecider(self.network, self.device, self.window)


class SyncAsdDecider:
    """Decides window by window, as soon as the encodings that a window's scores depend on come."""

    def __init__(self, network: SyncAsd, device: str, window: int) -> None:
        self._network, self._device, self._window = network, device, window
        self._rows: NDArray[np.float32] | None = None  # (n, 256 (1 + M)) encodings still needed
        self._first = 0  # tick of the first of them
        self._start = 0  # tick of the next window

    def push(self, rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Add the (T, 256 (1 + M)) encodings that follow; return the (M, T) logits they settle."""
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])
        return self._decide_windows(self._first + len(self._rows) - JOINT_HALO_TICKS)

    def finish(self) -> list[NDArray[np.float32]]:
        """Return the rest of the logits, at the end of the track."""
        end = self._first + (0 if self._rows is None else len(self._rows))
        return self._decide_windows(end + self._window - 1)

    def _decide_windows(self, ready_end: int) -> list[NDArray[np.float32]]:
        """The logits of all windows that end by `ready_end`, cut short at the track's end."""
        logits = []
        while self._start + self._window <= ready_end:
            logits.append(self._decide_window())
        return logits

    @torch.inference_mode()
    def _decide_window(self) -> NDArray[np.float32]:
        assert self._rows is not None
        first = max(0, self._start - JOINT_HALO_TICKS)
        last = self._start + self._window + JOINT_HALO_TICKS
        self._rows = self._rows[first - self._first :]
        self._first = first
        rows = torch.tensor(self._rows[: last - first])
        parts = rows.to(self._device).unflatten(1, (-1, MEMBERS, WIDTH))
        both = parts.permute(2, 1, 3, 0)  # (members, 1 + M, C, n)
        visual, audio = both[:, :1], both[:, 1:]
        logits = self._network.joint(visual.expand_as(audio), audio)  # (M, n)
        inner = logits[:, self._start - first :][:, : self._window].cpu().numpy()
        self._start += self._window
        return inner
