"""What a second of one face costs each network, side by side in one run.

    python benchmarks/scorer_speed.py

Random weights do as well as trained ones here. Every network takes its turn several times and the
fastest counts, because others share the machine; only ratios mean anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from otio_speakerzoom.speech.networks.light_asd import LightAsd
from otio_speakerzoom.speech.networks.lr_asd import LrAsd
from otio_speakerzoom.speech.networks.sync_asd import SyncAsd
from otio_speakerzoom.speech.networks.talknet import TalkNet

SECONDS = 10
TURNS = 5


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    crops = torch.tensor(rng.integers(0, 256, (1, 25 * SECONDS, 112, 112), np.uint8))
    rows = torch.tensor(rng.normal(0, 8, (1, 100 * SECONDS, 13)), dtype=torch.float32)
    makers = (TalkNet, LightAsd, LrAsd, SyncAsd)
    networks: dict[str, Callable] = {maker.__name__: maker().eval() for maker in makers}
    best = dict.fromkeys(networks, float("inf"))
    for _ in range(TURNS):
        for name, network in networks.items():
            start = time.perf_counter()
            network(rows, crops)
            best[name] = min(best[name], time.perf_counter() - start)
    print(f"{SECONDS} s of one face, {torch.get_num_threads()} threads, plain float32")
    print("| network | parameters | ms per face-second | as fast as LR-ASD |")
    print("|---|---|---|---|")
    for name, network in networks.items():
        size = sum(weight.numel() for weight in network.parameters())
        cost, ratio = 1000 * best[name] / SECONDS, best["LrAsd"] / best[name]
        print(f"| {name} | {size:,} | {cost:.1f} | {ratio:.1f} x |")


if __name__ == "__main__":
    main()
