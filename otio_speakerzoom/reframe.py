"""A crop as zoom and position, in units any host can be given.

Every editor scales a picture about its own centre and then moves it. So a crop is three numbers:
how large a source pixel becomes on the canvas, and where the picture's centre lands. Each host's
own unit is a relabelling of these three, and stands in that host's adapter.
"""

from __future__ import annotations

from dataclasses import dataclass

from otio_speakerzoom.model import Box


@dataclass(frozen=True, slots=True)
class Reframe:
    """What to do with the whole source picture so that its crop fills the canvas."""

    scale: float
    """Canvas pixels for one source pixel."""
    dx: float
    """Canvas pixels from the canvas's centre to the picture's centre, to the right."""
    dy: float
    """The same, down."""


def reframe(crop: Box, size: tuple[int, int], canvas: tuple[int, int]) -> Reframe:
    """Return the scale and move that show `crop` of a picture of `size` on the whole `canvas`.

    A crop of another shape than the canvas covers it: the axis that is too long loses its ends,
    its centre stays. The larger of the two ratios, because a bar of black at the border shows
    and a lost half pixel does not; for a crop of the canvas's shape the two are one.
    """
    scale = max(canvas[0] / crop.width, canvas[1] / crop.height)
    x, y = crop.centre
    return Reframe(scale, (size[0] / 2 - x) * scale, (size[1] / 2 - y) * scale)


def crop_of(reframe: Reframe, size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Return the part of a picture of `size` that `reframe` shows: the inverse of `reframe`.

    For a crop that had another shape than the canvas it is what stayed in sight of it.
    """
    x = size[0] / 2 - reframe.dx / reframe.scale
    y = size[1] / 2 - reframe.dy / reframe.scale
    half_width = canvas[0] / reframe.scale / 2
    half_height = canvas[1] / reframe.scale / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def fit(size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return the scale at which a picture of `size` is wholly seen on `canvas`."""
    return min(canvas[0] / size[0], canvas[1] / size[1])


def fill(size: tuple[int, int], canvas: tuple[int, int]) -> float:
    """Return the scale at which a picture of `size` leaves nothing of `canvas` empty."""
    return max(canvas[0] / size[0], canvas[1] / size[1])


def decimal(value: float) -> str:
    """Return a scale or position as text formats take it: no exponent, no -0, nine places at most.

    At nine places no crop moves by a thousandth of a pixel, in any of the units we write.
    """
    return f"{round(value, 9) + 0.0:.9f}".rstrip("0").rstrip(".")
