"""What may be asked on the command line: verbs, options, and how they are spelled.

A wrong word is told in one line. Each verb carries the list of what it reads and writes (`files`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from otio_speakerzoom.cli import values
from otio_speakerzoom.cli.streams import one_line
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.director.style import PRESETS, Words, meanings
from otio_speakerzoom.timeline.formats import FORMATS, STDOUT

EXIT_CODES = {
    0: "done",
    1: "failed (one line says why and what to do)",
    2: "wrong usage",
    129: "ended by SIGHUP",
    130: "interrupted",
    143: "ended by SIGTERM",
}


class Parser(argparse.ArgumentParser):
    """A parser that tells an error in one line; option names are whole."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where all options are listed; exit code 2."""
        text = message if len(message) <= 500 else f"{message[:200]} ... {message[-200:]}"
        self.exit(2, f"error: {one_line(text)}; see `{self.prog} --help`\n")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for; exit code 2 where the words do not fit each other."""
    arguments = build_parser().parse_args(argv)
    if hasattr(arguments, "dialect") and hasattr(arguments, "output"):
        arguments.adapter = _adapter(arguments)
    return arguments


def _adapter(arguments: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """Return the adapter for the suffix and the editor; on stdout the editor alone decides."""
    editor = arguments.dialect
    suffix = arguments.output.suffix
    if str(arguments.output) == "-":
        first = next((s for s, d in FORMATS.items() if editor in d), ".otio")
        suffix = STDOUT.get(editor, first)
    dialects = FORMATS[suffix]
    if editor and editor not in dialects:
        fitting = " or ".join(s for s, d in FORMATS.items() if editor in d)
        arguments.usage_error(f"--for {editor}: write {fitting}, not {suffix}")
    name, options = dialects[editor or next(iter(dialects))]
    if arguments.resolve_scaling:
        if name != "speakerzoom_resolve_otio":
            arguments.usage_error("--resolve-scaling: is only for .otio --for resolve")
        options = {**options, "scaling": arguments.resolve_scaling}
    return name, options


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each verb is told by its name."""
    parser = Parser(
        prog="speakerzoom",
        description="Cut a wide recording to whoever speaks: a timeline for an editor, or a film.",
        epilog="Exit codes: " + ", ".join(f"{n} {words}" for n, words in EXIT_CODES.items()) + ".",
    )
    parser.add_argument("--version", action="version", version=version("otio-speakerzoom"))
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    common, source, analysis, taste = _shared_options()

    def verb(name: str, text: str, *parents: Parser) -> Parser:
        added = verbs.add_parser(name, help=text, description=text, parents=[common, *parents])
        added.set_defaults(usage_error=added.error)
        return added

    verb("analyze", "find faces, score speech; keep the results beside the source",
         source, analysis)  # fmt: skip
    cut = verb("cut", "analyze if needed, plan the shots, write the timeline",
               source, analysis, taste)  # fmt: skip
    _add_timeline_options(cut)
    export = verb("export", "write another timeline of the kept cut", source)
    _add_timeline_options(export)
    take = verb("import", "take back what you changed in an editor, as locks", source)
    source_timeline = Input("a timeline", folder=".fcpxmld")
    suffixes = ".otio, .fcpxml, .fcpxmld, .xml or .mlt"
    take.add_argument("timeline", type=source_timeline, help=f"the edited timeline: {suffixes}")
    take.add_argument("--for", dest="dialect", choices=("resolve", "premiere", "fcp"),
                      help="the editor that it is from (default: judged by the file)")  # fmt: skip
    take.add_argument("--sequence", default="", metavar="NAME",
                      help="which sequence of a file with several, by name or number "
                           "(default: the one that shows the recording)")  # fmt: skip
    check = verb("check", "say what is wrong with a timeline, and what an editor will do "
                 "with it; exit code 1 if something is wrong")  # fmt: skip
    check.add_argument("timeline", type=source_timeline, help=f"the timeline: {suffixes}")
    check.add_argument("--canvas", type=values.size, metavar="SIZE",
                       help="the project's size, if the file does not contain it: "
                            "1920x1080")  # fmt: skip
    check.add_argument("--sequence", default="", metavar="NAME",
                       help="which sequence of a file with several, by name or number")  # fmt: skip
    check.add_argument("--dtd", type=Input("a DTD"), metavar="FILE",
                       help="the DTD to validate an FCPXML with "
                            "(default: Apple's, if it is beside the file)")  # fmt: skip
    calibrate = verb("calibrate", "write files that test how an editor places "
                     "pictures")  # fmt: skip
    calibrate.add_argument("folder", type=Folder(), metavar="DIR", help="where to write it")
    render = verb("render", "write the cut as a film", source, analysis, taste)
    render.add_argument("-o", "--output", type=Output(values.FILM_SUFFIXES), required=True,
                        metavar="FILE", help="film to write: .mp4, .mov or .mkv")  # fmt: skip
    inspect = verb("inspect", "show the results: people, screen time, shots", source)
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.add_argument(
        "--csv", type=Output((".csv",)), metavar="FILE", help="a row per face and frame: .csv"
    )
    inspect.add_argument("--sheet", type=Output((".png",)), metavar="FILE",
                         help="a picture of each person: .png")  # fmt: skip
    inspect.add_argument("--overlay", type=Output(values.FILM_SUFFIXES), metavar="FILE",
                         help="the source with boxes, people and scores drawn over it: "
                              ".mp4, .mov or .mkv")  # fmt: skip
    inspect.add_argument("--report", type=Output((".html", ".png")), metavar="FILE",
                         help="who speaks, who is shown, how good the cut is: .html or "
                              ".png")  # fmt: skip
    inspect.add_argument("--labels", type=Input("labels"), metavar="FILE",
                         help="who really speaks when (.json), instead of the scores")  # fmt: skip
    inspect.add_argument("--review", action="store_true", help="list the doubtful cuts first")
    weights = verb("weights", "list or fetch the networks, with their licences")
    weights.add_argument("action", nargs="?", choices=("list", "fetch"), default="list")
    weights.add_argument("name", nargs="?", help="which ones (default: all)")
    verb("doctor", "check this machine, and show what will be used")
    for added in verbs.choices.values():
        kinds = (Input, Output, Folder)
        files = [action for action in added._actions if isinstance(action.type, kinds)]
        added.set_defaults(files=files)
    return parser


