"""The waveform of an open source, read in a thread when the source is opened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from otio_speakerzoom import store
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Media
from otio_speakerzoom.service.peaks import load_peaks, peak_levels, read_peaks, save_peaks
from otio_speakerzoom.service.pyramids import Levels

log = logging.getLogger(__name__)


class Waveform:
    """The pyramid of a source's audio, once it is there."""

    def __init__(
        self, media: Media, folder: Path, is_closing: Callable[[], bool],
        on_ready: Callable[[], None],
    ) -> None:  # fmt: skip
        self.levels: Levels | None = None
        """None while it is read."""
        self.fault = ""
        """Why it cannot be read, in one line."""
        self._media, self._folder = media, folder
        self._is_closing, self._on_ready = is_closing, on_ready
        if media.first_audio is None:
            self.fault = "the source has no audio"
        else:
            threading.Thread(target=self._read, name="waveform", daemon=True).start()

    def _read(self) -> None:
        try:
            path = self._folder / f"peaks-{store.source_digest(self._media.path)[:8]}.npy"
            self.levels = load_peaks(path, self._media)
            if self.levels is None:
                lowest = read_peaks(self._media, self._is_closing)
                if lowest is None:
                    return
                self.levels = peak_levels(lowest)
                if self._folder.is_dir():  # only where there is a work folder already
                    save_peaks(path, lowest)
        except SpeakerZoomError as error:
            self.fault = str(error)
            log.warning("%s", error)
            return
        self._on_ready()
