"""Writes a pack that shows how an editor positions video (the verb `calibrate`).

A chart on which every place carries its coordinates, a timeline of five framings of it for each
host, and the stills that the host must then show. The canvas is upright and the source is wide,
because there the hosts' units differ from one another on both axes.
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
from otio_speakerzoom.render.encode import FilmFormat, film_writer
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import FilterChain, probe, read_frames
from otio_speakerzoom.timeline.formats import FORMATS

SIZE, CANVAS, RATE = (1920, 1080), (1080, 1920), Fraction(25)
SHOT_FRAMES = 50
"""Two seconds, in which to stop the playhead."""
CENTRES = ((960, 540, 1080), (480, 360, 480), (1560, 300, 480), (420, 720, 640), (1500, 780, 360))
"""x, y and height of each framing in source pixels: all of the height, which every interpretation
of the hosts' units places alike, then each quarter of the frame, ever larger."""
_GRID_PX = 60
"""From line to line; each second one is numbered. Legible in the smallest framing."""
_BACKGROUND, _GRID_COLOUR, _LABEL_COLOUR, _CROSS_COLOUR = (
    235, (170, 170, 170), (60, 60, 60), (200, 30, 30)
)  # fmt: skip


def write_pack(folder: Path) -> list[Path]:
    """Write the pack into `folder`, and return the paths of its files, the chart first.

    Raise StoreError unless the folder is new, empty or holds an older pack.
    """
    _require_free_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be created ({error.strerror}); choose another"
        ) from error
    readme, chart = folder / "README.txt", folder / "chart.mp4"
    store.write_text(readme, _instructions())  # first, as it shows whose an unfinished pack is
    _write_chart_film(chart)
    cut_list = chart_cut(chart)
    paths = [chart]
    for suffix, dialects in FORMATS.items():
        for dialect, adapter in dialects.items():
            path = folder / f"calibrate_{dialect}{suffix}"
            store.write_text(path, pipeline.timeline_text(cut_list, *adapter))
            paths.append(path)
    paths += _write_stills(cut_list, folder)
    return [*paths, readme]


def chart_cut(chart: Path) -> CutList:
    """Return the cut of the five framings, for the film of the chart."""
    return CutList(probe(chart), CANVAS, _shots())


