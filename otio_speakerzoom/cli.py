"""The verbs of the command `speakerzoom`.

stdout carries only the result. Progress and messages go to stderr: live bars at a terminal, a line
per stage elsewhere. Exit codes: 0 done, 1 could not, 2 wrong usage, 130 interrupted. Each verb
imports what it needs, so that `--help` is instant and `export` never loads a network.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from otio_speakerzoom import parsing
from otio_speakerzoom.director.style import CHOICES, Style, read_style
from otio_speakerzoom.errors import SpeakerZoomError

if TYPE_CHECKING:
    from otio_speakerzoom.model import CutList, FrameRange, Listening, Media
    from otio_speakerzoom.pipeline import Job

log = logging.getLogger("otio_speakerzoom")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    arguments = _parser().parse_args(argv)
    if argv is None and not arguments.verbose:
        _keep_native_notes_off_stderr()
    arguments.console = Console(stderr=True, soft_wrap=True)
    _listen(arguments)
    try:
        return arguments.run(arguments) or 0
    except SpeakerZoomError as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted; stages that were finished are kept")
        return 130
    except BrokenPipeError:  # the reader of our stdout has left, which is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _keep_native_notes_off_stderr() -> None:
    """Let only Python write to stderr, which belongs to progress and messages; -v shows all.

    MediaPipe's runtime notes things on file descriptor 2 at any time and at any log level.
    """
    try:
        ours = os.dup(2)
    except OSError:  # started without a stderr
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = open(ours, "w", buffering=1, encoding=sys.stderr.encoding)  # noqa: PTH123, SIM115


def _listen(arguments: argparse.Namespace) -> None:
    """Send our messages to stderr, at the loudness asked for."""
    level = logging.INFO - 10 * arguments.verbose + 10 * arguments.quiet
    log.handlers[:] = [_Lines(arguments.console)]
    log.setLevel(level)
    log.propagate = False


class _Lines(logging.Handler):
    """Prints each message as one line, above any bars, with its level where that is not INFO."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        self._console.print(level + record.getMessage(), markup=False, highlight=False)


# --- the command line -----------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speakerzoom",
        description="Cut a wide recording to whoever speaks: a timeline for an editor, or a film.",
    )
    parser.add_argument("--version", action="version", version=version("otio-speakerzoom"))
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    common, source, analysis, taste = _shared_options()

    def verb(name: str, run: Callable[[argparse.Namespace], int | None], text: str, *parents):
        made = verbs.add_parser(name, help=text, description=text, parents=[common, *parents])
        made.set_defaults(run=run)
        return made

    verb("analyze", _analyze, "find faces, score speech; keep the results beside the source",
         source, analysis)  # fmt: skip
    cut = verb("cut", _cut, "analyze if needed, decide the shots, write the timeline",
               source, analysis, taste)  # fmt: skip
    _add_timeline_options(cut)
    export = verb("export", _export, "write the timeline again from the kept cut", source)
    _add_timeline_options(export)
    take = verb("import", _import, "what was changed in an editor, kept as locks", source)
    suffixes = ".otio, .fcpxml, .fcpxmld, .xml or .mlt"
    take.add_argument("timeline", type=Path, help=f"the edited timeline: {suffixes}")
    take.add_argument("--for", dest="dialect", choices=("resolve", "premiere", "fcp"),
                      help="the editor that it is from (default: as it looks)")  # fmt: skip
    check = verb("check", _check, "what is wrong with a timeline, and what an editor will do with "
                 "it; exit code 1 where something is wrong")  # fmt: skip
    check.add_argument("timeline", type=Path, help=f"the timeline: {suffixes}")
    check.add_argument("--canvas", type=parsing.size, metavar="SIZE",
                       help="the project's size, where the file does not carry it: "
                            "1920x1080")  # fmt: skip
    check.add_argument("--dtd", type=Path, metavar="FILE",
                       help="the DTD that an FCPXML is held against "
                            "(default: Apple's, if it lies beside)")  # fmt: skip
    calibrate = verb("calibrate", _calibrate, "a pack that shows whether an editor places pictures "
                     "as we mean it")  # fmt: skip
    calibrate.add_argument("folder", type=Path, metavar="DIR", help="where to write it")
    render = verb("render", _render, "the cut as a film", source, analysis, taste)
    render.add_argument("-o", "--output", type=parsing.film_path, required=True, metavar="FILE",
                        help="film to write: .mp4, .mov or .mkv")  # fmt: skip
    inspect = verb("inspect", _inspect, "what is known: people, screen time, shots", source)
    inspect.add_argument("--json", action="store_true", help="as JSON")
    inspect.add_argument("--csv", type=Path, metavar="FILE", help="a row per face and frame")
    inspect.add_argument("--sheet", type=Path, metavar="FILE",
                         help="a picture of each person: .png")  # fmt: skip
    inspect.add_argument("--overlay", type=parsing.film_path, metavar="FILE",
                         help="the source with boxes, people and scores drawn over it: "
                              ".mp4, .mov or .mkv")  # fmt: skip
    inspect.add_argument("--report", type=Path, metavar="FILE",
                         help="what the cut is worth: .html page or .png picture")  # fmt: skip
    inspect.add_argument("--labels", type=Path, metavar="FILE",
                         help="who truly speaks when (.json), instead of the scores")  # fmt: skip
    inspect.add_argument("--review", action="store_true", help="the doubtful cuts first")
    weights = verb("weights", _weights, "which networks there are, from where, how licensed")
    weights.add_argument("action", nargs="?", choices=("list", "fetch"), default="list")
    weights.add_argument("name", nargs="?", help="what to fetch")
    verb("doctor", _doctor, "what of this machine will be used")
    return parser


