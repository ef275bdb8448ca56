"""Voice activity detection: the probability of a voice in the audio, 25 times a second.

Silero VAD (MIT, the model is inside its wheel) takes 32 ms at a time and carries its state from one
chunk to the next, so hours of audio pass through in the memory of one chunk.
"""

from __future__ import annotations

import threading
import warnings
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.speech.ticks import TICK_SAMPLES

_CHUNK_SAMPLES = 512
"""Silero VAD 5 and later accept no other number at 16 kHz."""
MAX_WAITING_BLOCKS = 2
"""Enough to keep the thread busy while the next block is decoded."""


def voice_activity(pcm: Iterable[NDArray[np.int16]] | NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the probability of a voice, one value for every 25 Hz tick begun.

    `pcm` is mono 16 kHz audio, as one (N,) array or as consecutive blocks of any length; the
    blocking does not change the result. The result is (ceil(N / 640),).
    """
    with closing(VoiceThread()) as detector:
        for block in [pcm] if isinstance(pcm, np.ndarray) else pcm:
            detector.push(block)
        return detector.finish()


class VoiceThread:
    """Detects voices in a thread of its own, on one core, at most `MAX_WAITING_BLOCKS` behind."""

    def __init__(self) -> None:
        self._detector = VoiceDetector()
        self._executor = ThreadPoolExecutor(1, "voice")
        self._executor.submit(_use_one_core).result()  # before the caller starts other threads
        self._waiting: deque[Future[None]] = deque()

    def push(self, pcm: NDArray[np.int16]) -> None:
        """Add (n,) samples, mono at 16 kHz."""
        self._waiting.append(self._executor.submit(self._detector.push, pcm))
        if len(self._waiting) > MAX_WAITING_BLOCKS:
            self._waiting.popleft().result()

    def finish(self) -> NDArray[np.float32]:
        """Return what `VoiceDetector` does."""
        for block in self._waiting:
            block.result()
        return self._executor.submit(self._detector.finish).result()

    def close(self) -> None:
        """End the thread after the block that it is at."""
        self._executor.shutdown(cancel_futures=True)


class VoiceDetector:
    """Detects voices in mono audio at 16 kHz that comes in blocks of any length."""

    def __init__(self) -> None:
        self._detect: Callable[[torch.Tensor], float] | None = None
        self._probabilities = array("f")
        """One for each chunk."""
        self._rest = np.zeros(0, np.int16)
        """Samples of the next chunk."""
        self._samples = 0

    def push(self, pcm: NDArray[np.int16]) -> None:
        """Add (n,) samples."""
        self._samples += len(pcm)
        joined = np.concatenate((self._rest, pcm))
        whole = len(joined) // _CHUNK_SAMPLES * _CHUNK_SAMPLES
        self._rest = joined[whole:]
        self._detect_chunks(joined[:whole].reshape(-1, _CHUNK_SAMPLES))

    def finish(self) -> NDArray[np.float32]:
        """Return the probability of a voice for every tick begun; the last chunk is zero-padded.

        A tick has the highest value of the two or three chunks that overlap it, because a word that
        begins or ends inside a tick is audible in that tick.
        """
        if len(self._rest):
            padded = np.pad(self._rest, (0, _CHUNK_SAMPLES - len(self._rest)))
            self._detect_chunks(padded[None])
        chunks = np.array(self._probabilities, np.float32)
        return _to_ticks(chunks, -(-self._samples // TICK_SAMPLES))

    def _detect_chunks(self, chunks: NDArray[np.int16]) -> None:
        """Add the probabilities of (n, 512) samples."""
        self._detect = self._detect or _load_silero()
        with torch.inference_mode():
            for chunk in torch.from_numpy(chunks.astype(np.float32) / 32768):
                self._probabilities.append(self._detect(chunk))


def _to_ticks(chunks: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    """Take for each of `ticks` ticks the maximum of the (C,) chunk values that overlap it."""
    if not ticks:
        return np.zeros(0, np.float32)
    start = np.arange(ticks) * TICK_SAMPLES
    first, last = start // _CHUNK_SAMPLES, (start + TICK_SAMPLES - 1) // _CHUNK_SAMPLES
    end = len(chunks) - 1
    return np.max([chunks[np.minimum(c, end)] for c in (first, first + 1, last)], axis=0)


def _load_silero() -> Callable[[torch.Tensor], float]:
    """Load a fresh Silero VAD, its state empty, as a function from chunk to probability.

    From the file in its package, which is not imported: that would set torch's thread count. The
    TorchScript form needs no further runtime. Whenever such a file is loaded, torch warns that the
    format is deprecated (2.13 with a DeprecationWarning, 2.14 with a FutureWarning), which only
    Silero can change. That one message is suppressed, whatever its category, and no other.
    """
    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise ToolError("silero-vad is not installed; install this program again")
    path = Path(package.origin).parent / "data" / "silero_vad.jit"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.load`")
        model = cast(torch.nn.Module, torch.jit.load(path, map_location="cpu")).eval()
    return lambda chunk: float(model(chunk, 16000))


def _use_one_core() -> None:
    """Let torch use one core in this thread only.

    Silero's operations are so small that sharing each among several cores multiplies their cost.
    torch stores the number of cores for the calling thread, and another one for threads that have
    not used torch yet. That is restored at once, by a thread of its own: networks that begin in
    another thread meanwhile use every core.
    """
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    restoring = threading.Thread(target=torch.set_num_threads, args=(cores,))
    restoring.start()
    restoring.join()
