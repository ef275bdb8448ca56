"""Analyses a source that has audio: when there is a voice, and how much each face speaks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np

from otio_speakerzoom import source as source_file
from otio_speakerzoom.model import (
    AudioSelection,
    FaceTrack,
    FrameRange,
    Media,
    Progress,
    Speech,
    VoiceActivity,
)
from otio_speakerzoom.speech.audio_channels import choose_microphones
from otio_speakerzoom.speech.mfcc import buffer_mfcc
from otio_speakerzoom.speech.scorer import Scorer
from otio_speakerzoom.speech.scoring import score_speech, scored_frames
from otio_speakerzoom.speech.ticks import to_source_frames
from otio_speakerzoom.speech.vad import voice_activity


def detect_voice(
    media: Media, within: FrameRange, selection: AudioSelection, on_progress: Progress
) -> VoiceActivity:
    """Return the voice activity of a source that has audio: the highest of its microphones."""
    microphones = choose_microphones(media, within, selection)
    probabilities = []
    for number, microphone in enumerate(microphones, 1):
        audio = source_file.read_audio(media, within=within, microphone=microphone)
        probabilities.append(voice_activity(audio))
        on_progress(number, len(microphones))
    at_ticks = np.max(probabilities, axis=0)
    at_frames = to_source_frames(at_ticks, 0, 0, within.duration, media.rate)
    return VoiceActivity(within.start, at_frames, microphones)


def score_source(
    media: Media,
    tracks: Sequence[FaceTrack],
    voice: VoiceActivity,
    scorer: Scorer,
    within: FrameRange,
    on_progress: Progress,
) -> Speech:
    """Return the scores of all `tracks` of a source that has audio."""
    if not tracks:
        return Speech(())
    mfcc = [
        buffer_mfcc(source_file.read_audio(media, within=within, microphone=microphone))
        for microphone in voice.microphones
    ]
    is_scored = scored_frames(tracks, media.rate, within)

    def is_needed(number: int) -> bool:
        return bool(is_scored[number - within.start])

    reader = source_file.read_frames(media, gray=True, within=within, is_needed=is_needed)
    with closing(reader) as frames:
        return score_speech(
            frames, mfcc, tracks, scorer, media.rate, within,
            voice=voice.probability, on_progress=on_progress,
        )  # fmt: skip
