"""Measure how fast a whole film is analysed, with a GPU or without, and what stands in the way.

    python benchmarks/throughput.py CLIP
    python benchmarks/throughput.py CLIP --device cuda --scorer talknet --jobs 1 4 16

Prints three tables: what the parts that work on pictures do alone, on all cores; what the network
does alone; and whole analyses, as by `speakerzoom analyze`, each in a process of its own, libraries
loaded and results saved. "x real time" is seconds of film a second. Without a GPU the first table
says what the processor could feed to one.

The clip is repeated without being encoded again: once for each core in the first table, until it
lasts --seconds in the last. Weights that are not installed are generated: they cost the same, only
the scores mean nothing. LiteRT writes to stderr: 2>/dev/null.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from core_parts import PARTS, cores, measure_part
from costs import cpu_seconds, in_new_process
from repeated_film import repeat_clip
from watch import Watch

from otio_speakerzoom import source
from otio_speakerzoom.pipeline.job import DEFAULTS, Job
from otio_speakerzoom.store import Options
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import BUNDLED_SCORER, DETECTORS, DEVICES

NETWORKS = ("talknet", BUNDLED_SCORER, "lr-asd", "light-asd")
NETWORK_S = 60
"""Length of the two clips that the network gets when it runs alone, which is what it gets in an
analysis of two faces with TalkNet."""
REPEATS = 3
HEADER = (
    "jobs", "x real time", "wall, s", "CPU", "CPU, first process", "cores busy",
    "in the network, s", "GPU busy", "peak, MB",
)  # fmt: skip
SAMPLING_MS = 100
"""Between two looks at the GPU, whose share of busy time nvidia-smi averages over about as long."""


@dataclass(frozen=True)
class Setup:
    """What is measured."""

    detector: str
    scorer: str
    weights: Path
    """Of the scorer."""
    device: str


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--seconds", type=float, default=300, help="of the films, about")
    parser.add_argument("--scorer", choices=NETWORKS, default=BUNDLED_SCORER)
    parser.add_argument("--detector", choices=DETECTORS, default=DEFAULTS.detector)
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, cores()], metavar="N")
    parser.add_argument("--no-parts", action="store_true", help="print the last table only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = weights_path(arguments.scorer, Path(folder))
        setup = Setup(arguments.detector, arguments.scorer, weights, arguments.device)
        print_machine(arguments.clip, setup)
        if not arguments.no_parts:
            print_parts(arguments.clip, setup, Path(folder))
            print_network(setup)
        film = repeat_clip(arguments.clip, arguments.seconds, Path(folder))
        print_analyses(film, setup, arguments.jobs)


def print_machine(clip: Path, setup: Setup) -> None:
    """Print what is measured, and on what."""
    import torch

    media = source.probe(clip)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"{clip.stem}, {media.size[0]}x{media.size[1]} at {float(media.rate):.4g},")
    print(f"{setup.detector}, {setup.scorer}, --device {setup.device};")
    print(f"{cores()} cores, {gpu}, torch {torch.__version__}", flush=True)


# --- weights --------------------------------------------------------------------------------------


def weights_path(scorer: str, folder: Path) -> Path:
    """Return the installed weights of a scorer, or else generated ones in `folder`."""
    from scoring import generated_weights

    return fetch.find(scorer) or generated_weights(scorer, folder)


@contextmanager
def these_weights(setup: Setup) -> Iterator[None]:
    """Let the pipeline find the weights of the scorer, installed or generated."""
    find, need = fetch.find, fetch.need

    def find_these(name: str, **options: Any) -> Path | None:
        return setup.weights if name == setup.scorer else find(name, **options)

    def need_these(name: str, **options: Any) -> Path:
        return setup.weights if name == setup.scorer else need(name, **options)

    with patch.object(fetch, "find", find_these), patch.object(fetch, "need", need_these):
        yield


# --- parts ----------------------------------------------------------------------------------------


def print_parts(clip: Path, setup: Setup, folder: Path) -> None:
    """Print what each part that works on pictures does alone on all cores."""
    repetition = source.probe(clip).duration
    seconds = cores() * float(repetition / source.probe(clip).rate)
    media = source.probe(repeat_clip(clip, seconds, folder))
    print("\n| part, alone on all cores | x real time | CPU, ms a second of film |\n|---|---|---|")
    for name in PARTS:
        wall, cpu = measure_part(name, media, repetition, setup.detector)
        print(f"| {name} | {seconds / wall:.1f} | {1000 * cpu / seconds:.0f} |", flush=True)


def print_network(setup: Setup) -> None:
    """Print what the network does alone, for two faces."""
    print("\n| network alone, two faces | x real time | CPU, ms a second of film |\n|---|---|---|")
    for name, (wall, cpu) in in_new_process(measure_network, setup).items():
        print(f"| {name} | {NETWORK_S / wall:.0f} | {1000 * cpu / NETWORK_S:.1f} |", flush=True)


def measure_network(setup: Setup) -> dict[str, tuple[float, float]]:
    """Return wall and CPU seconds of uploading, and of encoding, the crops of two faces."""
    import torch
    from scoring import NETWORKS as KINDS

    from otio_speakerzoom.speech.clip import Clip
    from otio_speakerzoom.weights.device import find_device

    rng, ticks = np.random.default_rng(0), 25 * NETWORK_S
    crops = [rng.integers(0, 256, (ticks, 112, 112), np.uint8) for _ in range(2)]
    clips = [Clip(c, rng.normal(0, 8, (1, 4 * ticks, 13)).astype(np.float32)) for c in crops]
    device = find_device(setup.device)
    scorer = KINDS[setup.scorer][1](setup.weights, device)

    def measure(call: Callable[[], object]) -> tuple[float, float]:
        call()
        wall, cpu = time.perf_counter(), cpu_seconds()
        for _ in range(REPEATS):
            call()
            if device == "cuda":
                torch.cuda.synchronize()
        seconds = time.perf_counter() - wall, cpu_seconds() - cpu
        return seconds[0] / REPEATS, seconds[1] / REPEATS

    return {
        f"upload to {device}": measure(lambda: [torch.tensor(c, device=device) for c in crops]),
        f"{setup.scorer} on {device}": measure(lambda: scorer.encode(clips)),
    }


# --- whole analyses -------------------------------------------------------------------------------


@dataclass(frozen=True)
class AnalysisCost:
    """What a whole analysis costs."""

    wall_s: float
    cpu_s: float
    """Of all processes."""
    own_cpu_s: float
    """Of the first process, in which the network runs."""
    network_s: float
    """Wall seconds in the network, waiting for a GPU included."""
    gpu_share: float | None
    """Of the wall time in which the GPU computed; None without one."""
    peak_mb: float
    """Of all processes together."""


def print_analyses(film: Path, setup: Setup, jobs: list[int]) -> None:
    """Print how fast a film is analysed, with each number of jobs."""
    media = source.probe(film)
    seconds = float(media.duration / media.rate)
    print(f"\n{seconds:.0f} s of film; CPU in ms a second of film\n")
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for number in jobs:
        cost = in_new_process(analyse, film, setup, number)
        share = "-" if cost.gpu_share is None else f"{cost.gpu_share:.2f}"
        print(
            f"| {number} | {seconds / cost.wall_s:.1f} | {cost.wall_s:.1f} "
            f"| {1000 * cost.cpu_s / seconds:.0f} | {1000 * cost.own_cpu_s / seconds:.0f} "
            f"| {cost.cpu_s / cost.wall_s:.1f} | {cost.network_s:.2f} | {share} "
            f"| {cost.peak_mb:.0f} |",
            flush=True,
        )


def analyse(film: Path, setup: Setup, jobs: int) -> AnalysisCost:
    """Analyse a film and return what it cost."""
    from otio_speakerzoom.pipeline import analyze
    from otio_speakerzoom.speech.scorers import NETWORKS as KINDS

    options = Options(detector=setup.detector, scorer=setup.scorer)
    kind, network_s = KINDS[setup.scorer], 0.0
    encode = kind.encode

    def timed(scorer: Any, clips: Any) -> Any:
        nonlocal network_s
        start = time.perf_counter()
        rows = encode(scorer, clips)
        network_s += time.perf_counter() - start
        return rows

    with (
        tempfile.TemporaryDirectory() as work,
        these_weights(setup),
        patch.object(kind, "encode", timed),
        Watch(Path(work), Path(work)) as watch,
        gpu_shares() as shares,
    ):
        job = Job(film, work=Path(work), options=options, device=setup.device, jobs=jobs)
        wall, cpu, own = time.perf_counter(), cpu_seconds(), time.process_time()
        analyze(job)
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        own = time.process_time() - own
    share = float(np.mean(shares)) / 100 if shares else None
    return AnalysisCost(wall, cpu, own, network_s, share, watch.peak_mb)


@contextmanager
def gpu_shares() -> Iterator[list[float]]:
    """Collect the share of time that the GPU is busy, in percent; nothing without nvidia-smi."""
    query = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
    command = ["nvidia-smi", *query, f"--loop-ms={SAMPLING_MS}", "--id=0"]
    shares: list[float] = []
    try:
        sampling = subprocess.Popen(  # nosec B603 # our own arguments
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        yield shares
        return

    def collect() -> None:
        assert sampling.stdout is not None
        shares.extend(float(line) for line in sampling.stdout if line.strip().isdigit())

    collecting = threading.Thread(target=collect)
    collecting.start()
    with sampling:
        try:
            yield shares
        finally:
            sampling.terminate()
            collecting.join()


if __name__ == "__main__":
    main()
