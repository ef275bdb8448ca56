"""MFCC at 100 Hz, with the numbers of python_speech_features 0.6, for audio of any length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from otio_speakerzoom.speech.row_buffer import FileSource, RowBuffer, temporary_file
from otio_speakerzoom.speech.ticks import SAMPLE_RATE

# The settings that TalkNet calls python_speech_features 0.6 with; the rest are its defaults.
ROW_SAMPLES = 400  # 25 ms
STEP_SAMPLES = 160  # 10 ms
FFT_SIZE = 512
MEL_FILTERS = 26
COEFFICIENTS = 13
PRE_EMPHASIS = 0.97
LIFTER = 22
BLOCK_ROWS = 6000  # 60 s of audio: about 60 MB of spectra at a time, however long the file

ROWS_PER_TICK = 4
"""Tick k has rows 4k up to 4k + 4."""


def compute_mfcc(pcm: NDArray[np.int16], *, block_rows: int = BLOCK_ROWS) -> NDArray[np.float64]:
    """Return the (n, 13) MFCC of `pcm`, (samples,) mono at 16 kHz, one row per 10 ms.

    The numbers of python_speech_features 0.6: samples as integers (scaled to 1 they would shift
    coefficient 0 by 20.8, and no network was trained on that), no window function, the logarithm of
    the row's energy as coefficient 0. The last row is padded with zeros; empty audio is one row of
    silence. Rows are computed `block_rows` at a time, which only changes the memory needed.
    """
    rows = 1 + max(0, -(-(len(pcm) - ROW_SAMPLES) // STEP_SAMPLES))
    filters = mel_filters()
    mfcc = np.empty((rows, COEFFICIENTS))
    for first in range(0, rows, block_rows):
        last = min(first + block_rows, rows)
        mfcc[first:last] = _cepstra(_windows(pcm, first, last), filters)
    return mfcc


def _windows(pcm: NDArray[np.int16], first: int, last: int) -> NDArray[np.float64]:
    """(last - first, 400) pre-emphasised samples of rows `first` up to `last`."""
    start = first * STEP_SAMPLES
    need = (last - first - 1) * STEP_SAMPLES + ROW_SAMPLES
    # One sample more at the start, because pre-emphasis needs the sample before; at first it is 0.
    samples = pcm[max(start - 1, 0) : start + need].astype(np.float64)
    if start == 0:
        samples = np.concatenate([np.zeros(1), samples])
    emphasised = samples[1:] - PRE_EMPHASIS * samples[:-1]
    # Padding comes after pre-emphasis, or the last sample would echo into the zeros.
    emphasised = np.pad(emphasised, (0, need - len(emphasised)))
    return np.lib.stride_tricks.sliding_window_view(emphasised, ROW_SAMPLES)[::STEP_SAMPLES]


def _cepstra(windows: NDArray[np.float64], filters: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 13) liftered cepstra of (n, 400) samples."""
    tiny = np.finfo(np.float64).eps  # replaces a zero before its logarithm is taken
    power = np.abs(np.fft.rfft(windows, FFT_SIZE)) ** 2 / FFT_SIZE  # (n, 257)
    energy = power.sum(axis=1)  # (n,)
    bands = power @ filters  # (n, 26)
    logs = np.log(np.where(bands == 0, tiny, bands))
    order = np.arange(COEFFICIENTS)
    cepstra = np.asarray(dct(logs, type=2, axis=1, norm="ortho"))[:, :COEFFICIENTS]
    cepstra = cepstra * (1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER))
    cepstra[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return cepstra


def mel_filters() -> NDArray[np.float64]:
    """(257, 26) triangles, evenly spaced in mel (2595 log10(1 + f / 700)), each 1 at its peak."""
    mels = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), MEL_FILTERS + 2)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    corners = np.floor((FFT_SIZE + 1) * hertz / SAMPLE_RATE)
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(FFT_SIZE // 2 + 1)[:, None]
    return np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak)).clip(min=0)


def mfcc_at_ticks(
    mfcc: NDArray[np.float64] | NDArray[np.float32], ticks: int, *, start: int = 0
) -> NDArray[np.float32]:
    """Return the (4 * ticks, 13) rows of `ticks` ticks from tick `start` on.

    `mfcc` are the rows of the whole file: slicing them gives each track its last row, which audio
    cut to the track's length would lack (T ticks give 4T - 1 rows), so no last score is lost.
    Beyond either end the outermost row is repeated. That is for the one row missing at the end of
    the file; audio that is much shorter than the video should be padded with zeros before.
    """
    rows = np.arange(ROWS_PER_TICK * start, ROWS_PER_TICK * (start + ticks))
    return mfcc[rows.clip(0, len(mfcc) - 1)].astype(np.float32)


class MfccStream:
    """Computes the MFCC of audio that comes in blocks of any length, the same as of it as a whole.

    A row needs 400 samples from the start of its 160, and the one before, so each block is joined
    with the samples of unfinished rows.
    """

    def __init__(self, new_file: FileSource = temporary_file) -> None:
        self.rows = RowBuffer(COEFFICIENTS, new_file)
        """(n, 13), as far as they are final."""
        self._rest = np.empty(0, np.int16)
        self._lead = 0
        """How many of the first rows of `_rest` are finished already."""

    def push(self, pcm: NDArray[np.int16]) -> None:
        """Add (n,) samples, mono at 16 kHz."""
        rest = np.concatenate([self._rest, pcm])
        ready = (len(rest) - ROW_SAMPLES) // STEP_SAMPLES  # rows that have all their samples
        if ready > self._lead:
            self._add(rest[: (ready - 1) * STEP_SAMPLES + ROW_SAMPLES])
            # one finished row stays: pre-emphasis of the next row needs its samples
            rest, self._lead = rest[(ready - 1) * STEP_SAMPLES :], 1
        self._rest = rest

    def finish(self) -> None:
        """Add the last rows, padded with zeros."""
        if len(self._rest):
            self._add(self._rest)

    def _add(self, pcm: NDArray[np.int16]) -> None:
        self.rows.add(compute_mfcc(pcm)[self._lead :].astype(np.float32))


def read_mfcc(buffer: RowBuffer, start: int, ticks: int) -> NDArray[np.float32]:
    """Return the (4 * ticks, 13) MFCC rows of a buffer from tick `start` on."""
    rows = buffer.read(ROWS_PER_TICK * start, ROWS_PER_TICK * (start + ticks))
    return mfcc_at_ticks(rows, ticks)
