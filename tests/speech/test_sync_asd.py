import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.networks.face_channels import MEAN_TICKS, face_channels
from otio_speakerzoom.speech.networks.sync_asd import (
    ENCODER_HALO_TICKS,
    JOINT_HALO_TICKS,
    SyncAsd,
    SyncAsdScorer,
)
from otio_speakerzoom.speech.scorer import decide, score_clip
from otio_speakerzoom.weights import catalogue, fetch
from otio_speakerzoom.weights.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
FILE = ROOT / "weights" / "sync-asd.npz"
HALO = ENCODER_HALO_TICKS + JOINT_HALO_TICKS


@pytest.fixture(scope="module")
def scorer():
    return SyncAsdScorer(FILE)


def clip(frames, seed=0):
    """An image that drifts, and rows that swell: (frames, 112, 112) uint8, (4 * frames, 13)."""
    rng = np.random.default_rng(seed)
    still = rng.integers(0, 256, (14, 14)).repeat(8, 0).repeat(8, 1)
    crops = np.stack([np.roll(still, (t, t // 2), (0, 1)) for t in range(frames)]).astype(np.uint8)
    rows = rng.normal(0, 8, (4 * frames, 13)).astype(np.float32)
    rows[:, 0] += 12 + 4 * np.sin(np.arange(4 * frames) / 9)
    return crops, rows


def score(scorer, crops, rows):
    return score_clip(scorer, Clip(crops, rows[None]))[0]


# --- the committed file ------------------------------------------------------------------------


def test_the_committed_file_is_the_one_in_the_catalogue():
    entry = catalogue.entry("sync-asd")

    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == entry.sha256
    assert FILE.stat().st_size == entry.size <= 5_000_000
    assert fetch.find("sync-asd") == FILE


def test_the_network_has_at_most_a_million_and_a_half_parameters(scorer):
    assert sum(weight.numel() for weight in scorer.network.parameters()) <= 1_500_000


def test_scores_on_fixed_input_are_as_when_it_was_committed(scorer):
    logits = score(scorer, *clip(60))

    assert logits.shape == (60,)
    assert logits[::12] == pytest.approx(PINNED, abs=2e-3)


PINNED = [-4.0965, -8.7443, -8.1221, -8.3367, -8.2208]


def test_a_file_with_a_tensor_missing_is_refused(tmp_path):
    with np.load(FILE) as arrays:
        tensors = dict(arrays.items())
    tensors.pop("members.1.joint.score.weight")
    np.savez(tmp_path / "short.npz", **tensors)

    with pytest.raises(WeightsError, match=r"short\.npz.*missing members\.1\.joint\.score\.weight"):
        load_checkpoint(SyncAsd(), tmp_path / "short.npz")


def test_a_file_that_is_not_an_archive_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")

    with pytest.raises(WeightsError, match=r"text\.npz: not a checkpoint"):
        load_checkpoint(SyncAsd(), tmp_path / "text.npz")


# --- the network -------------------------------------------------------------------------------


def test_windows_with_context_score_like_one_pass(scorer):
    crops, rows = clip(700)
    start, end = 300, 400

    whole = score(scorer, crops, rows)
    first, last = start - HALO, end + HALO
    window = score(scorer, crops[first:last], rows[4 * first : 4 * last])

    assert window[HALO:-HALO] == pytest.approx(whole[start:end], abs=1e-4)
    assert np.ptp(whole[start:end]) > 1e-2


def test_no_score_depends_on_anything_beyond_the_halo(scorer):
    crops, rows = clip(2 * HALO + 40)
    before = score(scorer, crops, rows)
    crops[0], rows[:4] = 255 - crops[0], rows[:4] + 30

    after = score(scorer, crops, rows)

    assert after[HALO + 1 :] == pytest.approx(before[HALO + 1 :], abs=1e-5)
    assert np.abs(after - before)[:20].max() > 1e-2


def test_a_batch_of_two_is_two_single_passes(scorer):
    pairs = [clip(30, seed) for seed in (1, 2)]
    crops, rows = (torch.tensor(np.stack(part)) for part in zip(*pairs, strict=True))

    with torch.inference_mode():
        both = scorer.network(rows, crops).numpy()

    for logits, pair in zip(both, pairs, strict=True):
        assert logits == pytest.approx(score(scorer, *pair), abs=1e-4)


@pytest.mark.parametrize("ticks", [1, 587, 588, 1700])
def test_encodings_in_pieces_are_decided_alike_and_not_stored(scorer, ticks):
    rng = np.random.default_rng(ticks)
    rows = rng.normal(0, 1, (ticks, 256 * 3)).astype(np.float32)  # two microphones
    decider, logits, start = scorer.decider(lambda: pytest.fail("stored")), [], 0
    while start < ticks:
        end = start + int(rng.integers(1, 300))
        logits += decider.push(rows[start:end])
        start = end
        behind = min(start, ticks) - sum(part.shape[1] for part in logits)
        assert behind < scorer.window + JOINT_HALO_TICKS
        assert len(decider._rows) <= behind + scorer.window + JOINT_HALO_TICKS
    logits += decider.finish()

    whole = decide(scorer, rows)
    assert whole.shape == (2, ticks)
    assert np.concatenate(logits, axis=1).tobytes() == whole.tobytes()


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_shortest_tracks_get_a_score_for_every_tick(scorer, frames):
    logits = score(scorer, *clip(frames))

    assert logits.shape == (frames,)
    assert np.isfinite(logits).all()


def test_black_frames_and_silence_give_finite_scores_below_zero(scorer):
    logits = score(scorer, np.zeros((50, 112, 112), np.uint8), np.zeros((200, 13), np.float32))

    assert (scorer.calibration(logits) < 0).all()


def test_parts_of_a_window_give_the_channels_of_the_whole():
    noise = np.random.default_rng(0).normal(0, 20, (150, 112, 112)).cumsum(0)
    crops = torch.from_numpy(np.clip(128 + noise, 0, 255).astype(np.uint8))[None]

    small = torch.nn.functional.avg_pool2d(crops.float(), 2)
    centred = small - small.mean((2, 3), keepdim=True)
    even = centred / centred.square().mean((2, 3), keepdim=True).sqrt().clamp(min=8)
    first, last = [even[:, :1]] * MEAN_TICKS, [even[:, -1:]] * MEAN_TICKS
    padded = torch.cat([*first, even, *last], dim=1)
    means = [padded[:, n : n + 2 * MEAN_TICKS + 1].mean(1) for n in range(150)]
    near = [padded[:, MEAN_TICKS + n : MEAN_TICKS + n + 150] for n in range(-2, 3)]
    changes = [after - before for before, after in pairwise(near)]

    channels = face_channels(crops)
    assert torch.equal(channels[:, :, :4], torch.stack(changes, dim=2))
    assert torch.equal(channels[:, :, 5], even)
    torch.testing.assert_close(
        channels[:, :, 4], even - torch.stack(means, dim=1), atol=1e-4, rtol=0
    )


def test_frames_are_encoded_in_parts_as_all_at_once(scorer):
    frames = torch.rand(150, 6, 56, 56, generator=torch.Generator().manual_seed(0))
    frames = frames.contiguous(memory_format=torch.channels_last)
    visual = scorer.network.members[0].visual
    with torch.inference_mode():
        torch.testing.assert_close(
            visual(frames[None])[0],
            visual.follow(visual.look(visual.stem(frames)).T[None])[0],
            atol=1e-4, rtol=1e-4,
        )  # fmt: skip
