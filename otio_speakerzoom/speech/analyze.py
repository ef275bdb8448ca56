"""Analyses a source that has audio: when there is a voice, and how much each face speaks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

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
from otio_speakerzoom.speech.audio_analysis import analyze_audio, compute_mfcc_of
from otio_speakerzoom.speech.batches import BatchLog
from otio_speakerzoom.speech.row_buffer import FileSource, temporary_file
from otio_speakerzoom.speech.scorer import Scorer
from otio_speakerzoom.speech.scoring import score_speech, scored_frames


def detect_voice(
    media: Media, within: FrameRange, selection: AudioSelection, on_progress: Progress
) -> VoiceActivity:
    """Return the voice activity of a source that has audio: the highest of its microphones."""
    analysis = analyze_audio(media, within, selection, with_mfcc=False, on_progress=on_progress)
    return analysis.voice


def score_source(
    media: Media,
    tracks: Sequence[FaceTrack],
    voice: VoiceActivity,
    scorer: Scorer,
    within: FrameRange,
    on_progress: Progress,
    batches: BatchLog | None = None,
    new_file: FileSource = temporary_file,
) -> Speech:
    """Return the scores of all `tracks` of a source that has audio.

    What an earlier run with the same arguments has left in `batches` is not encoded again. What
    does not fit in memory goes to a `new_file`.
    """
    if not tracks:
        return Speech(())
    mfcc = compute_mfcc_of(media, within, voice.microphones, new_file)
    is_scored = scored_frames(tracks, media.rate, within)
    resume_frame = None if batches is None else batches.resume_frame
    start = within.start if resume_frame is None else min(resume_frame, within.end - 1)

    def is_needed(number: int) -> bool:
        return bool(is_scored[number - within.start])

    remaining = FrameRange(start, within.end)
    reader = source_file.read_frames(media, gray=True, within=remaining, is_needed=is_needed)
    with closing(reader) as frames:
        return score_speech(
            frames, mfcc, tracks, scorer, media.rate, within,
            voice=voice.probability, batches=batches, new_file=new_file, on_progress=on_progress,
        )  # fmt: skip
