"""Crops of a batch of scenes on a device, as trackers cut them and cameras show them.

Chances and ranges are those of `augment.py`; what it does not have is marked as new.
"""

from __future__ import annotations

import math

import torch
from augment import OUTSIDE
from corpus import FACE
from device_audio import chance, smooth_paths, uniform
from torch import Tensor
from torch.nn import functional as fn

from otio_speakerzoom.speech.crops import CROP_SIZE
from otio_speakerzoom.speech.networks.sync_asd import RECIPE

FRAME_SIZE = 192
FACE_SIZE = float(FACE[2] - FACE[0])
UNREST = ((0.0, 0.2), (0.3, 0.2), (1.0, 0.2), (1.5, 0.2), (4.0, 0.1), (8.0, 0.1))
"""How restless a box is against its face, and how often."""
HEAD_RADIUS = 0.75 * FACE_SIZE
"""Of the cylinder that stands for a head that turns, in pixels of a frame."""
TURN_CHANCE, MOTION_CHANCE = 0.35, 0.25
"""New: shares of scenes with a head that is turned by up to 45 degrees, and that keeps turning."""
RATES = ((24, 0.5), (20, 0.2), (15, 0.2), (12.5, 0.1))
# ITU-T T.81, table K.1
LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip


def choose(table: tuple[tuple[float, float], ...], count: int, device: torch.device) -> Tensor:
    """Return `count` values of a table of values and how often each is chosen."""
    values, shares = torch.tensor(table, device=device).T
    return values[torch.multinomial(shares, count, replacement=True)]


def display_ticks(batch: int, ticks: int, device: torch.device) -> Tensor:
    """Return (B, T) the tick on display at each: at low rates or over bad lines an earlier one."""
    time = torch.arange(ticks, device=device).expand(batch, ticks)
    rate = (choose(RATES, batch, device) / 25)[:, None]
    slow = ((time * rate + torch.rand(batch, 1, device=device)).floor() / rate).long()
    lost = torch.rand(batch, ticks, device=device) < uniform(0.03, 0.3, batch, 1, device=device)
    stuck = torch.where(lost, 0, time).cummax(1).values
    kind = torch.rand(batch, 1, device=device)
    display = torch.where(kind < 0.15, slow, torch.where(kind < 0.28, stuck, time))
    return display.clamp(0, ticks - 1)


def cut_crops(frames: Tensor, display: Tensor) -> Tensor:
    """Return (B, T, 112, 112) crops of (B, T, 192, 192) frames, of the ticks on `display`.

    Each face is off-centre, trembles, tilts, may be mirrored, and may be a head that turns.
    """
    (batch, ticks), device = frames.shape[:2], frames.device
    slow = torch.stack([smooth_paths(batch, ticks, 8, device) for _ in range(4)], -1)
    fast = torch.stack([smooth_paths(batch, ticks, 1, device) for _ in range(4)], -1)
    unrest = choose(UNREST, batch, device)[:, None, None]
    path = unrest * (0.012 * slow + 0.004 * fast)  # (B, T, 4)
    rows = torch.arange(batch, device=device)[:, None]
    path = path[rows, display]
    box = torch.tensor(FACE, device=device)
    centre = (box[:2] + box[2:]) / 2 - 0.5
    offset = torch.randn(batch, 1, 2, device=device) * 0.04 + path[..., :2]
    middle = centre + FACE_SIZE * offset
    middle[..., 1] += FACE_SIZE * RECIPE.shift
    scale = uniform(0.9, 1.35, batch, 1, device=device)
    side = FACE_SIZE * RECIPE.scale * scale * (1 + path[..., 2]).clamp(min=0.5)
    tilt = torch.deg2rad(torch.randn(batch, 1, device=device) * 6) + path[..., 3]  # the last: new
    squeeze = torch.exp(torch.randn(batch, 1, device=device) * 0.04)
    squeeze = squeeze * (1 - 2.0 * chance(0.5, batch, 1, device=device))
    angle = head_angles(batch, ticks, device)[rows, display]
    grid = crop_grid(middle, side, tilt, squeeze, angle)
    pictures = frames[rows, display].flatten(0, 1)[:, None].float() - OUTSIDE
    return (fn.grid_sample(pictures, grid, align_corners=False) + OUTSIDE).unflatten(
        0, (batch, ticks)
    )[:, :, 0]


def head_angles(batch: int, ticks: int, device: torch.device) -> Tensor:
    """Return (B, T) angles by which heads are turned, in radians."""
    still = uniform(-45, 45, batch, 1, device=device) * chance(TURN_CHANCE, batch, 1, device=device)
    reach = uniform(3, 12, batch, 1, device=device) * chance(MOTION_CHANCE, batch, 1, device=device)
    return torch.deg2rad((still + reach * smooth_paths(batch, ticks, 8, device)).clamp(-55, 55))