def still_frames() -> tuple[int, ...]:
    """Return the middle frame of each framing, in the timeline."""
    return tuple(n * SHOT_FRAMES + SHOT_FRAMES // 2 for n in range(len(CENTRES)))


def _require_free_folder(folder: Path) -> None:
    """Raise StoreError where `folder` has files that are not an older pack's."""
    store.remove_leftovers(folder)
    try:
        if not folder.exists() or not any(folder.iterdir()):
            return
        with (folder / "README.txt").open(encoding="utf-8", errors="replace") as readme:
            if readme.readline() in _HEADINGS:
                return
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read ({error.strerror}); choose another") from error
    raise StoreError(f"{folder}: has other files in it; choose a new or an empty folder")


def _shots() -> tuple[Shot, ...]:
    return tuple(
        Shot(FrameRange(n * SHOT_FRAMES, (n + 1) * SHOT_FRAMES), (), _crop(*c), f"framing {n + 1}")
        for n, c in enumerate(CENTRES)
    )


def _crop(x: int, y: int, height: int) -> Box:
    width = height * CANVAS[0] / CANVAS[1]
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def chart_image() -> NDArray[np.uint8]:
    """Return the chart: (1080, 1920, 3) RGB, a grid with its x and y, a cross per framing."""
    width, height = SIZE
    image = np.full((height, width, 3), _BACKGROUND, np.uint8)
    for x in range(0, width, _GRID_PX):
        cv2.line(image, (x, 0), (x, height), _GRID_COLOUR, 1)
    for y in range(0, height, _GRID_PX):
        cv2.line(image, (0, y), (width, y), _GRID_COLOUR, 1)
    for x in range(0, width, 2 * _GRID_PX):
        for y in range(0, height, 2 * _GRID_PX):
            cv2.putText(image, f"{x},{y}", (x + 3, y + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4,
                        _LABEL_COLOUR, 1, cv2.LINE_AA)  # fmt: skip
    for number, (x, y, _) in enumerate(CENTRES, 1):
        cv2.line(image, (x - 40, y), (x + 40, y), _CROSS_COLOUR, 2)
        cv2.line(image, (x, y - 40), (x, y + 40), _CROSS_COLOUR, 2)
        cv2.putText(image, f"{number}", (x + 8, y - 8), cv2.FONT_HERSHEY_SIMPLEX, 1,
                    _CROSS_COLOUR, 2, cv2.LINE_AA)  # fmt: skip
    return image


def _write_chart_film(path: Path) -> None:
    """The chart as a film, as long as all framings together."""
    # this quality keeps lines of a pixel sharp
    film = FilmFormat(SIZE, RATE, len(CENTRES) * SHOT_FRAMES, crf=12)
    to_film = FilterChain(("scale", "out_color_matrix=bt709:out_range=tv"), ("format", "yuv420p"))
    frame = to_film.convert(av.VideoFrame.from_ndarray(chart_image(), format="rgb24"))
    with film_writer(path, film) as writer:
        for _ in range(film.duration):
            writer.add(frame, iter(()))


def _write_stills(cut_list: CutList, folder: Path) -> list[Path]:
    """The middle frame of each framing, from our own film of the cut; that film comes first."""
    film = folder / "expected.mp4"
    render_film(cut_list, film)
    paths = [film]
    numbers = {frame: n for n, frame in enumerate(still_frames(), 1)}
    with closing(read_frames(probe(film))) as frames:
        for number, image in frames:
            if number in numbers:
                path = folder / f"expected_{numbers[number]}.png"
                _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
                with store.atomic_write(path) as temporary:
                    temporary.write_bytes(encoded.tobytes())
                paths.append(path)
    return paths


def _instructions() -> str:
    rows = [
        f"  {n}  {(shot.range.start + SHOT_FRAMES // 2) / RATE!s:>2} s  {x:>4}, {y:<4}  "
        f"{shot.crop.left:.2f}, {shot.crop.top:.2f} to {shot.crop.right:.2f}, "
        f"{shot.crop.bottom:.2f}"
        for n, (shot, (x, y, _)) in enumerate(zip(_shots(), CENTRES, strict=True), 1)
    ]
    return _INSTRUCTIONS.format(width=CANVAS[0], height=CANVAS[1], rate=RATE, rows="\n".join(rows))


_INSTRUCTIONS = """\
Does your editor place video where our timelines put it? This check takes two minutes.

1. Make a project of {width}x{height} at {rate} frames per second. In Resolve do so before anything
   else, and tick "Use sizing information" where the import asks.
2. Import the calibrate_ file that carries your editor's name. Leave chart.mp4 where it is.
3. Go to the middle of each of the five clips. The red cross with the clip's number must lie in the
   middle of the frame, and the numbers at the borders must be those of expected_1.png to
   expected_5.png. Numbers in the chart are source pixels: right, down.

Clip, its middle, what is in the centre, and what must be visible:

{rows}

Clip 1 shows all of the chart's height: it is right under every interpretation of the units that we
know. If it is right and others are not, our formula is wrong; if all are wrong alike, a project
setting is.

Please report: the editor, its version and system; the file; for each clip "as expected", or the
chart's numbers at the four borders and in the centre; and the project's setting for clips of
another size (Resolve: Image Scaling, Mismatched resolution files).
"""
_HEADINGS = (
    _INSTRUCTIONS.splitlines(keepends=True)[0],
    "Does your editor place pictures as its timeline means it? Two minutes tell.\n",
)
"""First lines of README.txt in this version's packs and in those of earlier versions."""
