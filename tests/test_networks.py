import pickle
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.speech.features import LOWER_FACE, WHOLE_BOX, mfcc, mfcc_rows
from otio_speakerzoom.speech.networks.checkpoint import load_checkpoint
from otio_speakerzoom.speech.networks.light_asd import LightAsd
from otio_speakerzoom.speech.networks.lr_asd import LrAsd, LrAsdScorer, encode_in_chunks
from otio_speakerzoom.speech.networks.talknet import TalkNet, TalkNetScorer

SHARED = Path(__file__).parents[2] / "shared"
LR_WEIGHTS = SHARED / "weights" / "lr-asd_pretrain_AVA.model"
LIGHT_WEIGHTS = SHARED / "weights" / "light-asd_pretrain_AVA_CVPR.model"


def filler(name, like):
    """A stand-in tensor that no layer leaves without effect: norms off 1 and 0, biases off 0."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if like.ndim == 0:
        return torch.zeros_like(like)
    if name.endswith("running_var") or (name.endswith("weight") and like.ndim == 1):
        return torch.tensor(rng.uniform(0.5, 1.5, like.shape), dtype=like.dtype)
    spread = 0.1 if like.ndim == 1 else np.prod(like.shape[1:]) ** -0.5
    return torch.tensor(rng.normal(0, spread, like.shape), dtype=like.dtype)


def filled(network):
    network.load_state_dict({name: filler(name, x) for name, x in network.state_dict().items()})
    return network.eval()


@pytest.fixture(scope="module")
def lr_asd():
    return filled(LrAsd())


@pytest.fixture(scope="module")
def light_asd():
    return filled(LightAsd())


@pytest.fixture(scope="module")
def talknet():
    return filled(TalkNet())


@pytest.fixture(scope="module")
def talknet_path(talknet, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "talknet.model"
    torch.save(talknet.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def talknet_scorer(talknet_path):
    return TalkNetScorer(talknet_path)


@pytest.fixture(scope="module")
def lr_scorer(lr_asd, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "lr.model"
    torch.save(lr_asd.state_dict(), path)
    return LrAsdScorer(path)


def clip(frames, seed=0):
    """Moving noise and its MFCC rows: (frames, 112, 112) uint8 and (4 * frames, 13) float32."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 8, (4 * frames, 13)).astype(np.float32)
    return rng.integers(0, 256, (frames, 112, 112), np.uint8), rows


def run(network, crops, rows):
    with torch.inference_mode():
        return network(torch.tensor(rows)[None], torch.tensor(crops)[None])[0].numpy()


# --- the published numbers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def generated():
    """The module that made the parity data."""
    sys.path.insert(0, str(SHARED / "parity"))
    try:
        return pytest.importorskip("generated_weights", reason=f"no parity data in {SHARED}")
    finally:
        sys.path.remove(str(SHARED / "parity"))


def parity_clip(generated, stored):
    frames = int(stored["frames"])
    crops = generated.crops(frames, int(stored["crop_seed"]))
    rows = mfcc_rows(mfcc(generated.sound(frames, int(stored["sound_seed"]))), frames)
    np.testing.assert_allclose(rows, stored["mfcc"], rtol=0, atol=1e-5)
    return crops, rows


