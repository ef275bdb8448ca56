"""Measure what an analysis costs, beside decoding and transcoding the same film.

    python benchmarks/pipeline.py CLIP... --scorer sync-asd lr-asd --seconds 600
    python benchmarks/pipeline.py CLIP --size 854x480 1280x720 1920x1080 3840x2160 --faces 1 3 5
    python benchmarks/pipeline.py CLIP --size 320x180 --seconds 120 600 10800 --cut-every 10
    python benchmarks/pipeline.py CLIP --stages

Prints a row for each film and scorer: of every clip, each combination of the sizes, numbers of
faces and lengths that are given. The films are made in a temporary folder; --faces takes the faces
from the labels beside the clip (CLIP.json). With --stages a table of the stages run apart, and one
of the threads of the analysis, follow each row. LiteRT writes to stderr: 2>/dev/null.

The analysis is that of `speakerzoom analyze`, in a process of its own, libraries and networks
loaded and results saved. "x real time" is seconds of film a second of wall time. Other work on the
machine slows everything down, so compare ratios within one row, and CPU time rather than wall time.
"Cores" is how many of them were busy on average. "Parts" are the CPU seconds of loading, decoding,
scaling for the detector, converting to gray, the detector and the network, each measured alone: an
analysis with nothing between them, so what is left to gain. Frames that other processes decode and
convert, with --jobs above 1, are not counted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from costs import Cost, in_new_process
from films import Film, make_film
from floors import (
    DECODE,
    FLOORS,
    GRAY,
    RGB,
    TRANSCODE,
    measure_detector,
    measure_floor,
    measure_network,
    measure_start,
)
from stage_costs import AnalysisCost, measure_analysis, measure_stages
from watch import MB

from otio_speakerzoom import source
from otio_speakerzoom.model import Media
from otio_speakerzoom.pipeline.job import DEFAULTS
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights.names import BUNDLED_SCORER, DETECTORS, SCORERS

SPEED_HEADER = (
    "film", "scorer", "faces, tracks", "x real time", "CPU, s a s of film", "start: CPU, s",
    "cores", "slowest alone, x real time", "wall / slowest", "parts on all cores, x real time",
    "CPU / parts", "wall / decode", "wall / transcode",
)  # fmt: skip
DATA_HEADER = (
    "film", "scorer", "peak, MB", "source read, times", "decodes a frame", "arrays, MB a s of film",
    "store, MB an hour", "store at most, MB an hour", "temporary files, MB",
)  # fmt: skip
STEP_HEADER = (
    "step", "x real time", "wall, s", "CPU, s", "wall / decode", "CPU / decode", "peak, MB",
    "decodes a frame", "arrays, MB",
)  # fmt: skip
START, ANALYSIS = "start", "analysis"
DETECTOR, NETWORK = "detector alone", "network alone"
MIN_COUNTED_BYTES = 200e6
"""Of a film: in a smaller one the 50 MB of libraries that are read besides count for too much."""
ALONE = (DECODE, DETECTOR, NETWORK)
"""The resources that an analysis cannot do without."""


def main() -> None:
    """Print a table of speed with a row for each film and scorer, and one of memory and files."""
    arguments, data = parse(), list[tuple[str, ...]]()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"\n{cores()} cores, load {load:.1f} before the first run\n")
    print_row(SPEED_HEADER, header=True)
    for clip, film, name in films(arguments):
        with tempfile.TemporaryDirectory() as folder:
            media = source.probe(make_film(clip, film, Path(folder)))
            title = f"{name}, {media.size[0]}x{media.size[1]} at {float(media.rate):.4g}"
            title = f"{title}, {duration_s(media):.0f} s"
            floors = measure_floors(media, arguments.detector, arguments.detect_every)
            for scorer in arguments.scorer:
                options = Options(arguments.detector, arguments.detect_every or 0, scorer=scorer)
                steps, analysis = measure(media, floors, options, arguments.jobs)
                print_row((title, scorer, *speed_cells(media, steps, analysis)))
                data.append((title, scorer, *data_cells(media, steps[START], analysis)))
                if arguments.stages:
                    stages = in_new_process(measure_stages, media, options)
                    print_steps(media, {**steps, **stages})
                    print_threads(analysis)
    print()
    print_row(DATA_HEADER, header=True)
    for cells in data:
        print_row(cells)


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--size", type=frame_size, nargs="+", metavar="WxH", default=[None])
    parser.add_argument("--faces", type=int, nargs="+", metavar="N", default=[None])
    parser.add_argument("--seconds", type=float, nargs="+", metavar="S", default=[None])
    parser.add_argument("--cut-every", type=float, metavar="S", help="a camera cut that often")
    parser.add_argument("--bit-rate", metavar="RATE", help="of the picture, such as 20M")
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULTS.detector)
    parser.add_argument("--detect-every", type=int, metavar="N")
    parser.add_argument("--scorer", nargs="+", choices=SCORERS, default=[BUNDLED_SCORER])
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--stages", action="store_true", help="measure the stages apart too")
    arguments = parser.parse_args()
    for clip in arguments.clips:
        if source.probe(clip).first_audio is None:
            parser.error(f"{clip}: has no audio, so nothing in it can be scored")
        if arguments.faces != [None] and not clip.with_suffix(".json").exists():
            parser.error(f"{clip}: has no labels beside it, which --faces needs")
    return arguments


def frame_size(text: str) -> tuple[int, int]:
    """Return width and height, written as 1920x1080."""
    width, height = map(int, text.split("x"))
    return width, height


def films(arguments: argparse.Namespace) -> Iterator[tuple[Path, Film, str]]:
    """Yield clip, film and name of each film."""
    axes = arguments.clips, arguments.size, arguments.faces, arguments.seconds
    for clip, size, faces, seconds in product(*axes):
        film = Film(size, faces, seconds, arguments.cut_every, arguments.bit_rate)
        cuts = f"a cut every {arguments.cut_every:g} s" if arguments.cut_every else ""
        yield clip, film, ", ".join(filter(None, [clip.stem, cuts, arguments.bit_rate]))


def measure_floors(media: Media, detector: str, every: int | None) -> dict[str, Cost]:
    """Return the cost of decoding and transcoding a film, and of all its detections."""
    costs = {floor: in_new_process(measure_floor, media, floor) for floor in FLOORS}
    return {**costs, DETECTOR: in_new_process(measure_detector, media, detector, every)}


def measure(
    media: Media, floors: dict[str, Cost], options: Options, jobs: int
) -> tuple[dict[str, Cost], AnalysisCost]:
    """Return the cost of an analysis, with those of its start, its network and the `floors`."""
    analysis = in_new_process(measure_analysis, media, options, jobs)
    start = in_new_process(measure_start, options.detector, options.scorer)
    network = in_new_process(measure_network, options.scorer, analysis.face_s)
    return {**floors, NETWORK: network, START: start, ANALYSIS: analysis.cost}, analysis


def duration_s(media: Media) -> float:
    """Return the length of a film in seconds."""
    return float(media.duration / media.rate)


# --- tables ---------------------------------------------------------------------------------------


def speed_cells(media: Media, steps: dict[str, Cost], analysis: AnalysisCost) -> tuple[str, ...]:
    """Return the cells of a film's row of speed."""
    seconds, cost = duration_s(media), analysis.cost
    slowest, parts = max(ALONE, key=lambda step: steps[step].wall_s), parts_cpu_s(steps)
    return (
        f"{analysis.face_s / seconds:.1f}, {analysis.tracks}", f"{seconds / cost.wall_s:.2f}",
        f"{cost.cpu_s / seconds:.3f}", f"{steps[START].cpu_s:.1f}",
        f"{cost.cpu_s / cost.wall_s:.2f}", f"{slowest}, {seconds / steps[slowest].wall_s:.1f}",
        f"{cost.wall_s / steps[slowest].wall_s:.2f}", f"{cores() * seconds / parts:.1f}",
        f"{cost.cpu_s / parts:.2f}",
        *(f"{cost.wall_s / steps[step].wall_s:.2f}" for step in (DECODE, TRANSCODE)),
    )  # fmt: skip