def crop_grid(middle: Tensor, side: Tensor, tilt: Tensor, squeeze: Tensor, angle: Tensor) -> Tensor:
    """Return (B T, 112, 112, 2) where crops sample frames, from -1 to 1.

    `middle` is (B, T, 2), `side` (B, T), in pixels. Before that the face is turned by `angle` and
    tilted by `tilt`, (B, T) in radians, and squeezed by `squeeze`, (B, 1), below 0 if mirrored.
    """
    line = (torch.arange(CROP_SIZE, device=side.device) - (CROP_SIZE - 1) / 2) / CROP_SIZE
    across = line[None] * (side * squeeze).flatten()[:, None]  # (B T, 112)
    turn = angle.flatten()[:, None]
    place = (across / HEAD_RADIUS + turn.sin()).clamp(-0.999, 0.999)
    around = HEAD_RADIUS * (place.asin() - turn).sin()
    across = torch.where(turn == 0, across, around)[:, None]  # (B T, 1, 112)
    down = (line[None] * (side / squeeze.abs()).flatten()[:, None])[:, :, None]
    cos, sin = (x.flatten()[:, None, None] for x in (tilt.cos(), tilt.sin()))
    at = middle.flatten(0, 1)[:, None, None]
    x = cos * across - sin * down + at[..., 0]
    y = sin * across + cos * down + at[..., 1]
    return (2 * torch.stack([x, y], -1) + 1) / FRAME_SIZE - 1


class Cameras:
    """Dark, flat, small, soft, compressed, noisy: each only sometimes."""

    def __init__(self, device: str) -> None:
        frequency, sample = torch.arange(8)[:, None], torch.arange(8)
        dct = torch.cos(math.pi * frequency * (2 * sample + 1) / 16) / 2
        dct[0] /= math.sqrt(2)
        self._dct = dct.to(device)
        self._steps = torch.tensor(LUMINANCE, dtype=torch.float32).reshape(8, 8).to(device)

    def __call__(self, crops: Tensor) -> Tensor:
        """Return (B, T, 112, 112) crops of whole numbers from 0 to 255."""
        batch, device = len(crops), crops.device
        lots = torch.rand(batch, 5).tolist()  # on the processor, which decides what to run
        for n, lot in enumerate(lots):
            self._soften(crops[n], lot)
        crops = crops.clamp_(0, 255)
        shape = (batch, 1, 1, 1)
        gain = uniform(0.15, 1.2, *shape, device=device)
        gamma = torch.exp(torch.randn(shape, device=device) * 0.3)
        # new: in a third of the scenes the light comes from one side
        slope = uniform(-0.7, 0.7, *shape, device=device) * chance(0.33, *shape, device=device)
        light = 1 + slope * torch.linspace(-1, 1, CROP_SIZE, device=device)
        lit = 255 * gain * light * (crops / 255) ** gamma + uniform(0, 30, *shape, device=device)
        crops = torch.where(chance(0.6, *shape, device=device), lit, crops)
        level = uniform(1, 8, *shape, device=device) * chance(0.4, *shape, device=device)
        return (crops + level * torch.randn_like(crops)).clamp(0, 255).round()

    def _soften(self, scene: Tensor, lots: list[float]) -> None:
        """Scale (T, 112, 112) crops down and up, blur or compress them, in place; five lots."""
        crops = scene[:, None]
        if lots[0] < 0.4:
            small = int(24 + 66 * lots[1]) * 4 // 5  # of the crop, four fifths of the face
            way = "bilinear" if lots[0] < 0.2 else "bicubic"
            tiny = fn.interpolate(crops, (small, small), mode="area")
            crops = fn.interpolate(tiny, (CROP_SIZE, CROP_SIZE), mode=way)
        if lots[2] < 0.15:
            crops = blurred(crops, 0.5 + 2 * lots[1])
        elif lots[2] > 0.9:  # new: a shutter that stays open for two frames
            crops = (crops + torch.cat([crops[:1], crops[:-1]])) / 2
        if lots[3] < 0.15:
            crops = self._compress(crops.clamp(0, 255), 8 + 42 * lots[4])
        if crops.data_ptr() != scene.data_ptr():
            scene.copy_(crops[:, 0])

    def _compress(self, crops: Tensor, quality: float) -> Tensor:
        """Return (T, 1, 112, 112) crops as JPEG of a quality below 50 leaves them."""
        blocks = (crops[:, 0] - 128).unflatten(1, (-1, 8)).unflatten(3, (-1, 8)).transpose(2, 3)
        steps = self._steps * 50 / quality
        waves = (self._dct @ blocks @ self._dct.T / steps).round() * steps
        blocks = self._dct.T @ waves @ self._dct
        return (blocks.transpose(2, 3).flatten(3, 4).flatten(1, 2) + 128)[:, None]


def blurred(crops: Tensor, sigma: float) -> Tensor:
    """Return (T, 1, H, W) crops after a Gaussian blur."""
    reach = math.ceil(3 * sigma)
    line = torch.exp(-(torch.arange(-reach, reach + 1, device=crops.device) ** 2) / (2 * sigma**2))
    line = line / line.sum()
    padded = fn.pad(crops, (reach,) * 4, "reflect")
    return fn.conv2d(fn.conv2d(padded, line[None, None, None]), line[None, None, :, None])