def _shared_options() -> tuple[Parser, ...]:
    common = Parser(add_help=False)
    common.add_argument("-q", "--quiet", action="count", default=0, help="only warnings and errors")
    common.add_argument("-v", "--verbose", action="count", default=0, help="more messages")
    source = Parser(add_help=False)
    source.add_argument("source", type=Input("a recording"), help="the recording")
    source.add_argument(
        "--work",
        type=Folder(),
        metavar="DIR",
        help="keep the results in DIR, not beside the source",
    )
    analysis = Parser(add_help=False)
    detectors = ("blazeface", "yunet", "mtcnn", "dlib", "haar", "retinaface", "s3fd")
    analysis.add_argument("--detector", choices=detectors, help="what finds the faces")
    analysis.add_argument("--detect-every", type=values.number_or_auto,
                          metavar="N|auto",
                          help="detect faces in every Nth frame "
                               "(auto: about 12.5 times a second)")  # fmt: skip
    analysis.add_argument("--tracker", choices=("iou", "csrt", "kcf", "mil"),
                          help="what follows faces between these frames "
                               "(iou: nothing, boxes are interpolated)")  # fmt: skip
    scorers = ("auto", "talknet", "sync-asd", "lr-asd", "light-asd", "motion")
    analysis.add_argument("--scorer", choices=scorers,
                          help="what scores speech (auto: the best that is installed)")  # fmt: skip
    analysis.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto",
                          help="where networks run")  # fmt: skip
    analysis.add_argument("--audio-stream", type=values.number_or_auto,
                          metavar="N|auto",
                          help="listen to the source's Nth audio stream only "
                               "(auto: to all of them)")  # fmt: skip
    analysis.add_argument("--channels", type=values.channels, metavar="auto|mix|left|right|N",
                          help="which channels to listen to: all mixed, or one "
                               "(auto: each microphone separately)")  # fmt: skip
    analysis.add_argument("--in", dest="begin", type=values.time, metavar="TIME",
                          help="start of the part to use: 1.5s, 45f or 00:00:01:12")  # fmt: skip
    analysis.add_argument("--out", dest="end", type=values.time, metavar="TIME",
                          help="end of the part to use, not included")  # fmt: skip
    analysis.add_argument("--force", action="store_true",
                          help="analyze: run everything again; cut: replace an edited cut, "
                               "of which a copy is kept")  # fmt: skip
    taste = Parser(add_help=False)
    taste.add_argument(
        "--style",
        type=Input("a style", names=tuple(PRESETS)),
        metavar="NAME|FILE",
        help="standard, calm, lively, or a TOML file",
    )
    taste.add_argument("--canvas", type=values.canvas, metavar="SIZE",
                       help="delivered picture: 1920x1080, 9:16, 1:1 or source")  # fmt: skip
    taste.add_argument("--layout", choices=("programme", "stacked"),
                       help="stacked: the wide, and above it a track for each person")  # fmt: skip
    group = taste.add_argument_group("values of the style, instead of the preset's (docs/style.md)")
    for name, meaning in meanings().items():
        flag, dest = values.style_flag(name), f"style_{name}"
        text = f"{meaning.text} ({meaning.span})".replace("%", "%%")
        if isinstance(meaning, Words):
            group.add_argument(flag, dest=dest, choices=meaning.words, help=meaning.text)
        else:
            group.add_argument(flag, dest=dest, type=values.style_value(name), metavar="N",
                                help=text)  # fmt: skip
    return common, source, analysis, taste


def _add_timeline_options(parser: Parser) -> None:
    suffixes = ", ".join(FORMATS)
    editors = dict.fromkeys(editor for dialects in FORMATS.values() for editor in dialects)
    timeline = Output(tuple(FORMATS), stdout=True)
    parser.add_argument("-o", "--output", type=timeline, required=True, metavar="FILE",
                        help=f"timeline to write: {suffixes}; - is stdout")  # fmt: skip
    parser.add_argument("--for", dest="dialect", choices=tuple(editors),
                        help="the editor that will read it")  # fmt: skip
    parser.add_argument("--resolve-scaling", choices=("fit", "fill", "crop", "stretch"),
                        help="the input scaling that an .otio for Resolve sets")  # fmt: skip
    parser.add_argument("--media-root", type=values.media_root, metavar="OLD=NEW",
                        help="the folder OLD is called NEW where the timeline is "
                             "opened")  # fmt: skip
