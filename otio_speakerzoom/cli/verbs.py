"""What each verb does. Each imports what it needs, so that `export` never loads a network."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from otio_speakerzoom.cli.preflight import check_plan
from otio_speakerzoom.cli.streams import ResultConsole, data_on_stdout, say
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.model import CutList, FrameRange, Media
    from otio_speakerzoom.pipeline import Job, Options

log = logging.getLogger("otio_speakerzoom")


@contextmanager
def _job(arguments: argparse.Namespace) -> Iterator[Job]:
    """Give the job that the arguments describe, with progress shown while it runs."""
    from otio_speakerzoom.cli.progress import shown_progress
    from otio_speakerzoom.pipeline import Job

    given = vars(arguments)
    limited = given.get("begin") or given.get("end")
    with shown_progress(arguments.console, hidden=arguments.quiet > 0) as on_stage:
        yield Job(
            source=arguments.source,
            work=arguments.work,
            options=_options(arguments),
            device=given.get("device") or "auto",
            within=(lambda media: _range(arguments, media)) if limited else None,
            canvas=given.get("canvas"),
            force=given.get("force", False),
            on_stage=on_stage,
        )


def _options(arguments: argparse.Namespace) -> Options:
    """Return what was said; what was not stays as it is kept."""
    from otio_speakerzoom.pipeline import Options

    given = vars(arguments)
    names = ("detector", "detect_every", "tracker", "scorer", "audio_stream", "layout", "style")
    said = {name: given.get(name) for name in names}
    said["style"] = None if said["style"] is None else str(said["style"])
    channels = given.get("channels")
    return Options(
        **said,
        channels=None if channels is None else str(channels),
        style_values=_style_values(arguments),
    )


def _range(arguments: argparse.Namespace, media: Media) -> FrameRange:
    from otio_speakerzoom.model import FrameRange

    start = arguments.begin(media) if arguments.begin else 0
    end = arguments.end(media) if arguments.end else media.duration
    if not 0 <= start < end <= media.duration:
        raise SpeakerZoomError(
            f"{media.path}: --in and --out give frames {start} to {end}, "
            f"but the source has frames 0 to {media.duration}; choose a part of it"
        )
    return FrameRange(start, end)


def _analyze(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import pipeline

    with _job(arguments) as job:
        check_plan(arguments, job)
        analysis = pipeline.analyze(job)
        log.info("%d people, scored by %s", len(analysis.people), analysis.scorer)
    say(str(job.folder / analysis.people_folder))


def _planned(arguments: argparse.Namespace, job: Job) -> CutList:
    from otio_speakerzoom import pipeline

    check_plan(arguments, job)
    cut_list = pipeline.cut(job)
    singles = sum(shot.kind == "single" for shot in cut_list.shots)
    shots = len(cut_list.shots)
    log.info("%d shot%s, %d of them singles", shots, "" if shots == 1 else "s", singles)
    return cut_list


def _style_values(arguments: argparse.Namespace) -> dict[str, float | str]:
    """Return the values of the style that were given on the command line."""
    given = {name.removeprefix("style_"): value for name, value in vars(arguments).items()
             if name.startswith("style_")}  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def _cut(arguments: argparse.Namespace) -> None:
    with _job(arguments) as job:
        cut_list = _planned(arguments, job)
    _write_timeline(arguments, cut_list)


def _export(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import pipeline

    with _job(arguments) as job:
        cut_list = pipeline.current_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    _write_timeline(arguments, cut_list)


def _write_timeline(arguments: argparse.Namespace, cut_list: CutList) -> None:
    from otio_speakerzoom import pipeline, store

    if covered := sum(bool(shot.covers) for shot in cut_list.shots):
        log.warning(
            "%s: in %d of its shots another face is covered in the film only; timelines cannot "
            "cover it",
            cut_list.media.path, covered,
        )  # fmt: skip
    text = pipeline.timeline_text(cut_list, *arguments.adapter, media_root=arguments.media_root)
    if str(arguments.output) == "-":
        data_on_stdout(text)
        return
    store.write_text(arguments.output, text)
    say(str(arguments.output))


def _import(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom.interchange import import_edits

    with _job(arguments) as job:
        taken = import_edits.import_timeline(
            job, arguments.timeline, arguments.dialect, arguments.sequence
        )
    import_edits.show(taken, ResultConsole())


def _check(arguments: argparse.Namespace) -> int:
    from otio_speakerzoom.interchange.lint import check

    report = check(arguments.timeline, arguments.dtd, arguments.canvas, arguments.sequence)
    for line in (*report.says, *(f"problem: {problem}" for problem in report.problems)):
        say(line)
    if not report.problems:
        say("no problem found")
    return int(bool(report.problems))


def _calibrate(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom.interchange.test_chart import write_pack

    written = write_pack(arguments.folder)
    log.info("%d files; README.txt says how to compare", len(written))
    say(str(arguments.folder))


def _render(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import pipeline
    from otio_speakerzoom.render.film import render_film

    with _job(arguments) as job:
        check_plan(arguments, job)
        cut_list = pipeline.view_cut(job)
        render_film(cut_list, arguments.output, on_progress=job.on_stage("render"))
    say(str(arguments.output))


def _inspect(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom.reports import summary

    sheet, overlay, report = arguments.sheet, arguments.overlay, arguments.report
    with _job(arguments) as job:
        known = summary.summarize(job)
        judged = summary.evaluate(known, arguments.labels)
        if report and judged is None:
            raise SpeakerZoomError(
                f"{arguments.source}: nothing is cut yet; run `speakerzoom cut` on it first"
            )
        if sheet:
            from otio_speakerzoom.reports.contact_sheet import write_sheet

            write_sheet(known, sheet, on_progress=job.on_stage("sheet"))
        if overlay:
            from otio_speakerzoom.reports.overlay import write_overlay

            write_overlay(known, overlay, on_progress=job.on_stage("overlay"))
    if report:
        from otio_speakerzoom.reports.page import write_report

        write_report(known, judged, report)
    if arguments.csv:
        summary.write_csv(known, arguments.csv)
    written = [path for path in (sheet, overlay, report, arguments.csv) if path]
    for path in written:
        log.info("%s written", path)
    if arguments.json:
        data_on_stdout(summary.as_json(known, judged) + "\n")
    elif arguments.review:
        summary.show_review(known, ResultConsole())
    elif not written:
        summary.show(known, judged, ResultConsole())


def _weights(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom.cli.progress import shown_progress
    from otio_speakerzoom.reports import summary
    from otio_speakerzoom.weights import catalogue, fetch

    name, known = arguments.name, catalogue.names()
    if name not in known and (name or arguments.action == "fetch"):
        wrong = f"no weights are called {name}" if name else "weights fetch needs a name"
        arguments.usage_error(f"{wrong}; there are {', '.join(known)}")
    if arguments.action == "list":
        summary.show_weights(ResultConsole(), (name,) if name else known)
        return
    with shown_progress(arguments.console, hidden=arguments.quiet > 0) as on_stage:
        path = fetch.need(name, on_progress=on_stage(f"fetch {name}"))
    say(str(path))


def _doctor(arguments: argparse.Namespace) -> int:
    from otio_speakerzoom.cli.doctor import examine

    return examine(ResultConsole())


VERBS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "analyze": _analyze,
    "cut": _cut,
    "export": _export,
    "import": _import,
    "check": _check,
    "calibrate": _calibrate,
    "render": _render,
    "inspect": _inspect,
    "weights": _weights,
    "doctor": _doctor,
}
"""What each verb of the command line does; its exit code where that is not 0."""
