"""Writes every output of a recording into a folder. A program, so that two runs share nothing.

    python every_output.py SETTINGS

SETTINGS is JSON: `source` and `folder` are paths, `work` names the folder of results in `folder`,
`cut` are the first commands, each with its options. The others are optional: `results` to begin
with, `hours` later, the `machine`'s name, its `cores`, `stop_after` so many records of the
detection, as Ctrl-C would, and the length of `segments` in seconds. Writes the exit codes to
stdout.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path

TIMELINES = {
    "resolve.otio": "resolve", "premiere.otio": "premiere", "plain.otio": "plain",
    "fcp.fcpxml": "fcp", "resolve.fcpxml": "resolve", "premiere.xml": "premiere",
    "resolve.xml": "resolve", "shotcut.mlt": "shotcut", "kdenlive.kdenlive": "kdenlive",
    "cuts.edl": "edl", "markers.edl": "markers",
}  # fmt: skip
NO_CHECK = ".edl"
PAGE = ("state", "style", "marks", "faces?start=3&end=40", "voice/0", "ribbons/0?start=5&end=90",
        "people/1/picture", "frames/20?height=90", "times", "words")  # fmt: skip
"""What the review page asks for."""


def commands(settings):
    """Yield the arguments of each command, in order."""
    source, folder = settings["source"], Path(settings["folder"])
    work = ["--work", str(folder / settings["work"])]
    for verb, *options in settings["cut"]:
        timeline = ["-o", str(folder / "cut.otio")] if verb == "cut" else []
        yield [verb, source, *work, *options, *timeline]
    for name, editor in TIMELINES.items():
        yield ["export", source, *work, "-o", str(folder / name), "--for", editor]
        if not name.endswith(NO_CHECK):
            yield ["check", str(folder / name)]
    yield ["inspect", source, *work]
    yield ["inspect", source, *work, "--json"]
    for option, name in {
        "--csv": "scores.csv", "--sheet": "sheet.png", "--overlay": "overlay.mp4",
        "--report": "report.html",
    }.items():  # fmt: skip
        yield ["inspect", source, *work, option, str(folder / name)]
    for name in ("film.mp4", "film.mkv"):
        yield ["render", source, *work, "-o", str(folder / name)]
    moving = ["--style", "lively", "--follow", "smooth", "--canvas", "9:16"]
    yield ["cut", source, *work, *moving, "-o", str(folder / "moving.otio")]
    yield ["render", source, *work, "-o", str(folder / "moving.mp4")]


def main(settings):
    """Run every command, and ask for what the page shows."""
    folder = Path(settings["folder"])
    change_machine(settings)
    from otio_speakerzoom.cli.main import main as speakerzoom

    if results := settings.get("results"):
        shutil.copytree(results, folder / settings["work"] / Path(results).name)
    codes = []
    for number, words in enumerate(commands(settings), -len(settings["cut"])):
        text = folder / (f"{number:02} {words[0]}.txt" if number >= 0 else "first commands")
        with text.open("w") as file, contextlib.redirect_stdout(file):
            codes.append(speakerzoom(words))
    save_page(settings)
    sys.stdout.write(json.dumps(codes))


def save_page(settings):
    """Save what the service answers to the page."""
    from fuzz.service_client import AppClient

    folder = Path(settings["folder"])
    with asyncio.Runner() as runner:
        client = AppClient(runner, Path(settings["source"]), folder / settings["work"])
        for number, path in enumerate(PAGE):
            headers = list(client.headers().items())
            answer = client.send("GET", f"{client.base}api/{path}", headers)
            status = f"{answer.status}\n".encode()
            (folder / f"page {number}").write_bytes(status + answer.body)
            assert answer.status == 200 or path != "state", answer


def change_machine(settings):
    """Change what this process sees of its machine."""
    if cores := settings.get("cores"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    if hours := settings.get("hours"):
        now = time.time
        time.time = lambda: now() + 3600 * hours
    if machine := settings.get("machine"):
        socket.gethostname = lambda: machine
    from otio_speakerzoom.pipeline import analysis_pass, detection_log

    detection_log.RECORD_FRAMES = 20  # several records in a few seconds
    analysis_pass.SEGMENT_S = settings.get("segments", analysis_pass.SEGMENT_S)
    if records := settings.get("stop_after"):
        stop_after(records)


def stop_after(records):
    """Interrupt the first detection after so many records of its journal."""
    from otio_speakerzoom.store import DetectionJournal

    append, ends = DetectionJournal.append, []

    def append_then_stop(self, *arguments):
        append(self, *arguments)
        ends.append(self.end)
        if len(ends) == records:
            raise KeyboardInterrupt

    DetectionJournal.append = append_then_stop


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
