"""The work of the jobs, each in a process of its own: analyse, proxy, export, render, send."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import CutList, FrameRange, Media
from otio_speakerzoom.pipeline import Job, Options
from otio_speakerzoom.service.free_name import free_name, result_digest
from otio_speakerzoom.store.fields import Field, name_in_words
from otio_speakerzoom.timeline.canvas_size import aspect_size, source_size
from otio_speakerzoom.timeline.formats import FORMATS

log = logging.getLogger(__name__)

MIN_HEIGHT = 16
"""Of a film in pixels: H.264 codes blocks of 16."""

CANVASES: dict[str, Callable[[Media], tuple[int, int]]] = {
    "source": source_size,
    **{
        f"{width}:{height}": partial(aspect_size, Fraction(width, height))
        for width, height in ((16, 9), (1, 1), (4, 5), (9, 16))
    },
}
"""Shape of a canvas -> its size for a source: the shapes that video platforms show."""
CHOICES = {"style": PRESETS, "canvas": CANVASES}
"""Values of an analysis -> what they can be."""

KINDS = ("analyse", "proxy", "export", "render", "send")

OnStage = Callable[[str], Callable[[int, int], None]]
"""Returns the progress callback of a stage, by its name."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a job does; it can be pickled, and stored as JSON."""

    kind: str
    """One of `KINDS`."""
    source: Path
    work: Path | None = None
    editor: str = ""
    """Of an export."""
    suffix: str = ""
    """Of an export."""
    draft: bool = False
    """Of a render: faster, at a lower quality."""
    height: int | None = None
    """Of a render; None for the canvas's."""
    begin: int | None = None
    """First source frame of a render; None for that of the cut."""
    end: int | None = None
    """Source frame after the last one of a render; None for that of the cut."""
    style: str = ""
    """Of an analysis: name of a preset for the cut; empty for the same as last time."""
    canvas: str = ""
    """Of an analysis: one of `CANVASES`; empty for the same as last time."""
    may_replace: tuple[str, ...] = ()
    """Digests of results of earlier jobs; a file that still is one of them may be replaced."""


NOT_STORED = ("source", "work", "may_replace")
"""What a task is given when it runs."""


@dataclass(frozen=True, slots=True)
class Result:
    """A file that a task wrote."""

    name: str
    digest: str
    """As in `result_digest`."""


def task_from_json(value: object, job: Job) -> Task:
    """Return the task on a source that a JSON object describes; ValueError says what is wrong."""
    row = Field(value, "job")
    names = {item.name for item in fields(Task)} - set(NOT_STORED)
    if unknown := [key for key, _ in row.items() if key not in names]:
        raise ValueError(
            f"job.{name_in_words(unknown[0])} is unknown; a job has {', '.join(sorted(names))}"
        )
    kind = row.at("kind").text()
    if kind not in KINDS:
        raise row.at("kind").error(f"one of {', '.join(KINDS)}")
    editor = row.at("editor").text() if row.has("editor") else ""
    suffix = row.at("suffix").text() if row.has("suffix") else ""
    if kind == "export":
        suffix = suffix or next((s for s, editors in FORMATS.items() if editor in editors), "")
        if editor not in FORMATS.get(suffix, ()):
            raise row.error("an editor and a suffix that we can write")
    draft = row.at("draft").boolean() if row.has("draft") else False
    height = _integer(row, "height")
    if height is not None and (height < MIN_HEIGHT or height % 2):
        raise row.at("height").error(f"an even number from {MIN_HEIGHT} on")
    begin, end = _integer(row, "begin"), _integer(row, "end")
    if begin is not None and end is not None and begin >= end:
        raise row.at("end").error("a frame after begin")
    style, canvas = (_choice(row, name, names) for name, names in CHOICES.items())
    return Task(
        kind, job.source, job.work, editor, suffix, draft, height, begin, end, style, canvas
    )


def _choice(row: Field, name: str, names: Collection[str]) -> str:
    """Return a value that is one of these names, or empty."""
    value = row.at(name).text() if row.has(name) else ""
    if value and value not in names:
        raise row.at(name).error(f"one of {', '.join(names)}")
    return value


def _integer(row: Field, name: str) -> int | None:
    return row.at(name).integer() if row.has(name) and row.at(name).raw() is not None else None


def run_task(task: Task, on_stage: OnStage) -> Result | None:
    """Do the work; return the file that it wrote, if any. SpeakerZoomError."""
    job = Job(task.source, task.work, on_stage=on_stage)
    work = {
        "analyse": _analyse, "proxy": _proxy, "export": _export, "render": _render, "send": _send,
    }[task.kind]  # fmt: skip
    path = work(task, job)
    return Result(path.name, result_digest(path)) if path else None


def _analyse(task: Task, job: Job) -> None:
    canvas = CANVASES[task.canvas] if task.canvas else None
    pipeline.cut(replace(job, canvas=canvas, options=Options(style=task.style or None)))


def _proxy(task: Task, job: Job) -> Path:
    from otio_speakerzoom.service.proxy import make_proxy, proxy_path

    media, _ = pipeline.open_source(job)
    path = proxy_path(job.folder, media.path)
    make_proxy(media, path, job.on_stage("proxy"))
    return path


def _export(task: Task, job: Job) -> Path:
    adapter, options = FORMATS[task.suffix][task.editor]
    cut_list = _require_cut(job)
    text = pipeline.timeline_text(cut_list, adapter, options)
    is_default = next(iter(FORMATS[task.suffix])) == task.editor
    stem = task.source.stem if is_default else f"{task.source.stem}.{task.editor}"
    path = free_name(task.source.with_name(stem + task.suffix), task.may_replace)
    store.write_text(path, text)
    job.on_stage("export")(1, 1)
    return path


def _render(task: Task, job: Job) -> Path:
    from otio_speakerzoom.render.film import render_film

    cut_list = _require_cut(job)
    span = FrameRange(
        cut_list.range.start if task.begin is None else task.begin,
        cut_list.range.end if task.end is None else task.end,
    )
    if span.start < cut_list.range.start or span.end > cut_list.range.end:
        raise SpeakerZoomError(
            f"frames {span.start} to {span.end} are not in the cut, which has "
            f"{cut_list.range.start} to {cut_list.range.end}; choose a part of it"
        )
    if task.height:
        cut_list = pipeline.at_height(cut_list, task.height)
    path = free_name(task.source.with_name(f"{task.source.stem}.cut.mp4"), task.may_replace)
    render_film(cut_list, path, within=span, draft=task.draft, on_progress=job.on_stage("render"))
    return path


def _send(task: Task, job: Job) -> None:
    """Build the cut in the project that is open in Resolve; its stages say what happens there."""
    from otio_speakerzoom.plugins.resolve_send import STATES, send

    delivery = send(_require_cut(job), on_state=lambda state: job.on_stage(STATES[state])(0, 0))
    for note in delivery.notes:
        log.warning("%s", note)
    job.on_stage("; ".join((delivery.outcome, *delivery.notes)))(0, 0)


def _require_cut(job: Job) -> CutList:
    cut_list = pipeline.current_cut(replace(job, force=False))
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    return cut_list
