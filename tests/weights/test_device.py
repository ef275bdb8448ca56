"""Choosing a device, refusing one that does not work, and batch sizes."""

import pytest
import torch

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.weights import device


def test_an_unknown_device_is_refused():
    with pytest.raises(ToolError, match="--device tpu: there is no such device; choose auto, cpu"):
        device.check_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device that works")
@pytest.mark.parametrize("name", device.GPUS)
def test_a_gpu_that_does_not_work_is_refused(name, monkeypatch, caplog):
    """For example an old driver, or a card that this torch has no kernels for."""
    monkeypatch.setattr(device, "is_available", lambda gpu: gpu == name)

    with pytest.raises(
        ToolError, match=rf"cannot use the {name.upper()} device .+; choose --device"
    ):
        device.check_device(name)
    assert device.find_device("auto") == "cpu"
    assert f"{name} is not used: torch" in caplog.text


def test_the_cpu_is_always_available():
    for name in ("auto", "cpu"):
        device.check_device(name)
    assert device.find_device("cpu") == "cpu"


def test_a_missing_device_is_an_error():
    if torch.cuda.is_available():
        assert device.find_device("auto") == "cuda"
    else:
        assert device.find_device("auto") == "cpu"
        for name in ("cuda", "mps"):
            with pytest.raises(ToolError, match=f"--device {name}: .* choose --device cpu or auto"):
                device.find_device(name)


def test_the_batch_size_is_halved_on_out_of_memory(caplog):
    sizer, sizes = device.BatchSizer("cpu", 1, cpu_frames=40), []

    def work(frames):
        sizes.append(frames)
        if frames > 12:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "done"

    assert sizer.run(work) == "done"
    assert (sizes, sizer.frames) == ([40, 20, 10], 10)
    assert caplog.messages[-1] == "the GPU is out of memory: batches of 10 frames now"


def test_out_of_memory_for_a_single_frame_is_an_error():
    def never(frames):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ToolError, match=r"single frame.*--device cpu"):
        device.BatchSizer("cpu", 1, cpu_frames=8).run(never)
