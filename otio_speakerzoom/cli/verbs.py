"""What each verb does. Each imports what it needs, so that `export` never loads a network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from otio_speakerzoom.cli.parser import usage_error
from otio_speakerzoom.cli.preflight import check_plan
from otio_speakerzoom.cli.streams import flush_stdout, one_line, print_line, write_document
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from rich.console import Console

    from otio_speakerzoom.cli.request import Request
    from otio_speakerzoom.model import CutList, FrameRange
    from otio_speakerzoom.pipeline import Job
    from otio_speakerzoom.reports.summary import AnalysisSummary, Evaluation

log = logging.getLogger("otio_speakerzoom")


@contextmanager
def _job(request: Request, console: Console) -> Iterator[Job]:
    """Give the job that the request describes, with its progress on `console` while it runs."""
    from otio_speakerzoom.cli.jobs import build_job
    from otio_speakerzoom.cli.progress import show_progress

    with show_progress(console, hidden=request.quiet > 0) as on_stage:
        yield build_job(request, on_stage)


def _analyze(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.jobs import analyze_recording

    with _job(request, console) as job:
        folder = analyze_recording(request, job)
    print_line(str(folder))


def _cut(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.jobs import cut_recording

    with _job(request, console) as job:
        cut_list = cut_recording(request, job)
    _write_timeline(request, cut_list)


def _export(request: Request, console: Console) -> None:
    from otio_speakerzoom import pipeline

    with _job(request, console) as job:
        cut_list = pipeline.current_cut(job)
    if cut_list is None:
        raise pipeline.missing_result(job, "cut", "cut")
    _write_timeline(request, cut_list)


def _write_timeline(request: Request, cut_list: CutList) -> None:
    from otio_speakerzoom import store
    from otio_speakerzoom.cli.jobs import requested_timeline

    text = requested_timeline(request, cut_list)
    if str(request.output) == "-":
        write_document(text)
        return
    store.write_text(request.output, text)
    print_line(str(request.output))


def _batch(request: Request, console: Console) -> int:
    from otio_speakerzoom.cli.batch import run_batch

    return run_batch(request, console)


def _import(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.console import ResultConsole
    from otio_speakerzoom.interchange import import_edits

    timeline, editor = request.timeline, request.editor
    if request.from_editor:
        from otio_speakerzoom.plugins.outbox import last_export

        timeline, editor = last_export(request.source), "resolve"
    with _job(request, console) as job:
        result = import_edits.import_timeline(job, timeline, editor, request.sequence)
    import_edits.print_result(result, ResultConsole())


def _check(request: Request, console: Console) -> int:
    from otio_speakerzoom.interchange.lint import check

    report = check(request.timeline, request.dtd, request.project_size, request.sequence)
    for line in (*report.remarks, *(f"problem: {problem}" for problem in report.problems)):
        print_line(one_line(line))
    if not report.problems:
        print_line("no problem found")
    return int(bool(report.problems))


def _calibrate(request: Request, console: Console) -> int:
    from otio_speakerzoom.interchange.test_chart import write_pack

    files = write_pack(request.folder)
    if request.editor:
        from otio_speakerzoom.cli.editors import calibrate_editor

        return calibrate_editor(request, files[0])
    log.info("%d files; README.txt says how to compare", len(files))
    print_line(str(request.folder))
    return 0


def _render(request: Request, console: Console) -> None:
    from otio_speakerzoom import pipeline
    from otio_speakerzoom.render.encoders import check_encoder
    from otio_speakerzoom.render.film import render_film

    check_encoder(request.encoder)
    excerpt = request.shot or request.film_begin or request.film_end
    with _job(request, console) as job:
        check_plan(request, job)
        only_look = bool(excerpt or request.height or request.draft)
        cut_list = pipeline.view_cut(job, cut_if_missing=not only_look)
        if request.height:
            cut_list = pipeline.at_height(cut_list, request.height)
        render_film(
            cut_list, request.output, within=_film_range(request, cut_list),
            encoder=request.encoder, draft=request.draft, on_progress=job.on_stage("render"),
        )  # fmt: skip
    print_line(str(request.output))


def _film_range(request: Request, cut_list: CutList) -> FrameRange:
    """Return the source frames that a film of the request shows."""
    from otio_speakerzoom import pipeline

    if request.shot:
        return pipeline.shot_range(cut_list, request.shot)
    return pipeline.film_range(cut_list, request.film_begin, request.film_end)


def _inspect(request: Request, console: Console) -> None:
    from otio_speakerzoom.reports.summary import evaluate, summarize

    with _job(request, console) as job:
        summary = summarize(job)
        evaluation = evaluate(summary, request.labels)
        if request.report and evaluation is None:
            raise SpeakerZoomError(
                f"{request.source}: nothing is cut yet; run `speakerzoom cut` on it first"
            )
        if request.sheet:
            from otio_speakerzoom.reports.contact_sheet import write_sheet

            write_sheet(summary, request.sheet, on_progress=job.on_stage("sheet"))
        if request.overlay:
            from otio_speakerzoom.reports.overlay import write_overlay

            write_overlay(summary, request.overlay, on_progress=job.on_stage("overlay"))
    if request.report:
        from otio_speakerzoom.reports.page import write_report

        write_report(summary, evaluation, request.report)
    if request.csv:
        from otio_speakerzoom.reports.data_files import write_csv

        write_csv(summary, request.csv)
    _show_results(request, summary, evaluation)


def _show_results(
    request: Request, summary: AnalysisSummary, evaluation: Evaluation | None
) -> None:
    """Print the results as JSON or tables, or only the names of the files that were written."""
    from otio_speakerzoom.cli.console import ResultConsole
    from otio_speakerzoom.reports import tables
    from otio_speakerzoom.reports.data_files import as_json

    outputs = (request.sheet, request.overlay, request.report, request.csv)
    files = [path for path in outputs if path]
    for path in files:
        log.info("%s written", path)
    if request.json:
        write_document(as_json(summary, evaluation) + "\n")
    elif request.review:
        tables.show_review(summary, ResultConsole())
    elif not files:
        tables.show(summary, evaluation, ResultConsole())


def _review(request: Request, console: Console) -> int:
    from otio_speakerzoom.pipeline import Job

    return _run_service(request, Job(request.source, request.work))


def _serve(request: Request, console: Console) -> int:
    return _run_service(request, None)


def _run_service(request: Request, job: Job | None) -> int:
    """Run the service of the review page; a signal is the usual way to end it."""
    from otio_speakerzoom.cli.error_lines import error_line
    from otio_speakerzoom.service.server import ServiceOptions, serve

    options = ServiceOptions(request.port, request.browser, error_line)
    try:
        serve(job, options, _print_address)
    except KeyboardInterrupt as error:
        log.info("the page is closed; every edit is saved")
        return 128 + getattr(error, "number", 2)
    return 0


def _print_address(url: str) -> None:
    """Print where the page is, at once: the verb goes on."""
    print_line(url)
    flush_stdout()


def _send(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.editors import send_to_editor

    send_to_editor(request, console)


def _install(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.editors import install_in_editor

    install_in_editor(request, console)


def _uninstall(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.editors import uninstall_from_editor

    uninstall_from_editor(request, console)


def _weights(request: Request, console: Console) -> None:
    from otio_speakerzoom.cli.console import ResultConsole
    from otio_speakerzoom.cli.progress import show_progress
    from otio_speakerzoom.cli.weights_list import show_weights
    from otio_speakerzoom.weights import catalogue, fetch

    name, names = request.name, catalogue.names()
    if name and name not in names:
        usage_error("weights", f"no weights are called {name}; choose one of {', '.join(names)}")
    if request.action == "list":
        show_weights(ResultConsole(), (name,) if name else names)
        return
    if not name:
        usage_error("weights", f"weights fetch needs a name; choose one of {', '.join(names)}")
    with show_progress(console, hidden=request.quiet > 0) as on_stage:
        path = fetch.need(name, on_progress=on_stage(f"fetch {name}"))
    print_line(str(path))


def _doctor(request: Request, console: Console) -> int:
    from otio_speakerzoom.cli.console import ResultConsole
    from otio_speakerzoom.cli.doctor import check_machine

    return check_machine(ResultConsole())


VERBS: dict[str, Callable[[Request, Console], int | None]] = {
    "analyze": _analyze,
    "cut": _cut,
    "batch": _batch,
    "export": _export,
    "import": _import,
    "check": _check,
    "calibrate": _calibrate,
    "render": _render,
    "inspect": _inspect,
    "review": _review,
    "serve": _serve,
    "send": _send,
    "install": _install,
    "uninstall": _uninstall,
    "weights": _weights,
    "doctor": _doctor,
}
"""What each verb does, with progress on a console; returns the exit code where that is not 0."""
