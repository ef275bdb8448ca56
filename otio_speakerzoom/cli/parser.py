"""The parser of the command line: its verbs, and one request from one command line.

Wrong usage ends in one line. `parse` is the only place that sees argparse's namespace: it returns a
`Request`, which lists every file that the command line names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from otio_speakerzoom.cli import options
from otio_speakerzoom.cli.recording_url import RecordingUrl
from otio_speakerzoom.cli.request import FileArgument, Request
from otio_speakerzoom.cli.streams import one_line, print_line
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.timeline.formats import FORMATS, STDOUT_SUFFIXES

PROGRAM = "speakerzoom"

EXIT_CODES = {
    0: "done",
    1: "failed (one line says why and what to do)",
    2: "wrong usage",
    129: "ended by SIGHUP",
    130: "interrupted",
    143: "ended by SIGTERM",
}

_ANALYSIS = (options.add_source, options.add_analysis, options.add_jobs)

VERB_OPTIONS: dict[str, tuple[str, tuple[Callable[[argparse.ArgumentParser], None], ...]]] = {
    "analyze": ("find faces and score speech; the results are stored beside the recording",
                _ANALYSIS),
    "cut": ("analyze if needed, choose the shots, write the timeline",
            (*_ANALYSIS, options.add_style, options.add_written_timeline)),
    "batch": ("analyze and cut many recordings, several at a time",
              (options.add_sources, options.add_analysis, options.add_style,
               options.add_written_timelines)),
    "export": ("write another timeline of the current cut",
               (options.add_source, options.add_written_timeline)),
    "import": ("read back a timeline that you edited; each change becomes a lock",
               (options.add_source, options.add_edited_timeline)),
    "check": ("check a timeline for problems, and show what an editor will do with it; exit code 1 "
              "if there are problems", (options.add_checked_timeline,)),
    "calibrate": ("write a test chart that shows how an editor positions video",
                  (options.add_test_chart,)),
    "render": ("render the cut as a film", (*_ANALYSIS, options.add_style, options.add_film)),
    "inspect": ("show the results: people, screen time, shots",
                (options.add_source, options.add_reports)),
    "review": ("see the cut in the browser, and change it",
               (options.add_source, options.add_service)),
    "serve": ("run the service of the review page, with no recording yet", (options.add_service,)),
    "send": ("build the cut as a timeline in an open editor",
             (options.add_source, options.add_receiver)),
    "install": ("install our script in an editor", (options.add_plugin,)),
    "uninstall": ("remove our script from an editor", (options.add_plugin,)),
    "weights": ("list or download the trained networks, with their licences",
                (options.add_weights,)),
    "doctor": ("check this machine: GPU, ffmpeg, models", ()),
}  # fmt: skip
"""For each verb, one line of help and the functions that add its options."""


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line; option names are never abbreviated."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a message, or nothing where the stream is closed, which is None.

        argparse's own prints a help text to stderr then, and ignores a stdout that takes nothing.
        """
        if file is not None:
            try:
                file.write(message)
            except OSError:
                if file is not sys.stderr:  # where nobody can be told
                    raise

    def error(self, message: str) -> NoReturn:
        """Report what is wrong, and where all options are listed; exit code 2."""
        text = message if len(message) <= 500 else f"{message[:200]} ... {message[-200:]}"
        self.exit(2, f"error: {one_line(text)}; see `{self.prog} --help`\n")


