"""Measure cutting and exporting a long recording again, from the start of the process.

    python benchmarks/recut.py --hours 3 --people 3 --rate 25 60

For each rate it generates the analysis of such a conversation (`generated_store.py`) and runs
`cut --style lively` and `export` on it, each in a process of its own; the last step is the director
alone, on the analysis in memory. Prints medians. Other work on the machine slows everything down,
so compare CPU time rather than wall time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median

import generated_store
from costs import cpu_seconds, in_new_process, peak_mb
from watch import MB

from otio_speakerzoom import pipeline
from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.pipeline.plan_cut import Plan

STYLE = "lively"
"""Of the presets the one with most shots."""

HEADER = ("rate", "step", "wall, s", "CPU, s", "peak, MB")


@dataclass(frozen=True)
class Run:
    """What one run costs."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Print a table with the costs of each step at each rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--rate", type=Fraction, nargs="+", default=[Fraction(25)])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for rate in arguments.rate:
        with tempfile.TemporaryDirectory() as folder:
            film = in_new_process(
                generate, Path(folder), arguments.hours, arguments.people, rate
            )  # so that its memory is not that of the commands
            for step, run in steps(film).items():
                print_row(f"{float(rate):.2f}", step, [run() for _ in range(arguments.runs)])


def generate(folder: Path, hours: float, people: int, rate: Fraction) -> Path:
    """Return a film, with a generated analysis beside it."""
    film = generated_store.make_film(folder, 3600 * hours, rate)
    generated_store.generate_analysis(film, people)
    return film


def steps(film: Path) -> dict[str, Callable[[], Run]]:
    """Return what to measure, by name."""
    output = film.with_suffix(".fcpxml")

    def cut() -> Run:
        (Job(film).folder / "cutlist.json").unlink(missing_ok=True)
        return run_command("cut", film, "--style", STYLE, "-o", output)

    return {
        f"cut --style {STYLE}": cut,
        "export": partial(run_command, "export", film, "-o", output),
        "planning alone": partial(in_new_process, plan, film),
    }


def print_row(rate: str, step: str, runs: Sequence[Run]) -> None:
    """Print the medians of the runs of a step, and its highest memory."""
    wall, cpu = median(run.wall_s for run in runs), median(run.cpu_s for run in runs)
    peak = max(run.peak_mb for run in runs)
    print(f"| {rate} | {step} | {wall:.2f} | {cpu:.2f} | {peak:.0f} |", flush=True)


def run_command(*arguments: str | Path) -> Run:
    """Run a command of the program to its end."""
    wall = time.perf_counter()
    command = [sys.executable, "-m", "otio_speakerzoom", *map(str, arguments)]
    process = subprocess.Popen(  # nosec B603 # our own arguments
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with process:
        assert process.stderr is not None
        messages = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(messages.decode())
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - wall, cpu, usage.ru_maxrss * 1024 / MB)


def plan(film: Path) -> Run:
    """Plan the cut of a kept analysis, in memory."""
    analysis = pipeline.cached_analysis(Job(film))
    assert analysis is not None
    wall, cpu = time.perf_counter(), cpu_seconds()
    Plan(analysis, PRESETS[STYLE], analysis.media.size, ()).cut_list()
    return Run(time.perf_counter() - wall, cpu_seconds() - cpu, peak_mb())


if __name__ == "__main__":
    main()
