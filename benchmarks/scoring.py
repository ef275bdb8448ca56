"""Measure what scoring costs: time for each network side by side, and memory for long films.

    python benchmarks/scoring.py
    python benchmarks/scoring.py --memory 10 60 180 --scorer sync-asd
    python benchmarks/scoring.py --memory 10 60 --track-seconds 12

Time: the published network in plain float32 against how we run it, in one process. Each runs
several times in turn and the fastest counts, because others share the machine, so only ratios mean
anything. Beside it the bound: the same arithmetic at the rate of a large matrix product. Generated
weights serve as well as trained ones here. A GPU is measured too where there is one, with how far
its scores lie from the processor's.

Memory: three generated faces for so many minutes, scored from frames to calibrated logits in a
process of its own, with the A/V sync estimator; the figure is how far its peak lies above the
loaded network. With --track-seconds the source has a camera cut that often, and each face is a new
track after every cut.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from otio_speakerzoom.model import FaceTrack, FrameRange
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.networks.light_asd import LightAsd, LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsd, LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsd, SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import DURATIONS, TalkNet, TalkNetScorer
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.scorer import Scorer, score_clip
from otio_speakerzoom.speech.scoring import score_speech

CLIP_S = 12
"""Of one face: a multiple of all of TalkNet's chunk lengths but one."""
REPEATS = 4
NETWORKS = {
    "talknet": (TalkNet, TalkNetScorer),
    "light-asd": (LightAsd, LightAsdScorer),
    "lr-asd": (LrAsd, LrAsdScorer),
    "sync-asd": (SyncAsd, SyncAsdScorer),
}


def main() -> None:
    """Print a table of time, or one of memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--memory", type=int, nargs="+", metavar="MINUTES")
    parser.add_argument("--scorer", choices=NETWORKS, default="sync-asd", help="for --memory")
    parser.add_argument("--track-seconds", type=int, metavar="N", help="for --memory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            print_memory(arguments.scorer, arguments.memory, arguments.track_seconds, Path(folder))
        else:
            for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
                print_times(device, Path(folder))


# --- time -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """What a network costs, in seconds for the whole clip."""

    parameters: int
    flops: float
    """For a second of one face."""
    plain: float
    ours: float


class Measured(NamedTuple):
    """A network as it is published and as we run it, on a device."""

    network: torch.nn.Module
    plain: Callable[[], object]
    ours: Callable[[], object]


def generated_clip() -> Clip:
    """Return a clip of noise, `CLIP_S` long."""
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (25 * CLIP_S, 112, 112), np.uint8)
    rows = rng.normal(0, 8, (100 * CLIP_S, 13)).astype(np.float32)
    return Clip(crops, rows[None])


@torch.inference_mode()
def print_times(device: str, folder: Path) -> None:
    """Print what a second of one face costs on `device`."""
    clip = generated_clip()
    costs, rate = measure(device, clip, folder)
    threads = f"{torch.get_num_threads()} threads"
    where = torch.cuda.get_device_name() if device == "cuda" else threads
    print(f"\n{CLIP_S} s of one face on {where}, torch {torch.__version__}, float32;")
    print(f"matrix product: {rate / 1e9:.0f} GFLOP/s\n")
    print("| network | parameters | GFLOP | bound, ms | plain, ms | ours, ms | plain / ours |")
    print("|---|---|---|---|---|---|---|")
    for name, cost in costs.items():
        plain, ours = 1000 * cost.plain / CLIP_S, 1000 * cost.ours / CLIP_S
        bound = 1000 * cost.flops / rate
        print(
            f"| {name} | {cost.parameters:,} | {cost.flops / 1e9:.1f} | {bound:.1f} "
            f"| {plain:.1f} | {ours:.1f} | {plain / ours:.1f} |"
        )
    if device != "cpu":
        print_differences(device, clip, folder)


def measure(device: str, clip: Clip, folder: Path) -> tuple[dict[str, Cost], float]:
    """Return what each network costs on `device`, and the FLOP/s of a matrix product there."""
    crops = torch.tensor(clip.crops, device=device)
    rows = torch.tensor(clip.mfcc[0], device=device)
    networks = {name: _open(name, device, clip, crops, rows, folder) for name in NETWORKS}
    flops = {name: count_flops(both.network, rows, crops) for name, both in networks.items()}
    best = {name: [float("inf")] * 2 for name in networks}
    rate = 0.0
    for _ in range(REPEATS):
        rate = max(rate, matmul_rate(device))
        for name, both in networks.items():
            for n, call in enumerate((both.plain, both.ours)):
                best[name][n] = min(best[name][n], seconds_of(call, device))
    sizes = {name: sum(w.numel() for w in both.network.parameters())
             for name, both in networks.items()}  # fmt: skip
    return {name: Cost(sizes[name], flops[name], *best[name]) for name in networks}, rate


def _open(
    name: str, device: str, clip: Clip, crops: torch.Tensor, rows: torch.Tensor, folder: Path
) -> Measured:
    kind, scorer_kind = NETWORKS[name]
    network = kind().eval().to(device)
    scorer = scorer_kind(generated_weights(name, folder), device)
    plain = six_passes if name == "talknet" else one_pass
    return Measured(network, lambda: plain(network, rows, crops), lambda: score_clip(scorer, clip))


def count_flops(network: torch.nn.Module, rows: torch.Tensor, crops: torch.Tensor) -> float:
    """Return the floating-point operations for a second of one face, in one pass."""
    with FlopCounterMode(display=False) as counter:
        network(rows[None], crops[None])
    return counter.get_total_flops() / CLIP_S


def print_differences(device: str, clip: Clip, folder: Path) -> None:
    """Print how far each network's logits on `device` lie from the processor's."""
    print("\nlargest difference from the logits of the processor, same weights:")
    for name, (_, scorer_kind) in NETWORKS.items():
        weights = generated_weights(name, folder)
        there = score_clip(scorer_kind(weights, device), clip)
        here = score_clip(scorer_kind(weights), clip)
        print(f"{name} {np.abs(there - here).max():.1e} of {np.abs(here).max():.1e}")


def generated_weights(name: str, folder: Path) -> Path:
    """Return a file of generated weights for the network called `name`."""
    path = folder / f"{name}.model"
    if not path.exists():
        torch.manual_seed(0)
        torch.save(NETWORKS[name][0]().state_dict(), path)
    return path


def one_pass(network: torch.nn.Module, rows: torch.Tensor, crops: torch.Tensor) -> None:
    """Run a network over the whole clip."""
    network(rows[None], crops[None])


def six_passes(network: torch.nn.Module, rows: torch.Tensor, crops: torch.Tensor) -> None:
    """Run TalkNet as its demo does: once for each duration, chunk by chunk."""
    for ticks in (25 * seconds for seconds in DURATIONS):
        for start in range(0, len(crops), ticks):
            end = start + ticks
            network(rows[None, 4 * start : 4 * end], crops[None, start:end])


def seconds_of(call: Callable[[], object], device: str) -> float:
    """Return how many seconds a call takes."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def matmul_rate(device: str) -> float:
    """Return FLOP/s of a product of two large matrices."""
    side = 8192 if device == "cuda" else 2048
    a = torch.randn(side, side, device=device)
    return 2 * side**3 / min(seconds_of(lambda: a @ a, device) for _ in range(3))


