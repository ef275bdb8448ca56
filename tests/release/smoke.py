"""Runs in the environment of the wheel: OpenTimelineIO finds our adapters, and they write.

    python smoke.py TIMELINE.otio FOLDER

It imports nothing of this project: OpenTimelineIO loads the adapters through the entry point.
"""

import json
import sys
from pathlib import Path

import opentimelineio as otio

SUFFIXES = {
    "speakerzoom_edl": ".edl",
    "speakerzoom_fcpxml": ".fcpxml",
    "speakerzoom_kdenlive": ".kdenlive",
    "speakerzoom_mlt": ".mlt",
    "speakerzoom_premiere_otio": ".otio",
    "speakerzoom_premiere_xml": ".xml",
    "speakerzoom_resolve_otio": ".otio",
}


def main(source, folder):
    ours = [
        name for name in otio.adapters.available_adapter_names() if name.startswith("speakerzoom_")
    ]
    timeline = otio.adapters.read_from_file(source)
    clips = len(list(timeline.video_tracks()[0].find_clips()))
    for name in ours:
        path = Path(folder, f"{name}{SUFFIXES[name]}")
        otio.adapters.write_to_file(timeline, str(path), adapter_name=name)
    again = {
        name: len(list(
            otio.adapters.read_from_file(str(Path(folder, f"{name}.otio")))
            .video_tracks()[0].find_clips()
        ))
        for name in ours if name.endswith("_otio")
    }  # fmt: skip
    places = {  # of every module of ours that is loaded
        str(Path(module.__file__).parent)
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "otio_speakerzoom" and getattr(module, "__file__", None)
    }
    sys.stdout.write(json.dumps(
        {"adapters": sorted(ours), "clips": clips, "again": again, "places": sorted(places)}
    ))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
