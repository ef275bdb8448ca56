"""When anybody is heard at all: the speech probability of the sound, frame by frame.

Silero VAD (MIT, the model lies inside its wheel) hears 32 ms at a time and carries its state
from one chunk to the next, so a programme of hours passes through in the memory of one chunk.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

FRAME = 640
"""Samples of one frame: 16 kHz at 25 Hz, the grid on which the scorers work."""

_CHUNK = 512
"""Samples that Silero VAD 5 and later take at once at 16 kHz; it accepts no other number."""


def voice_activity(pcm: Iterable[NDArray[np.int16]] | NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the probability that anybody is heard, one value for every 25 Hz frame begun.

    `pcm` is mono 16 kHz sound, as one (N,) array or as blocks of any length that follow one
    another; the blocking does not change the result. The result is (ceil(N / 640),). A frame
    takes the highest value of the two or three chunks that overlap it, because a word that
    begins or ends inside a frame is heard in that frame.
    """
    blocks = [pcm] if isinstance(pcm, np.ndarray) else pcm
    probabilities: list[float] = []
    samples = 0
    with _one_thread(), torch.inference_mode():
        hear = _silero()
        for chunk, used in _chunks(blocks):
            probabilities.append(hear(chunk))
            samples += used
    return _on_frames(np.array(probabilities, np.float32), -(-samples // FRAME))


def _on_frames(chunks: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Take for each of `count` frames the maximum of the (C,) chunk values that overlap it."""
    if not count:
        return np.zeros(0, np.float32)
    start = np.arange(count) * FRAME
    first, last = start // _CHUNK, (start + FRAME - 1) // _CHUNK
    end = len(chunks) - 1
    return np.max([chunks[np.minimum(c, end)] for c in (first, first + 1, last)], axis=0)


def _chunks(blocks: Iterable[NDArray[np.int16]]) -> Iterator[tuple[torch.Tensor, int]]:
    """Yield (512,) float samples in -1..1 and how many are real; the last chunk ends in silence."""
    rest = np.zeros(0, np.int16)
    for block in blocks:
        rest = np.concatenate((rest, block)) if len(rest) else block
        whole = len(rest) // _CHUNK * _CHUNK
        for row in rest[:whole].reshape(-1, _CHUNK):
            yield torch.from_numpy(row.astype(np.float32) / 32768), _CHUNK
        rest = rest[whole:]
    if len(rest):
        padded = np.pad(rest.astype(np.float32) / 32768, (0, _CHUNK - len(rest)))
        yield torch.from_numpy(padded), len(rest)


def _silero() -> Callable[[torch.Tensor], float]:
    """Load a fresh Silero VAD, its state empty, as a function from chunk to probability.

    The TorchScript form needs no further runtime. Whenever such a file is loaded, torch calls the
    format deprecated (2.13 as a DeprecationWarning, 2.14 as a FutureWarning), which is Silero's to
    change and not the user's. That one message is left out, whatever its category, and no other.
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
