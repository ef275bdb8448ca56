"""What scoring costs: time for each network side by side, and memory for long films.

    python benchmarks/scoring.py
    python benchmarks/scoring.py --memory 10 60 180 --scorer sync-asd
    python benchmarks/scoring.py --memory 10 60 --track-seconds 12

Time: the published network as it is, in plain float32, against how we run it, in one run; each
takes its turn several times and the fastest counts, because others share the machine, so only
ratios mean anything. Beside it the floor: the arithmetic at the rate of a large matrix product.
Generated weights do as well as trained ones here. A GPU is measured too where there is one, and how
far its scores lie from the processor's.

Memory: three generated faces for so many minutes, scored from pictures to calibrated logits in a
process of its own, with the meter of the sound's offset; what counts is how far its peak lies above
the loaded network. With --track-seconds the source's camera is cut so often, and each face is a new
track after every cut.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from otio_speakerzoom.model import FaceTrack, FrameRange
from otio_speakerzoom.speech.av_sync import AvSyncEstimator
from otio_speakerzoom.speech.features import Clip
from otio_speakerzoom.speech.networks.light_asd import LightAsd, LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsd, LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsd, SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import DURATIONS, TalkNet, TalkNetScorer
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.scoring import Scorer, score_clip, score_speech

SECONDS = 12
"""Of one face: a number that chunks of each of TalkNet's durations but one divide."""
TURNS = 4
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


@torch.inference_mode()
def print_times(device: str, folder: Path) -> None:
    """Print what a second of one face costs on `device`."""
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (25 * SECONDS, 112, 112), np.uint8)
    rows = rng.normal(0, 8, (100 * SECONDS, 13)).astype(np.float32)
    clip = Clip(crops, rows[None])
    seen, heard = torch.tensor(crops, device=device), torch.tensor(rows, device=device)
    runs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {}
    work, sizes = {}, {}
    for name, (kind, scorer_kind) in NETWORKS.items():
        network = kind().eval().to(device)
        scorer = scorer_kind(saved(name, folder), device)
        sizes[name] = sum(weight.numel() for weight in network.parameters())
        plain = six_passes if name == "talknet" else one_pass
        runs[name] = (
            lambda plain=plain, network=network: plain(network, heard, seen),
            lambda scorer=scorer: score_clip(scorer, clip),
        )
        with FlopCounterMode(display=False) as counter:
            network(heard[None], seen[None])
        work[name] = counter.get_total_flops() / SECONDS
    best = {name: [float("inf")] * 2 for name in runs}
    rate = 0.0
    for _ in range(TURNS):
        rate = max(rate, matmul_rate(device))
        for name, pair in runs.items():
            best[name] = [
                min(b, timed(run, device)) for b, run in zip(best[name], pair, strict=True)
            ]
    where = (
        torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads"
    )
    print(f"\n{SECONDS} s of one face on {where}, torch {torch.__version__}, float32;")
    print(f"matrix product: {rate / 1e9:.0f} GFLOP/s\n")
    print("| network | parameters | GFLOP | floor, ms | plain, ms | ours, ms | plain / ours |")
    print("|---|---|---|---|---|---|---|")
    for name, (plain, ours) in best.items():
        plain, ours = 1000 * plain / SECONDS, 1000 * ours / SECONDS
        activity = 1000 * work[name] / rate
        print(
            f"| {name} | {sizes[name]:,} | {work[name] / 1e9:.1f} | {activity:.1f} "
            f"| {plain:.1f} | {ours:.1f} | {plain / ours:.1f} |"
        )
    if device != "cpu":
        print("\nlargest difference from the logits of the processor, same weights:")
        for name, (_, scorer_kind) in NETWORKS.items():
            there = score_clip(scorer_kind(saved(name, folder), device), clip)
            here = score_clip(scorer_kind(saved(name, folder)), clip)
            print(f"{name} {np.abs(there - here).max():.1e} of {np.abs(here).max():.1e}")


def saved(name: str, folder: Path) -> Path:
    """Return a file of generated weights for the network called `name`."""
    path = folder / f"{name}.model"
    if not path.exists():
        torch.manual_seed(0)
        torch.save(NETWORKS[name][0]().state_dict(), path)
    return path


def one_pass(network: torch.nn.Module, heard: torch.Tensor, seen: torch.Tensor) -> None:
    """Run a network over the whole clip."""
    network(heard[None], seen[None])


def six_passes(network: torch.nn.Module, heard: torch.Tensor, seen: torch.Tensor) -> None:
    """Run TalkNet as its demo does: once for each duration, chunk by chunk."""
    for ticks in (25 * seconds for seconds in DURATIONS):
        for start in range(0, len(seen), ticks):
            end = start + ticks
            network(heard[None, 4 * start : 4 * end], seen[None, start:end])


def timed(run: Callable[[], object], device: str) -> float:
    """Return how many seconds `run` takes."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def matmul_rate(device: str) -> float:
    """Return FLOP/s of a product of two large matrices."""
    side = 8192 if device == "cuda" else 2048
    a = torch.randn(side, side, device=device)
    return 2 * side**3 / min(timed(lambda: a @ a, device) for _ in range(3))


# --- memory ---------------------------------------------------------------------------------------


def print_memory(name: str, lengths: list[int], cut_every: int | None, folder: Path) -> None:
    """Print how much memory three faces need, for films of so many minutes."""
    path = saved(name, folder)
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
    score_three_faces(
        scorer, 60 * 25, None
    )  # what libraries set up on first use belongs to the network
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    score_three_faces(scorer, minutes * 60 * 25, cut_every)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def score_three_faces(scorer: Scorer, frames: int, cut_every: int | None) -> None:
    """Score three faces that are seen throughout a generated film at 25 fps, or from cut to cut."""
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

    def pictures() -> Iterator[tuple[int, NDArray[np.uint8]]]:
        some = rng.integers(0, 256, (16, 90, 192), np.uint8)
        yield from ((frame, some[frame % 16]) for frame in range(frames))

    score_speech(
        pictures(), [cepstrum], tracks, scorer, Fraction(25), FrameRange(0, frames),
        meter=AvSyncEstimator(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
