"""Finds the panels of each camera shot in a stream of frames: parts of a split screen, insets."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.divider_edges import DividerEdges, divider_edges
from otio_speakerzoom.faces.panel_geometry import (
    MIN_SUPPORT,
    Rectangle,
    StillEdges,
    border_support,
    insets_in,
    parts_in,
)
from otio_speakerzoom.model import Box, FrameRange, Media, Panel, Progress, no_progress

SAMPLES_PER_S = 2
"""Frames a second to compare: a camera shot of a second has two then, and people move between."""

MIN_SAMPLES = 2
"""In fewer, nothing shows whether an edge stands still."""

MIN_STILL_SHARE = Fraction(3, 5)
"""Share of the samples of a camera shot in which a still edge shows: both of two, two of three. In
the others what moves behind it is as bright as its other side."""


def sample_step(media: Media) -> int:
    """Return the frames from one sample to the next."""
    return max(1, round(media.rate / SAMPLES_PER_S))


def find_panels(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    cuts: Sequence[int],
    within: FrameRange,
    *,
    on_progress: Progress = no_progress,
) -> tuple[Panel, ...]:
    """Return the panels in `frames`, (number, (H, W, 3) RGB) pairs, between the camera cuts."""
    search = PanelSearch(media, within)
    for number, rgb in frames:
        search.push_frame(number, rgb)
        search.settle(cuts, number)
        on_progress(number - within.start + 1, within.duration)
    return search.finish(cuts)


@dataclass(frozen=True, slots=True, eq=False)
class _CameraShot:
    """What stood still in a camera shot."""

    range: FrameRange
    size: tuple[int, int]
    """Of its frames, in pixels."""
    upright: bytes
    level: bytes
    """As in `StillEdges`, packed and compressed: some kilobytes."""
    parts: Sequence[Rectangle]
    insets: Sequence[Rectangle]

    def edges(self) -> StillEdges:
        width, height = self.size
        return StillEdges(_unpack(self.upright, width), _unpack(self.level, height))


class PanelSearch:
    """Collects the edges of every `sample_step`-th frame, camera shot by camera shot."""

    def __init__(self, media: Media, within: FrameRange) -> None:
        self._media, self._within = media, within
        self._step = sample_step(media)
        self._waiting = deque[tuple[int, DividerEdges]]()
        self._number = 0
        """Of the camera shot that goes on."""
        self._samples: int = 0
        self._upright = self._level = np.zeros((0, 0), np.int32)
        self._size = 0, 0
        self._shots: list[_CameraShot] = []

    def is_sample(self, number: int) -> bool:
        """Whether a frame is one of those that are compared."""
        return (number - self._within.start) % self._step == 0

    def push_frame(self, number: int, rgb: NDArray[np.uint8]) -> None:
        """Take the next frame, (H, W, 3), of the size that the detector gets."""
        if self.is_sample(number):
            self.push(number, divider_edges(rgb))

    def push(self, number: int, edges: DividerEdges) -> None:
        """Take the edges of the next sample."""
        self._waiting.append((number, edges))

    def settle(self, cuts: Sequence[int], settled_end: int) -> None:
        """Add the samples before `settled_end`, up to which all of the camera cuts are known."""
        while self._waiting and self._waiting[0][0] < settled_end:
            number, edges = self._waiting.popleft()
            shot = bisect_right(cuts, number)
            if shot != self._number:
                self._close(cuts)
                self._number = shot
            self._add(edges)

    def finish(self, cuts: Sequence[int]) -> tuple[Panel, ...]:
        """Return the panels, in order; no frame follows.

        An inset of one camera shot stands in every other in which its border shows.
        """
        self.settle(cuts, self._within.end)
        self._close(cuts)
        insets = sorted({inset for shot in self._shots for inset in shot.insets})
        panels: list[Panel] = []
        for shot in self._shots:
            edges = shot.edges() if insets else None
            standing = [i for i in insets if edges and border_support(edges, i) >= MIN_SUPPORT]
            panels += [self._panel(shot, r) for r in sorted({*shot.parts, *standing})]
        return tuple(panels)

    def _add(self, edges: DividerEdges) -> None:
        upright, level = edges.unpack()
        if not self._samples:
            self._size = edges.size
            self._upright = np.zeros(upright.shape, np.int32)
            self._level = np.zeros(level.shape, np.int32)
        self._upright += upright
        self._level += level
        self._samples += 1

    def _close(self, cuts: Sequence[int]) -> None:
        """Note what stood still in the camera shot that ends."""
        samples, self._samples = self._samples, 0
        if samples < MIN_SAMPLES:
            return
        least = ceil(MIN_STILL_SHARE * samples)
        edges = StillEdges(self._upright >= least, self._level >= least)
        borders = [self._within.start, *cuts, self._within.end]
        span = FrameRange(borders[self._number], borders[self._number + 1])
        packed = (_pack(edges.upright), _pack(edges.level))
        shot = _CameraShot(span, self._size, *packed, parts_in(edges), insets_in(edges))
        self._shots.append(shot)

    def _panel(self, shot: _CameraShot, rectangle: Rectangle) -> Panel:
        x, y = (whole / size for whole, size in zip(self._media.size, shot.size, strict=True))
        left, top, right, bottom = rectangle
        return Panel(shot.range, Box(left * x, top * y, right * x, bottom * y))


def _pack(edges: NDArray[np.bool_]) -> bytes:
    return zlib.compress(np.packbits(edges, axis=1).tobytes(), 1)


def _unpack(packed: bytes, width: int) -> NDArray[np.bool_]:
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(-1, -(-width // 8))
    return np.unpackbits(rows, axis=1, count=width).astype(np.bool_)