def _shared_options() -> tuple[argparse.ArgumentParser, ...]:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-q", "--quiet", action="count", default=0, help="only warnings and errors")
    common.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument("source", type=Path, help="the recording")
    source.add_argument("--work", type=Path, metavar="DIR", help="keep the results in DIR instead")
    analysis = argparse.ArgumentParser(add_help=False)
    detectors = ("blazeface", "yunet", "mtcnn", "dlib", "haar", "retinaface", "s3fd")
    analysis.add_argument("--detector", choices=detectors, help="how faces are found")
    analysis.add_argument("--detect-every", type=parsing.number, metavar="N",
                          help="look for faces in every Nth frame "
                               "(default: as often as they move)")  # fmt: skip
    analysis.add_argument("--tracker", choices=("iou", "csrt", "kcf", "mil"),
                          help="what follows faces between two looks "
                               "(iou: nothing, boxes are interpolated)")  # fmt: skip
    scorers = ("auto", "talknet", "sync-asd", "lr-asd", "light-asd", "motion")
    analysis.add_argument("--scorer", choices=scorers,
                          help="how speech is scored (auto: the best that is here)")  # fmt: skip
    analysis.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    analysis.add_argument("--audio-stream", type=parsing.number, metavar="N",
                          help="listen to the source's Nth audio stream only")  # fmt: skip
    analysis.add_argument("--channels", type=parsing.channels, metavar="auto|mix|left|right|N",
                          help="of its channels: all mixed, or one (auto: each that is a "
                               "microphone of its own)")  # fmt: skip
    analysis.add_argument("--in", dest="begin", type=parsing.time, metavar="TIME",
                          help="leave out what is before: 1.5s, 45f or 00:00:01:12")  # fmt: skip
    analysis.add_argument("--out", dest="end", type=parsing.time, metavar="TIME",
                          help="leave out what is from here on")  # fmt: skip
    analysis.add_argument("--force", action="store_true",
                          help="analyze: run all again; cut: replace an edited cut")  # fmt: skip
    taste = argparse.ArgumentParser(add_help=False)
    taste.add_argument(
        "--style", metavar="NAME|FILE", help="standard, calm, lively, or a TOML file"
    )
    taste.add_argument("--canvas", type=parsing.canvas, metavar="SIZE",
                       help="1920x1080, 9:16, 1:1 or source (the default)")  # fmt: skip
    taste.add_argument("--layout", choices=("programme", "stacked"), default="programme",
                       help="stacked: the wide, above it a track a person")  # fmt: skip
    values = taste.add_argument_group("values of the style, in place of its own (docs/style.md)")
    for field in fields(Style):
        flag, dest = parsing.style_flag(field.name), f"style_{field.name}"
        if field.name in CHOICES:
            values.add_argument(flag, dest=dest, choices=CHOICES[field.name])
        else:
            values.add_argument(flag, dest=dest, type=parsing.amount, metavar="N")
    return common, source, analysis, taste