def assert_encodings(network, crops, rows, stored):
    with torch.inference_mode():
        audio = network.encode_audio(torch.tensor(rows)[None])[0].numpy()
        visual = network.encode_visual(torch.tensor(crops)[None])[0].numpy()
    np.testing.assert_allclose(audio, stored["audio_embedding"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(visual, stored["visual_embedding"], rtol=0, atol=1e-4)


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
    np.testing.assert_allclose(scorer(crops, rows), stored["logits"][:, 1], rtol=0, atol=1e-5)


@pytest.mark.weights
@pytest.mark.skipif(not LIGHT_WEIGHTS.exists(), reason=f"no {LIGHT_WEIGHTS.name} beside us")
def test_light_asd_agrees_with_the_published_code(generated):
    stored = np.load(SHARED / "parity" / "light-asd.npz")
    network = LightAsd().eval()
    load_checkpoint(network, LIGHT_WEIGHTS)

    crops, rows = parity_clip(generated, stored)

    assert_encodings(network, crops, rows, stored)
    np.testing.assert_allclose(run(network, crops, rows), stored["logits"][:, 1], rtol=0, atol=1e-5)


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


@pytest.mark.parametrize("chunk", [7, 30, 64])
def test_lr_asd_encodes_in_chunks_what_it_encodes_in_one_pass(lr_asd, chunk):
    crops, _ = clip(64)

    with torch.inference_mode():
        once = lr_asd.encode_visual(torch.tensor(crops)[None])
        chunked = encode_in_chunks(lr_asd, crops, "cpu", chunk)

    torch.testing.assert_close(chunked, once, rtol=0, atol=1e-5)


def test_the_talknet_score_is_the_mean_of_six_plain_loops(talknet, talknet_path):
    crops, rows = clip(78)  # 3 s and 3 frames: two batches of 1 s; tails of 3, 28 and 78 frames
    loops = []
    for seconds in (1, 2, 3, 4, 5, 6):
        scores = []
        for start in range(0, 78, 25 * seconds):
            end = start + 25 * seconds
            scores.extend(run(talknet, crops[start:end], rows[4 * start : 4 * end]))
        loops.append(scores)

    made = TalkNetScorer(talknet_path, batch_frames=50)(crops, rows)

    assert made.shape == (78,)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, np.mean(loops, axis=0), rtol=0, atol=1e-5)


def test_lr_asd_scores_a_window_in_one_piece(lr_asd, lr_scorer):
    crops, rows = clip(30)

    np.testing.assert_allclose(lr_scorer(crops, rows), run(lr_asd, crops, rows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["lr_scorer", "talknet_scorer"])
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_a_short_track_has_a_score_for_every_frame(name, frames, request):
    scores = request.getfixturevalue(name)(*clip(frames))

    assert scores.shape == (frames,)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["lr_scorer", "talknet_scorer"])
def test_a_scorer_refuses_sound_of_another_length(name, request):
    crops, rows = clip(5)

    with pytest.raises(ValueError, match="5 crops"):
        request.getfixturevalue(name)(crops, rows[:-1])


def test_scorers_say_how_they_want_to_be_fed():
    assert (TalkNetScorer.name, TalkNetScorer.recipe) == ("talknet", LOWER_FACE)
    assert (LrAsdScorer.name, LrAsdScorer.recipe) == ("lr-asd", WHOLE_BOX)
    assert all(TalkNetScorer.window % (25 * d) == 0 for d in (1, 2, 3, 4, 5, 6))


# --- checkpoints -------------------------------------------------------------------------------


class Hostile:
    def __reduce__(self):
        return (print, ("a checkpoint must not run this",))


def spoil(weights, how, path):
    if how == "missing":
        del weights["lossAV.FC.bias"]
    elif how == "unexpected":
        weights["lossAV.FC.scale"] = torch.zeros(2)
    elif how == "wrongly shaped":
        weights["lossAV.FC.bias"] = torch.zeros(3)
    elif how == "something other than tensors":
        weights = [weights]
    torch.save(weights, path)


@pytest.mark.parametrize(
    "how", ["missing", "unexpected", "wrongly shaped", "something other than tensors"]
)
def test_a_checkpoint_that_does_not_fit_is_refused(lr_asd, tmp_path, how):
    spoil(lr_asd.state_dict(), how, tmp_path / "odd.model")

    with pytest.raises(WeightsError) as refusal:
        load_checkpoint(LrAsd(), tmp_path / "odd.model")

    assert "odd.model" in str(refusal.value)
    assert how in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_many_missing_names_are_not_all_listed(tmp_path):
    torch.save({}, tmp_path / "empty.model")

    with pytest.raises(WeightsError, match="and 165 more"):
        load_checkpoint(LrAsd(), tmp_path / "empty.model")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not found</html>", pickle.dumps({"a": Hostile()}), b"PK\x03\x04 half a download"],
    ids=["empty", "text", "class", "cut short"],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content, capsys):
    (tmp_path / "odd.model").write_bytes(content)

    with pytest.raises(WeightsError, match=r"odd\.model: not a checkpoint") as refusal:
        load_checkpoint(LrAsd(), tmp_path / "odd.model")

    assert "\n" not in str(refusal.value)
    assert not capsys.readouterr().out


def test_a_class_inside_a_checkpoint_is_never_run(tmp_path, capsys):
    torch.save({"a": Hostile()}, tmp_path / "odd.model")

    with pytest.raises(WeightsError, match=r"odd\.model"):
        load_checkpoint(LrAsd(), tmp_path / "odd.model")

    assert not capsys.readouterr().out


def test_a_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.model: cannot be read"):
        load_checkpoint(LrAsd(), tmp_path / "none.model")


def test_names_left_by_training_on_several_gpus_load(lr_asd, tmp_path):
    wrapped = {f"module.{name}": tensor for name, tensor in lr_asd.state_dict().items()}
    torch.save(wrapped, tmp_path / "wrapped.model")
    network = LrAsd()

    load_checkpoint(network, tmp_path / "wrapped.model")

    for name, tensor in lr_asd.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_gives_the_scores_of_the_cpu(tmp_path):
    torch.manual_seed(0)
    torch.save(LrAsd().state_dict(), tmp_path / "random.model")
    crops = np.random.default_rng(1).integers(0, 255, (60, 112, 112), np.uint8)
    sound = np.random.default_rng(2).normal(0, 3, (240, 13)).astype(np.float32)
    on_cpu, on_gpu = (LrAsdScorer(tmp_path / "random.model", device) for device in ("cpu", "cuda"))

    # TF32 and another order of summation; decisions hang on far larger differences
    assert on_gpu(crops, sound) == pytest.approx(on_cpu(crops, sound), abs=1e-2)
