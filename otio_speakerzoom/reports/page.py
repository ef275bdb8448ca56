"""The report of a cut: one page that needs nothing else, or one picture."""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import fields
from html import escape
from pathlib import Path

import numpy as np

from otio_speakerzoom import store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, Shot
from otio_speakerzoom.reports.evaluation import CutFigures
from otio_speakerzoom.reports.speaker_chart import (
    COLOURS,
    LETTERS,
    Bar,
    Drawing,
    Words,
    as_svg,
    draw_ribbon,
)
from otio_speakerzoom.reports.summary import AnalysisSummary, Evaluation, doubtful

STYLE = (
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


def write_report(known: AnalysisSummary, judged: Evaluation | None, path: Path) -> None:
    """Write the report of the kept cut to `path`, a page or a picture by its suffix."""
    if known.cut_list is None or judged is None:
        raise SpeakerZoomError(
            f"{known.media.path}: nothing is cut yet; run `speakerzoom cut` on it first"
        )
    drawing = _ribbon(known, known.cut_list, judged)
    if path.suffix == ".png":
        _write_picture(_with_figures(drawing, judged), path)
    else:
        store.write_text(path, _page(known, known.cut_list, judged, drawing))


def _ribbon(known: AnalysisSummary, cut_list: CutList, judged: Evaluation) -> Drawing:
    names = [talker.label for talker in judged.talkers]
    speaks = np.array([talker.speaks for talker in judged.talkers], bool)
    speaks = speaks.reshape(len(names), known.media.duration)
    return draw_ribbon(cut_list, names, speaks, judged.framed, known.camera_cuts)


# --- the page -------------------------------------------------------------------------------------


def _page(known: AnalysisSummary, cut_list: CutList, judged: Evaluation, drawing: Drawing) -> str:
    name = escape(known.media.path.name)
    keys = "".join(f'<span class="key {kind}"></span>{words}' for kind, words in KEY.items())
    first = [(number, shot) for number, shot in doubtful(cut_list) if shot.confidence < 0.5]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The cut of {name}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>The cut of {name}</h1>
<p class="pale">{len(cut_list.shots)} shots, judged by {escape(judged.against)}.{keys}</p>
<div class="wide-picture">{as_svg(drawing)}</div>
<h2>In numbers</h2>
<table>{_figures(judged.figures)}</table>
<h2>The doubtful cuts</h2>
{_shots(cut_list, first) if first else "<p>None: every shot is surer than even.</p>"}
<h2>All shots</h2>
{_shots(cut_list, list(enumerate(cut_list.shots, 1)))}
</body>
</html>
"""


def _figures(figures: CutFigures) -> str:
    rows: list[str] = []
    for name, text in explained().items():
        value = getattr(figures, name)
        rows.append(
            f'<tr><th scope="row">{escape(name.replace("_", " "))}</th>'
            f'<td class="number">{shown(value)}</td><td class="pale">{escape(text)}</td></tr>'
        )
    return "\n".join(rows)


def shown(value: float) -> str:
    """Return a figure as people read it; a dash where there was nothing to count."""
    if isinstance(value, int):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.3f}"


def explained() -> dict[str, str]:
    """Return what each figure means, as its own docstring says; empty where its name says all."""
    (made,) = ast.parse(inspect.getsource(CutFigures)).body
    assert isinstance(made, ast.ClassDef)
    texts = {
        field.target.id: " ".join(str(ast.literal_eval(text.value)).split())
        for field, text in zip(made.body, made.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }
    return {field.name: texts.get(field.name, "") for field in fields(CutFigures)}


def _shots(cut_list: CutList, shots: list[tuple[int, Shot]]) -> str:
    rate = float(cut_list.media.rate)
    rows = [
        f"<tr{' class=doubtful' if shot.confidence < 0.5 else ''}>"
        f'<td class="number">{number}</td>'
        f'<td class="number">{shot.range.start / rate:.2f} s</td>'
        f'<td class="number">{shot.range.duration / rate:.2f} s</td>'
        f"<td>{escape(cut_list.names(shot))}</td><td>{escape(shot.reason)}</td>"
        f'<td class="number">{shot.confidence:.2f}</td></tr>'
        for number, shot in shots
    ]
    head = "".join(f"<th>{word}</th>" for word in ("", "at", "length", "shows", "why", "sure"))
    return f"<table><tr>{head}</tr>\n{chr(10).join(rows)}</table>"


# --- the picture ----------------------------------------------------------------------------------


def _with_figures(drawing: Drawing, judged: Evaluation) -> Drawing:
    """Return the drawing with the key and the figures, in three columns, under it."""
    line, columns, top = 22, 3, drawing.height + 22
    across = drawing.width / columns
    parts = [*drawing.parts]
    for n, (kind, words) in enumerate(KEY.items()):
        x = n * drawing.width / len(KEY)
        parts += [Bar(x, top - LETTERS + 2, LETTERS, LETTERS, kind), Words(x + 20, top, words)]
    told = [f"{name.replace('_', ' ')}: {shown(getattr(judged.figures, name))}"
            for name in explained()]  # fmt: skip
    told.append(f"judged by {judged.against}")
    rows = -(-len(told) // columns)
    for n, text in enumerate(told):
        column, row = divmod(n, rows)
        parts.append(Words(column * across, top + (row + 2) * line, text))
    return Drawing(drawing.width, top + (rows + 2) * line, tuple(parts))


def _write_picture(drawing: Drawing, path: Path) -> None:
    """Write the ribbon as a PNG, twice as large as on a page."""
    import cv2

    from otio_speakerzoom.reports.draw_text import draw_line_of_text, width_of

    scale, edge = 2, 16
    size = (scale * drawing.height + 2 * edge, scale * drawing.width + 2 * edge, 3)
    picture = np.full(size, 255, np.uint8)
    for part in drawing.parts:
        x, y = (round(edge + scale * at) for at in (part.x, part.y))
        if isinstance(part, Words):
            letters = scale * LETTERS
            x -= width_of(part.text, letters) if part.end else 0
            draw_line_of_text(picture, part.text, (x, y), letters, _rgb("ink"))
        else:
            _fill(picture, part, (x, y), scale)
    done, encoded = cv2.imencode(".png", picture[..., ::-1])
    assert done
    with store.atomic_write(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _fill(picture: np.ndarray, part: Bar, at: tuple[int, int], scale: int) -> None:
    x, y = at
    right, bottom = x + max(1, round(scale * part.width)), y + round(scale * part.height)
    under = picture[y:bottom, x:right].astype(float)
    over = part.opacity * np.array(_rgb(part.kind)) + (1 - part.opacity) * under
    picture[y:bottom, x:right] = over.round()


def _rgb(kind: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(COLOURS[kind][1:])
    return red, green, blue
