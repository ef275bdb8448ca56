"""TalkNet, the network of Tao et al. (ACM MM 2021), layer for layer, and its scorer.

Frames go through a 3-D convolution, a ResNet and a temporal network, audio through a squeeze-and-
excitation ResNet; then come cross attention and self attention. Code and weights by the authors are
under the MIT licence (TaoRuijie/TalkNet-ASD). Names of modules are keys of the checkpoint.
Normalisation, excitation and attention use the whole clip without a mask, so a clip padded with
zeros scores differently: only clips of equal length may share a batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import LOWER_FACE
from otio_speakerzoom.speech.mfcc import ROWS_PER_TICK
from otio_speakerzoom.speech.networks.folded import CHANNELS_LAST, normalise, use_channels_last
from otio_speakerzoom.speech.row_buffer import FileSource
from otio_speakerzoom.speech.scorer import LogitDecider
from otio_speakerzoom.speech.ticks import TICKS_PER_SECOND
from otio_speakerzoom.weights.checkpoint import load_checkpoint
from otio_speakerzoom.weights.device import BatchSizer

VISUAL_NORM_EPS = 1e-3  # of the batch norms in the front-end; the others have torch's 1e-5
DURATIONS = (1, 2, 3, 4, 5, 6)
"""Seconds. The demo lists 1 three times and 2 and 3 twice, but in a set, so each counts once."""
FRAME_BYTES = 4 * 64 * 56 * 56
"""Of the largest layer's output for one frame."""
CPU_FRAMES = 30
"""Batch size on a CPU, 24 MB: see `folded.CPU_FRAMES`."""
TEMPORAL_FACTOR = 20
"""The layers after the front-end are small: they take so many times its batch size."""


