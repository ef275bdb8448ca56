"""Damage to the headers of recordings, which libav parses in a process of its own."""

import contextlib
import io
import json
import os
import select
import subprocess
import sys
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import REPOSITORY
from fuzzing import MAX_INPUT_S
from mutators import damage_bytes

pytest_plugins = ["fuzz_runs"]

CHILD = Path(__file__).with_name("probe_child.py")
MAX_PROBE_S = 3 * MAX_INPUT_S
"""The process may be a second behind on a busy machine, and starts anew after each crash."""
FORMATS = (("mp4", "libx264", "aac"), ("mov", "mpeg4", "pcm_s16le"), ("matroska", "libx264", "aac"),
           ("avi", "mpeg4", "mp3"), ("mpegts", "libx264", "aac"))  # fmt: skip
FRAMES = 30


@cache
def recordings():
    """Return a second of picture and sound in several containers."""
    return [_recording(*row) for row in FORMATS]


def _recording(container_format, video_codec, audio_codec):
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        video = container.add_stream(video_codec, rate=Fraction(30000, 1001))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream(audio_codec, rate=48000)
        for n in range(FRAMES):
            image = np.full((48, 64, 3), 5 * n, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        silence = np.zeros((1, 1024 * 2), np.int16)
        for n in range(FRAMES):
            frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = 48000, 1024 * n
            container.mux(audio.encode(frame))
        container.mux(video.encode())
        container.mux(audio.encode())
    return file.getvalue()


def damaged_recording(random):
    """Return a recording whose index or headers are damaged, seldom its frames."""
    data = random.choice(recordings())
    kind = random.randrange(4)
    if kind == 0 and b"moov" in data:  # the index, wherever it lies
        start = data.index(b"moov")
        return data[:start] + damage_bytes(random, data[start:])
    if kind < 3:
        head = random.choice((64, 300, 1200))
        return damage_bytes(random, data[:head], recordings()) + data[head:]
    return damage_bytes(random, data, recordings())


class Prober:
    """A process that opens recordings; a new one after each that ends it."""

    def __init__(self):
        self._process = None

    def probe(self, path):
        """Return the outcome of opening a recording, or how the process ended."""
        process = self._process = self._process or _start()
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], MAX_PROBE_S)
        line = process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.close()
        return f"the process ended with {process.returncode}" if ready else "it never ends"

    def close(self):
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):  # what was not flushed has no reader
                process.stdin.close()
            process.stdout.close()


def _start():
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=environment,
    )  # fmt: skip


@pytest.fixture
def prober(tmp_path):
    prober = Prober()
    path = tmp_path / "first"
    path.write_bytes(recordings()[0])
    assert prober.probe(path) == "accepted"
    yield prober
    prober.close()


def try_recording(tmp_path, prober, data):
    path = tmp_path / "talk.mp4"
    path.write_bytes(data)
    outcome = prober.probe(path)
    assert path.read_bytes() == data
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["first", path.name]
    assert outcome in ("accepted", "refused"), outcome
    return outcome == "accepted"


def test_a_damaged_recording_is_opened_right_or_refused(fuzz, tmp_path, prober):
    fuzz(
        "recordings", damaged_recording, partial(try_recording, tmp_path, prober), count=40,
        writable=[tmp_path],
    )  # fmt: skip