def _add_timeline_options(parser: argparse.ArgumentParser) -> None:
    suffixes = ", ".join(parsing.FORMATS)
    editors = dict.fromkeys(editor for dialects in parsing.FORMATS.values() for editor in dialects)
    parser.add_argument("-o", "--output", type=parsing.timeline_path, required=True, metavar="FILE",
                        help=f"timeline to write: {suffixes}; - is stdout")  # fmt: skip
    parser.add_argument("--for", dest="dialect", choices=tuple(editors),
                        help="the editor that will read it")  # fmt: skip
    parser.add_argument("--resolve-scaling", choices=("fit", "fill", "crop", "stretch"),
                        help="the input scaling that an .otio for Resolve pins")  # fmt: skip
    parser.add_argument("--media-root", type=parsing.media_root, metavar="OLD=NEW",
                        help="the folder OLD is called NEW where it will be opened")  # fmt: skip


# --- verbs ----------------------------------------------------------------------------------------


@contextmanager
def _job(arguments: argparse.Namespace) -> Iterator[Job]:
    """Give the job that the arguments describe, with progress shown while it runs."""
    from otio_speakerzoom.pipeline import Job
    from otio_speakerzoom.progress import shown_progress

    given = vars(arguments)
    limited = given.get("begin") or given.get("end")
    with shown_progress(arguments.console, hidden=arguments.quiet > 0) as on_stage:
        yield Job(
            source=arguments.source,
            work=arguments.work,
            detector=given.get("detector") or "blazeface",
            detect_every=given.get("detect_every"),
            tracker=given.get("tracker") or "iou",
            scorer=given.get("scorer") or "auto",
            device=given.get("device") or "auto",
            listening=_listening(arguments),
            within=(lambda media: _range(arguments, media)) if limited else None,
            force=given.get("force", False),
            on_stage=on_stage,
        )


def _listening(arguments: argparse.Namespace) -> Listening:
    from otio_speakerzoom.model import Listening

    given = vars(arguments)
    channel = given.get("channels")
    number = channel if isinstance(channel, int) else None
    return Listening(given.get("audio_stream"), number, mixed=channel == "mix")


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
        analysis = pipeline.analyze(job)
        log.info("%d people, scored by %s", len(analysis.people), analysis.scorer)
    _say(str(job.folder))


def _planned(arguments: argparse.Namespace, job: Job) -> CutList:
    from otio_speakerzoom import pipeline

    style = read_style(arguments.style or "standard", _style_values(arguments))
    canvas = arguments.canvas or parsing.canvas("source")
    cut_list = pipeline.cut(job, style, canvas, stacked=arguments.layout == "stacked")
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
    adapter = _adapter(arguments)
    with _job(arguments) as job:
        cut_list = _planned(arguments, job)
    _write_timeline(arguments, cut_list, adapter)


