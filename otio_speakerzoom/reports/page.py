"""The report of a cut: one self-contained HTML page, or one PNG."""

from __future__ import annotations

import math
from dataclasses import asdict
from html import escape
from pathlib import Path

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, Shot
from otio_speakerzoom.reports.evaluation import CutFigures, explanations
from otio_speakerzoom.reports.speaker_chart import (
    COLOURS,
    LETTERS,
    Bar,
    Drawing,
    Text,
    as_svg,
    draw_chart,
)
from otio_speakerzoom.reports.summary import AnalysisSummary, Evaluation, least_certain_first

CSS = (
    """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #222222; --pale: #666666; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e8eaed; --pale: #a0a6ad; }
  svg .lane { fill: #262b31; }
}
body { font: 16px/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink);
       max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { overflow-wrap: anywhere; } .wide-picture { overflow-x: auto; }
svg { width: 100%; min-width: 40rem; height: auto; } svg text { font-size: 12px; fill: var(--ink); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top;
       padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.pale { color: var(--pale); } .doubtful td { color: #c53030; }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
"""
    + "\n".join(f".{kind} {{ fill: {colour}; background: {colour}; }}"
                for kind, colour in COLOURS.items())
)  # fmt: skip


KEY = {"speaks": "speaks", "shown": "shown", "wide": "wide", "cut": "the source's own cut"}
"""What each colour means."""


def write_report(summary: AnalysisSummary, evaluation: Evaluation | None, path: Path) -> None:
    """Write the report of the stored cut to `path`, .html or .png."""
    if summary.cut_list is None or evaluation is None:
        raise SpeakerZoomError(
            f"{summary.media.path}: nothing is cut yet; run `speakerzoom cut` on it first"
        )
    chart = _chart(summary, summary.cut_list, evaluation)
    if path.suffix == ".png":
        _write_png(_with_figures(chart, evaluation), path)
    else:
        store.write_text(path, _page(summary, summary.cut_list, evaluation, chart))


def _chart(summary: AnalysisSummary, cut_list: CutList, evaluation: Evaluation) -> Drawing:
    names = [talker.label for talker in evaluation.talkers]
    speaks = np.array([talker.speaks for talker in evaluation.talkers], bool)
    speaks = speaks.reshape(len(names), summary.media.duration)
    return draw_chart(cut_list, names, speaks, evaluation.framed, summary.camera_cuts)


# --- the page -------------------------------------------------------------------------------------


def _page(
    summary: AnalysisSummary, cut_list: CutList, evaluation: Evaluation, chart: Drawing
) -> str:
    name = escape(summary.media.path.name)
    keys = "".join(f'<span class="key {kind}"></span>{text}' for kind, text in KEY.items())
    certain = "<p>None: every shot has a confidence of 0.5 or more.</p>"
    doubtful = [row for row in least_certain_first(cut_list) if row[1].confidence < 0.5]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The cut of {name}</title>
<style>{CSS}</style>
</head>
<body>
<h1>The cut of {name}</h1>
<p class="pale">{len(cut_list.shots)} shots, judged by {escape(evaluation.against)}.{keys}</p>
<div class="wide-picture">{as_svg(chart)}</div>
<h2>In numbers</h2>
<table>{_figures(evaluation.figures)}</table>
<h2>The doubtful cuts</h2>
{_shots(cut_list, doubtful) if doubtful else certain}
<h2>All shots</h2>
{_shots(cut_list, list(enumerate(cut_list.shots, 1)))}
</body>
</html>
"""


def _figures(figures: CutFigures) -> str:
    rows: list[str] = []
    for (name, value), text in zip(asdict(figures).items(), explanations().values(), strict=True):
        rows.append(
            f'<tr><th scope="row">{escape(name.replace("_", " "))}</th>'
            f'<td class="number">{as_text(value)}</td><td class="pale">{escape(text)}</td></tr>'
        )
    return "\n".join(rows)


def as_text(value: float) -> str:
    """Return a figure as text; a dash where there was nothing to count."""
    if isinstance(value, int):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.3f}"


def _shots(cut_list: CutList, shots: list[tuple[int, Shot]]) -> str:
    rate = float(cut_list.media.rate)
    rows = [
        f"<tr{' class=doubtful' if shot.confidence < 0.5 else ''}>"
        f'<td class="number">{number}</td>'
        f'<td class="number">{shot.range.start / rate:.2f} s</td>'
        f'<td class="number">{shot.range.duration / rate:.2f} s</td>'
        f"<td>{escape(cut_list.shot_label(shot))}</td><td>{escape(shot.reason)}</td>"
        f'<td class="number">{shot.confidence:.2f}</td></tr>'
        for number, shot in shots
    ]
    head = "".join(f"<th>{word}</th>" for word in ("", "at", "length", "shows", "why", "sure"))
    return f"<table><tr>{head}</tr>\n{chr(10).join(rows)}</table>"


# --- the PNG --------------------------------------------------------------------------------------


def _with_figures(chart: Drawing, evaluation: Evaluation) -> Drawing:
    """Return the chart with the key and the figures below it, in three columns."""
    line, columns, top = 22, 3, chart.height + 22
    column_width = chart.width / columns
    parts = [*chart.parts]
    for n, (kind, text) in enumerate(KEY.items()):
        x = n * chart.width / len(KEY)
        parts += [Bar(x, top - LETTERS + 2, LETTERS, LETTERS, kind), Text(x + 20, top, text)]
    figures = asdict(evaluation.figures)
    lines = [f"{name.replace('_', ' ')}: {as_text(value)}" for name, value in figures.items()]
    lines.append(f"judged by {evaluation.against}")
    rows = -(-len(lines) // columns)
    for n, text in enumerate(lines):
        column, row = divmod(n, rows)
        parts.append(Text(column * column_width, top + (row + 2) * line, text))
    return Drawing(chart.width, top + (rows + 2) * line, tuple(parts))


def _write_png(drawing: Drawing, path: Path) -> None:
    """Write the drawing as a PNG, at twice the size it has on a page."""
    import cv2

    from otio_speakerzoom.reports.draw_text import draw_text, width_of

    scale, edge = 2, 16
    size = (scale * drawing.height + 2 * edge, scale * drawing.width + 2 * edge, 3)
    image = np.full(size, 255, np.uint8)
    for part in drawing.parts:
        x, y = (round(edge + scale * at) for at in (part.x, part.y))
        if isinstance(part, Text):
            letters = scale * LETTERS
            x -= width_of(part.text, letters) if part.end else 0
            draw_text(image, part.text, (x, y), letters, _rgb("ink"))
        else:
            _fill(image, part, (x, y), scale)
    success, encoded = cv2.imencode(".png", image[..., ::-1])
    assert success
    with store.atomic_write(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _fill(image: np.ndarray, part: Bar, at: tuple[int, int], scale: int) -> None:
    x, y = at
    right, bottom = x + max(1, round(scale * part.width)), y + round(scale * part.height)
    under = image[y:bottom, x:right].astype(float)
    over = part.opacity * np.array(_rgb(part.kind)) + (1 - part.opacity) * under
    image[y:bottom, x:right] = over.round()


def _rgb(kind: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(COLOURS[kind][1:])
    return red, green, blue
