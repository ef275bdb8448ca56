"""LR-ASD, the light network of Liao et al. (IJCV 2025), layer for layer, and its scorer.

A picture goes through convolutions over space and then time, sound through ones over mel and then
time; both meet frame by frame, and two GRUs look along them in either direction. Code and weights
by the authors are under the MIT licence (Junhua-Liao/LR-ASD). Module names are the checkpoint's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import ROWS_PER_TICK, WHOLE_BOX
from otio_speakerzoom.speech.networks.checkpoint import load_checkpoint

MEAN, DEVIATION = 0.4161, 0.1688  # of the training pictures, on a scale of 0 to 1
NORM_EPS = 1e-3  # of every batch norm; not torch's 1e-5
HALO = 9
"""Frames on either side that an encoded frame depends on: three blocks of 5 and 3 taps."""
CHUNK = 250
"""Frames encoded at once: about 0.4 GB, and the halo costs 7 %."""


class LrAsd(nn.Module):
    """Whether the face seen is the voice heard, frame by frame."""

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
        """Return (B, T, 128); each frame depends on `HALO` frames on either side."""
        pictures = (crops.float() / 255 - MEAN) / DEVIATION
        return self.model["visualEncoder"](pictures[:, None])  # (B, T, 128)

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        """Return (B, T, 128) from (B, 4T, 13)."""
        return self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])  # (B, T, 128)

    def combine(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Return (B, T) logits from both encodings, (B, T, 128) each."""
        joint = self.model["fusion"](torch.cat([audio, visual], dim=2))  # (B, T, 256)
        return self.lossAV["FC"](self.model["detector"](joint))[:, :, 1]  # (B, T)


class _VisualBlock(nn.Module):
    """Two convolutions over space, then two over time."""

    def __init__(self, entering: int, leaving: int, stride: int = 1) -> None:
        super().__init__()
        half, step = leaving // 2, (1, stride, stride)
        self.s_1 = nn.Conv3d(entering, half, (1, 5, 5), step, (0, 2, 2), bias=False)
        self.s_norm_1 = nn.BatchNorm3d(half, NORM_EPS)
        self.s_2 = nn.Conv3d(half, leaving, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.s_norm_2 = nn.BatchNorm3d(leaving, NORM_EPS)
        self.t_1 = nn.Conv3d(leaving, leaving, (5, 1, 1), padding=(2, 0, 0), bias=False)
        self.t_norm_1 = nn.BatchNorm3d(leaving, NORM_EPS)
        self.t_2 = nn.Conv3d(leaving, leaving, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.t_norm_2 = nn.BatchNorm3d(leaving, NORM_EPS)

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

    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        half = leaving // 2
        self.m_1 = nn.Conv2d(entering, half, (5, 1), padding=(2, 0), bias=False)
        self.m_norm_1 = nn.BatchNorm2d(half, NORM_EPS)
        self.m_2 = nn.Conv2d(half, leaving, (3, 1), padding=(1, 0), bias=False)
        self.m_norm_2 = nn.BatchNorm2d(leaving, NORM_EPS)
        self.t_1 = nn.Conv2d(leaving, leaving, (1, 5), padding=(0, 2), bias=False)
        self.t_norm_1 = nn.BatchNorm2d(leaving, NORM_EPS)
        self.t_2 = nn.Conv2d(leaving, leaving, (1, 3), padding=(0, 1), bias=False)
        self.t_norm_2 = nn.BatchNorm2d(leaving, NORM_EPS)

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
    """Lets through as much of each channel as the frame's channels together suggest."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm1d(channels, NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.bn(self.attention(x.transpose(1, 2))).sigmoid()  # (B, C, T)
        return x * weights.transpose(1, 2)  # (B, T, C)


class _Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(256, 64, batch_first=True)
        self.gru_backward = nn.GRU(256, 64, batch_first=True)  # reads the frames from the end
        self.attention = _Gate(128)

    def forward(self, x: Tensor) -> Tensor:
        onward = self.gru_forward(x)[0]  # (B, T, 64)
        back = self.gru_backward(x.flip(1))[0].flip(1)  # (B, T, 64)
        return self.attention(torch.cat([onward, back], dim=2))  # (B, T, 128)


class LrAsdScorer:
    """LR-ASD with trained weights, as the pipeline calls it."""

    name = "lr-asd"
    recipe = WHOLE_BOX
    gated = False
    window = 1500
    """Ticks scored in one go: a minute."""
    context = 50
    """Ticks on either side that are shown and not scored, in which the GRUs forget the window's
    edge: cut into windows of 10 s without any, 0.2 % of the scores changed sign."""
    calibration = Calibration(1.10, -1.07)
    """Of the corpus's validation people (54 tracks, 27 people; `training/evaluate.py`)."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        network = LrAsd()
        load_checkpoint(network, path)
        self.network = network.eval().to(device)
        for weight in self.network.parameters():
            if weight.ndim == 5:  # channels last: twice as fast on two cores, the same numbers
                weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
        self.device = device

    def __call__(self, crops: NDArray[np.uint8], mfcc: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (T,) logits from (T, 112, 112) gray crops and (4T, 13) MFCC rows."""
        if len(mfcc) != ROWS_PER_TICK * len(crops):
            raise ValueError(f"{len(crops)} crops need 4 rows each, got {len(mfcc)} in all")
        if not len(crops):
            return np.zeros(0, np.float32)
        with torch.inference_mode():
            rows = torch.tensor(mfcc, dtype=torch.float32, device=self.device)
            visual = encode_in_chunks(self.network, crops, self.device)
            logits = self.network.combine(self.network.encode_audio(rows[None]), visual)
        return logits[0].cpu().numpy()


def encode_in_chunks(
    network: LrAsd, crops: NDArray[np.uint8], device: str, chunk: int = CHUNK
) -> Tensor:
    """Return (1, T, 128), as one pass over (T, 112, 112) crops would, `chunk` frames at a time."""
    encoded = []
    for start in range(0, len(crops), chunk):
        first = max(0, start - HALO)
        seen = torch.tensor(crops[first : start + chunk + HALO], device=device)
        visual = network.encode_visual(seen[None])  # (1, chunk + halos, 128)
        encoded.append(visual[:, start - first :][:, :chunk])
    return torch.cat(encoded, dim=1)
