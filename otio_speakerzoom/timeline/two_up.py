"""The halves of a two-up: where they lie on the canvas, and the transforms that fill them.

An editor shows a two-up as two clips of the source over each other. The lower one shows the left
or upper half and goes on below the other, which hides that. The upper one is cut off at the seam,
which is its only crop: everything else of it lies outside the canvas. So no gap can show between
the halves, however an editor rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from otio_speakerzoom.model import Box, Shot
from otio_speakerzoom.timeline.transform import Transform, crop_of, transform_of

Rectangle = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the canvas."""


@dataclass(frozen=True, slots=True)
class Half:
    """One half of the canvas of a two-up."""

    layout: str
    """As in `TwoUp`."""
    is_second: bool
    """Whether it is the right or lower one, whose clip lies over that of the other."""

    def rectangle(self, canvas: tuple[int, int]) -> Rectangle:
        """Return where it lies; sides are even, since video stores colour by 2 x 2 pixels."""
        width, height = canvas
        if self.layout == "side_by_side":
            seam = width // 4 * 2
            return (seam, 0, width - seam, height) if self.is_second else (0, 0, seam, height)
        seam = height // 4 * 2
        return (0, seam, width, height - seam) if self.is_second else (0, 0, width, seam)

    def transform(self, crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Transform:
        """Return the transform that fills the half with `crop` of a frame of `size`."""
        left, top, width, height = self.rectangle(canvas)
        inside = transform_of(crop, size, (width, height))
        right, down = left + width / 2 - canvas[0] / 2, top + height / 2 - canvas[1] / 2
        return Transform(inside.scale, inside.dx + right, inside.dy + down)

    def visible_crop(self, crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
        """Return the part of `crop` that the half shows: all of it, where it has its shape."""
        return visible_in(self.rectangle(canvas), self.transform(crop, size, canvas), size, canvas)

    def remaining_frame(self, crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
        """Return what the crop effect of its clip leaves of a frame of `size`.

        That is the whole frame for the first half; for the second one, all beyond the seam.
        """
        visible = self.visible_crop(crop, size, canvas)
        left = visible.left if self.is_second and self.layout == "side_by_side" else 0.0
        top = visible.top if self.is_second and self.layout == "stacked" else 0.0
        return Box(max(0.0, left), max(0.0, top), float(size[0]), float(size[1]))


def halves_of(shot: Shot) -> tuple[tuple[Half, Box], tuple[Half, Box]] | None:
    """Return both halves of a two-up with their crops, the left or upper one first; else None."""
    if shot.two_up is None:
        return None
    layout = shot.two_up.layout
    return (Half(layout, False), shot.crop), (Half(layout, True), shot.two_up.second_crop)


def visible_in(
    rectangle: Rectangle, transform: Transform, size: tuple[int, int], canvas: tuple[int, int]
) -> Box:
    """Return the part of a frame of `size` that a transform shows in a part of the canvas."""
    whole, (left, top, width, height) = crop_of(transform, size, canvas), rectangle
    x, y = whole.left + left / transform.scale, whole.top + top / transform.scale
    return Box(x, y, x + width / transform.scale, y + height / transform.scale)
