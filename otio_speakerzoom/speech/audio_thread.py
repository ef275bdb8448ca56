"""Analyses the audio of a source in a thread of its own, beside the decoding of its video."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Progress, VoiceActivity, no_progress
from otio_speakerzoom.speech.audio_analysis import AudioPasses
from otio_speakerzoom.speech.mfcc import ROWS_PER_TICK, read_mfcc


class AudioCancelledError(Exception):
    """The thread was cancelled while somebody waited for a result of it."""


class AudioThread:
    """Runs `AudioPasses`; other threads get the results as soon as they are final.

    A context manager: leaving it cancels what is not done yet, within a fraction of a second.
    """

    def __init__(
        self,
        passes: AudioPasses,
        *,
        on_voice: Callable[[VoiceActivity], None] = lambda voice: None,
        on_progress: Progress = no_progress,
    ) -> None:
        """`on_voice` gets the voice activity, and both are called, in the thread."""
        self._passes, self._on_voice, self._on_progress = passes, on_voice, on_progress
        self._changed = threading.Condition()
        """Notified after every block of audio."""
        self._is_cancelled = False
        self._error: BaseException | None = None
        self._voice: VoiceActivity | None = None
        """Known when all is done."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="audio")

    def voice(self) -> VoiceActivity:
        """Return the voice activity as soon as it is known.

        Raises the error of the thread if it fails, and `AudioCancelledError` if it is cancelled.
        """
        self._wait(lambda: False)
        assert self._voice is not None
        return self._voice

    def read_mfcc(self, start: int, ticks: int) -> NDArray[np.float32]:
        """Return the (M, 4 * ticks, 13) MFCC rows of M microphones from tick `start` on.

        Waits until it is known which microphones these are and their rows are computed; raises what
        `voice` does.
        """
        end = ROWS_PER_TICK * (start + ticks)
        self._wait(lambda: self._passes.has_mfcc(end))
        return np.stack([read_mfcc(rows, start, ticks) for rows in self._passes.mfcc])

    def cancel(self) -> None:
        """End the thread soon; whoever waits for a result gets `AudioCancelledError`.

        To be called before a thread is joined that may wait here.
        """
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._thread.join()

    def _wait(self, is_ready: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._voice or self._error or self._is_cancelled or is_ready()
            )
            if self._error is not None:
                raise self._error
            if self._voice is None and self._is_cancelled:
                raise AudioCancelledError

    def _run(self) -> None:
        try:
            voice = self._analyze()
            if voice is not None:
                self._on_voice(voice)
        except BaseException as error:  # of any kind, for those who wait
            with self._changed:
                self._error = error
                self._changed.notify_all()
            return
        with self._changed:
            self._voice = voice
            self._changed.notify_all()

    def _analyze(self) -> VoiceActivity | None:
        """Return the voice activity; None if cancelled."""
        with closing(self._passes.run()) as blocks:
            for frames in blocks:
                self._on_progress(frames, self._passes.within.duration)
                with self._changed:
                    self._changed.notify_all()
                    if self._is_cancelled:
                        return None
        return self._passes.voice()
