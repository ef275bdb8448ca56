"""Analyses the audio of a source: its microphones, when there is a voice, and the MFCC.

The file is decoded once if the microphones are known before, and usually also if they are not: the
levels of all channels are measured in the same pass as the voice activity and the MFCC of the mix
of the first stream, which is what most sources are analyzed with. Where the levels say otherwise, a
second pass follows.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.model import (
    AudioSelection,
    FrameRange,
    Media,
    Microphone,
    Progress,
    VoiceActivity,
    no_progress,
)
from otio_speakerzoom.speech.audio_channels import (
    LevelMeter,
    candidates,
    certain_microphones,
    choose_microphones,
    independent_channels,
)
from otio_speakerzoom.speech.mfcc import MfccStream
from otio_speakerzoom.speech.row_buffer import FileSource, RowBuffer, temporary_file
from otio_speakerzoom.speech.ticks import to_source_frames
from otio_speakerzoom.speech.vad import VoiceThread

FIRST_CHECK_S = 60
"""After this, and after twice, four times as much, the levels so far are looked at: if there seem
to be several microphones, the mix is not analyzed any further. It seldom is needed then."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioAnalysis:
    """The voice activity of a source, and the MFCC of the microphones that it was detected with."""

    voice: VoiceActivity
    mfcc: tuple[RowBuffer, ...]
    """(n, 13) rows at 100 Hz for each microphone, from the start of the range on; see `read_mfcc`.
    None of them if they were not asked for."""


def analyze_audio(
    media: Media,
    within: FrameRange,
    selection: AudioSelection,
    *,
    with_mfcc: bool = True,
    on_progress: Progress = no_progress,
) -> AudioAnalysis:
    """Return the voice activity and the MFCC of a source that has audio."""
    passes = AudioPasses(media, within, selection, with_mfcc=with_mfcc)
    with closing(passes.run()) as blocks:
        for frames in blocks:
            on_progress(frames, within.duration)
    return AudioAnalysis(passes.voice(), passes.mfcc)


def compute_mfcc_of(
    media: Media,
    within: FrameRange,
    microphones: Sequence[Microphone],
    new_file: FileSource = temporary_file,
) -> tuple[RowBuffer, ...]:
    """Return the (n, 13) MFCC rows in `within` of each microphone, all decoded in one pass.

    Those of a long range go to a `new_file`.
    """
    streams = [MfccStream(new_file) for _ in microphones]
    with closing(source_file.read_microphones(media, microphones, within=within)) as blocks:
        for number, block in blocks:
            streams[number].push(block)
    for stream in streams:
        stream.finish()
    return tuple(stream.rows for stream in streams)


class AudioPasses:
    """The passes over a source's audio that it takes to analyze it."""

    def __init__(
        self,
        media: Media,
        within: FrameRange,
        selection: AudioSelection,
        *,
        voice: VoiceActivity | None = None,
        with_mfcc: bool = True,
        new_file: FileSource = temporary_file,
    ) -> None:
        """With `voice`, of an earlier run, only the MFCC of its microphones are computed.

        Those of a long range go to a `new_file`.
        """
        self.within = within
        self._new_file = new_file
        self._media, self._selection = media, selection
        self._cached_voice, self._with_mfcc = voice, with_mfcc
        self._microphones = voice.microphones if voice else certain_microphones(media, selection)
        """The microphones to analyze; empty while that depends on the levels."""
        self._probable = Microphone(candidates(media, selection)[0].stream)
        """The microphone to analyze unless the levels say otherwise."""
        self._analyses = self._new_analyses(self._microphones or (self._probable,))

    @property
    def mfcc(self) -> tuple[RowBuffer, ...]:
        """The MFCC rows of each microphone, as far as they are computed."""
        return tuple(analysis.mfcc.rows for analysis in self._analyses if analysis.mfcc)

    def has_mfcc(self, end: int) -> bool:
        """Whether all rows before row `end` are computed, of microphones that are final."""
        return bool(self._microphones) and all(len(rows) >= end for rows in self.mfcc)

    def run(self) -> Generator[int, None, None]:
        """Analyze the audio; yield the frames done so far. To be closed if it is left early."""
        if not self._microphones:
            channels = candidates(self._media, self._selection)
            meters = {channel: LevelMeter() for channel in channels}
            check_at = FIRST_CHECK_S * self._media.rate
            for frames in self._read([self._probable], meters):
                yield frames
                if frames >= check_at and len(independent_channels(_levels(meters))) > 1:
                    self._analyses[0].stop()
                check_at *= 2 if frames >= check_at else 1
            microphones = choose_microphones(channels, _levels(meters))
            if microphones == (self._probable,) and not self._analyses[0].is_stopped:
                self._microphones = microphones
                return
            self._analyses = self._new_analyses(microphones)
            self._microphones = microphones
        yield from self._read(self._microphones, {})

    def voice(self) -> VoiceActivity:
        """Return the voice activity, the highest of all microphones, after `run`."""
        if self._cached_voice:
            return self._cached_voice
        at_ticks = np.max([analysis.voice for analysis in self._analyses], axis=0)
        rate, duration = self._media.rate, self.within.duration
        at_frames = to_source_frames(at_ticks, 0, 0, duration, rate)
        return VoiceActivity(self.within.start, at_frames, self._microphones)

    def _new_analyses(self, microphones: Sequence[Microphone]) -> tuple[_MicrophoneAnalysis, ...]:
        with_voice = self._cached_voice is None
        return tuple(
            _MicrophoneAnalysis(with_voice, self._with_mfcc, self._new_file) for _ in microphones
        )

    def _read(
        self, microphones: Sequence[Microphone], meters: Mapping[Microphone, LevelMeter]
    ) -> Generator[int, None, None]:
        """Analyze `microphones` and measure the channels; yield the frames done so far of all."""
        consumers = [*self._analyses, *meters.values()]
        samples = [0] * len(consumers)
        reader = source_file.read_microphones(
            self._media, [*microphones, *meters], within=self.within
        )
        with ExitStack() as stack:
            for analysis in self._analyses:
                stack.enter_context(closing(analysis))
            for number, block in stack.enter_context(closing(reader)):
                consumers[number].push(block)
                samples[number] += len(block)
                yield int(min(samples) * self._media.rate // source_file.SPEECH_SAMPLE_RATE)
            for analysis in self._analyses:
                analysis.finish()


def _levels(meters: Mapping[Microphone, LevelMeter]) -> NDArray[np.float32]:
    """Return the (C, ticks) levels of C channels, as far as all of them are measured."""
    levels = [meter.levels() for meter in meters.values()]
    ticks = min(len(level) for level in levels)
    return np.stack([level[:ticks] for level in levels])


class _MicrophoneAnalysis:
    """The voice detector and the MFCC of one microphone, as far as they are asked for."""

    def __init__(self, with_voice: bool, with_mfcc: bool, new_file: FileSource) -> None:
        self._detector = VoiceThread() if with_voice else None
        self.mfcc = MfccStream(new_file) if with_mfcc else None
        self.voice = np.empty(0, np.float32)
        """(ticks,) once all audio is pushed."""
        self.is_stopped = False

    def stop(self) -> None:
        """Ignore all further audio."""
        self.is_stopped = True

    def push(self, pcm: NDArray[np.int16]) -> None:
        if self.is_stopped:
            return
        if self.mfcc:
            self.mfcc.push(pcm)
        if self._detector:
            self._detector.push(pcm)

    def finish(self) -> None:
        if self.mfcc:
            self.mfcc.finish()
        if self._detector:
            self.voice = self._detector.finish()

    def close(self) -> None:
        if self._detector:
            self._detector.close()
