"""Networks stay on one device: tested on any machine; numbers need a real GPU."""

import numpy as np
import pytest
import torch
from fake_gpu import FakeGpu

from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.faces.detectors.s3fd import S3fdNetwork
from otio_speakerzoom.model import no_progress
from otio_speakerzoom.speech.clip import Clip
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

    assert logits.shape == (2, 30)
    assert gpu.worked
    assert not gpu.missed


def test_s3fd_stays_on_the_requested_device(tmp_path, zero_weights, monkeypatch):
    path = saved(S3fdNetwork, tmp_path)
    monkeypatch.setattr(choose.fetch, "need", lambda name, **_: path)

    with FakeGpu() as gpu:
        detector = choose.choose_detector("s3fd", device="meta", on_fetch=lambda _: no_progress)
        boxes, sure = detector(np.zeros((72, 128, 3), np.uint8))

    assert (boxes.shape, sure.shape) == ((0, 4), (0,))
    assert gpu.worked
    assert not gpu.missed
