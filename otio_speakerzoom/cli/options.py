"""The options of the command line, in groups that several verbs share.

Each function adds one group to the parser of a verb. Every argument that names a file or a folder
has the type `Input`, `Output` or `Folder`, so that it is checked before the verb runs.
"""

from __future__ import annotations

import argparse
from typing import Any

from otio_speakerzoom.cli import values
from otio_speakerzoom.cli.values import Folder, Input, InputOrUrl, Output
from otio_speakerzoom.director.style import NEW_NAMES, PRESETS, STYLE_FIELDS
from otio_speakerzoom.director.style_fields import ChoiceField
from otio_speakerzoom.timeline.formats import FORMATS, OPENED_FILES
from otio_speakerzoom.weights.names import AUTO, DETECTORS, DEVICES, SCORERS, TRACKERS

STYLE = "style_"
"""Prefix that keeps style values apart from other options in argparse's namespace."""

_TIMELINE = Input("a timeline", folder=".fcpxmld")
_SUFFIXES = ".otio, .fcpxml, .fcpxmld, .xml, .mlt or .kdenlive"


def add_verbosity(verb: argparse.ArgumentParser) -> None:
    """Add how much is reported."""
    verb.add_argument("-q", "--quiet", action="count", default=0,
                      help="show only warnings and errors; -qq: only errors")  # fmt: skip
    verb.add_argument("-v", "--verbose", action="count", default=0, help="show more messages")


def add_source(verb: argparse.ArgumentParser) -> None:
    """Add the recording and the folder for its results."""
    verb.add_argument("source", type=Input("a recording"), help="the recording")
    _add_work(verb)


def add_sources(verb: argparse.ArgumentParser) -> None:
    """Add the recordings of `batch`, and how many it works on at a time."""
    verb.add_argument("sources", nargs="+", type=InputOrUrl("a recording", folders=True),
                      metavar="DIR|FILE|URL",
                      help="recordings, or folders: the video files directly in them; with --ray "
                           "also URLs: https, s3, gs, az, sftp, file")  # fmt: skip
    _add_work(verb)
    verb.add_argument("-j", "--jobs", type=values.number, metavar="N",
                      help="how many recordings to work on at a time (default: one for every two "
                           "cores, if the memory allows)")  # fmt: skip
    verb.add_argument("--ray", metavar="ADDRESS|auto",
                      help="work on a Ray cluster that has the same files under the same paths "
                           "or fetches URLs (auto: the one that runs on this machine)")  # fmt: skip
    verb.add_argument("--resume", action="store_true",
                      help="leave out recordings whose results are up to date")  # fmt: skip


def add_jobs(verb: argparse.ArgumentParser) -> None:
    """Add how many processes analyze one recording."""
    verb.add_argument("-j", "--jobs", type=values.number, metavar="N",
                      help="how many processes analyze the recording, a part each (default: by "
                           "its length, the cores and the memory)")  # fmt: skip


def _add_work(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--work", type=Folder(), metavar="DIR",
                      help="store the results in DIR instead of beside the recording")  # fmt: skip


def add_analysis(verb: argparse.ArgumentParser) -> None:
    """Add how the recording is analysed: networks, audio, and which part of it."""
    _add_networks(verb)
    _add_audio(verb)
    verb.add_argument("--in", dest="begin", type=values.time, metavar="TIME",
                      help="start of the part to use: 1.5s, 45f or 00:00:01:12")  # fmt: skip
    verb.add_argument("--out", dest="end", type=values.time, metavar="TIME",
                      help="end of the part to use (exclusive)")  # fmt: skip
    verb.add_argument("--force", action="store_true",
                      help="analyze: run every stage again; cut: overwrite your edits of the cut, "
                           "after a copy is saved")  # fmt: skip