class TalkNet(nn.Module):
    """Whether the visible face is the audible voice, tick by tick."""

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
        return self.encode_temporal(self.model["visualFrontend"](normalise(crops)[:, None]))

    def encode_temporal(self, features: Tensor) -> Tensor:
        """Return (B, T, 128) from the front-end's (B, 512, T)."""
        x = self.model["visualConv1D"](self.model["visualTCN"](features))  # (B, 128, T)
        return x.transpose(1, 2)

    def encode_audio(self, mfcc: Tensor) -> Tensor:
        """Return (B, T, 128) from (B, 4T, 13)."""
        x = self.model["audioEncoder"](mfcc.transpose(1, 2)[:, None])  # (B, 128, 2, T)
        return x.mean(dim=2).transpose(1, 2)  # (B, T, 128)

    def combine(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Return (B, T) logits from both encodings, (B, T, 128) each."""
        attended_audio = self.model["crossA2V"](audio, visual)  # (B, T, 128)
        attended_visual = self.model["crossV2A"](visual, audio)  # (B, T, 128)
        joint = torch.cat([attended_audio, attended_visual], dim=2)  # (B, T, 256)
        return self.lossAV["FC"](self.model["selfAV"](joint, joint))[:, :, 1]  # (B, T)


class _Net(nn.Module):
    """Layers in sequence, under the name that they have in the checkpoint."""

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
            nn.BatchNorm3d(64, VISUAL_NORM_EPS),
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
        # Upstream concatenates a batch in time here, so that clips leak into their neighbours.
        x = self.frontend3D(x).transpose(1, 2)  # (B, T, 64, 28, 28)
        features = self.resnet(x.flatten(0, 1)).mean(dim=(2, 3))  # (B * T, 512)
        return features.unflatten(0, x.shape[:2]).transpose(1, 2)  # (B, 512, T)


class _ResNetLayer(nn.Module):
    """Two residual blocks of a ResNet-18, in the order of lordmartian/deep_avsr.

    The second adds the output of the first before its norm, not after.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1a = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1a = nn.BatchNorm2d(out_channels, VISUAL_NORM_EPS)
        self.conv2a = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        # layer1 has one as well, and never uses it.
        self.downsample = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
        self.outbna = nn.BatchNorm2d(out_channels, VISUAL_NORM_EPS)
        self.conv1b = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn1b = nn.BatchNorm2d(out_channels, VISUAL_NORM_EPS)
        self.conv2b = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.outbnb = nn.BatchNorm2d(out_channels, VISUAL_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        residual = x if self.stride == 1 else self.downsample(x)  # (N, C, H/stride, W/stride)
        middle = self.conv2a(self.bn1a(self.conv1a(x)).relu()) + residual
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
        # One group of all channels is the same norm; only names and shapes of parameters differ.
        return functional.group_norm(x, 1, self.gamma.flatten(), self.beta.flatten(), eps=1e-8)


def _audio_encoder() -> nn.Sequential:
    """A thin ResNet-34 over mel and time; two of its layers halve time, to one column per tick."""
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


def _audio_layer(blocks: int, in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    first = _AudioBlock(in_channels, out_channels, stride)
    return nn.Sequential(
        first, *(_AudioBlock(out_channels, out_channels, 1) for _ in range(blocks - 1))
    )


class _AudioBlock(nn.Module):
    """A residual block with squeeze and excitation (Hu et al., CVPR 2018).

    Unlike most, it applies ReLU before its first norm.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        squeeze = (nn.Linear(out_channels, out_channels // 8), nn.ReLU())
        excite = (nn.Linear(out_channels // 8, out_channels), nn.Sigmoid())
        self.se = nn.ModuleDict({"fc": nn.Sequential(*squeeze, *excite)})
        self.downsample = None
        if in_channels != out_channels:
            matched = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(matched, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        residual = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.bn1(self.conv1(x).relu())))  # (B, C, H/stride, W/stride)
        weights = self.se["fc"](x.mean(dim=(2, 3)))  # (B, C), of the mean over the whole clip
        return (x * weights[:, :, None, None] + residual).relu()  # (B, C, H/stride, W/stride)


class _Attention(nn.Module):
    """One transformer layer without positional encoding, in which `query` attends to `x`.

    The residual is `x` (keys and values), and not the query.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(channels, num_heads=8, batch_first=True)
        self.linear1 = nn.Linear(channels, 4 * channels)
        self.linear2 = nn.Linear(4 * channels, channels)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, query: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(query, x, x, need_weights=False)[0])  # (B, T, C)
        return self.norm2(x + self.linear2(functional.relu(self.linear1(x))))  # (B, T, C)


class _FoldedFrontend(nn.Module):
    """The trained visual front-end, its 3-D convolution as a 2-D one over five frames at once.

    So a feature depends on five frames, wherever they come from: at the start or end of a chunk,
    the frames beyond are blank, as the published network pads them.
    """

    def __init__(self, frontend: Any) -> None:
        super().__init__()
        conv, norm, *_ = frontend.frontend3D
        stem = nn.Conv2d(5, 64, 7, 2, 3, bias=False)
        stem.weight.data = conv.weight.data[:, 0]
        norm_2d = nn.BatchNorm2d(64, VISUAL_NORM_EPS)
        norm_2d.load_state_dict(norm.state_dict())
        self.stem = fuse_conv_bn_eval(stem.eval(), norm_2d.eval())
        self.layers = nn.Sequential(*map(_FoldedLayer, frontend.resnet))
        use_channels_last(self)

    def forward(self, crops: Tensor, neighbours: Tensor, batch: int) -> Tensor:
        """Return (N, 512) features from (N, 5) indices of normalised crops, -1 for a blank one."""
        padded = torch.cat([crops, crops.new_zeros(1, *crops.shape[1:])])
        features = []
        for indices in neighbours.split(batch):
            x = padded[indices].contiguous(memory_format=CHANNELS_LAST)  # (n, 5, 112, 112)
            x = functional.max_pool2d(self.stem(x).relu_(), 3, 2, 1)  # (n, 64, 28, 28)
            features.append(self.layers(x).mean((2, 3)))
        return torch.cat(features)


class _FoldedLayer(nn.Module):
    """A trained `_ResNetLayer`; batch norms that follow only a convolution are folded in."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.first = fuse_conv_bn_eval(layer.conv1a, layer.bn1a)
        self.third = fuse_conv_bn_eval(layer.conv1b, layer.bn1b)
        self.second, self.fourth = layer.conv2a, layer.conv2b
        self.residual = layer.downsample if layer.stride == 2 else nn.Identity()
        self.middle_norm, self.norm = layer.outbna, layer.outbnb

    def forward(self, x: Tensor) -> Tensor:
        middle = self.second(self.first(x).relu_()).add_(self.residual(x))
        x = self.middle_norm(middle).relu_()
        return self.norm(self.fourth(self.third(x).relu_()).add_(middle)).relu_()


class TalkNetScorer:
    """TalkNet with trained weights, as the pipeline calls it: the published ensemble.

    A score is the mean over chunks of 1 to 6 s, each an utterance to the network. Unlike the demo,
    no last frame is lost and no score rounded. The front-end, 98 % of the work, depends on two
    frames to either side, so its features are the same in every chunk except for the two at each
    end: features are computed once, and those at the ends, which all durations share, once more.
    """

    name = "talknet"
    licence = "MIT"
    recipe = LOWER_FACE
    gated_by_vad = False
    window = 1500
    """Ticks scored at a time: a minute, which chunks of every duration divide, so that windows cut
    no chunk and change no score."""
    context = 0
    calibration = Calibration(2.0, 0.0)
    """From its published training, a softmax over two logits whose rows move against each other: of
    the second alone, P is about sigmoid(2 z). Not fitted, as its weights were not available."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        network = TalkNet()
        load_checkpoint(network, path)
        # norms are folded on the CPU, where all weights are; both move to the device after that
        self.frontend = _FoldedFrontend(network.eval().model["visualFrontend"]).to(device)
        self.network = network.to(device)
        self.device = device
        self.batch_sizer = BatchSizer(device, FRAME_BYTES, CPU_FRAMES)

    @torch.inference_mode()
    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return the (T, M) logits of each clip."""
        return self.batch_sizer.run(lambda batch: self._encode(clips, batch))

    def decider(self, _: FileSource) -> LogitDecider:
        """Return the decider of one track; encodings are logits already."""
        return LogitDecider()

    def _encode(self, clips: Sequence[Clip], batch: int) -> list[NDArray[np.float32]]:
        features = _Features.of_clips([self._features(clip, batch) for clip in clips])
        sums = [np.zeros((len(clip.crops), len(clip.mfcc)), np.float32) for clip in clips]
        for length in (TICKS_PER_SECOND * seconds for seconds in DURATIONS):
            for chunks in _chunk_batches(clips, length, max(1, TEMPORAL_FACTOR * batch // length)):
                stacked = _chunk_features(features, chunks)  # (n, length, 512)
                visual = self.network.encode_temporal(stacked.transpose(1, 2))  # (n, length, 128)
                for m in range(len(clips[0].mfcc)):
                    rows = np.stack([_mfcc_rows(clips[n].mfcc[m], span) for n, span in chunks])
                    audio = self.network.encode_audio(torch.tensor(rows, device=self.device))
                    logits = self.network.combine(audio, visual).cpu().numpy()
                    for (n, span), scores in zip(chunks, logits, strict=True):
                        sums[n][span, m] += scores
        return [total / np.float32(len(DURATIONS)) for total in sums]

    def _features(self, clip: Clip, batch: int) -> tuple[Tensor, NDArray[np.int64]]:
        """Return (T + K, 512) features, and (T,) which of them to use next to the end of a chunk.

        The last K are of ticks near a whole second, where chunks may end: as if the frames beyond
        that second were blank.
        """
        ticks = np.arange(len(clip.crops))
        neighbours = ticks[:, None] + np.arange(-2, 3)  # (T, 5)
        neighbours[(neighbours < 0) | (neighbours >= len(ticks))] = -1  # beyond the clip
        second = TICKS_PER_SECOND
        cut_off = (neighbours >= 0) & (neighbours // second != ticks[:, None] // second)
        near = np.flatnonzero(cut_off.any(axis=1))
        crops = normalise(torch.tensor(clip.crops, device=self.device))
        indices = np.concatenate([neighbours, np.where(cut_off, -1, neighbours)[near]])
        features = self.frontend(crops, torch.tensor(indices, device=self.device), batch)
        at_ends = ticks.copy()
        at_ends[near] = len(ticks) + np.arange(len(near))
        return features, at_ends


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """The features of some clips, and where those of each clip are."""

    rows: Tensor
    """(N, 512) of all clips."""
    starts: tuple[int, ...]
    """Index of the first row of each clip."""
    at_ends: tuple[NDArray[np.int64], ...]
    """(T,) for each clip: row of each tick if a chunk begins or ends beside it, from its start."""

    @classmethod
    def of_clips(cls, clips: Sequence[tuple[Tensor, NDArray[np.int64]]]) -> Self:
        """Join the `TalkNetScorer._features` of each clip."""
        starts = np.cumsum([0, *(len(rows) for rows, _ in clips)])[:-1].tolist()
        return cls(
            torch.cat([rows for rows, _ in clips]), tuple(starts), tuple(near for _, near in clips)
        )

    def indices(self, clip: int, span: slice) -> NDArray[np.int64]:
        """Return the (length,) rows of a chunk."""
        ticks, at_ends = np.arange(span.start, span.stop), self.at_ends[clip]
        if span.start > 0:
            ticks[:2] = at_ends[span][:2]
        if span.stop < len(at_ends):
            ticks[-2:] = at_ends[span][-2:]
        return ticks + self.starts[clip]


def _chunk_batches(
    clips: Sequence[Clip], length: int, max_chunks: int
) -> Iterator[list[tuple[int, slice]]]:
    """Yield batches of chunks of equal length, as the number of their clip and their ticks.

    Clips are split into chunks of `length` ticks; the last one may be shorter.
    """
    chunks: dict[int, list[tuple[int, slice]]] = {}
    for n, clip in enumerate(clips):
        for start in range(0, len(clip.crops), length):
            span = slice(start, min(start + length, len(clip.crops)))
            chunks.setdefault(span.stop - start, []).append((n, span))
    for group in chunks.values():
        yield from (group[first : first + max_chunks] for first in range(0, len(group), max_chunks))


def _chunk_features(features: _Features, chunks: Sequence[tuple[int, slice]]) -> Tensor:
    """Return the (n, length, 512) features of chunks, as if no frames were beyond their ends."""
    indices = np.stack([features.indices(n, span) for n, span in chunks])
    return features.rows[torch.tensor(indices, device=features.rows.device)]


def _mfcc_rows(mfcc: NDArray[np.float32], span: slice) -> NDArray[np.float32]:
    """Return the (4 * length, 13) rows of the ticks in `span`."""
    return mfcc[ROWS_PER_TICK * span.start : ROWS_PER_TICK * span.stop]
