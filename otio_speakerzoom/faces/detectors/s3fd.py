"""Find faces with S3FD, the detector of TalkNet's own demo, layer for layer.

A VGG-16 whose maps of six sizes each guess faces of one size; so it is sure and slow: 144 GFLOP a
picture here. Zhang et al., ICCV 2017. Module names are the checkpoint's (sfd_face.pth).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otio_speakerzoom.faces.detectors.shared import Found, InMemory, check, one_each, shrunk
from otio_speakerzoom.weights.checkpoint import load_checkpoint

# TalkNet's demo shows a quarter of the source, 480 pixels of 1080p, and so loses faces of less than
# 40 pixels; a fixed size finds the same share of any picture, and this one of 27.
_LONG_SIDE = 640

_MEAN_RGB = (123.0, 117.0, 104.0)  # subtracted from each pixel
_SAME_FACE_IOU = 0.1  # two boxes are one face from here on: TalkNet's own

# Pixels between two guesses of each map; a guess starts from a square four times as large.
_STEPS = (4, 8, 16, 32, 64, 128)
_SIDE = 4
_CENTRE_SCALE, _SIZE_SCALE = 0.1, 0.2  # of what the network says, in SSD's code called variances

_BACKGROUNDS = 3  # guesses at "no face" of the finest map, of which the best counts (section 3.3)


class S3fd(InMemory):
    """A face detector; the same picture gives the same boxes on the same device.

    Faces surer than `min_confidence`, between 0 and 1, are returned; 0.9 is TalkNet's own. `device`
    is a name of PyTorch's; `auto` is a CUDA card, where there is one, or else the processor.
    """

    name = "s3fd"

    def __init__(self, model: Path, *, min_confidence: float = 0.9, device: str = "auto") -> None:
        best = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = best if device == "auto" else device
        self._network = S3fdNetwork()
        load_checkpoint(self._network, model)
        self._network.eval().to(self._device)
        self._min_confidence = min_confidence

    @torch.inference_mode()
    def __call__(self, picture: NDArray[np.uint8]) -> Found:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB picture, and (N,) confidences."""
        check(picture)
        small, back = shrunk(picture, _LONG_SIDE)
        pixels = torch.from_numpy(small).to(self._device).permute(2, 0, 1)[None]  # (1, 3, H, W)
        boxes, sure = self._network(pixels.float())
        faces = sure[0] > self._min_confidence
        found = boxes[0, faces].cpu().double().numpy() * back
        confidences = sure[0, faces].cpu().numpy()
        kept = one_each(found, confidences, _SAME_FACE_IOU)
        return found[kept].astype(np.float32), confidences[kept].astype(np.float32)


class S3fdNetwork(nn.Module):
    """Where faces may be, one guess a place of each map, and how sure it is of each."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = nn.Sequential(*_vgg())
        self.L2Norm3_3 = _Normalised(256, 10)  # scales: section 3.1 of the paper
        self.L2Norm4_3 = _Normalised(512, 8)
        self.L2Norm5_3 = _Normalised(512, 5)
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(1024, 256, 1),
                nn.Conv2d(256, 512, 3, 2, 1),
                nn.Conv2d(512, 128, 1),
                nn.Conv2d(128, 256, 3, 2, 1),
            ]
        )
        widths = (256, 512, 512, 1024, 512, 256)
        classes = (_BACKGROUNDS + 1, 2, 2, 2, 2, 2)
        self.loc = nn.ModuleList(nn.Conv2d(width, 4, 3, 1, 1) for width in widths)
        self.conf = nn.ModuleList(
            nn.Conv2d(width, n, 3, 1, 1) for width, n in zip(widths, classes, strict=True)
        )

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, A, 4) boxes in pixels and (B, A) confidences for (B, 3, H, W) of 0 to 255."""
        boxes, sureness = [], []
        maps = self._maps(pixels - pixels.new_tensor(_MEAN_RGB)[:, None, None])
        for step, seen, loc, conf in zip(_STEPS, maps, self.loc, self.conf, strict=True):
            boxes.append(_boxes(loc(seen), step))  # (B, h * w, 4)
            votes = conf(seen)  # (B, 2 or 4, h, w)
            nothing = votes[:, :-1].amax(dim=1)  # (B, h, w)
            sureness.append(torch.sigmoid(votes[:, -1] - nothing).flatten(1))  # softmax of the two
        return torch.cat(boxes, dim=1), torch.cat(sureness, dim=1)

    def _maps(self, x: Tensor) -> list[Tensor]:
        """Six maps, each half as large as the one before: conv3_3, 4_3, 5_3, fc7, 6_2 and 7_2."""
        conv3 = self.vgg[:16](x)
        conv4 = self.vgg[16:23](conv3)
        conv5 = self.vgg[23:30](conv4)
        x = self.vgg[30:](conv5)
        maps = [self.L2Norm3_3(conv3), self.L2Norm4_3(conv4), self.L2Norm5_3(conv5), x]
        for narrow, halve in (self.extras[:2], self.extras[2:]):
            x = halve(narrow(x).relu()).relu()
            maps.append(x)
        return maps


class _Normalised(nn.Module):
    """Each place's channels brought to length one, then weighted channel by channel."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(scale)))

    def forward(self, x: Tensor) -> Tensor:
        # the length of an empty place is 0: 1e-10 is what the weights were taught with
        length = x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10
        return x / length * self.weight[:, None, None]


def _vgg() -> list[nn.Module]:
    """VGG-16 up to conv5_3, and its first two full layers as convolutions."""
    layers: list[nn.Module] = []
    entering = 3
    for block, (count, width) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]):
        for _ in range(count):
            layers += [nn.Conv2d(entering, width, 3, 1, 1), nn.ReLU()]
            entering = width
        # the third rounds up, as in SSD, from which the code comes
        layers.append(nn.MaxPool2d(2, ceil_mode=block == 2))
    fc6 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)  # SSD's, a seventh-size fc6 spread out
    return [*layers, fc6, nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU()]


def _boxes(moves: Tensor, step: int) -> Tensor:
    """(B, h * w, 4) left, top, right, bottom in pixels for the (B, 4, h, w) moves of one map."""
    _, _, height, width = moves.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y]).to(moves) + 0.5) * step  # (2, h, w)
    side = _SIDE * step
    centres = centres + moves[:, :2] * _CENTRE_SCALE * side  # (B, 2, h, w)
    half = side * torch.exp(moves[:, 2:] * _SIZE_SCALE) / 2
    return torch.cat([centres - half, centres + half], dim=1).flatten(2).transpose(1, 2)
