"""A pack by which anybody with an editor confirms in two minutes how it places pictures.

A chart whose every place says where it is, a timeline of five framings of it for each host, and
the stills that the host must then show. Upright delivery of a lying source, because there the
hosts' units differ from one another on both axes.
"""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import pipeline, store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.render.encode import Film, writing
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import FilterChain, probe, read_frames
from otio_speakerzoom.timeline.formats import FORMATS

SIZE, CANVAS, RATE = (1920, 1080), (1080, 1920), Fraction(25)
LENGTH = 50
"""Frames of a framing: two seconds, in which to stop the playhead."""
CENTRES = ((960, 540, 1080), (480, 360, 480), (1560, 300, 480), (420, 720, 640), (1500, 780, 360))
"""x, y and height of each framing in source pixels: all of the height, which every reading of the
hosts' units places alike, then each quarter of the picture, ever larger."""
_GRID = 60  # pixels from line to line, each second one numbered: legible in the smallest framing


def write_pack(folder: Path) -> list[Path]:
    """Write the pack into `folder`, and return what was written, the chart first.

    Only a folder that is new, empty or holds an older pack is written into.
    """
    _refuse_what_is_not_ours(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); choose another") from error
    chart = folder / "chart.mp4"
    _write_film(chart)
    cut_list = CutList(probe(chart), CANVAS, _shots())
    written = [chart]
    for suffix, dialects in FORMATS.items():
        for dialect, adapter in dialects.items():
            path = folder / f"calibrate_{dialect}{suffix}"
            store.write_text(path, pipeline.timeline_text(cut_list, *adapter))
            written.append(path)
    written += _stills(cut_list, folder)
    store.write_text(folder / "README.txt", _how_to(cut_list))
    return [*written, folder / "README.txt"]


def _refuse_what_is_not_ours(folder: Path) -> None:
    """Raise StoreError where files of somebody else lie in `folder`, which ours could replace."""
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return
        with (folder / "README.txt").open(encoding="utf-8", errors="replace") as readme:
            if readme.readline() == _TEXT.splitlines(keepends=True)[0]:
                return
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read ({error.strerror}); choose another") from error
    raise StoreError(f"{folder}: has other files in it; choose a new or an empty folder")


def _shots() -> tuple[Shot, ...]:
    return tuple(
        Shot(FrameRange(n * LENGTH, (n + 1) * LENGTH), (), _crop(*centre), f"framing {n + 1}")
        for n, centre in enumerate(CENTRES)
    )


def _crop(x: int, y: int, height: int) -> Box:
    width = height * CANVAS[0] / CANVAS[1]
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def chart_picture() -> NDArray[np.uint8]:
    """Return the chart: (1080, 1920, 3) RGB, a grid with its x and y, a cross per framing."""
    width, height = SIZE
    picture = np.full((height, width, 3), 235, np.uint8)
    for x in range(0, width, _GRID):
        cv2.line(picture, (x, 0), (x, height), (170, 170, 170), 1)
    for y in range(0, height, _GRID):
        cv2.line(picture, (0, y), (width, y), (170, 170, 170), 1)
    for x in range(0, width, 2 * _GRID):
        for y in range(0, height, 2 * _GRID):
            cv2.putText(picture, f"{x},{y}", (x + 3, y + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4,
                        (60, 60, 60), 1, cv2.LINE_AA)  # fmt: skip
    for number, (x, y, _) in enumerate(CENTRES, 1):
        cv2.line(picture, (x - 40, y), (x + 40, y), (200, 30, 30), 2)
        cv2.line(picture, (x, y - 40), (x, y + 40), (200, 30, 30), 2)
        cv2.putText(picture, f"{number}", (x + 8, y - 8), cv2.FONT_HERSHEY_SIMPLEX, 1,
                    (200, 30, 30), 2, cv2.LINE_AA)  # fmt: skip
    return picture


def _write_film(path: Path) -> None:
    """The chart as a film, as long as all framings together."""
    film = Film(SIZE, RATE, len(CENTRES) * LENGTH, crf=12)  # lines a pixel wide stay sharp
    to_film = FilterChain(("scale", "out_color_matrix=bt709:out_range=tv"), ("format", "yuv420p"))
    chart = to_film.convert(av.VideoFrame.from_ndarray(chart_picture(), format="rgb24"))
    with writing(path, film) as writer:
        for _ in range(film.duration):
            writer.add(chart, iter(()))


def _stills(cut_list: CutList, folder: Path) -> list[Path]:
    """The middle picture of each framing, out of our own film of the cut."""
    film = folder / "expected.mp4"
    render_film(cut_list, film)
    written = [film]
    middles = {shot.range.start + LENGTH // 2: n for n, shot in enumerate(cut_list.shots, 1)}
    shown = read_frames(probe(film))
    with closing(shown):
        for frame, picture in shown:
            if frame in middles:
                path = folder / f"expected_{middles[frame]}.png"
                _, coded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
                path.write_bytes(coded.tobytes())
                written.append(path)
    return written


def _how_to(cut_list: CutList) -> str:
    rows = [
        f"  {n}  {(shot.range.start + LENGTH // 2) / RATE!s:>2} s  {x:>4}, {y:<4}  "
        f"{shot.crop.left:.2f}, {shot.crop.top:.2f} to {shot.crop.right:.2f}, "
        f"{shot.crop.bottom:.2f}"
        for n, (shot, (x, y, _)) in enumerate(zip(cut_list.shots, CENTRES, strict=True), 1)
    ]
    return _TEXT.format(width=CANVAS[0], height=CANVAS[1], rate=RATE, rows="\n".join(rows))


_TEXT = """\
Does your editor place pictures as its timeline means it? Two minutes tell.

1. Make a project of {width}x{height} at {rate} frames per second. In Resolve do so before anything
   else, and tick "Use sizing information" where the import asks.
2. Import the calibrate_ file that carries your editor's name. Leave chart.mp4 where it is.
3. Go to the middle of each of the five clips. The red cross with the clip's number must lie in the
   middle of the picture, and the numbers at the borders must be those of expected_1.png to
   expected_5.png. Numbers in the chart are source pixels: right, down.

Clip, its middle, what is in the centre, and what must just be seen:

{rows}

Clip 1 shows all of the chart's height: it is right under every reading of the units that we know.
If it is right and others are not, our formula is
wrong; if all are wrong alike, a project setting is.

Please report: the editor, its version and system; the file; for each clip "as expected", or the
chart's numbers at the four borders and in the centre; and the project's setting for clips of
another size (Resolve: Image Scaling, Mismatched resolution files).
"""
