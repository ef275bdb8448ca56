"""Render a cut list by melt, the engine of Shotcut and Kdenlive."""

import os
import shutil
import subprocess
from pathlib import Path

import av
import opentimelineio as otio
import pytest

from otio_speakerzoom.source import forget_opencvs_qt
from otio_speakerzoom.timeline.build import to_otio


def rendered_by_melt(cut_list, folder, sound="an=1", format_="mlt"):
    project = folder / f"cut.{format_}"
    text = otio.adapters.write_to_string(to_otio(cut_list), f"speakerzoom_{format_}")
    project.write_text(text, encoding="utf-8")
    return rendered_project(project, sound)


TRIES_S = (30, 60, 120)
"""How long each try may take of a film of seconds, which takes melt a second.

Where a machine was busy all the time, melt 7.12 hung in one of 60 films, and one was damaged.
"""


def rendered_project(project, sound="an=1", **more):
    """The frames of a project; its film is beside it, as `melt.mkv`."""
    if shutil.which("melt") is None:
        pytest.skip("melt is not installed")
    film = project.parent / "melt.mkv"
    consumer = ["-consumer", f"avformat:{film}", "vcodec=ffv1", "pix_fmt=yuv444p", *sound.split()]
    # Kdenlive's effects are left out without a display, which may be one that does not exist.
    forget_opencvs_qt()
    environment = {"DISPLAY": ":none", **os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = ["melt", "-silent", str(project), *(f"{k}={v}" for k, v in more.items()), *consumer]
    for longest in TRIES_S:
        try:
            subprocess.run(
                command, check=True, env=environment, capture_output=True, timeout=longest
            )
            return read_rgb(film)
        except (subprocess.TimeoutExpired, av.error.InvalidDataError):
            if longest == TRIES_S[-1]:
                raise
    raise AssertionError("no try")


def read_rgb(path: Path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]
