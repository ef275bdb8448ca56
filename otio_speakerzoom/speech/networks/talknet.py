"""TalkNet, the network of Tao et al. (ACM MM 2021), layer for layer, and its scorer.

A picture goes through a 3-D convolution, a ResNet and a temporal network, sound through a
squeeze-and-excitation ResNet; each then attends to the other, and both together to themselves. Code
and weights by the authors are under the MIT licence (TaoRuijie/TalkNet-ASD). Module names are the
checkpoint's. Normalisation, excitation and attention see all of time without a mask, so a clip
filled up with zeros scores differently: only clips of equal length may share a batch.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import LOWER_FACE, ROWS_PER_TICK, TICKS_PER_SECOND
from otio_speakerzoom.speech.networks.checkpoint import load_checkpoint

MEAN, DEVIATION = 0.4161, 0.1688  # of the training pictures, on a scale of 0 to 1
PICTURE_EPS = 1e-3  # the picture's batch norms; the others keep torch's 1e-5
DURATIONS = (1, 2, 3, 4, 5, 6)
"""Seconds. The demo lists 1 three times and 2 and 3 twice, but in a set, so each counts once."""
BATCH_FRAMES = 300
"""Frames per forward pass: about 0.5 GB, and two chunks of the longest duration."""


class TalkNet(nn.Module):
    """Whether the face seen is the voice heard, frame by frame."""

    def __init__(self) -> None:
        super().__init__()
        visual_head = (nn.Conv1d(512, 256, 5, padding=2), nn.BatchNorm1d(256), nn.ReLU())
        parts = {
            "visualFrontend": _VisualFrontend(),
            "visualTCN": _Net(*(_TemporalBlock() for _ in range(5))),
            "visualConv1D": _Net(*visual_head, nn.Conv1d(256, 128, 1)),
            "audioEncoder": _audio_encoder(),
            "crossA2V": _Attention(128),
            "crossV2A": _Attention(128),
            "selfAV": _Attention(256),
        }
        self.model = nn.ModuleDict(parts)
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(256, 2)})
        self.lossA = nn.ModuleDict({"FC": nn.Linear(128, 2)})  # this and the next only train
        self.lossV = nn.ModuleDict({"FC": nn.Linear(128, 2)})  # the two encoders

    def forward(self, mfcc: Tensor, crops: Tensor) -> Tensor:
        """Return (B, T) logits; `mfcc` is (B, 4T, 13), `crops` (B, T, 112, 112) of 0 to 255."""
        return self.combine(self.encode_audio(mfcc), self.encode_visual(crops))

    def encode_visual(self, crops: Tensor) -> Tensor:
        """Return (B, T, 128) from (B, T, 112, 112)."""
        pictures = (crops.float() / 255 - MEAN) / DEVIATION
        x = self.model["visualFrontend"](pictures[:, None])  # (B, 512, T)
        x = self.model["visualConv1D"](self.model["visualTCN"](x))  # (B, 128, T)
        return x.transpose(1, 2)  # (B, T, 128)

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        """Return (B, T, 128) from (B, 4T, 13)."""
        x = self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])  # (B, 128, 2, T)
        return x.mean(dim=2).transpose(1, 2)  # (B, T, 128)

    def combine(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Return (B, T) logits from both encodings, (B, T, 128) each."""
        heard = self.model["crossA2V"](audio, visual)  # (B, T, 128)
        seen = self.model["crossV2A"](visual, audio)  # (B, T, 128)
        joint = torch.cat([heard, seen], dim=2)  # (B, T, 256)
        return self.lossAV["FC"](self.model["selfAV"](joint, joint))[:, :, 1]  # (B, T)


