"""Light-ASD, the network of Liao et al. (CVPR 2023), layer for layer, and its scorer.

Two paths with kernels of different size encode each frame, and two encode the audio; the sums of
both are added tick by tick and go through two GRUs in sequence, the second backwards in time. Code
and weights by the authors are under the MIT licence (Junhua-Liao/Light-ASD). Names of modules are
keys of the checkpoint.
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
HALO_TICKS = 6
"""Ticks on either side that an encoding depends on: three blocks of 5 taps."""


class LightAsd(nn.Module):
    """Whether the visible face is the audible voice, tick by tick."""

    def __init__(self) -> None:
        super().__init__()
        parts = {
            "visualEncoder": _VisualEncoder(),
            "audioEncoder": _AudioEncoder(),
            "GRU": _Detector(),
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
        return self.lossAV["FC"](self.model["GRU"](audio + visual))[:, :, 1]  # (B, T)


class _VisualBlock(nn.Module):
    """Two paths, of 3 and of 5 pixels and frames, added up and mixed."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        step = (1, stride, stride)
        for k in (3, 5):
            h = k // 2
            space = nn.Conv3d(in_channels, out_channels, (1, k, k), step, (0, h, h), bias=False)
            time = nn.Conv3d(out_channels, out_channels, (k, 1, 1), padding=(h, 0, 0), bias=False)
            self.add_module(f"s_{k}", space)
            self.add_module(f"bn_s_{k}", nn.BatchNorm3d(out_channels, BATCH_NORM_EPS))
            self.add_module(f"t_{k}", time)
            self.add_module(f"bn_t_{k}", nn.BatchNorm3d(out_channels, BATCH_NORM_EPS))
        self.last = nn.Conv3d(out_channels, out_channels, 1, bias=False)
        self.bn_last = nn.BatchNorm3d(out_channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        paths = []
        for k in (3, 5):
            y = getattr(self, f"bn_s_{k}")(getattr(self, f"s_{k}")(x)).relu()
            paths.append(getattr(self, f"bn_t_{k}")(getattr(self, f"t_{k}")(y)).relu())
        return self.bn_last(self.last(paths[0] + paths[1])).relu()


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
    """Two paths, of 3 and of 5 coefficients and MFCC rows, added up and mixed."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        for k in (3, 5):
            mel = nn.Conv2d(in_channels, out_channels, (k, 1), padding=(k // 2, 0), bias=False)
            time = nn.Conv2d(out_channels, out_channels, (1, k), padding=(0, k // 2), bias=False)
            self.add_module(f"m_{k}", mel)
            self.add_module(f"bn_m_{k}", nn.BatchNorm2d(out_channels, BATCH_NORM_EPS))
            self.add_module(f"t_{k}", time)
            self.add_module(f"bn_t_{k}", nn.BatchNorm2d(out_channels, BATCH_NORM_EPS))
        self.last = nn.Conv2d(out_channels, out_channels, 1, bias=False)
        self.bn_last = nn.BatchNorm2d(out_channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        paths = []
        for k in (3, 5):
            y = getattr(self, f"bn_m_{k}")(getattr(self, f"m_{k}")(x)).relu()
            paths.append(getattr(self, f"bn_t_{k}")(getattr(self, f"t_{k}")(y)).relu())
        return self.bn_last(self.last(paths[0] + paths[1])).relu()


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


class _Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(128, 128, batch_first=True)
        self.gru_backward = nn.GRU(
            128, 128, batch_first=True
        )  # reads the output of the other backwards

    def forward(self, x: Tensor) -> Tensor:
        forward = nn.functional.gelu(self.gru_forward(x)[0])  # (B, T, 128)
        back = self.gru_backward(forward.flip(1))[0].flip(1)  # (B, T, 128)
        return nn.functional.gelu(back)


class _FoldedPaths(nn.Module):
    """A trained `_VisualBlock` with its batch norms folded in."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()

        def fold(name: str, *, relu: bool = True) -> FoldedConv:
            return FoldedConv(getattr(block, name), getattr(block, f"bn_{name}"), relu=relu)

        self.paths = nn.ModuleList(nn.Sequential(fold(f"s_{k}"), fold(f"t_{k}")) for k in (3, 5))
        self.last = fold("last", relu=False)

    def forward(self, x: Tensor) -> Tensor:
        fine, coarse = (path(x) for path in self.paths)
        return self.last(fine.add_(coarse))


class LightAsdScorer(FoldedScorer):
    """Light-ASD with trained weights, as the pipeline calls it.

    Its GRUs depend on the whole track, as LR-ASD's do, so they too run over all of it.
    """

    name = "light-asd"
    context = HALO_TICKS
    calibration = Calibration(1.89, -0.52)
    """Fitted on the corpus's validation people (54 tracks, 27 people; `training/evaluate.py`)."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        super().__init__(LightAsd(), _FoldedPaths, path, device)

    def decider(self, new_file: FileSource) -> WholeTrackDecider:
        """Return the decider of one track, which stores the encodings until its end."""
        return WholeTrackDecider(self._decide, new_file)

    @torch.inference_mode()
    def _decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) raw logits for M microphones from the encodings of a whole track.

        The forward GRU runs over the track for its states between blocks, and again in each block.
        """
        detector: Any = self.network.model["GRU"]
        starts = range(0, len(track), GRU_TICKS)
        states, state = {}, None  # of the forward GRU before the block that begins there
        for start in starts:
            states[start] = state
            state = detector.gru_forward(self._joint(track, start), state)[1]
        logits, state = [], None
        for start in reversed(starts):
            forward = detector.gru_forward(self._joint(track, start), states[start])[0]
            forward = nn.functional.gelu(forward)  # (M, n, 128)
            back, state = detector.gru_backward(forward.flip(1), state)
            both = nn.functional.gelu(back.flip(1))
            logits.append(self.network.lossAV["FC"](both)[:, :, 1].cpu().numpy())
        return np.concatenate(logits[::-1], axis=1)

    def _joint(self, track: RowBuffer, start: int) -> Tensor:
        """Return (M, n, 128) visual and audio encodings added, of the block from `start` on."""
        visual, audio = self.read_block(track, start)
        return audio + visual
