"""Render a cut list by melt, the engine of Shotcut."""

import os
import shutil
import subprocess
from pathlib import Path

import av
import opentimelineio as otio
import pytest

from otio_speakerzoom.timeline.build import to_otio


def rendered_by_melt(cut_list, folder, sound="an=1"):
    if shutil.which("melt") is None:
        pytest.skip("melt is not installed")
    project, film = folder / "cut.mlt", folder / "melt.mkv"
    text = otio.adapters.write_to_string(to_otio(cut_list), "speakerzoom_mlt")
    project.write_text(text, encoding="utf-8")
    command = ["melt", "-silent", str(project), "-consumer", f"avformat:{film}", "vcodec=ffv1"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run(
        [*command, "pix_fmt=yuv444p", *sound.split()],
        check=True,
        env=environment,
        capture_output=True,
    )
    return read_rgb(film)


def read_rgb(path: Path):
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]