class _Version(argparse.Action):
    """Prints the version; reads the package's metadata only then, because that is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print_line(version("otio-speakerzoom"))
        parser.exit()


def build_parser() -> Parser:
    """Return the parser of the command line; each verb has one of its own."""
    parser = Parser(
        prog=PROGRAM,
        description="Cuts a wide recording of a conversation to whoever is speaking: writes a "
        "timeline for an editor, or a film.",
        epilog="Exit codes: " + ", ".join(f"{n} {text}" for n, text in EXIT_CODES.items()) + ".",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    for name, (text, groups) in VERB_OPTIONS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        for add_options in (options.add_verbosity, *groups):
            add_options(verb)
        verb.set_defaults(parser=verb)
    return parser


def parse(argv: Sequence[str] | None = None) -> Request:
    """Return the request of a command line; exit code 2 where its parts do not fit together."""
    namespace = vars(build_parser().parse_args(argv))
    parser: Parser = namespace["parser"]
    request = {
        item.name: namespace[item.name] for item in fields(Request) if item.name in namespace
    }
    if "sources" in namespace:
        _check_batch(parser, namespace)
        namespace["sources"], request["urls"] = _split_sources(parser, namespace)
        request["sources"] = tuple(namespace["sources"])
    if "resolve_scaling" in namespace:  # of a verb that writes a timeline
        suffix = namespace.get("format") or _suffix(namespace.get("output"), namespace["editor"])
        if "format" in namespace:
            request["format"] = suffix
        request["adapter"], request["adapter_options"] = _choose_adapter(
            parser, suffix, namespace["editor"], namespace["resolve_scaling"]
        )
    if namespace.get("direct") and namespace["editor"] not in (None, "resolve"):
        parser.error("--direct: only Resolve is driven by a script; leave it out")
    if namespace.get("direct") and not namespace["editor"]:
        parser.error("--direct: needs --to resolve")
    if "from_editor" in namespace:
        _check_import(parser, request)
    if request.get("shot") and (request["film_begin"] or request["film_end"]):
        parser.error("--shot: is a stretch by itself; leave out --from and --to")
    style_values = {
        name.removeprefix(options.STYLE): value
        for name, value in namespace.items()
        if name.startswith(options.STYLE) and value is not None
    }
    return Request(**request, style_values=style_values, files=file_arguments(parser, namespace))


def file_arguments(
    parser: argparse.ArgumentParser, namespace: Mapping[str, Any]
) -> tuple[FileArgument, ...]:
    """Return the arguments of a verb that name a file or a folder, as far as the user set them."""
    return tuple(
        FileArgument(action.type, path, action.dest, tuple(action.option_strings))
        for action in parser._actions
        if isinstance(action.type, Input | Output | Folder)
        for path in _paths(namespace[action.dest])
    )


def _paths(value: Any) -> Sequence[Path]:
    """Return the paths in the value of an argument: none, one, or several."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def usage_error(verb: str, message: str) -> NoReturn:
    """End with exit code 2 and one line, as a wrong option of that verb does."""
    Parser(prog=f"{PROGRAM} {verb}").error(message)


def _check_import(parser: Parser, request: dict[str, Any]) -> None:
    """End with a usage error unless there is a file or an editor to import from."""
    if (request["timeline"] is None) == (request["from_editor"] is None):
        parser.error("name the edited timeline, or leave it out and add --from resolve")
    if request["timeline"] is None:
        del request["timeline"]


def _check_batch(parser: Parser, namespace: Mapping[str, Any]) -> None:
    """End with a usage error where options of `batch` do not fit together."""
    if namespace["resume"] and namespace["force"]:
        parser.error("--resume and --force exclude each other")
    if namespace["output_folder"] is not None:
        return
    of_a_cut = [
        action.option_strings[0]
        for action in parser._actions
        if action.dest.startswith(options.STYLE) or action.dest in _OF_A_CUT
        if namespace.get(action.dest) is not None
    ]
    if of_a_cut:
        parser.error(f"{of_a_cut[0]}: needs -o DIR; without it recordings are only analyzed")


def _split_sources(
    parser: Parser, namespace: Mapping[str, Any]
) -> tuple[list[Path], tuple[RecordingUrl, ...]]:
    """Return the files and folders among the sources of `batch`, and the URLs to fetch.

    End with a usage error where a URL cannot be taken. Without a cluster, a URL is the name of a
    file, and the check of files says what it is.
    """
    files: list[Path] = []
    urls: dict[RecordingUrl, None] = {}
    for source in namespace["sources"]:
        if not isinstance(source, RecordingUrl):
            files.append(source)
        elif not namespace["ray"]:
            files.append(Path(source.text))
        elif fault := source.fault():
            parser.error(f"{source}: {fault}")
        elif source.file:
            files.append(source.file)
        else:
            urls[source] = None
    if urls and not (namespace["output_folder"] or namespace["work"]):
        parser.error(f"{next(iter(urls))}: needs -o DIR or --work DIR for its results")
    return files, tuple(urls)


_OF_A_CUT = ("editor", "format", "resolve_scaling", "media_root", "style", "canvas", "layout")


def _suffix(output: Path | None, editor: str | None) -> str:
    """Return the suffix of a timeline: that of its file, or the usual one of the editor."""
    if output is not None and str(output) != "-":
        return output.suffix
    first = next((s for s, d in FORMATS.items() if editor in d), ".otio")
    return STDOUT_SUFFIXES.get(editor or "", first)


def _choose_adapter(
    parser: Parser, suffix: str, editor: str | None, resolve_scaling: str | None
) -> tuple[str, dict[str, str]]:
    """Return the adapter for the suffix and the editor, with its options."""
    dialects = FORMATS[suffix]
    if editor and editor not in dialects:
        fitting = " or ".join(s for s, d in FORMATS.items() if editor in d)
        parser.error(f"--for {editor}: write {fitting}, not {suffix}")
    name, adapter_options = dialects[editor or next(iter(dialects))]
    if resolve_scaling:
        if name != "speakerzoom_resolve_otio":
            parser.error("--resolve-scaling: is only for .otio --for resolve")
        adapter_options = {**adapter_options, "scaling": resolve_scaling}
    return name, adapter_options
