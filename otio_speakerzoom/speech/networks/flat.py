"""The networks' 3-D convolutions as 2-D ones, norms folded in: the same numbers, far sooner.

LR-ASD and Light-ASD look over space and over time in turns. Pictures in one batch are convolved
over space as they are; seen as one picture of T rows and H * W columns, without moving a byte, they
are convolved over time. Three things make it fast on a processor: 2-D convolutions of pictures with
the channels last, a batch norm less to pass through memory, and pieces small enough that the
allocator keeps their memory instead of giving it back to the system between two layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

from otio_speakerzoom.speech.features import WHOLE_BOX, Clip
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.weights.checkpoint import load_checkpoint
from otio_speakerzoom.weights.device import BatchSizer, half_precision

MEAN, DEVIATION = 0.4161, 0.1688  # of all three networks' training pictures, of 0 to 1
LAST = torch.channels_last
HALO = 3
"""Pictures on either side that one block sees: 5 taps over time, then at most 3."""
PICTURE_BYTES = 4 * 32 * 56 * 56
"""Of the largest layer's result for one picture."""
PICTURES = 50
"""Pictures at a time on a processor, 22 MB with the halo. What is over 32 MB the allocator gives
back to the system and faults in again: 125 pictures take 1.6 times as long each."""
BLOCK = 1500
"""Ticks that the GRUs take at a time: a minute."""


def normalised(crops: Tensor) -> Tensor:
    """Return crops of 0 to 255 as TalkNet, Light-ASD and LR-ASD were trained on them."""
    return (crops.float() / 255 - MEAN) / DEVIATION


class Folded(nn.Module):
    """A convolution over space or over time with its norm folded in, and a ReLU unless told not."""

    weight: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv3d, norm: nn.BatchNorm3d, *, relu: bool = True) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(conv, norm)
        assert fused.bias is not None
        self._over_time, self._relu = conv.kernel_size[0] > 1, relu
        kernel = fused.weight[..., 0] if self._over_time else fused.weight[:, :, 0]
        self.register_buffer("weight", kernel.detach().contiguous(memory_format=LAST))
        self.register_buffer("bias", fused.bias.detach())
        self._stride, self._pad = conv.stride[1], conv.kernel_size[1] // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (T, O, H / stride, W / stride) from (T, C, H, W), channels last in memory."""
        made = self._over_rows(x) if self._over_time else self._over_pictures(x)
        return made.relu_() if self._relu else made

    def _over_pictures(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, self._stride, self._pad)

    def _over_rows(self, x: Tensor) -> Tensor:
        frames, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(1, frames, height * width, channels)
        pad = (self.weight.shape[2] // 2, 0)
        made = functional.conv2d(rows.permute(0, 3, 1, 2), self.weight, self.bias, 1, pad)
        return made.permute(0, 2, 3, 1).reshape(frames, height, width, -1).permute(0, 3, 1, 2)


def use_channels_last(network: nn.Module) -> None:
    """Lay the weights of 2-D convolutions out as a processor likes them; they stay the same."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=LAST)


def in_pieces(block: Callable[[Tensor], Tensor], x: Tensor, piece: int) -> Tensor:
    """Return block(x), worked out for `piece` pictures at a time with `HALO` more on each side."""
    made = []
    for start in range(0, len(x), piece):
        first = max(0, start - HALO)
        made.append(block(x[first : start + piece + HALO])[start - first :][:piece])
    return torch.cat(made)


class FlatVisual(nn.Module):
    """The three blocks of a trained visual encoder, flat: the same numbers as that gives."""

    def __init__(self, encoder: nn.Module, flat: Callable[[nn.Module], nn.Module]) -> None:
        """`flat` makes the fast form of one of its blocks, without the last ReLU.

        That comes after the pooling, on a quarter of the numbers or fewer: the same in the end.
        """
        super().__init__()
        blocks = (flat(encoder.get_submodule(f"block{n}")) for n in (1, 2, 3))
        self.block1, self.block2, self.block3 = blocks

    def forward(self, pictures: Tensor, piece: int = PICTURES) -> Tensor:
        """Return (T, 128) from (T, 112, 112) normalised pictures, `piece` at a time at first."""
        x = pictures[:, None].contiguous(memory_format=LAST)
        x = in_pieces(lambda x: _halved(self.block1(x)), x, piece)  # (T, 32, 28, 28)
        x = in_pieces(lambda x: _halved(self.block2(x)), x, 2 * piece)  # (T, 64, 14, 14)
        return in_pieces(lambda x: self.block3(x).amax((2, 3)).relu_(), x, 4 * piece)


def _halved(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 3, 2, 1).relu_()


class FlatScorer:
    """What the scorers of LR-ASD and Light-ASD share: their encoders, and how a track is read."""

    recipe = WHOLE_BOX
    licence = "MIT"
    gated = False
    window = 500
    """Ticks encoded in one go: 20 s, of which the context costs 2 to 4 %."""

    def __init__(
        self, network: Any, flat: Callable[[nn.Module], nn.Module], path: Path, device: str
    ) -> None:
        load_checkpoint(network, path)
        use_channels_last(network.eval().model["audioEncoder"])
        # norms are folded on the processor, where all weights are, and only then do both move
        self.visual = FlatVisual(network.model["visualEncoder"], flat).to(device)
        self.network = network.to(device)
        self.device = device
        self.batch_sizer = BatchSizer(device, PICTURE_BYTES, PICTURES)

    @torch.inference_mode()
    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return for each clip (T, 128 (1 + M)): its pictures encoded, then each of M sounds.

        A GPU sees the pictures in bfloat16. With the published weights that moves the logits of
        LR-ASD and Light-ASD by up to 0.02 and changed no sign of 1,500 (worked out on a processor).
        """
        return [self._encoded(clip) for clip in clips]

    def _encoded(self, clip: Clip) -> NDArray[np.float32]:
        pictures = normalised(torch.tensor(clip.crops, device=self.device))
        with half_precision(self.device):
            visual = self.batch_sizer.run(lambda piece: self.visual(pictures, piece))  # (T, 128)
        audio = self.network.encode_audio(torch.tensor(clip.mfcc, device=self.device))
        return torch.cat([visual.float(), *audio], dim=1).cpu().numpy()

    def block(self, track: RowBuffer, start: int) -> tuple[Tensor, Tensor]:
        """Return (1, n, 128) of the picture and (M, n, 128) of the sounds, of a block's ticks."""
        rows = torch.tensor(track.read(start, start + BLOCK), device=self.device)
        parts = rows.unflatten(1, (-1, 128)).transpose(0, 1)  # (1 + M, n, 128)
        return parts[:1], parts[1:]