# --- memory ---------------------------------------------------------------------------------------


def print_memory(name: str, lengths: list[int], cut_every: int | None, folder: Path) -> None:
    """Print how much memory three faces need, for films of so many minutes."""
    path = generated_weights(name, folder)
    print("| scorer | minutes | tracks, s | peak above the loaded network, MB | s |")
    print("|---|---|---|---|---|")
    for minutes in lengths:
        start = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak = pool.apply(peak_memory, (name, path, minutes, cut_every))
        took = time.perf_counter() - start
        length = cut_every or 60 * minutes
        print(f"| {name} | {minutes} | {length} | {peak:.0f} | {took:.0f} |", flush=True)


def peak_memory(name: str, path: Path, minutes: int, cut_every: int | None) -> float:
    """Return by how many MB the peak rises while three faces are scored for so many minutes."""
    scorer: Scorer = NETWORKS[name][1](path)
    score_three_faces(scorer, 60 * 25, None)  # what libraries allocate on first use
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    score_three_faces(scorer, minutes * 60 * 25, cut_every)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def score_three_faces(scorer: Scorer, frames: int, cut_every: int | None) -> None:
    """Score three faces, visible throughout a generated film at 25 fps or from cut to cut."""
    rng = np.random.default_rng(0)
    cepstrum = RowBuffer(13)
    for _ in range(0, 4 * frames, 6000):
        cepstrum.add(rng.normal(0, 8, (6000, 13)).astype(np.float32))
    boxes = np.array([[10, 10, 60, 70], [70, 10, 120, 70], [130, 10, 180, 70]], np.float32)
    length = 25 * cut_every if cut_every else frames
    spans = [(start, min(length, frames - start)) for start in range(0, frames, length)]
    tracks = [
        FaceTrack(n, start, np.tile(box, (ticks, 1)), np.ones(ticks, bool))
        for n, (box, (start, ticks)) in enumerate(product(boxes, spans), 1)
    ]

    def images() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        some = rng.integers(0, 256, (16, 90, 192), np.uint8)
        yield from ((frame, some[frame % 16]) for frame in range(frames))

    score_speech(images(), [cepstrum], tracks, scorer, Fraction(25), FrameRange(0, frames))


if __name__ == "__main__":
    main()