def _export(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import pipeline

    adapter = _adapter(arguments)
    with _job(arguments) as job:
        cut_list = pipeline.current_cut(job)
    if cut_list is None:
        raise SpeakerZoomError(
            f"{arguments.source}: nothing is cut yet; run `speakerzoom cut` on it first"
        )
    _write_timeline(arguments, cut_list, adapter)


def _adapter(arguments: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """Return the adapter for the suffix and the editor; on stdout the editor alone decides."""
    editor = arguments.dialect
    suffix = arguments.output.suffix
    if str(arguments.output) == "-":
        first = next((s for s, d in parsing.FORMATS.items() if editor in d), ".otio")
        suffix = parsing.STDOUT.get(editor, first)
    dialects = parsing.FORMATS[suffix]
    if editor and editor not in dialects:
        fitting = " or ".join(s for s, d in parsing.FORMATS.items() if editor in d)
        _parser().error(f"--for {editor}: write {fitting}, not {suffix}")
    name, options = dialects[editor or next(iter(dialects))]
    if arguments.resolve_scaling:
        if name != "speakerzoom_resolve_otio":
            _parser().error("--resolve-scaling: is for .otio --for resolve")
        options = {**options, "scaling": arguments.resolve_scaling}
    return name, options


def _write_timeline(
    arguments: argparse.Namespace, cut_list: CutList, adapter: tuple[str, dict[str, str]]
) -> None:
    from otio_speakerzoom import pipeline, store

    if covered := sum(bool(shot.covers) for shot in cut_list.shots):
        log.warning("%d shots cover other faces: in the film only, no timeline says so", covered)
    text = pipeline.timeline_text(cut_list, *adapter, media_root=arguments.media_root)
    if str(arguments.output) == "-":
        sys.stdout.write(text)
        return
    _not_the_source(arguments)
    store.write_text(arguments.output, text)
    _say(str(arguments.output))


def _not_the_source(arguments: argparse.Namespace) -> None:
    if arguments.output.exists() and arguments.output.samefile(arguments.source):
        raise SpeakerZoomError(f"{arguments.output}: is the source; write to another name")


def _import(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import importing

    with _job(arguments) as job:
        taken = importing.take_back(job, arguments.timeline, arguments.dialect)
    importing.show(taken, Console())


def _check(arguments: argparse.Namespace) -> int:
    from otio_speakerzoom.checking import check

    report = check(arguments.timeline, arguments.dtd, arguments.canvas)
    for line in (*report.says, *(f"problem: {problem}" for problem in report.problems)):
        _say(line)
    if not report.problems:
        _say("no problem found")
    return int(bool(report.problems))


def _calibrate(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom.calibration import write_pack

    written = write_pack(arguments.folder)
    log.info("%d files; README.txt says how to compare", len(written))
    _say(str(arguments.folder))


def _render(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import pipeline
    from otio_speakerzoom.render import preview

    seen, heard = ("detector", "detect_every", "tracker"), ("scorer", "audio_stream", "channels")
    asked = (*seen, *heard, "begin", "end", "style", "canvas")
    as_kept = not (
        arguments.force
        or _style_values(arguments)
        or any(getattr(arguments, name) for name in asked)
    )
    with _job(arguments) as job:
        cut_list = pipeline.current_cut(job) if as_kept else None
        cut_list = cut_list or _planned(arguments, job)
        _not_the_source(arguments)
        preview(cut_list, arguments.output, on_progress=job.on_stage("render"))
    _say(str(arguments.output))


def _inspect(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import inspection

    sheet, overlay = arguments.sheet, arguments.overlay
    if sheet and sheet.suffix != ".png":
        _parser().error(f"--sheet {sheet}: the name must end in .png")
    report = arguments.report
    if report and report.suffix not in (".html", ".png"):
        _parser().error(f"--report {report}: the name must end in .html or .png")
    with _job(arguments) as job:
        known = inspection.what_is_known(job)
        judged = inspection.judge(known, arguments.labels)
        for path in filter(None, (sheet, overlay, report)):
            _not_the_source(argparse.Namespace(source=arguments.source, output=path))
        if sheet:
            from otio_speakerzoom.contact_sheet import write_sheet

            write_sheet(known, sheet, on_progress=job.on_stage("sheet"))
        if overlay:
            from otio_speakerzoom.overlay import write_overlay

            write_overlay(known, overlay, on_progress=job.on_stage("overlay"))
    if report:
        from otio_speakerzoom.report_page import write_report

        write_report(known, judged, report)
    if arguments.csv:
        inspection.write_csv(known, arguments.csv)
    written = [path for path in (sheet, overlay, report, arguments.csv) if path]
    for path in written:
        log.info("%s written", path)
    if arguments.json:
        _say(inspection.as_json(known, judged))
    elif arguments.review:
        inspection.show_review(known, Console())
    elif not written:
        inspection.show(known, judged, Console())


def _weights(arguments: argparse.Namespace) -> None:
    from otio_speakerzoom import inspection, weights
    from otio_speakerzoom.progress import shown_progress

    if arguments.action == "list":
        inspection.show_weights(Console())
        return
    if arguments.name not in weights.names():
        names = ", ".join(weights.names())
        _parser().error(f"weights fetch needs a name, one of {names}; not {arguments.name}")
    with shown_progress(arguments.console, hidden=arguments.quiet > 0) as on_stage:
        path = weights.need(arguments.name, on_progress=on_stage(f"fetch {arguments.name}"))
    _say(str(path))


def _doctor(arguments: argparse.Namespace) -> int:
    from otio_speakerzoom.doctor import examine

    return examine(Console())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
