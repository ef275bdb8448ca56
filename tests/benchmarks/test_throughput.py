"""Whole films are measured beside their parts: here in one process, with one face everywhere."""

import sys
from contextlib import contextmanager

import core_parts
import numpy as np
import pytest
import throughput
from repeated_film import repeat_clip

from otio_speakerzoom import source
from otio_speakerzoom.faces.detectors import choose
from otio_speakerzoom.model import FrameRange


@pytest.fixture
def one_process(monkeypatch):
    """Run everything in this process, with a detector that sees one face."""

    @contextmanager
    def choose_detector(*_, **__):
        box = np.array([[100, 40, 180, 140]], np.float32)
        yield lambda frame: (box, np.ones(1, np.float32))

    def measure_part(name, media, repetition, detector):
        return 1.0, core_parts.PARTS[name](media, FrameRange(0, repetition), detector)

    monkeypatch.setattr(choose, "choose_detector", choose_detector)
    monkeypatch.setattr(throughput, "measure_part", measure_part)
    monkeypatch.setattr(throughput, "in_new_process", lambda call, *values: call(*values))
    monkeypatch.setattr(throughput, "cores", lambda: 2)
    monkeypatch.setattr(throughput, "NETWORK_S", 1)


def test_a_repeated_clip_is_that_clip_again_and_again(make_clip, tmp_path):
    clip = make_clip("repeated.mp4", extra=("-bf", "2", "-g", "10"))

    film = source.probe(repeat_clip(clip, 5, tmp_path))

    assert film.warnings == ()
    assert film.duration == 150  # three times two seconds
    frames = [frame for _, frame in source.read_frames(film, size=(32, 18))]
    for n in range(50):
        assert (frames[n] == frames[n + 50]).all()
        assert (frames[n] == frames[n + 100]).all()


def test_a_film_is_measured_beside_its_parts(make_clip, one_process, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [
        "throughput", str(make_clip("whole.mp4")), "--seconds", "3", "--jobs", "1",
        "--device", "cpu",
    ])  # fmt: skip
    throughput.main()

    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    names = [row[0] for row in rows]
    *parts, _, _, upload, network, header, _, whole = names[2:]
    assert parts == list(throughput.PARTS)
    assert (upload, network) == ("upload to cpu", "sync-asd on cpu")
    assert (header, whole) == ("jobs", "1")
    assert all(row[1] == "4.0" for row in rows[2:6])  # two repetitions in the second that it took
    analysis = dict(zip(throughput.HEADER, rows[-1], strict=True))
    assert float(analysis["in the network, s"]) > 0
    assert analysis["GPU busy"] == "-"
    # both are rounded to a tenth, which of half a second is as much as a tenth of it
    wall_s = 4 / float(analysis["x real time"])
    assert wall_s == pytest.approx(float(analysis["wall, s"]), rel=0.02, abs=0.06)


@pytest.mark.parametrize("name", ["talknet", "sync-asd"])
def test_weights_that_are_not_installed_are_generated(name, monkeypatch, tmp_path):
    installed = tmp_path / "installed.npz"
    monkeypatch.setattr(
        throughput.fetch, "find", lambda weights: installed if weights == "sync-asd" else None
    )

    path = throughput.weights_path(name, tmp_path)

    assert path == (installed if name == "sync-asd" else tmp_path / "talknet.model")
    assert path.exists() == (name == "talknet")


def test_the_share_of_a_busy_gpu_is_read_from_nvidia_smi(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 40; echo '[N/A]'; echo 60; exec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with throughput.gpu_shares() as shares:
        while len(shares) < 2:
            pass

    assert shares == [40, 60]
