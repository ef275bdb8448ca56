"""LR-ASD, the light network of Liao et al. (IJCV 2025), layer for layer, and its scorer.

Frames go through convolutions over space and then time, audio through convolutions over mel and
then time; both are joined tick by tick and go through two GRUs, one in each direction. Code and
weights by the authors are under the MIT licence (Junhua-Liao/LR-ASD). Names of modules are keys of
the checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.networks.folded import (
    GRU_TICKS,
    FoldedConv,
    FoldedScorer,
    normalise,
)
from otio_speakerzoom.speech.row_buffer import FileSource, RowBuffer
from otio_speakerzoom.speech.scorer import WholeTrackDecider

BATCH_NORM_EPS = 1e-3  # of every batch norm; not torch's 1e-5
HALO_TICKS = 9
"""Ticks on either side that an encoding depends on: three blocks of 5 and 3 taps."""


class LrAsd(nn.Module):
    """Whether the visible face is the audible voice, tick by tick."""

    def __init__(self) -> None:
        super().__init__()
        parts = {
            "visualEncoder": _VisualEncoder(),
            "audioEncoder": _AudioEncoder(),
            "fusion": _Gate(256),
            "detector": _Detector(),
        }
        self.model = nn.ModuleDict(parts)
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(128, 2)})
        self.lossV = nn.ModuleDict({"FC": nn.Linear(128, 2)})  # only trains the visual encoder

    def forward(self, mfcc: Tensor, crops: Tensor) -> Tensor:
        """Return (B, T) logits; `mfcc` is (B, 4T, 13), `crops` (B, T, 112, 112) of 0 to 255."""
        return self.combine(self.encode_audio(mfcc), self.encode_visual(crops))

    def encode_visual(self, crops: Tensor) -> Tensor:
        """Return (B, T, 128); each tick depends on `HALO_TICKS` ticks on either side."""
        return self.model["visualEncoder"](normalise(crops)[:, None])  # (B, T, 128)

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        """Return (B, T, 128) from (B, 4T, 13)."""
        return self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])  # (B, T, 128)

    def combine(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Return (B, T) logits from both encodings, (B, T, 128) each."""
        joint = self.model["fusion"](torch.cat([audio, visual], dim=2))  # (B, T, 256)
        return self.lossAV["FC"](self.model["detector"](joint))[:, :, 1]  # (B, T)


class _VisualBlock(nn.Module):
    """Two convolutions over space, then two over time."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        half, step = out_channels // 2, (1, stride, stride)
        self.s_1 = nn.Conv3d(in_channels, half, (1, 5, 5), step, (0, 2, 2), bias=False)
        self.s_norm_1 = nn.BatchNorm3d(half, BATCH_NORM_EPS)
        self.s_2 = nn.Conv3d(half, out_channels, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.s_norm_2 = nn.BatchNorm3d(out_channels, BATCH_NORM_EPS)
        self.t_1 = nn.Conv3d(out_channels, out_channels, (5, 1, 1), padding=(2, 0, 0), bias=False)
        self.t_norm_1 = nn.BatchNorm3d(out_channels, BATCH_NORM_EPS)
        self.t_2 = nn.Conv3d(out_channels, out_channels, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.t_norm_2 = nn.BatchNorm3d(out_channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.s_norm_1(self.s_1(x)).relu()  # (B, C/2, T, H/stride, W/stride)
        x = self.s_norm_2(self.s_2(x)).relu()  # (B, C, T, H/stride, W/stride)
        x = self.t_norm_1(self.t_1(x)).relu()
        return self.t_norm_2(self.t_2(x)).relu()


class _VisualEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1 = _VisualBlock(1, 32, stride=2)
        self.block2 = _VisualBlock(32, 64)
        self.block3 = _VisualBlock(64, 128)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.block1(x))  # (B, 32, T, 28, 28)
        x = self.pool(self.block2(x))  # (B, 64, T, 14, 14)
        return self.block3(x).amax(dim=(3, 4)).transpose(1, 2)  # (B, T, 128)


class _AudioBlock(nn.Module):
    """Two convolutions over mel, then two over time."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.m_1 = nn.Conv2d(in_channels, half, (5, 1), padding=(2, 0), bias=False)
        self.m_norm_1 = nn.BatchNorm2d(half, BATCH_NORM_EPS)
        self.m_2 = nn.Conv2d(half, out_channels, (3, 1), padding=(1, 0), bias=False)
        self.m_norm_2 = nn.BatchNorm2d(out_channels, BATCH_NORM_EPS)
        self.t_1 = nn.Conv2d(out_channels, out_channels, (1, 5), padding=(0, 2), bias=False)
        self.t_norm_1 = nn.BatchNorm2d(out_channels, BATCH_NORM_EPS)
        self.t_2 = nn.Conv2d(out_channels, out_channels, (1, 3), padding=(0, 1), bias=False)
        self.t_norm_2 = nn.BatchNorm2d(out_channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.m_norm_1(self.m_1(x)).relu()  # (B, C/2, 13, R)
        x = self.m_norm_2(self.m_2(x)).relu()  # (B, C, 13, R)
        x = self.t_norm_1(self.t_1(x)).relu()
        return self.t_norm_2(self.t_2(x)).relu()


class _AudioEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block1 = _AudioBlock(1, 32)
        self.block2 = _AudioBlock(32, 64)
        self.block3 = _AudioBlock(64, 128)
        self.pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))  # over time only

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.block1(x))  # (B, 32, 13, 2T)
        x = self.pool(self.block2(x))  # (B, 64, 13, T)
        return self.block3(x).mean(dim=2).transpose(1, 2)  # (B, T, 128)


