"""Networks and their scorers: published numbers, windows, batches, and short tracks."""

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import LOWER_FACE, WHOLE_BOX
from otio_speakerzoom.speech.mfcc import compute_mfcc, mfcc_at_ticks
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.speech.networks import folded
from otio_speakerzoom.speech.networks import light_asd as light_asd_module
from otio_speakerzoom.speech.networks import lr_asd as lr_asd_module
from otio_speakerzoom.speech.networks.light_asd import LightAsd, LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsd, LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import TalkNet, TalkNetScorer
from otio_speakerzoom.speech.row_buffer import temporary_file
from otio_speakerzoom.speech.scorer import score_clip
from otio_speakerzoom.weights.checkpoint import load_checkpoint

SHARED = Path(__file__).parents[3] / "shared"
LR_WEIGHTS = SHARED / "weights" / "lr-asd_pretrain_AVA.model"
SYNC_WEIGHTS = Path(__file__).parents[2] / "weights" / "sync-asd.npz"
LIGHT_WEIGHTS = SHARED / "weights" / "light-asd_pretrain_AVA_CVPR.model"


def filler(name, like):
    """A random tensor that changes the output of every layer: norms off 1 and 0, biases off 0."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if like.ndim == 0:
        return torch.zeros_like(like)
    if name.endswith("running_var") or (name.endswith("weight") and like.ndim == 1):
        return torch.tensor(rng.uniform(0.5, 1.5, like.shape), dtype=like.dtype)
    spread = 0.1 if like.ndim == 1 else np.prod(like.shape[1:]) ** -0.5
    return torch.tensor(rng.normal(0, spread, like.shape), dtype=like.dtype)


def fill(network):
    network.load_state_dict({name: filler(name, x) for name, x in network.state_dict().items()})
    return network.eval()


@pytest.fixture(scope="module")
def lr_asd():
    return fill(LrAsd())


@pytest.fixture(scope="module")
def light_asd():
    return fill(LightAsd())


@pytest.fixture(scope="module")
def talknet():
    return fill(TalkNet())


def scorer_of(kind, network, folder):
    torch.save(network.state_dict(), folder / "generated.model")
    return kind(folder / "generated.model")


@pytest.fixture(scope="module")
def talknet_scorer(talknet, tmp_path_factory):
    return scorer_of(TalkNetScorer, talknet, tmp_path_factory.mktemp("talknet"))


@pytest.fixture(scope="module")
def lr_scorer(lr_asd, tmp_path_factory):
    return scorer_of(LrAsdScorer, lr_asd, tmp_path_factory.mktemp("lr"))


@pytest.fixture(scope="module")
def light_scorer(light_asd, tmp_path_factory):
    return scorer_of(LightAsdScorer, light_asd, tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="module")
def sync_scorer():
    return SyncAsdScorer(SYNC_WEIGHTS)


@pytest.fixture(scope="module")
def motion_scorer():
    return MouthMotion()


SCORERS = ("talknet_scorer", "lr_scorer", "light_scorer", "sync_scorer", "motion_scorer")


def clip(frames, seed=0):
    """Moving noise and its MFCC rows: (frames, 112, 112) uint8 and (4 * frames, 13) float32."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 8, (4 * frames, 13)).astype(np.float32)
    return rng.integers(0, 256, (frames, 112, 112), np.uint8), rows


def run(network, crops, rows):
    with torch.inference_mode():
        return network(torch.tensor(rows)[None], torch.tensor(crops)[None])[0].numpy()


def score(scorer, crops, *mfcc):
    """(M, T) logits of one clip in one piece."""
    return score_clip(scorer, Clip(crops, np.stack(mfcc)))


def score_in_windows(scorer, crops, rows, window):
    """(T,) logits of a track that is encoded `window` ticks at a time, with context."""
    decider, logits = scorer.decider(temporary_file), []
    for start in range(0, len(crops), window):
        first, last = max(0, start - scorer.context), start + window + scorer.context
        clip = Clip(crops[first:last], rows[None, 4 * first : 4 * last])
        (encodings,) = scorer.encode([clip])
        logits += decider.push(encodings[start - first :][:window])
    return np.concatenate([*logits, *decider.finish()], axis=1)[0]


# --- the published numbers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated():
    """The module that generated the parity data."""
    sys.path.insert(0, str(SHARED / "parity"))
    try:
        return pytest.importorskip("generated_weights", reason=f"no parity data in {SHARED}")
    finally:
        sys.path.remove(str(SHARED / "parity"))


def parity_clip(generated, stored):
    frames = int(stored["frames"])
    crops = generated.crops(frames, int(stored["crop_seed"]))
    rows = mfcc_at_ticks(compute_mfcc(generated.sound(frames, int(stored["sound_seed"]))), frames)
    np.testing.assert_allclose(rows, stored["mfcc"], rtol=0, atol=1e-5)
    return crops, rows


