"""Walls for crops: the part of a split screen that a face is in, and the insets that lie on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Box, FrameRange, Panel

BORDER_SHARE = 3 / 960
"""Width of the line around a panel, at most, as a share of the frame's longer side: the box of a
panel lies inside its line, which is up to 3 pixels wide where panels are searched."""


@dataclass(frozen=True, slots=True)
class Walls:
    """What a crop should not cross."""

    panel: Box
    """The part of the frame that the crop should stay in; the whole frame where it is one part."""
    insets: tuple[Box, ...] = ()
    """Pictures that lie on it: each should be in the crop as a whole, or not at all."""
    neighbours: tuple[Box, ...] = ()
    """The other parts beside it: a crop that cannot stay in the panel shows no slice of them."""

    def to_avoid(self, size: tuple[int, int]) -> list[Box]:
        """Return the insets and the neighbours with the lines around them, in a frame of `size`."""
        line = BORDER_SHARE * max(size)
        return [
            Box(
                max(0.0, box.left - line), max(0.0, box.top - line),
                min(float(size[0]), box.right + line), min(float(size[1]), box.bottom + line),
            )
            for box in (*self.insets, *self.neighbours)
        ]  # fmt: skip


class Panels:
    """The panels of a source, by camera shot."""

    def __init__(self, panels: Sequence[Panel], size: tuple[int, int]) -> None:
        self._whole = Box(0.0, 0.0, float(size[0]), float(size[1]))
        self._boxes: dict[FrameRange, list[Box]] = {}
        for panel in sorted(panels, key=lambda panel: panel.range.start):
            self._boxes.setdefault(panel.range, []).append(panel.box)
        self._ranges = list(self._boxes)

    def walls(self, span: FrameRange, faces: Sequence[NDArray[np.float32]]) -> Walls:
        """Return the walls around the faces, (T, 4) boxes of each, in a part of a camera shot.

        The smallest panel with the middle of all of them; no walls where a camera cut lies in
        `span`.
        """
        boxes = self._boxes_in(span)
        middles = [np.median((face[:, :2] + face[:, 2:]) / 2, axis=0).tolist() for face in faces]
        around = [box for box in boxes if all(_contains(box, *middle) for middle in middles)]
        panel = min(around, key=lambda box: box.width * box.height, default=self._whole)
        others = [box for box in boxes if not any(_contains(box, *middle) for middle in middles)]
        insets = tuple(box for box in others if _lies_in(box, panel))
        return Walls(panel, insets, tuple(box for box in others if box not in insets))

    def _boxes_in(self, span: FrameRange) -> list[Box]:
        at = bisect_right(self._ranges, span.start, key=lambda panel_range: panel_range.start) - 1
        if at < 0 or span.end > self._ranges[at].end:
            return []
        return self._boxes[self._ranges[at]]


def _contains(box: Box, x: float, y: float) -> bool:
    return box.left <= x <= box.right and box.top <= y <= box.bottom


def _lies_in(box: Box, panel: Box) -> bool:
    """Whether a panel goes on around all of a box: then this is no part of a split screen."""
    return (
        panel.left < box.left
        and panel.top < box.top
        and box.right < panel.right
        and box.bottom < panel.bottom
    )
