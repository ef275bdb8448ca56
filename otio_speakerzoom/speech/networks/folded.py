"""2-D equivalents of 3-D convolutions, with batch norms folded in: the same numbers, much faster.

LR-ASD and Light-ASD convolve over space and over time in turns. The frames of a batch are convolved
over space as they are; viewed as one image of T rows and H * W columns, without copying, they are
convolved over time. Three things make this fast on a CPU: 2-D convolutions with channels last, no
batch norms, each a pass through memory, and chunks small enough that the allocator reuses their
memory instead of returning it to the system between two layers.
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

from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import WHOLE_BOX
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.weights.checkpoint import load_checkpoint
from otio_speakerzoom.weights.device import BatchSizer, half_precision

PIXEL_MEAN, PIXEL_STD = 0.4161, 0.1688  # of all three networks' training crops, of 0 to 1
CHANNELS_LAST = torch.channels_last
BLOCK_HALO_FRAMES = 3
"""Frames on either side that one block needs: 5 taps over time, then at most 3."""
FRAME_BYTES = 4 * 32 * 56 * 56
"""Of the largest layer's output for one frame."""
CPU_FRAMES = 50
"""Batch size on a CPU, 22 MB with the halo. Allocations over 32 MB are returned to the system and
faulted in again: 125 frames take 1.6 times as long each."""
GRU_TICKS = 1500
"""Ticks that the GRUs process at a time: a minute."""


def normalise(crops: Tensor) -> Tensor:
    """Return crops of 0 to 255 as TalkNet, Light-ASD and LR-ASD were trained on them."""
    return (crops / 255).sub_(PIXEL_MEAN).div_(PIXEL_STD)  # in place: 26 MB for a window


