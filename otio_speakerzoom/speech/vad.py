"""Voice activity detection: the probability of a voice in the audio, 25 times a second.

Silero VAD (MIT, the model is inside its wheel) takes 32 ms at a time and carries its state from one
chunk to the next, so hours of audio pass through in the memory of one chunk.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from otio_speakerzoom.speech.ticks import TICK_SAMPLES

_CHUNK_SAMPLES = 512
"""Silero VAD 5 and later accept no other number at 16 kHz."""


def voice_activity(pcm: Iterable[NDArray[np.int16]] | NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the probability of a voice, one value for every 25 Hz tick begun.

    `pcm` is mono 16 kHz audio, as one (N,) array or as consecutive blocks of any length; the
    blocking does not change the result. The result is (ceil(N / 640),). A tick takes the highest
    value of the two or three chunks that overlap it, because a word that begins or ends inside a
    tick is audible in that tick.
    """
    blocks = [pcm] if isinstance(pcm, np.ndarray) else pcm
    probabilities: list[float] = []
    samples = 0
    with _one_thread(), torch.inference_mode():
        detect = _load_silero()
        for chunk, chunk_samples in _chunks(blocks):
            probabilities.append(detect(chunk))
            samples += chunk_samples
    return _to_ticks(np.array(probabilities, np.float32), -(-samples // TICK_SAMPLES))


def _to_ticks(chunks: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    """Take for each of `ticks` ticks the maximum of the (C,) chunk values that overlap it."""
    if not ticks:
        return np.zeros(0, np.float32)
    start = np.arange(ticks) * TICK_SAMPLES
    first, last = start // _CHUNK_SAMPLES, (start + TICK_SAMPLES - 1) // _CHUNK_SAMPLES
    end = len(chunks) - 1
    return np.max([chunks[np.minimum(c, end)] for c in (first, first + 1, last)], axis=0)


def _chunks(blocks: Iterable[NDArray[np.int16]]) -> Iterator[tuple[torch.Tensor, int]]:
    """Yield (512,) float samples in -1..1 and how many are real; the last chunk is zero-padded."""
    rest = np.zeros(0, np.int16)
    for block in blocks:
        rest = np.concatenate((rest, block)) if len(rest) else block
        whole = len(rest) // _CHUNK_SAMPLES * _CHUNK_SAMPLES
        for row in rest[:whole].reshape(-1, _CHUNK_SAMPLES):
            yield torch.from_numpy(row.astype(np.float32) / 32768), _CHUNK_SAMPLES
        rest = rest[whole:]
    if len(rest):
        padded = np.pad(rest.astype(np.float32) / 32768, (0, _CHUNK_SAMPLES - len(rest)))
        yield torch.from_numpy(padded), len(rest)


def _load_silero() -> Callable[[torch.Tensor], float]:
    """Load a fresh Silero VAD, its state empty, as a function from chunk to probability.

    The TorchScript form needs no further runtime. Whenever such a file is loaded, torch warns that
    the format is deprecated (2.13 with a DeprecationWarning, 2.14 with a FutureWarning), which only
    Silero can change. That one message is suppressed, whatever its category, and no other.
    """
    from silero_vad import load_silero_vad  # here: importing it sets torch's thread count to 1

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.load`")
        model = cast(torch.nn.Module, load_silero_vad(onnx=False))
    return lambda chunk: float(model(chunk, 16000))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run on one thread, where this small network is fastest, and restore the caller's setting."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