def assert_encodings(network, crops, rows, stored):
    with torch.inference_mode():
        audio = network.encode_audio(torch.tensor(rows)[None])[0].numpy()
        visual = network.encode_visual(torch.tensor(crops)[None])[0].numpy()
    for actual, name in ((audio, "audio_embedding"), (visual, "visual_embedding")):
        largest = np.abs(stored[name]).max()  # up to 60, where float32 itself steps by 4e-6
        np.testing.assert_allclose(actual, stored[name], rtol=0, atol=1e-5 * max(1, largest))


@pytest.mark.weights
def test_talknet_agrees_with_the_published_code(generated, tmp_path):
    stored = np.load(SHARED / "parity" / "talknet.npz")
    weights = {name: torch.tensor(value) for name, value in generated.state_dict().items()}
    torch.save(weights, tmp_path / "talknet.model")
    network = TalkNet().eval()

    load_checkpoint(network, tmp_path / "talknet.model")

    assert len(weights) == 487
    crops, rows = parity_clip(generated, stored)
    assert_encodings(network, crops, rows, stored)
    np.testing.assert_allclose(run(network, crops, rows), stored["logits"][:, 1], rtol=0, atol=1e-5)


@pytest.mark.weights
@pytest.mark.skipif(not LR_WEIGHTS.exists(), reason=f"no {LR_WEIGHTS.name} in {LR_WEIGHTS.parent}")
def test_lr_asd_agrees_with_the_published_code(generated):
    stored = np.load(SHARED / "parity" / "lr-asd.npz")
    scorer = LrAsdScorer(LR_WEIGHTS)

    crops, rows = parity_clip(generated, stored)

    assert_encodings(scorer.network, crops, rows, stored)
    np.testing.assert_allclose(
        score(scorer, crops, rows)[0], stored["logits"][:, 1], rtol=0, atol=1e-5
    )


@pytest.mark.weights
@pytest.mark.skipif(not LIGHT_WEIGHTS.exists(), reason=f"no {LIGHT_WEIGHTS.name} beside us")
def test_light_asd_agrees_with_the_published_code(generated):
    stored = np.load(SHARED / "parity" / "light-asd.npz")
    scorer = LightAsdScorer(LIGHT_WEIGHTS)

    crops, rows = parity_clip(generated, stored)

    assert_encodings(scorer.network, crops, rows, stored)
    np.testing.assert_allclose(
        score(scorer, crops, rows)[0], stored["logits"][:, 1], rtol=0, atol=1e-5
    )


# --- batches, chunks and the ensemble ----------------------------------------------------------


@pytest.mark.parametrize("name", ["light_asd", "lr_asd", "talknet"])
def test_a_batch_of_two_is_two_single_passes(name, request):
    network = request.getfixturevalue(name)
    (crops_a, rows_a), (crops_b, rows_b) = clip(12, seed=1), clip(12, seed=2)

    with torch.inference_mode():
        both = network(
            torch.tensor(np.stack([rows_a, rows_b])), torch.tensor(np.stack([crops_a, crops_b]))
        ).numpy()

    np.testing.assert_allclose(both[0], run(network, crops_a, rows_a), rtol=0, atol=1e-5)
    np.testing.assert_allclose(both[1], run(network, crops_b, rows_b), rtol=0, atol=1e-5)
    assert np.abs(both[0] - both[1]).max() > 1e-3


@pytest.mark.parametrize("name", ["lr_asd", "light_asd"])
def test_the_folded_network_gives_the_same_numbers(name, request):
    network = request.getfixturevalue(name)
    scorer = request.getfixturevalue(name.replace("asd", "scorer"))
    crops, rows = clip(130)  # three chunks in the first block, two in the second

    plain = run(network, crops, rows)

    assert plain.std() > 1e-3
    np.testing.assert_allclose(score(scorer, crops, rows)[0], plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["lr_scorer", "light_scorer"])
@pytest.mark.parametrize("window", [7, 50])
def test_a_track_in_windows_scores_like_one_pass(name, window, request, monkeypatch):
    scorer = request.getfixturevalue(name)
    crops, rows = clip(80)  # two and a half times the GRUs' and the longer window
    plain = run(scorer.network, crops, rows)

    for module in (lr_asd_module, light_asd_module, folded):
        monkeypatch.setattr(module, "GRU_TICKS", 32)  # so that the GRUs' state is carried on too
    windowed = score_in_windows(scorer, crops, rows, window)

    np.testing.assert_allclose(windowed, plain, rtol=0, atol=1e-5)
    assert ((windowed > 0) == (plain > 0)).all()


