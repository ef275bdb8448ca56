"""Loading checkpoints: every tensor must fit, and no file can run code."""

import pickle

import pytest
import torch

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.speech.networks.lr_asd import LrAsd
from otio_speakerzoom.weights.checkpoint import load_checkpoint


@pytest.fixture(scope="module")
def trained():
    """Return a network in which every tensor differs from a new one's."""
    network = LrAsd()
    network.load_state_dict({name: tensor + 1 for name, tensor in network.state_dict().items()})
    return network


class Hostile:
    def __reduce__(self):
        return (print, ("a checkpoint must not run this",))


def spoil(weights, how, path):
    if how == "missing":
        del weights["lossAV.FC.bias"]
    elif how == "unexpected":
        weights["lossAV.FC.scale"] = torch.zeros(2)
    elif how == "wrong shape":
        weights["lossAV.FC.bias"] = torch.zeros(3)
    elif how == "wrong kind of numbers":
        weights["lossAV.FC.bias"] = torch.zeros(2, dtype=torch.complex64)
    elif how == "not finite":
        weights["lossAV.FC.bias"] = torch.tensor([0.0, torch.nan])
    elif how == "something other than tensors":
        weights = [weights]
    torch.save(weights, path)


@pytest.mark.parametrize(
    "how",
    [
        "missing",
        "unexpected",
        "wrong shape",
        "wrong kind of numbers",
        "not finite",
        "something other than tensors",
    ],
)
def test_an_unsuitable_checkpoint_is_refused(trained, tmp_path, how):
    spoil(trained.state_dict(), how, tmp_path / "odd.model")

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


def test_checkpoints_of_training_on_several_gpus_load(trained, tmp_path):
    wrapped = {f"module.{name}": tensor for name, tensor in trained.state_dict().items()}
    torch.save(wrapped, tmp_path / "wrapped.model")
    network = LrAsd()

    load_checkpoint(network, tmp_path / "wrapped.model")

    for name, tensor in trained.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_both_containers_of_torch_load(trained, tmp_path, zipped):
    path = tmp_path / "contained.model"
    torch.save(trained.state_dict(), path, _use_new_zipfile_serialization=zipped)
    network = LrAsd()

    load_checkpoint(network, path)

    assert all(torch.equal(network.state_dict()[n], x) for n, x in trained.state_dict().items())
