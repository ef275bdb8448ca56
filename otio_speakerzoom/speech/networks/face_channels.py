"""What Sync-ASD sees of a face: each crop, and how it differs from those before and after it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as fn

MEAN_TICKS = 12
"""Ticks on either side of a frame whose mean, the face's average, it is compared with: a second."""

_CPU_CROPS = 64
"""Crops that a CPU works on at once, .8 MB of pixels each way: they stay in the processor's cache,
and memory that small is used again, where larger blocks are mapped, and filled with zeros, anew."""


def face_channels(crops: Tensor) -> Tensor:
    """Return (B, T, 6, 56, 56): each of (B, T, 112, 112) crops as five differences, and itself.

    Four changes from frame to frame, two before and two after, the frame's difference from the mean
    of the second around it, and the frame. Where a head shakes, the differences show its motion
    above all; that the mouth is open shows in the frame alone.
    """
    batch, ticks = crops.shape[:2]
    step = _CPU_CROPS if crops.device.type == "cpu" else max(1, ticks)
    parts = [slice(start, min(start + step, ticks)) for start in range(0, ticks, step)]
    padded = torch.empty(batch, ticks + 2 * MEAN_TICKS, 56, 56, device=crops.device)
    even = padded[:, MEAN_TICKS : MEAN_TICKS + ticks]
    for part in parts:
        small = fn.avg_pool2d(crops[:, part].float(), 2)  # (B, t, 56, 56)
        centred = small - small.mean((2, 3), keepdim=True)
        # at least 8 of 256 levels, so that a blank crop does not magnify its noise
        contrast = centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=8)
        torch.div(centred, contrast, out=even[:, part])
    padded[:, :MEAN_TICKS], padded[:, MEAN_TICKS + ticks :] = even[:, :1], even[:, -1:]
    # channels last in memory, which makes convolutions on a CPU fast
    channels = torch.empty(batch, ticks, 56, 56, 6, device=crops.device)
    for n in range(4):
        first = MEAN_TICKS - 2 + n
        before, after = (padded[:, start : start + ticks] for start in (first, first + 1))
        torch.sub(after, before, out=channels[..., n])
    span = 2 * MEAN_TICKS + 1
    sums = torch.zeros(batch, ticks + span, 56, 56, device=crops.device)
    torch.cumsum(padded, 1, out=sums[:, 1:])
    for part in parts:
        mean = (sums[:, part.start + span : part.stop + span] - sums[:, part]) / span
        torch.sub(even[:, part], mean, out=channels[:, part, ..., 4])
    channels[..., 5] = even
    return channels.movedim(-1, 2)
