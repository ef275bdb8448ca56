"""A chart of who speaks and who is shown over time, for an SVG in a page or for a PNG.

Each row is two minutes. Each person has a lane: the upper half shows when they speak, the lower
half when a shot frames them, fainter where the director was less certain. The wide has the last
lane, and the source's own cuts are lines across all lanes. The chart is a list of rectangles and
texts, from which both forms are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.model import CutList, FrameRange

ROW_SECONDS = 120
"""Duration of a row: the shortest shots, of 1.2 s, are then eight pixels wide."""

WIDTH, NAMES = 960, 130
"""Width of a row and of the names at its left, in pixels."""

LANE, BAR, ROW_GAP, LETTERS = 26, 10, 34, 12
"""Height of a lane, of each of its two bars, of the gap between rows, of letters, in pixels."""

TICK_SECONDS = 10
"""Time between two labels of the axis."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle, in pixels; `kind` names its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    opacity: float = 1.0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text that begins at `x`, on the base line `y`, in pixels."""

    x: float
    y: float
    text: str
    end: bool = False
    """Whether the text ends at `x` instead."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rectangles and texts, and the size of the whole in pixels."""

    width: int
    height: int
    parts: tuple[Bar | Text, ...]


COLOURS = {"speaks": "#e08a1e", "shown": "#2b6cb0", "wide": "#8a94a0", "cut": "#c53030",
           "lane": "#eef0f2", "ink": "#222222"}  # fmt: skip
"""By kind of bar: orange and blue, which colour-blind people can distinguish."""


def draw_chart(
    cut_list: CutList,
    names: Sequence[str],
    speaks: NDArray[np.bool_],
    framed: Sequence[Sequence[int]],
    camera_cuts: Sequence[int],
) -> Drawing:
    """Return the chart of a cut.

    `speaks` is (P, T) over the source; `framed` names the lanes (0 to P - 1) that each shot shows.
    """
    axis = _Axis(float(cut_list.media.rate), cut_list.range, len(names) + 1)
    parts = [
        *_lanes(axis, names),
        *_speech(axis, speaks),
        *_shots(axis, cut_list, framed),
        *_camera_cuts(axis, camera_cuts),
    ]
    return Drawing(WIDTH, axis.rows * axis.row_height, tuple(parts))


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where frames of a range lie in the chart: in rows of two minutes, each with all lanes."""

    rate: float
    span: FrameRange
    lanes: int

    @property
    def row_frames(self) -> int:
        return round(ROW_SECONDS * self.rate)

    @property
    def row_height(self) -> int:
        return LANE * self.lanes + ROW_GAP

    @property
    def rows(self) -> int:
        return -(-self.span.duration // self.row_frames)

    @property
    def px_per_frame(self) -> float:
        return (WIDTH - NAMES) / min(self.row_frames, self.span.duration)

    def pieces(
        self, start: int, end: int, lane: int, *, below: bool
    ) -> Iterator[tuple[float, float, float]]:
        """Yield x, y and width of frames `start` to `end`, a piece for each row they lie in."""
        while start < end:
            row = (start - self.span.start) // self.row_frames
            last = min(end, self.span.start + (row + 1) * self.row_frames)
            x = NAMES + (start - self.span.start - row * self.row_frames) * self.px_per_frame
            y = row * self.row_height + lane * LANE + below * BAR
            yield x, y, (last - start) * self.px_per_frame
            start = last


def _lanes(axis: _Axis, names: Sequence[str]) -> Iterator[Bar | Text]:
    """Yield the empty lanes with their names, and the time below each row."""
    for row in range(axis.rows):
        top, begin = row * axis.row_height, axis.span.start + row * axis.row_frames
        length = min(axis.row_frames, axis.span.end - begin) * axis.px_per_frame
        for lane, name in enumerate([*names, "Wide"]):
            yield Bar(NAMES, top + lane * LANE, length, 2 * BAR, "lane")
            yield Text(NAMES - 8, top + lane * LANE + BAR + 5, name, end=True)
        base = top + LANE * axis.lanes + LETTERS
        seconds = int(min(axis.row_frames, axis.span.end - begin) / axis.rate)
        for second in range(0, seconds + 1, TICK_SECONDS):
            at = round(begin / axis.rate) + second
            x = NAMES + second * axis.rate * axis.px_per_frame
            yield Text(x, base, f"{at // 60}:{at % 60:02}")


def _speech(axis: _Axis, speaks: NDArray[np.bool_]) -> Iterator[Bar]:
    """Yield when each person speaks, in the upper half of their lane."""
    for lane, row in enumerate(speaks):
        for start, end in runs(row[axis.span.start : axis.span.end]):
            at = (start + axis.span.start, end + axis.span.start)
            for x, y, width in axis.pieces(*at, lane, below=False):
                yield Bar(x, y, width, BAR, "speaks")


def _shots(axis: _Axis, cut_list: CutList, framed: Sequence[Sequence[int]]) -> Iterator[Bar]:
    """Yield the shots, in the lower half of the lanes that they frame, or in that of the wide."""
    for shot, lanes in zip(cut_list.shots, framed, strict=True):
        title = f"{cut_list.shot_label(shot)}: {shot.reason} ({shot.confidence:.2f})"
        opacity = 0.35 + 0.65 * shot.confidence
        kind = "shown" if lanes else "wide"
        for lane in lanes or [axis.lanes - 1]:
            for x, y, width in axis.pieces(shot.range.start, shot.range.end, lane, below=True):
                yield Bar(x, y, max(1.0, width - 1), BAR, kind, opacity, title)


def _camera_cuts(axis: _Axis, camera_cuts: Sequence[int]) -> Iterator[Bar]:
    """Yield a line across all lanes at each of the source's own cuts."""
    for cut in camera_cuts:
        if axis.span.start < cut < axis.span.end:
            ((x, y, _),) = axis.pieces(cut, cut + 1, 0, below=False)
            yield Bar(x, y, 1, LANE * axis.lanes - 6, "cut", 0.8, "the source cuts")


def as_svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG element for a page; the kinds of bars become classes."""
    lines = [
        f'<svg viewBox="0 0 {drawing.width} {drawing.height}" role="img" '
        'aria-label="who speaks against who is shown">'
    ]
    for part in drawing.parts:
        if isinstance(part, Text):
            anchor = ' text-anchor="end"' if part.end else ""
            lines.append(
                f'<text x="{part.x:.1f}" y="{part.y:.1f}"{anchor}>{escape(part.text)}</text>'
            )
            continue
        title = f"<title>{escape(part.title)}</title>" if part.title else ""
        lines.append(
            f'<rect class="{part.kind}" x="{part.x:.1f}" y="{part.y:.1f}" '
            f'width="{part.width:.1f}" height="{part.height:.1f}" '
            f'opacity="{part.opacity:.2f}">{title}</rect>'
        )
    return "\n".join([*lines, "</svg>"])
