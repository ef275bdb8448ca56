"""The waveform of the first microphone as a min/max pyramid; read once, then stored.

A recording of two hours takes a good part of a minute to decode, so its lowest level is stored in
the work folder, as a cache that may be deleted at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Media
from otio_speakerzoom.service.pyramids import Levels, pyramid
from otio_speakerzoom.source import SPEECH_SAMPLE_RATE, read_audio
from otio_speakerzoom.store.npz import read_npy

log = logging.getLogger(__name__)

BINS_PER_FRAME = 4
"""Of level 0: 10 ms at 25 fps, so that a syllable has several when a second fills the screen."""

MAX_HEADER_BYTES = 4096
"""Of the stored file; NumPy's has 128."""

Peaks = NDArray[np.int8]
"""(bins, 2) least and greatest sample of each bin, full scale at 127."""


def load_peaks(path: Path, media: Media) -> Levels | None:
    """Return the stored pyramid; None where there is none that fits."""
    try:
        peaks = read_npy(path, 2 * BINS_PER_FRAME * media.duration + MAX_HEADER_BYTES)
    except (OSError, ValueError):
        return None
    fits = peaks.dtype == np.int8 and peaks.shape == (BINS_PER_FRAME * media.duration, 2)
    return _levels(peaks) if fits else None


def read_peaks(media: Media, is_closing: Callable[[], bool]) -> Peaks | None:
    """Return level 0 from the audio of a source; None where the service ends meanwhile."""
    bounds = _bounds(media)
    peaks = np.zeros((len(bounds) - 1, 2), np.int8)
    waiting, first, done = np.zeros(0, np.int16), 0, 0
    with closing(read_audio(media)) as blocks:
        for block in blocks:
            if is_closing():
                return None
            waiting = np.concatenate([waiting, block])
            whole = int(np.searchsorted(bounds, first + len(waiting), "right")) - 1
            done = _fill(peaks, waiting, bounds, first, done, whole)
            waiting, first = waiting[int(bounds[done]) - first :], int(bounds[done])
    return peaks


def save_peaks(path: Path, peaks: Peaks) -> None:
    """Store level 0; a folder that cannot be written only costs the time to read it again."""
    try:
        with store.atomic_write(path) as temporary, temporary.open("wb") as file:
            np.save(file, peaks, allow_pickle=False)
        for other in path.parent.glob("peaks-*.npy"):  # of the source's file as it was
            if other != path:
                other.unlink(missing_ok=True)
    except (SpeakerZoomError, OSError) as error:
        log.debug("the waveform is not stored: %s", error)


def peak_levels(peaks: Peaks) -> Levels:
    """Return the pyramid above level 0."""
    return _levels(peaks)


def _levels(peaks: Peaks) -> Levels:
    return pyramid(peaks[None, :, 0], peaks[None, :, 1])


def _bounds(media: Media) -> NDArray[np.int64]:
    """Return the first sample of each bin, and the end of the last."""
    bins = np.arange(BINS_PER_FRAME * media.duration + 1, dtype=np.int64)
    return bins * SPEECH_SAMPLE_RATE * media.rate.denominator // (
        BINS_PER_FRAME * media.rate.numerator
    )  # fmt: skip


def _fill(
    peaks: Peaks, samples: NDArray[np.int16], bounds: NDArray[np.int64], first: int, begin: int,
    end: int,
) -> int:  # fmt: skip
    """Fill the bins from `begin` to `end` from samples that start at sample `first`."""
    if end <= begin:
        return begin
    at = bounds[begin:end] - first
    part = samples[: int(bounds[end]) - first]
    peaks[begin:end, 0] = np.minimum.reduceat(part, at) >> 8
    peaks[begin:end, 1] = np.maximum.reduceat(part, at) >> 8
    return end