class _Gate(nn.Module):
    """Scales each channel by a weight that depends on all channels of the same tick."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm1d(channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.bn(self.attention(x.transpose(1, 2))).sigmoid()  # (B, C, T)
        return x * weights.transpose(1, 2)  # (B, T, C)


class _Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(256, 64, batch_first=True)
        self.gru_backward = nn.GRU(256, 64, batch_first=True)  # reads the ticks from the end
        self.attention = _Gate(128)

    def forward(self, x: Tensor) -> Tensor:
        forward = self.gru_forward(x)[0]  # (B, T, 64)
        back = self.gru_backward(x.flip(1))[0].flip(1)  # (B, T, 64)
        return self.attention(torch.cat([forward, back], dim=2))  # (B, T, 128)


def fold_block(block: nn.Module) -> nn.Sequential:
    """Return a trained `_VisualBlock` with its batch norms folded in."""
    layers = (
        FoldedConv(
            getattr(block, f"{axis}_{n}"),
            getattr(block, f"{axis}_norm_{n}"),
            relu=(axis, n) != ("t", 2),
        )
        for axis in "st"
        for n in (1, 2)
    )
    return nn.Sequential(*layers)


class LrAsdScorer(FoldedScorer):
    """LR-ASD with trained weights, as the pipeline calls it.

    Its encoders depend on nine ticks to either side, but its GRUs on everything, and they remember
    for minutes: in windows of two minutes with another half a minute on either side, logits still
    moved by up to 0.4 and 7 of 7,500 changed sign. So the encodings of all ticks are buffered, and
    each GRU runs over all of them, its state carried on from block to block.
    """

    name = "lr-asd"
    context = HALO_TICKS
    calibration = Calibration(1.10, -1.07)
    """Fitted on the corpus's validation people (54 tracks, 27 people; `training/evaluate.py`)."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        super().__init__(LrAsd(), fold_block, path, device)

    def decider(self, new_file: FileSource) -> WholeTrackDecider:
        """Return the decider of one track, which stores the encodings until its end."""
        return WholeTrackDecider(self._decide, new_file)

    @torch.inference_mode()
    def _decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) raw logits for M microphones from the encodings of a whole track.

        The backward GRU runs over the track for its states between blocks, and again in each block.
        """
        detector: Any = self.network.model["detector"]
        starts = range(0, len(track), GRU_TICKS)
        states, state = {}, None  # of the backward GRU after the block that begins there
        for start in reversed(starts):
            states[start] = state
            state = detector.gru_backward(self._joint(track, start).flip(1), state)[1]
        logits, state = [], None
        for start in starts:
            joint = self._joint(track, start)
            forward, state = detector.gru_forward(joint, state)  # (M, n, 64)
            back = detector.gru_backward(joint.flip(1), states[start])[0].flip(1)
            both = detector.attention(torch.cat([forward, back], dim=2))  # (M, n, 128)
            logits.append(self.network.lossAV["FC"](both)[:, :, 1].cpu().numpy())
        return np.concatenate(logits, axis=1)

    def _joint(self, track: RowBuffer, start: int) -> Tensor:
        """Return (M, n, 256) visual and audio encodings joined, of the block from `start` on."""
        visual, audio = self.read_block(track, start)
        return self.network.model["fusion"](torch.cat([audio, visual.expand_as(audio)], dim=2))
