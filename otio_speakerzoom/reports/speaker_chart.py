"""Who speaks against who is shown, drawn over time: as SVG for a page, as pixels for a picture.

Each row is two minutes. Each person has a lane: above, when they speak; below, when a shot frames
them, fainter where the director was unsure. The wide has a lane below, and the source's own cuts
are lines across. The drawing is rectangles, lines and words, so both forms come from one list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.turns import runs
from otio_speakerzoom.model import CutList

ROW_SECONDS = 120
"""Of time in a row: a shot of the shortest kind, 1.2 s, is then eight pixels wide."""

WIDTH, NAMES = 960, 130
"""Pixels of a row, and of the names at its left."""

LANE, BAR, ROW_GAP, LETTERS = 26, 10, 34, 12
"""Pixels from lane to lane, of each of its two bars, between rows, and of the letters."""

TICKS = 10
"""Seconds from mark to mark on the axis."""


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
class Words:
    """A line of text from `x`, on the base line `y`."""

    x: float
    y: float
    text: str
    end: bool = False
    """Whether it ends at `x` instead."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A ribbon, in pixels."""

    width: int
    height: int
    parts: tuple[Bar | Words, ...]


COLOURS = {"speaks": "#e08a1e", "shown": "#2b6cb0", "wide": "#8a94a0", "cut": "#c53030",
           "lane": "#eef0f2", "ink": "#222222"}  # fmt: skip
"""Of each kind: orange and blue, which the colour-blind tell apart."""


def draw_ribbon(
    cut_list: CutList,
    names: Sequence[str],
    speaks: NDArray[np.bool_],
    framed: Sequence[Sequence[int]],
    camera_cuts: Sequence[int],
) -> Drawing:
    """Return the ribbon of a cut.

    `speaks` is (P, T) over the source; `framed` names the lanes (0 to P - 1) that each shot shows.
    """
    rate, span = float(cut_list.media.rate), cut_list.range
    row_frames = round(ROW_SECONDS * rate)
    row_height = LANE * (len(names) + 1) + ROW_GAP
    count = -(-span.duration // row_frames)
    shown = min(row_frames, span.duration)
    per_frame = (WIDTH - NAMES) / shown
    parts: list[Bar | Words] = []

    def bars(
        start: int, end: int, lane: int, *, below: bool
    ) -> Iterator[tuple[float, float, float]]:
        """x, y and width of a stretch of frames, piece by piece where it goes over rows."""
        while start < end:
            row = (start - span.start) // row_frames
            last = min(end, span.start + (row + 1) * row_frames)
            x = NAMES + (start - span.start - row * row_frames) * per_frame
            yield x, row * row_height + lane * LANE + below * BAR, (last - start) * per_frame
            start = last

    for row in range(count):
        top, begin = row * row_height, span.start + row * row_frames
        length = min(row_frames, span.end - begin) * per_frame
        for lane, name in enumerate([*names, "Wide"]):
            parts.append(Bar(NAMES, top + lane * LANE, length, 2 * BAR, "lane"))
            parts.append(Words(NAMES - 8, top + lane * LANE + BAR + 5, name, end=True))
        base = top + LANE * (len(names) + 1) + LETTERS
        for second in range(0, int(min(row_frames, span.end - begin) / rate) + 1, TICKS):
            at = round(begin / rate) + second
            parts.append(Words(NAMES + second * rate * per_frame, base, f"{at // 60}:{at % 60:02}"))
    for lane, row_of in enumerate(speaks):
        for start, end in runs(row_of[span.start : span.end]):
            at = (start + span.start, end + span.start)
            parts += [Bar(x, y, w, BAR, "speaks") for x, y, w in bars(*at, lane, below=False)]
    for shot, video_tracks in zip(cut_list.shots, framed, strict=True):
        title = f"{cut_list.names(shot)}: {shot.reason} ({shot.confidence:.2f})"
        sure = 0.35 + 0.65 * shot.confidence
        span_of_shot = (shot.range.start, shot.range.end)
        for lane in video_tracks or [len(names)]:
            kind = "shown" if video_tracks else "wide"
            parts += [
                Bar(x, y, max(1.0, w - 1), BAR, kind, sure, title)
                for x, y, w in bars(*span_of_shot, lane, below=True)
            ]
    for cut in camera_cuts:
        if span.start < cut < span.end:
            ((x, y, _),) = bars(cut, cut + 1, 0, below=False)
            parts.append(Bar(x, y, 1, LANE * (len(names) + 1) - 6, "cut", 0.8, "the source cuts"))
    return Drawing(WIDTH, count * row_height, tuple(parts))


def as_svg(drawing: Drawing) -> str:
    """Return the drawing as an SVG element to stand in a page; kinds are its classes."""
    lines = [
        f'<svg viewBox="0 0 {drawing.width} {drawing.height}" role="img" '
        'aria-label="who speaks against who is shown">'
    ]
    for part in drawing.parts:
        if isinstance(part, Words):
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
