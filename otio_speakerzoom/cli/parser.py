"""What may be asked on the command line: verbs, options, and how they are spelled."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from otio_speakerzoom import parsing
from otio_speakerzoom.director.style import Words, meanings


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; each verb is told by its name."""
    parser = argparse.ArgumentParser(
        prog="speakerzoom",
        description="Cut a wide recording to whoever speaks: a timeline for an editor, or a film.",
    )
    parser.add_argument("--version", action="version", version=version("otio-speakerzoom"))
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    common, source, analysis, taste = _shared_options()

    def verb(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text, parents=[common, *parents])
        added.set_defaults(usage_error=added.error)
        return added

    verb("analyze", "find faces, score speech; keep the results beside the source",
         source, analysis)  # fmt: skip
    cut = verb("cut", "analyze if needed, decide the shots, write the timeline",
               source, analysis, taste)  # fmt: skip
    _add_timeline_options(cut)
    export = verb("export", "write the timeline again from the kept cut", source)
    _add_timeline_options(export)
    take = verb("import", "what was changed in an editor, kept as locks", source)
    suffixes = ".otio, .fcpxml, .fcpxmld, .xml or .mlt"
    take.add_argument("timeline", type=Path, help=f"the edited timeline: {suffixes}")
    take.add_argument("--for", dest="dialect", choices=("resolve", "premiere", "fcp"),
                      help="the editor that it is from (default: as it looks)")  # fmt: skip
    take.add_argument("--sequence", default="", metavar="NAME",
                      help="of a file with several, its name or number "
                           "(default: the one that shows the recording)")  # fmt: skip
    check = verb("check", "what is wrong with a timeline, and what an editor will do with "
                 "it; exit code 1 where something is wrong")  # fmt: skip
    check.add_argument("timeline", type=Path, help=f"the timeline: {suffixes}")
    check.add_argument("--canvas", type=parsing.size, metavar="SIZE",
                       help="the project's size, where the file does not carry it: "
                            "1920x1080")  # fmt: skip
    check.add_argument("--sequence", default="", metavar="NAME",
                       help="of a file with several, its name or number")  # fmt: skip
    check.add_argument("--dtd", type=Path, metavar="FILE",
                       help="the DTD that an FCPXML is held against "
                            "(default: Apple's, if it lies beside)")  # fmt: skip
    calibrate = verb("calibrate", "a pack that shows whether an editor places pictures "
                     "as we mean it")  # fmt: skip
    calibrate.add_argument("folder", type=Path, metavar="DIR", help="where to write it")
    render = verb("render", "the cut as a film", source, analysis, taste)
    render.add_argument("-o", "--output", type=parsing.film_path, required=True, metavar="FILE",
                        help="film to write: .mp4, .mov or .mkv")  # fmt: skip
    inspect = verb("inspect", "what is known: people, screen time, shots", source)
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
    weights = verb("weights", "which networks there are, from where, how licensed")
    weights.add_argument("action", nargs="?", choices=("list", "fetch"), default="list")
    weights.add_argument("name", nargs="?", help="what to fetch")
    verb("doctor", "what of this machine will be used")
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
    for name, meaning in meanings().items():
        flag, dest = parsing.style_flag(name), f"style_{name}"
        text = f"{meaning.text} ({meaning.span})".replace("%", "%%")
        if isinstance(meaning, Words):
            values.add_argument(flag, dest=dest, choices=meaning.words, help=meaning.text)
        else:
            values.add_argument(flag, dest=dest, type=parsing.style_value(name), metavar="N",
                                help=text)  # fmt: skip
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