class FoldedConv(nn.Module):
    """A convolution over space or over time with its batch norm folded in, usually with a ReLU."""

    weight: Tensor
    bias: Tensor

    def __init__(self, conv: nn.Conv3d, norm: nn.BatchNorm3d, *, relu: bool = True) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(conv, norm)
        assert fused.bias is not None
        self._over_time, self._relu = conv.kernel_size[0] > 1, relu
        kernel = fused.weight[..., 0] if self._over_time else fused.weight[:, :, 0]
        self.register_buffer("weight", kernel.detach().contiguous(memory_format=CHANNELS_LAST))
        self.register_buffer("bias", fused.bias.detach())
        self._stride, self._pad = conv.stride[1], conv.kernel_size[1] // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (T, O, H / stride, W / stride) from (T, C, H, W), channels last in memory."""
        y = self._convolve_time(x) if self._over_time else self._convolve_space(x)
        return y.relu_() if self._relu else y

    def _convolve_space(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, self._stride, self._pad)

    def _convolve_time(self, x: Tensor) -> Tensor:
        frames, channels, height, width = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(1, frames, height * width, channels)
        pad = (self.weight.shape[2] // 2, 0)
        y = functional.conv2d(rows.permute(0, 3, 1, 2), self.weight, self.bias, 1, pad)
        return y.permute(0, 2, 3, 1).reshape(frames, height, width, -1).permute(0, 3, 1, 2)


def use_channels_last(network: nn.Module) -> None:
    """Store the weights of 2-D convolutions in the order fastest on a CPU; the values stay."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=CHANNELS_LAST)


def in_chunks(block: Callable[[Tensor], Tensor], x: Tensor, chunk_frames: int) -> Tensor:
    """Return block(x), computed in chunks of frames with `BLOCK_HALO_FRAMES` more on each side."""
    output: Tensor | None = None  # filled in place: joining the chunks at the end needs it twice
    for start in range(0, len(x), chunk_frames):
        first = max(0, start - BLOCK_HALO_FRAMES)
        y = block(x[first : start + chunk_frames + BLOCK_HALO_FRAMES])[start - first :]
        if output is None:
            order = CHANNELS_LAST if y.ndim == 4 else torch.contiguous_format
            output = torch.empty(
                (len(x), *y.shape[1:]), dtype=y.dtype, device=y.device, memory_format=order
            )
        output[start : start + chunk_frames] = y[:chunk_frames]
    assert output is not None  # there is a frame
    return output


class FoldedVisualEncoder(nn.Module):
    """The three blocks of a trained visual encoder, folded: the same numbers as the encoder's."""

    def __init__(self, encoder: nn.Module, fold: Callable[[nn.Module], nn.Module]) -> None:
        """`fold` returns the folded form of one of its blocks, without the last ReLU.

        That is applied after the pooling, to a quarter of the numbers or fewer, with equal results.
        """
        super().__init__()
        blocks = (fold(encoder.get_submodule(f"block{n}")) for n in (1, 2, 3))
        self.block1, self.block2, self.block3 = blocks

    def forward(self, crops: Tensor, batch: int = CPU_FRAMES) -> Tensor:
        """Return (T, 128) from (T, 112, 112) crops of 0 to 255, in the first block `batch` a time.

        Later blocks are smaller and take more at a time.
        """
        x = in_chunks(lambda x: _pool(self.block1(_prepare(x))), crops, batch)  # (T, 32, 28, 28)
        x = in_chunks(lambda x: _pool(self.block2(x)), x, 2 * batch)  # (T, 64, 14, 14)
        return in_chunks(lambda x: self.block3(x).amax((2, 3)).relu_(), x, 4 * batch)


def _prepare(crops: Tensor) -> Tensor:
    """Return (t, 1, 112, 112); a few crops at a time, as those of a window take 28 MB."""
    return normalise(crops)[:, None].contiguous(memory_format=CHANNELS_LAST)


def _pool(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 3, 2, 1).relu_()


class FoldedScorer:
    """What the scorers of LR-ASD and Light-ASD share: their encoders, and how they read a track."""

    recipe = WHOLE_BOX
    licence = "MIT"
    gated_by_vad = False
    window = 500
    """Ticks encoded at a time: 20 s, of which the context costs 2 to 4 %."""

    def __init__(
        self, network: Any, fold: Callable[[nn.Module], nn.Module], path: Path, device: str
    ) -> None:
        load_checkpoint(network, path)
        use_channels_last(network.eval().model["audioEncoder"])
        # norms are folded on the CPU, where all weights are; both move to the device after that
        self.visual = FoldedVisualEncoder(network.model["visualEncoder"], fold).to(device)
        self.network = network.to(device)
        self.device = device
        self.batch_sizer = BatchSizer(device, FRAME_BYTES, CPU_FRAMES)

    @torch.inference_mode()
    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return (T, 128 (1 + M)) for each clip: its frames encoded, then each of M microphones.

        A GPU gets the frames in bfloat16. With the published weights that moves the logits of
        LR-ASD and Light-ASD by up to 0.02 and changed no sign of 1,500 (computed on a CPU).
        """
        return [self._encode_clip(clip) for clip in clips]

    def _encode_clip(self, clip: Clip) -> NDArray[np.float32]:
        crops = torch.tensor(clip.crops, device=self.device)
        with half_precision(self.device):
            visual = self.batch_sizer.run(lambda batch: self.visual(crops, batch))  # (T, 128)
        audio = self.network.encode_audio(torch.tensor(clip.mfcc, device=self.device))
        return torch.cat([visual.float(), *audio], dim=1).cpu().numpy()

    def read_block(self, track: RowBuffer, start: int) -> tuple[Tensor, Tensor]:
        """Return (1, n, 128) visual and (M, n, 128) audio encodings of `GRU_TICKS` ticks."""
        rows = torch.tensor(track.read(start, start + GRU_TICKS), device=self.device)
        parts = rows.unflatten(1, (-1, 128)).transpose(0, 1)  # (1 + M, n, 128)
        return parts[:1], parts[1:]
