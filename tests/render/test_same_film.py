"""The same frames give the same film, to the byte, whatever lies in memory."""

import ctypes
import hashlib
import platform
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest

from otio_speakerzoom.render import encode, x264
from otio_speakerzoom.render.encode import FilmFormat, film_writer

RATE = Fraction(25)
FILLS = (0, 85, 170, 1)
"""0 fills nothing: what earlier work left lies there."""


def frames_of(width, height, count=16):
    """Waves that move, each row in another phase, which x264's lookahead follows."""
    y, x = np.mgrid[: height * 3 // 2, :width]
    for n in range(count):
        yield (127 + 100 * np.sin((x + 3 * n) / 9 + np.sin((y + n) / 7))).astype(np.uint8)


def write(path, width, height):
    film = FilmFormat((width, height), RATE, 16, channels=1)
    audio = (np.full((1, 1920), n / 50, np.float32) for n in range(16))
    with film_writer(path, film) as writer:
        for frame in frames_of(width, height):
            writer.add(av.VideoFrame.from_ndarray(frame, format="yuv420p"), audio)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def fresh_memory_filled_with(value):
    """Let glibc fill memory that it hands out, so that what nobody wrote is not always zero."""
    m_perturb = -6  # malloc.h
    assert ctypes.CDLL(None).mallopt(m_perturb, value)
    try:
        yield
    finally:
        ctypes.CDLL(None).mallopt(m_perturb, 0)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_same_frames_give_the_same_bytes(suffix, tmp_path):
    digests = {write(tmp_path / f"{n}{suffix}", 96, 64) for n in range(3)}

    assert len(digests) == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="fills fresh memory by glibc")
@pytest.mark.parametrize("size", [(64, 144), (176, 144), (320, 180), (560, 144), (1080, 64)])
def test_a_film_does_not_depend_on_what_lies_in_memory(size, tmp_path):
    digests = set()
    for value in FILLS:
        with fresh_memory_filled_with(value):
            digests.add(write(tmp_path / "film.mp4", *size))

    assert len(digests) == 1


def test_avx_512_is_turned_off_where_x264_would_use_it(monkeypatch):
    monkeypatch.setattr(x264, "_cpu_features", lambda: ["AVX", "FMA3", "AVX2", "AVX512"])
    assert x264.x264_options.__wrapped__() == {"x264-params": "asm=AVX,FMA3,AVX2"}

    monkeypatch.setattr(x264, "_cpu_features", lambda: ["ARMv8", "NEON"])
    assert x264.x264_options.__wrapped__() == {}


def test_x264_says_what_it_uses_and_takes_the_same_names():
    features = x264._cpu_features()

    assert features
    options = {"x264-params": f"asm={','.join(features)}"}
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 64, 64, "yuv420p", 1 / RATE
    codec.options = options
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        with av.logging.Capture() as messages:
            codec.open()
    finally:
        av.logging.set_level(level)
    texts = [text for _, _, text in messages]
    assert any(text.split() == ["using", "cpu", "capabilities:", *features] for text in texts)


def test_films_are_encoded_with_these_options(tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "x264_options", lambda: {"x264-params": "bframes=0"})

    write(tmp_path / "film.mp4", 96, 64)

    # x264 writes its options into the film
    assert b" bframes=0 " in (tmp_path / "film.mp4").read_bytes()