def parts_cpu_s(steps: dict[str, Cost]) -> float:
    """Return the CPU time of all parts of an analysis, each alone; it is decoded once."""
    once = steps[RGB].cpu_s + steps[GRAY].cpu_s - steps[DECODE].cpu_s
    return once + sum(steps[step].cpu_s for step in (START, DETECTOR, NETWORK))


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def data_cells(media: Media, start: Cost, analysis: AnalysisCost) -> tuple[str, ...]:
    """Return the cells of a film's row of memory and files."""
    seconds, cost = duration_s(media), analysis.cost
    film_bytes = media.path.stat().st_size
    read = f"{(cost.read_bytes - start.read_bytes) / film_bytes:.1f}"
    sizes = (analysis.store_bytes, analysis.peak_store_bytes)
    return (
        f"{cost.peak_mb:.0f}", read if film_bytes > MIN_COUNTED_BYTES else "-",
        f"{cost.decoded / media.duration:.2f}",
        f"{cost.array_bytes / MB / seconds:.0f}",
        *(f"{size / MB / seconds * 3600:.1f}" for size in sizes),
        f"{analysis.temporary_bytes / MB:.1f}",
    )  # fmt: skip


def print_steps(media: Media, costs: dict[str, Cost]) -> None:
    """Print a table with a row for each step."""
    seconds, decode = duration_s(media), costs[DECODE]
    print()
    print_row(STEP_HEADER, header=True)
    for step, cost in costs.items():
        print_row((
            step, f"{seconds / cost.wall_s:.1f}", f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}",
            f"{cost.wall_s / decode.wall_s:.2f}", f"{cost.cpu_s / decode.cpu_s:.2f}",
            f"{cost.peak_mb:.0f}", f"{cost.decoded / media.duration:.1f}",
            f"{cost.array_bytes / MB:.0f}",
        ))  # fmt: skip


def print_threads(analysis: AnalysisCost) -> None:
    """Print which threads of an analysis used how much CPU time."""
    print()
    print_row(("threads of the analysis", "CPU, s", "share", "cores"), header=True)
    cost = analysis.cost
    for name, cpu_s in analysis.thread_cpu_s.items():
        if cpu_s >= 0.01 * cost.cpu_s:
            cells = (f"{cpu_s:.2f}", f"{cpu_s / cost.cpu_s:.2f}", f"{cpu_s / cost.wall_s:.2f}")
            print_row((name, *cells))
    print()


def print_row(cells: tuple[str, ...], *, header: bool = False) -> None:
    """Print a row of a table; that of a header starts one."""
    print(f"| {' | '.join(cells)} |", flush=True)
    if header:
        print(f"|{'---|' * len(cells)}", flush=True)


if __name__ == "__main__":
    main()
