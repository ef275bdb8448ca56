"""S3FD, the detector of TalkNet's own demo, layer for layer.

A VGG-16 whose feature maps of six sizes each detect faces of one size; so it is accurate and slow:
144 GFLOP a frame here. Zhang et al., ICCV 2017. Module names are the checkpoint's (sfd_face.pth).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otio_speakerzoom.faces.detectors.interface import DetectedFaces, InMemoryDetector
from otio_speakerzoom.faces.detectors.opencv_dnn import nms_indices
from otio_speakerzoom.faces.detectors.preprocess import check_frame, downscale
from otio_speakerzoom.weights.checkpoint import load_checkpoint

# TalkNet's demo runs it on a quarter of the source, 480 pixels of 1080p, and so misses faces below
# 40 pixels; a fixed size detects the same share of any frame, and this one faces of 27.
_LONG_SIDE_PX = 640

_MEAN_RGB = (123.0, 117.0, 104.0)  # subtracted from each pixel
_SAME_FACE_IOU = 0.1  # two boxes are one face from here on: TalkNet's own

# Stride of each map, in pixels; its anchors are squares four times as large.
_STRIDES_PX = (4, 8, 16, 32, 64, 128)
_ANCHOR_STRIDES = 4
_CENTRE_SCALE, _SIZE_SCALE = 0.1, 0.2  # of the regression outputs, in SSD's code called variances

_BACKGROUNDS = 3  # "no face" outputs of the finest map, of which the maximum counts (section 3.3)


class S3fd(InMemoryDetector):
    """A face detector, deterministic on one device.

    Detects faces with more than `min_confidence`, between 0 and 1; 0.9 is TalkNet's own. `device`
    is a name of PyTorch's; `auto` is a CUDA GPU if there is one, or else the CPU.
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
    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        small, scale = downscale(frame, _LONG_SIDE_PX)
        pixels = torch.from_numpy(small).to(self._device).permute(2, 0, 1)[None]  # (1, 3, H, W)
        all_boxes, all_confidences = self._network(pixels.float())
        faces = all_confidences[0] > self._min_confidence
        boxes = all_boxes[0, faces].cpu().double().numpy() * scale
        confidences = all_confidences[0, faces].cpu().numpy()
        distinct = nms_indices(boxes, confidences, _SAME_FACE_IOU)
        return boxes[distinct].astype(np.float32), confidences[distinct].astype(np.float32)


class S3fdNetwork(nn.Module):
    """Boxes of possible faces, one per place of each map, with their confidences."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = nn.Sequential(*_vgg())
        self.L2Norm3_3 = _L2Norm(256, 10)  # scales: section 3.1 of the paper
        self.L2Norm4_3 = _L2Norm(512, 8)
        self.L2Norm5_3 = _L2Norm(512, 5)
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
        boxes, confidences = [], []
        maps = self._maps(pixels - pixels.new_tensor(_MEAN_RGB)[:, None, None])
        for stride, features, loc, conf in zip(_STRIDES_PX, maps, self.loc, self.conf, strict=True):
            boxes.append(_decode_boxes(loc(features), stride))  # (B, h * w, 4)
            logits = conf(features)  # (B, 2 or 4, h, w)
            background = logits[:, :-1].amax(dim=1)  # (B, h, w)
            face = torch.sigmoid(logits[:, -1] - background)  # softmax of the two
            confidences.append(face.flatten(1))
        return torch.cat(boxes, dim=1), torch.cat(confidences, dim=1)

    def _maps(self, x: Tensor) -> list[Tensor]:
        """Return six maps, each half as large as the last: conv3_3, 4_3, 5_3, fc7, 6_2 and 7_2."""
        conv3 = self.vgg[:16](x)
        conv4 = self.vgg[16:23](conv3)
        conv5 = self.vgg[23:30](conv4)
        x = self.vgg[30:](conv5)
        maps = [self.L2Norm3_3(conv3), self.L2Norm4_3(conv4), self.L2Norm5_3(conv5), x]
        for narrow, halve in (self.extras[:2], self.extras[2:]):
            x = halve(narrow(x).relu()).relu()
            maps.append(x)
        return maps


class _L2Norm(nn.Module):
    """Normalizes the channels of each place to length one, then weights each channel."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(scale)))

    def forward(self, x: Tensor) -> Tensor:
        # the length of an empty place is 0: 1e-10 is what the weights were trained with
        length = x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10
        return x / length * self.weight[:, None, None]


def _vgg() -> list[nn.Module]:
    """Return VGG-16 up to conv5_3, and its first two dense layers as convolutions."""
    layers: list[nn.Module] = []
    in_width = 3
    for block, (count, width) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]):
        for _ in range(count):
            layers += [nn.Conv2d(in_width, width, 3, 1, 1), nn.ReLU()]
            in_width = width
        # the third rounds up, as in SSD, from which the code comes
        layers.append(nn.MaxPool2d(2, ceil_mode=block == 2))
    fc6 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)  # SSD's, a seventh-size fc6 spread out
    return [*layers, fc6, nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU()]


def _decode_boxes(offsets: Tensor, stride: int) -> Tensor:
    """Return (B, h * w, 4) boxes in pixels for the (B, 4, h, w) offsets of one map."""
    _, _, height, width = offsets.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centres = (torch.stack([x, y]).to(offsets) + 0.5) * stride  # (2, h, w)
    side = _ANCHOR_STRIDES * stride
    centres = centres + offsets[:, :2] * _CENTRE_SCALE * side  # (B, 2, h, w)
    half = side * torch.exp(offsets[:, 2:] * _SIZE_SCALE) / 2
    return torch.cat([centres - half, centres + half], dim=1).flatten(2).transpose(1, 2)