def _add_networks(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--detector", choices=DETECTORS, help="face detector")
    verb.add_argument("--detect-every", type=values.number_or_auto, metavar="N|auto",
                      help="detect faces in every Nth frame (auto: about 12.5 times a "
                           "second)")  # fmt: skip
    verb.add_argument("--tracker", choices=TRACKERS,
                      help="how faces are followed between detections (iou: no tracker, boxes are "
                           "interpolated)")  # fmt: skip
    verb.add_argument("--scorer", choices=(AUTO, *SCORERS),
                      help="active speaker detector (auto: the best that can be "
                           "had)")  # fmt: skip
    verb.add_argument("--offline", action="store_true",
                      help="download nothing, as with SPEAKERZOOM_OFFLINE=1")  # fmt: skip
    verb.add_argument("--device", choices=DEVICES, default=AUTO, help="where the networks run")


def _add_audio(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--audio-stream", type=values.number_or_auto, metavar="N|auto",
                      help="analyze only the Nth audio stream (auto: all of them)")  # fmt: skip
    verb.add_argument("--channels", type=values.channels, metavar="auto|mix|left|right|N",
                      help="which audio channels to analyze: all mixed, or one (auto: each "
                           "microphone separately)")  # fmt: skip


def add_style(verb: argparse.ArgumentParser) -> None:
    """Add pacing and framing: a style and single values of it, canvas, layout."""
    verb.add_argument("--style", type=Input("a style", names=tuple(PRESETS)), metavar="NAME|FILE",
                      help="pacing and framing: standard, calm, lively, or a TOML "
                           "file")  # fmt: skip
    verb.add_argument("--canvas", type=values.canvas, metavar="SIZE",
                      help="size or shape of the delivered video: 1920x1080, 9:16, 1:1 or "
                           "source")  # fmt: skip
    verb.add_argument("--layout", choices=("programme", "stacked"),
                      help="stacked: the wide, and above it a track for each person")  # fmt: skip
    group = verb.add_argument_group("style values, instead of those of --style (docs/style.md)")
    for name, field in STYLE_FIELDS.items():
        text = field.description
        if not isinstance(field, ChoiceField):
            text += f" ({field.range_text})"
        group.add_argument(values.style_flag(name), help=text.replace("%", "%%"),
                           **_style_value(name))  # fmt: skip
    for old, new in NEW_NAMES.items():
        group.add_argument(values.style_flag(old), help=argparse.SUPPRESS, action=RenamedFlag,
                           new_flag=values.style_flag(new), **_style_value(new))  # fmt: skip


def _style_value(name: str) -> dict[str, Any]:
    """Return how argparse parses a value of the style, and where it stores it."""
    field, dest = STYLE_FIELDS[name], STYLE + name
    if isinstance(field, ChoiceField):
        return {"dest": dest, "choices": field.choices}
    return {"dest": dest, "type": values.style_value(name), "metavar": "N"}


class RenamedFlag(argparse.Action):
    """A flag under its old name: works as before, and notes the new name in `renamed_flags`."""

    def __init__(self, *names: Any, new_flag: str, **options: Any) -> None:
        super().__init__(*names, **options)
        self.new_flag = new_flag

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store the value, and both names of the flag."""
        setattr(namespace, self.dest, values)
        earlier = getattr(namespace, "renamed_flags", ())
        namespace.renamed_flags = (*earlier, (option_string, self.new_flag))


def add_written_timeline(verb: argparse.ArgumentParser) -> None:
    """Add the timeline to write, and for which editor."""
    verb.add_argument("-o", "--output", type=Output(tuple(FORMATS), stdout=True), required=True,
                      metavar="FILE",
                      help=f"timeline to write: {', '.join(FORMATS)}; -: stdout")  # fmt: skip
    _add_editor(verb)


def add_written_timelines(verb: argparse.ArgumentParser) -> None:
    """Add the folder for the timelines of several recordings, and for which editor."""
    verb.add_argument("-o", "--output", dest="output_folder", type=Folder(), metavar="DIR",
                      help="folder for the timelines, each named after its recording (default: "
                           "analyze only)")  # fmt: skip
    verb.add_argument("--format", choices=tuple(FORMATS),
                      help="format of the timelines (default: the usual one of the "
                           "editor)")  # fmt: skip
    _add_editor(verb)


def _add_editor(verb: argparse.ArgumentParser) -> None:
    editors = dict.fromkeys(editor for dialects in FORMATS.values() for editor in dialects)
    verb.add_argument("--for", dest="editor", choices=tuple(editors),
                      help="the editor that will open it (plain: any program that reads OTIO; "
                           "markers: an EDL of Resolve's markers)")  # fmt: skip
    verb.add_argument("--resolve-scaling", choices=("fit", "fill", "crop", "stretch"),
                      help="input scaling that an .otio for Resolve sets on each "
                           "clip")  # fmt: skip
    verb.add_argument("--media-root", type=values.media_root, metavar="OLD=NEW",
                      help="write the folder OLD as NEW, its name on the machine that opens the "
                           "timeline")  # fmt: skip


def add_edited_timeline(verb: argparse.ArgumentParser) -> None:
    """Add the timeline that `import` reads."""
    verb.add_argument("timeline", nargs="?", type=_TIMELINE,
                      help=f"the edited timeline: {_SUFFIXES}")  # fmt: skip
    verb.add_argument("--from", dest="from_editor", choices=("resolve",),
                      help="instead of a file: the timeline that our script in this editor "
                           "exported last")  # fmt: skip
    verb.add_argument("--for", dest="editor", choices=("resolve", "premiere", "fcp"),
                      help="the editor that wrote it (default: detected from the "
                           "file)")  # fmt: skip
    verb.add_argument("--sequence", default="", metavar="NAME",
                      help="which sequence to read if the file has several, by name or number "
                           "(default: the one that shows the recording)")  # fmt: skip


def add_checked_timeline(verb: argparse.ArgumentParser) -> None:
    """Add the timeline that `check` reads."""
    verb.add_argument("timeline", type=_TIMELINE, help=f"the timeline: {_SUFFIXES}")
    verb.add_argument("--canvas", dest="project_size", type=values.size, metavar="SIZE",
                      help="size of the project, if the file does not contain it: "
                           "1920x1080")  # fmt: skip
    verb.add_argument("--sequence", default="", metavar="NAME",
                      help="which sequence to read if the file has several, by name or "
                           "number")  # fmt: skip
    verb.add_argument(
        "--dtd",
        type=Input("a DTD"),
        metavar="FILE",
        help="DTD to validate an FCPXML against (default: none)",
    )


def add_test_chart(verb: argparse.ArgumentParser) -> None:
    """Add where `calibrate` writes."""
    verb.add_argument("folder", type=Folder(), metavar="DIR", help="folder to write to")
    verb.add_argument("--to", dest="editor", choices=("resolve",),
                      help="also measure it in this editor, with a project open")  # fmt: skip
    _add_direct(verb)


def add_film(verb: argparse.ArgumentParser) -> None:
    """Add the film that `render` writes."""
    verb.add_argument("-o", "--output", type=Output(values.FILM_SUFFIXES), required=True,
                      metavar="FILE", help="film to write: .mp4, .mov or .mkv")  # fmt: skip
    verb.add_argument("--height", type=values.height, metavar="N",
                      help="smaller film of the same shape, N pixels high")  # fmt: skip
    verb.add_argument("--draft", action="store_true",
                      help="scale and encode fast, at a lower quality")  # fmt: skip
    verb.add_argument("--encoder", choices=values.FILM_ENCODERS, default=AUTO,
                      help="video encoder (auto: x264)")  # fmt: skip
    verb.add_argument("--shot", type=values.shot_number, metavar="N",
                      help="render only the Nth shot of the film")  # fmt: skip
    verb.add_argument("--from", dest="film_begin", type=values.time, metavar="TIME",
                      help="render only from this time of the film on: 1.5s, 45f or "
                           "00:00:01:12")  # fmt: skip
    verb.add_argument("--to", dest="film_end", type=values.time, metavar="TIME",
                      help="render only up to this time of the film (exclusive)")  # fmt: skip


def add_reports(verb: argparse.ArgumentParser) -> None:
    """Add the forms in which `inspect` shows the results."""
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument("--csv", type=Output((".csv",)), metavar="FILE",
                      help="write the scores, a row per face and frame: .csv")  # fmt: skip
    verb.add_argument("--sheet", type=Output((".png",)), metavar="FILE",
                      help="write a contact sheet of the people: .png")  # fmt: skip
    verb.add_argument("--overlay", type=Output(values.FILM_SUFFIXES), metavar="FILE",
                      help="write the recording with face boxes, people and scores drawn over it: "
                           ".mp4, .mov or .mkv")  # fmt: skip
    verb.add_argument("--report", type=Output((".html", ".png")), metavar="FILE",
                      help="write a chart of who speaks and who is shown, and how good the cut is: "
                           ".html or .png")  # fmt: skip
    verb.add_argument("--labels", type=Input("a labels file"), metavar="FILE",
                      help="ground-truth labels, who really speaks when (.json), to evaluate the "
                           "cut against instead of the scores")  # fmt: skip
    verb.add_argument("--review", action="store_true", help="list the least certain shots first")


def add_service(verb: argparse.ArgumentParser) -> None:
    """Add how the service of the review page starts."""
    verb.add_argument("--no-browser", dest="browser", action="store_false",
                      help="only print the address of the page")  # fmt: skip
    verb.add_argument("--port", type=values.port, default=0, metavar="N",
                      help="port of this machine to use (default: a free one)")  # fmt: skip


def add_receiver(verb: argparse.ArgumentParser) -> None:
    """Add the editor that `send` sends the cut to."""
    verb.add_argument("--to", dest="editor", choices=("resolve", *OPENED_FILES), required=True,
                      help="the editor; Resolve with a project open, the others on this "
                           "machine")  # fmt: skip
    _add_direct(verb)


def _add_direct(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--direct", action="store_true",
                      help="run the script there ourselves, which Resolve Studio allows if "
                           "External scripting is Local")  # fmt: skip


def add_plugin(verb: argparse.ArgumentParser) -> None:
    """Add which script to install or remove, and where."""
    verb.add_argument("editor", choices=("premiere", "resolve"), help="the editor")
    verb.add_argument("--all-users", action="store_true",
                      help="for everybody on this machine, which an administrator can "
                           "do")  # fmt: skip
    verb.add_argument("--dry-run", action="store_true", help="only say which file it would be")


def add_weights(verb: argparse.ArgumentParser) -> None:
    """Add which trained networks to list or download."""
    verb.add_argument("action", nargs="?", choices=("list", "fetch"), default="list",
                      help="list them (the default), or download one")  # fmt: skip
    verb.add_argument("name", nargs="?", help="name of one network (list: all by default)")
