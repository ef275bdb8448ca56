"""Networks stay on one device: tested on any machine; numbers need a real GPU."""

from functools import partial

import numpy as np
import pytest
import torch
from fake_gpu import FakeGpu

from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.faces.detectors.s3fd import S3fdNetwork
from otio_speakerzoom.model import no_progress
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.networks import folded
from otio_speakerzoom.speech.networks.light_asd import LightAsd, LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsd, LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsd, SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import TalkNet, TalkNetScorer
from otio_speakerzoom.speech.scorer import score_clip
from otio_speakerzoom.speech.scorers import NETWORKS

SCORERS = {
    TalkNetScorer: TalkNet, SyncAsdScorer: SyncAsd, LrAsdScorer: LrAsd, LightAsdScorer: LightAsd,
}  # fmt: skip


@pytest.fixture
def zero_weights(monkeypatch):
    """Skip the random initialisation of weights, which takes most of the time."""
    for start in ("kaiming_uniform_", "uniform_", "xavier_uniform_"):
        monkeypatch.setattr(torch.nn.init, start, lambda x, *_, **__: torch.nn.init.zeros_(x))


def saved(network, folder):
    torch.save(network().state_dict(), folder / "random.model")
    return folder / "random.model"


def clip(ticks=30, microphones=2):
    rng = np.random.default_rng(0)
    return Clip(
        rng.integers(0, 256, (ticks, 112, 112), np.uint8),
        rng.normal(0, 8, (microphones, 4 * ticks, 13)).astype(np.float32),
    )


def test_every_scorer_with_a_network_is_tested():
    assert set(SCORERS) == set(NETWORKS.values())


@pytest.mark.parametrize("kind", SCORERS, ids=lambda kind: kind.name)
def test_a_scorer_stays_on_its_device(kind, tmp_path, zero_weights):
    path = saved(SCORERS[kind], tmp_path)

    with FakeGpu() as gpu:
        scorer = kind(path, "meta")
        gpu.missed.clear()  # norms may be folded on the CPU
        logits = score_clip(scorer, clip())
        batch = scorer.encode([clip(30), clip(55), clip(30)])

    assert logits.shape == (2, 30)
    assert [(len(rows), rows.dtype) for rows in batch] == [(n, np.float32) for n in (30, 55, 30)]
    assert gpu.worked
    assert not gpu.missed


@pytest.mark.parametrize("kind", [LrAsdScorer, LightAsdScorer], ids=lambda kind: kind.name)
def test_what_a_gpu_computes_in_half_precision_is_float32_afterwards(kind, tmp_path, monkeypatch):
    torch.manual_seed(0)
    scorer = kind(saved(SCORERS[kind], tmp_path))
    exact = scorer.encode([clip()])[0]
    half = partial(torch.autocast, "cpu", torch.bfloat16)
    monkeypatch.setattr(folded, "half_precision", lambda device: half())

    rows = scorer.encode([clip()])[0]

    assert rows.dtype == np.float32
    assert 0 < np.abs(rows - exact).max() < 0.05 * np.abs(exact).max()  # bfloat16 has 8 bits


X, ON_HOST = torch.zeros(4, 8, device="meta"), torch.zeros(4, 8)
LAYER = torch.nn.Linear(8, 8)
MISTAKES = {
    "a constant on the processor": lambda: X + torch.arange(8),
    "a weight left on the processor": lambda: LAYER(X),
    "an input left on the processor": lambda: torch.cat([X, ON_HOST]),
    "a mask on the processor": lambda: torch.where(ON_HOST > 0, X, X),
    "a state on the processor": lambda: torch.nn.GRU(8, 8, device="meta")(X, torch.zeros(1, 8)),
    "an update from the processor": lambda: torch.clone(X).add_(torch.ones(8)),
    "a buffer on the processor": lambda: torch.add(X, X, out=torch.clone(ON_HOST)),
    "a result left on the GPU": lambda: (X + 1).numpy(),
    "results left on the GPU": lambda: np.concatenate([X, X]),
    "bfloat16 for NumPy": lambda: X.bfloat16().cpu().numpy(),
    "float64, which MPS does not have": lambda: X.double(),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_the_fake_gpu_refuses(mistake):
    with FakeGpu(), pytest.raises((AssertionError, TypeError)):
        mistake()


def test_the_fake_gpu_notices_a_layer_that_runs_on_the_processor():
    with FakeGpu() as gpu:
        LAYER((X + 1).cpu())

    assert gpu.missed == {"linear"}


def test_s3fd_stays_on_the_requested_device(tmp_path, zero_weights, monkeypatch):
    path = saved(S3fdNetwork, tmp_path)
    monkeypatch.setattr(choose.fetch, "need", lambda name, **_: path)

    with FakeGpu() as gpu:
        detector = choose.choose_detector("s3fd", device="meta", on_fetch=lambda _: no_progress)
        boxes, sure = detector(np.zeros((72, 128, 3), np.uint8))

    assert (boxes.shape, sure.shape) == ((0, 4), (0,))
    assert gpu.worked
    assert not gpu.missed