def test_sync_asd_and_mouth_motion_score_windows_like_one_pass(sync_scorer, motion_scorer):
    crops, rows = clip(600)

    for scorer, window in ((sync_scorer, 70), (motion_scorer, 200)):
        whole = score(scorer, crops, rows)[0]
        assert whole.std() > 1e-2
        np.testing.assert_allclose(score_in_windows(scorer, crops, rows, window), whole, atol=1e-3)


def six_loops(talknet, crops, rows):
    """The published ensemble as the demo runs it, without its losses."""
    loops = []
    for seconds in (1, 2, 3, 4, 5, 6):
        scores = []
        for start in range(0, len(crops), 25 * seconds):
            end = start + 25 * seconds
            scores.extend(run(talknet, crops[start:end], rows[4 * start : 4 * end]))
        loops.append(scores)
    return np.mean(loops, axis=0)


@pytest.mark.parametrize(  # tails of every kind
    "frames", [1, 3, 24, 26, pytest.param(52, marks=pytest.mark.slow), 178]
)
def test_the_shared_front_end_scores_like_six_separate_passes(talknet, talknet_scorer, frames):
    crops, rows = clip(frames)

    ensemble = score(talknet_scorer, crops, rows)[0]

    np.testing.assert_allclose(ensemble, six_loops(talknet, crops, rows), rtol=0, atol=1e-5)
    assert ensemble.dtype == np.float32


def test_talknet_runs_the_front_end_once(talknet_scorer, monkeypatch):
    frames = []
    forward = talknet_scorer.frontend.forward
    monkeypatch.setattr(
        talknet_scorer.frontend, "forward",
        lambda crops, five, batch: frames.append(len(five)) or forward(crops, five, batch),
    )  # fmt: skip

    score(talknet_scorer, *clip(150))

    assert frames == [150 + 4 * 5]  # and once more the four next to each of five cuts


@pytest.mark.parametrize("name", SCORERS)
def test_clips_in_a_batch_score_like_single_clips(name, request):
    scorer = request.getfixturevalue(name)
    clips = [Clip(crops, rows[None]) for crops, rows in (clip(n, seed=n) for n in (60, 25, 31))]

    together = scorer.encode(clips)

    for actual, alone in zip(together, clips, strict=True):
        np.testing.assert_allclose(actual, scorer.encode([alone])[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SCORERS)
def test_each_of_two_microphones_scores_like_a_single_one(name, request):
    scorer = request.getfixturevalue(name)
    (crops, left), (_, right) = clip(40, seed=1), clip(40, seed=2)

    both = score(scorer, crops, left, right)

    assert both.shape == (2, 40)
    for actual, rows in zip(both, (left, right), strict=True):
        np.testing.assert_allclose(actual, score(scorer, crops, rows)[0], rtol=0, atol=1e-4)
    assert np.abs(both[0] - both[1]).max() > 1e-3


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize("frames", [1, 3])
def test_a_short_track_has_a_score_for_every_frame(name, frames, request):
    scores = score(request.getfixturevalue(name), *clip(frames))

    assert scores.shape == (1, frames)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("crops", "rows"), [(5, 19), (0, 0)])
def test_a_clip_needs_crops_and_four_mfcc_rows_for_each(crops, rows):
    with pytest.raises(ValueError, match=f"{crops} crops need"):
        Clip(np.zeros((crops, 112, 112), np.uint8), np.zeros((1, rows, 13), np.float32))


def test_scorers_declare_their_crops_windows_and_licence():
    kinds = (TalkNetScorer, LrAsdScorer, LightAsdScorer, SyncAsdScorer, MouthMotion)

    assert [kind.name for kind in kinds] == ["talknet", "lr-asd", "light-asd", "sync-asd", "motion"]
    assert (TalkNetScorer.recipe, LrAsdScorer.recipe) == (LOWER_FACE, WHOLE_BOX)
    assert all(TalkNetScorer.window % (25 * d) == 0 for d in (1, 2, 3, 4, 5, 6))
    assert {kind.licence for kind in kinds} == {"MIT"}


# --- on a GPU ----------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("kind", [TalkNetScorer, LrAsdScorer, LightAsdScorer, SyncAsdScorer])
def test_a_gpu_gives_the_scores_of_the_cpu(kind, tmp_path):
    networks = {"talknet": TalkNet, "lr-asd": LrAsd, "light-asd": LightAsd}
    path = SYNC_WEIGHTS
    if kind.name in networks:
        path = tmp_path / "random.model"
        torch.save(fill(networks[kind.name]()).state_dict(), path)
    crops, rows = clip(160)
    on_cpu, on_gpu = (kind(path, device) for device in ("cpu", "cuda"))

    # TF32 and another order of summation; decisions hang on far larger differences
    assert score(on_gpu, crops, rows) == pytest.approx(score(on_cpu, crops, rows), abs=1e-2)
