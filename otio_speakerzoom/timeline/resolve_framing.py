"""A transform in the numbers of DaVinci Resolve: zoom, pan and tilt over an input scaling.

Pan 1 moves the frame right by the width that it has after the input scaling and before the zoom;
tilt 1 moves it up by that height. Measured on rendered pixels in Resolve 21.1. In a file (.otio)
these are the numbers; in the Inspector and the scripting interface they are multiplied by the size
of the timeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.timeline.transform import Transform, fill, fit, round_number

SCALINGS = {"crop": 1, "fit": 2, "fill": 3, "stretch": 4}
"""Resolve's numbers for the input scaling: SCALE_CROP and so on."""
MAX_ZOOM = 100.0
MAX_MOVE = 4.0
"""Of pan and tilt, either way: maxValue in Resolve's exports, and 4 timeline sizes in its API."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Zoom, pan and tilt of a frame, as a file for Resolve holds them."""

    zoom_x: float
    zoom_y: float
    pan: float
    """Widths of the scaled frame, to the right."""
    tilt: float
    """Heights of the scaled frame, up."""

    def is_possible(self) -> bool:
        """Whether Resolve accepts these numbers; it cuts others off without a word."""
        zooms, moves = (self.zoom_x, self.zoom_y), (self.pan, self.tilt)
        return all(0 <= z <= MAX_ZOOM for z in zooms) and all(abs(m) <= MAX_MOVE for m in moves)


def framings(
    transforms: Sequence[Transform],
    size: tuple[int, int],
    canvas: tuple[int, int],
    scaling: str,
    where: str,
) -> tuple[str, list[Framing]]:
    """Return an input scaling, and the framing of each transform over it.

    That is `scaling`, or fill where the numbers are beyond Resolve's limits: fill needs the
    smallest. `where` names the file and the frame for the TimelineError of a crop that even fill
    cannot show.
    """
    for name in (scaling, "fill"):
        rows = [_framing(transform, size, canvas, name) for transform in transforms]
        if all(row.is_possible() for row in rows):
            return name, rows
    raise TimelineError(
        f"{where} is too tight for Resolve, which zooms by at most {MAX_ZOOM:.0f} and moves by at "
        f"most {MAX_MOVE:.0f} frames; widen its crop"
    )


def _framing(
    transform: Transform, size: tuple[int, int], canvas: tuple[int, int], scaling: str
) -> Framing:
    base_x, base_y = _base_scale(scaling, size, canvas)
    return Framing(
        zoom_x=round_number(transform.scale / base_x),
        zoom_y=round_number(transform.scale / base_y),
        pan=round_number(transform.dx / (size[0] * base_x)),
        tilt=round_number(-transform.dy / (size[1] * base_y)),
    )


def _base_scale(
    scaling: str, size: tuple[int, int], canvas: tuple[int, int]
) -> tuple[float, float]:
    """Return the horizontal and vertical scale that the mode gives a frame before its zoom."""
    if scaling == "stretch":
        return canvas[0] / size[0], canvas[1] / size[1]
    base = {"fit": fit(size, canvas), "fill": fill(size, canvas)}.get(scaling, 1.0)
    return base, base
