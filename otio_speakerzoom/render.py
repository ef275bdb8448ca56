"""A cut list as a film, by ffmpeg, with the original sound.

One pass over the source: pictures are put on the grid exactly as they were when they were looked
at, a `crop` filter is told at each cut what to keep (`sendcmd`, half a frame before the cut, so no
rounding of time stamps can move it), and what it keeps is scaled to the canvas. Where faces are to
be covered, a blurred or dimmed copy of a part of the picture is laid over it before that; it too is
told where, and out of the picture where there is nothing to cover.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import ffmpeg

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import Box, CutList, Progress, quiet
from otio_speakerzoom.patches import corners_of, covered, patches_of
from otio_speakerzoom.reframe import crop_of, reframe_at, visible_crop
from otio_speakerzoom.source import find_ffmpeg, input_url, last_line, on_grid, opened
from otio_speakerzoom.store import replacing

log = logging.getLogger(__name__)


def preview(cut_list: CutList, path: Path, *, on_progress: Progress = quiet) -> None:
    """Write the film of `cut_list` to `path`, at its canvas's size and the source's rate.

    Crops are taken to whole pixels, so an edge may lie a pixel off what a timeline says, and a slow
    move goes in steps of a pixel.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(path) as temporary:
        commands = Path(folder) / "cuts.txt"
        commands.write_text(crop_commands(cut_list), encoding="ascii")
        _run(_film(cut_list, commands, temporary), cut_list, path, on_progress)


def crop_commands(cut_list: CutList) -> str:
    """Return ffmpeg's `sendcmd` script: from which time on which part of the picture is kept.

    A moving crop is told anew in each frame in which it is another one.
    """
    lines: list[str] = []

    def tell(frame: int, *orders: str) -> None:
        at = (frame - cut_list.range.start - Fraction(1, 2)) / cut_list.media.rate
        lines.append(f"{max(0.0, float(at)):.6f} {', '.join(orders)};\n")

    for frame, crop in _crops(cut_list):
        left, top, width, height = whole_pixels(crop, cut_list.media.size)
        tell(frame, f"crop@shot w {width}", f"crop@shot h {height}",
             f"crop@shot x {left}", f"crop@shot y {top}")  # fmt: skip
    patches = patches_of(cut_list.shots, cut_list.media.size)
    for frame, n, corner in corners_of(cut_list.shots, cut_list.media.size):
        if corner is None:
            tell(frame, f"overlay@{n} x {-patches[n].width}")
            continue
        left, top = corner
        tell(frame, f"crop@{n} x {left}", f"crop@{n} y {top}",
             f"overlay@{n} x {left}", f"overlay@{n} y {top}")  # fmt: skip
    return "".join(lines)


def _crops(cut_list: CutList) -> Iterator[tuple[int, Box]]:
    """Yield what is seen of each shot's crop, with the frame from which it holds."""
    size, canvas = cut_list.media.size, cut_list.canvas
    for shot in cut_list.shots:
        yield shot.range.start, visible_crop(shot.crop, size, canvas)
        moving = range(shot.keys[0].frame + 1, shot.keys[-1].frame + 1) if shot.keys else ()
        for frame in moving:
            yield frame, crop_of(reframe_at(shot, frame, size, canvas), size, canvas)


def whole_pixels(crop: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, width, height in whole pixels, inside a picture of `size`."""
    width = min(size[0], max(1, round(crop.width)))
    height = min(size[1], max(1, round(crop.height)))
    left = min(max(0, round(crop.centre[0] - width / 2)), size[0] - width)
    top = min(max(0, round(crop.centre[1] - height / 2)), size[1] - height)
    return left, top, width, height


def _film(cut_list: CutList, commands: Path, out: Path) -> Any:
    """Return the whole ffmpeg graph, from the source to the file `out`."""
    media, span = cut_list.media, cut_list.range
    _, crop = next(_crops(cut_list))
    left, top, width, height = whole_pixels(crop, media.size)
    source = opened(media.path)
    picture = on_grid(source, media, span).filter("sendcmd", filename=str(commands))
    if patches := patches_of(cut_list.shots, media.size):
        picture = covered(picture.filter("format", "yuv420p"), patches)
    picture = picture.filter("crop@shot", width, height, left, top, exact=1)
    # ffmpeg 5.1 stops for good where a crop that changes its size feeds a scale directly
    picture = picture.filter("format", "yuv420p")
    picture = picture.filter("scale", *cut_list.canvas, flags="lanczos")
    streams = [picture.filter("setsar", 1)]
    if media.sound:
        begin = media.video_offset + span.start / media.rate
        sound = source["a:0"].filter("aresample", first_pts=0, **{"async": 1})
        end = begin + span.duration / media.rate
        sound = sound.filter("atrim", start=f"{float(begin):.6f}", end=f"{float(end):.6f}")
        streams.append(sound.filter("asetpts", "PTS-STARTPTS"))
    # crf 18 is visually transparent; yuv420p because editors and phones refuse other layouts
    options = {"vcodec": encoder(), "pix_fmt": "yuv420p", "frames:v": span.duration}
    options |= {"crf": 18, "preset": "veryfast"} if options["vcodec"] == "libx264" else {"q:v": 3}
    options |= {"acodec": "aac", "b:a": "192k"} if media.sound else {}
    options |= {"movflags": "+faststart"} if out.suffix != ".mkv" else {}
    return ffmpeg.output(*streams, input_url(out), **options)


def encoder() -> str:
    """Return libx264, or mpeg4 where this ffmpeg was built without it, saying so."""
    listed = subprocess.run([find_ffmpeg(), "-v", "error", "-encoders"], capture_output=True)
    if b"libx264" in listed.stdout:
        return "libx264"
    log.warning("%s has no libx264: the film is encoded as mpeg4, larger and softer", find_ffmpeg())
    return "mpeg4"


def _run(graph: Any, cut_list: CutList, path: Path, on_progress: Progress) -> None:
    """Run ffmpeg to its end, and end it when we are interrupted."""
    graph = graph.global_args("-nostdin", "-v", "error", "-progress", "pipe:1").overwrite_output()
    command = ffmpeg.compile(graph, cmd=find_ffmpeg())
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        try:
            _follow(process.stdout, cut_list.range.duration, on_progress)
            if process.wait():
                raise ToolError(f"{path}: ffmpeg could not write it: {last_line(complaints)}")
        finally:
            process.kill()  # nothing, where it has ended by itself


def _follow(lines: IO[bytes] | None, total: int, on_progress: Progress) -> None:
    for line in lines or ():
        if line.startswith(b"frame="):
            on_progress(min(total, int(line[6:])), total)