class _Net(nn.Module):
    """Layers one after the other, under the name that the checkpoint has for them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class _VisualFrontend(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, 64, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False),
            nn.BatchNorm3d(64, PICTURE_EPS),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
        layers = {
            "layer1": _ResNetLayer(64, 64, stride=1),  # (N, 64, 28, 28)
            "layer2": _ResNetLayer(64, 128, stride=2),  # (N, 128, 14, 14)
            "layer3": _ResNetLayer(128, 256, stride=2),  # (N, 256, 7, 7)
            "layer4": _ResNetLayer(256, 512, stride=2),  # (N, 512, 4, 4)
        }
        self.resnet = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Tensor) -> Tensor:
        # Upstream lays a batch end to end in time here, so that clips leak into their neighbours.
        x = self.frontend3D(x).transpose(1, 2)  # (B, T, 64, 28, 28)
        pictures = self.resnet(x.flatten(0, 1)).mean(dim=(2, 3))  # (B * T, 512)
        return pictures.unflatten(0, x.shape[:2]).transpose(1, 2)  # (B, 512, T)


class _ResNetLayer(nn.Module):
    """Two residual blocks of a ResNet-18, in the order of lordmartian/deep_avsr.

    The second adds what the first made before its norm, not after.
    """

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1a = nn.Conv2d(entering, leaving, 3, stride, 1, bias=False)
        self.bn1a = nn.BatchNorm2d(leaving, PICTURE_EPS)
        self.conv2a = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        # layer1 owns one as well, and never uses it.
        self.downsample = nn.Conv2d(entering, leaving, 1, stride, bias=False)
        self.outbna = nn.BatchNorm2d(leaving, PICTURE_EPS)
        self.conv1b = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        self.bn1b = nn.BatchNorm2d(leaving, PICTURE_EPS)
        self.conv2b = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        self.outbnb = nn.BatchNorm2d(leaving, PICTURE_EPS)

    def forward(self, x: Tensor) -> Tensor:
        kept = x if self.stride == 1 else self.downsample(x)  # (N, C, H/stride, W/stride)
        middle = self.conv2a(self.bn1a(self.conv1a(x)).relu()) + kept
        x = self.outbna(middle).relu()
        x = self.conv2b(self.bn1b(self.conv1b(x)).relu()) + middle
        return self.outbnb(x).relu()


class _TemporalBlock(_Net):
    def __init__(self) -> None:
        super().__init__(
            nn.ReLU(),
            nn.BatchNorm1d(512),
            nn.Conv1d(512, 512, 3, padding=1, groups=512, bias=False),
            nn.PReLU(),
            _GlobalNorm(512),
            nn.Conv1d(512, 512, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x  # (B, 512, T)


class _GlobalNorm(nn.Module):
    """Layer norm over channels and time together (Luo and Mesgarani, Conv-TasNet, 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        # One group of all channels is the same norm; only the names and shapes differ.
        return functional.group_norm(x, 1, self.gamma.flatten(), self.beta.flatten(), eps=1e-8)


def _audio_encoder() -> nn.Sequential:
    """A thin ResNet-34 over mel and time; two of its layers halve time, to one column a frame."""
    layers = {
        "conv1": nn.Conv2d(1, 16, 7, (2, 1), 3, bias=False),  # (B, 16, 7, 4T)
        "bn1": nn.BatchNorm2d(16),
        "relu": nn.ReLU(),
        "layer1": _audio_layer(3, 16, 16, stride=1),  # (B, 16, 7, 4T)
        "layer2": _audio_layer(4, 16, 32, stride=2),  # (B, 32, 4, 2T)
        "layer3": _audio_layer(6, 32, 64, stride=2),  # (B, 64, 2, T)
        "layer4": _audio_layer(3, 64, 128, stride=1),  # (B, 128, 2, T)
    }
    return nn.Sequential(OrderedDict(layers))


def _audio_layer(blocks: int, entering: int, leaving: int, stride: int) -> nn.Sequential:
    first = _AudioBlock(entering, leaving, stride)
    return nn.Sequential(first, *(_AudioBlock(leaving, leaving, 1) for _ in range(blocks - 1)))


class _AudioBlock(nn.Module):
    """A residual block with squeeze and excitation (Hu et al., CVPR 2018).

    Unlike most, it applies ReLU before its first norm.
    """

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entering, leaving, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(leaving)
        self.conv2 = nn.Conv2d(leaving, leaving, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(leaving)
        squeeze = (nn.Linear(leaving, leaving // 8), nn.ReLU())
        excite = (nn.Linear(leaving // 8, leaving), nn.Sigmoid())
        self.se = nn.ModuleDict({"fc": nn.Sequential(*squeeze, *excite)})
        self.downsample = None
        if entering != leaving:
            matched = nn.Conv2d(entering, leaving, 1, stride, bias=False)
            self.downsample = nn.Sequential(matched, nn.BatchNorm2d(leaving))

    def forward(self, x: Tensor) -> Tensor:
        kept = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.bn1(self.conv1(x).relu())))  # (B, C, H/stride, W/stride)
        weights = self.se["fc"](x.mean(dim=(2, 3)))  # (B, C), of the mean over the whole clip
        return (x * weights[:, :, None, None] + kept).relu()  # (B, C, H/stride, W/stride)


class _Attention(nn.Module):
    """One transformer layer without positions, in which `x` is looked up by another stream.

    The residual is `x`, the one looked at (keys and values), and not the one that asks.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, num_heads=8, batch_first=True)
        self.linear1 = nn.Linear(channels, 4 * channels)
        self.linear2 = nn.Linear(4 * channels, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, asking: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(asking, x, x, need_weights=False)[0])  # (B, T, C)
        return self.norm2(x + self.linear2(functional.relu(self.linear1(x))))  # (B, T, C)


class TalkNetScorer:
    """TalkNet with trained weights, as the pipeline calls it: the published ensemble.

    A score is the mean over chunks of 1 to 6 s, each an utterance to the network. Unlike the demo,
    no last frame is lost and no score rounded.
    """

    name = "talknet"
    recipe = LOWER_FACE
    gated = False
    window = 1500
    """Ticks scored in one go: a minute, which chunks of every duration divide, so that windows cut
    no chunk and change no score."""
    context = 0
    calibration = Calibration(2.0, 0.0)
    """By its published training, a softmax over two logits whose rows move against each other: of
    the second alone, P is about sigmoid(2 z). Not fitted, as its weights were not at hand."""

    def __init__(
        self, path: Path, device: str = "cpu", *, batch_frames: int = BATCH_FRAMES
    ) -> None:
        network = TalkNet()
        load_checkpoint(network, path)
        self.network = network.eval().to(device)
        self.device = device
        self.batch_frames = batch_frames

    def __call__(self, crops: NDArray[np.uint8], mfcc: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (T,) logits from (T, 112, 112) gray crops and (4T, 13) MFCC rows."""
        if len(mfcc) != ROWS_PER_TICK * len(crops):
            raise ValueError(f"{len(crops)} crops need 4 rows each, got {len(mfcc)} in all")
        scores = np.stack([self._chunked(crops, mfcc, TICKS_PER_SECOND * d) for d in DURATIONS])
        return scores.mean(axis=0)

    @torch.inference_mode()
    def _chunked(
        self, crops: NDArray[np.uint8], mfcc: NDArray[np.floating], length: int
    ) -> NDArray[np.float32]:
        """(T,) logits of chunks of `length` frames, the last one shorter and on its own."""
        whole = len(crops) - len(crops) % length
        stride = max(1, self.batch_frames // length) * length
        edges = [*range(0, whole, stride), whole, len(crops)]
        logits = np.empty(len(crops), np.float32)
        for start, end in pairwise(edges):
            if start < end:
                clips = (max(1, (end - start) // length), -1)
                seen = torch.tensor(crops[start:end], device=self.device).unflatten(0, clips)
                rows = mfcc[ROWS_PER_TICK * start : ROWS_PER_TICK * end]
                heard = torch.tensor(rows, dtype=torch.float32, device=self.device)
                scored = self.network(heard.unflatten(0, clips), seen)  # (clips, length)
                logits[start:end] = scored.flatten().cpu().numpy()
        return logits
