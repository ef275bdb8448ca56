"""Which scorers there are, which one to take, and a source scored by it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
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
from otio_speakerzoom.speech.av_sync import AvSyncEstimator
from otio_speakerzoom.speech.features import to_source_frames
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.speech.networks.light_asd import LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import TalkNetScorer
from otio_speakerzoom.speech.scoring import Scorer, cepstra_of, score_speech
from otio_speakerzoom.speech.vad import voice_activity
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.device import find_device
from otio_speakerzoom.weights.names import AUTO, BUNDLED_SCORER, MOTION_SCORER

NETWORKS = {
    "talknet": TalkNetScorer,
    "sync-asd": SyncAsdScorer,
    "lr-asd": LrAsdScorer,
    "light-asd": LightAsdScorer,
}
"""Best first; each is built from the path of its weights and a device."""

log = logging.getLogger(__name__)


def choose_scorer(wanted: str, device: str, *, on_fetch: Callable[[str], Progress]) -> Scorer:
    """Return the scorer called `wanted`; `auto` is the best one whose weights are here.

    Says in one line which it is and why. What is asked for by name is fetched if need be; `auto`
    fetches nothing.
    """
    if wanted == MOTION_SCORER:
        log.info("scorer: motion (mouth motion against speech), as asked")
        return MouthMotion()
    where = find_device(device)
    if wanted == AUTO:
        name = next((name for name in NETWORKS if fetch.find(name)), BUNDLED_SCORER)
        log.info("scorer: %s on %s, the best that is installed", name, where)
    else:
        name = wanted
        log.info("scorer: %s on %s, as asked", name, where)
    path = fetch.need(name, on_progress=on_fetch(f"fetch {name}"))
    return NETWORKS[name](path, where)


def prepare_scorer(wanted: str, device: str, *, on_fetch: Callable[[str], Progress]) -> None:
    """Find what `choose_scorer` will need, fetched if need be; raise in one line what is not there.

    For before the first frame: finding faces takes long, and only then is a scorer built.
    """
    if wanted == AUTO:
        find_device(device)
        next((name for name in NETWORKS if fetch.find(name)), None)
    elif wanted != MOTION_SCORER:
        find_device(device)
        fetch.need(wanted, on_progress=on_fetch(f"fetch {wanted}"))


def hear_source(
    media: Media, within: FrameRange, wanted: AudioSelection, on_progress: Progress
) -> VoiceActivity:
    """Return when anybody is heard in a source that has sound, by any of its microphones."""
    microphones = choose_microphones(media, within, wanted)
    heard = []
    for number, microphone in enumerate(microphones, 1):
        sound = source_file.read_audio(media, within=within, microphone=microphone)
        heard.append(voice_activity(sound))
        on_progress(number, len(microphones))
    on_frames = to_source_frames(np.max(heard, axis=0), 0, 0, within.duration, media.rate)
    return VoiceActivity(within.start, on_frames, microphones)


def score_source(
    media: Media,
    tracks: Sequence[FaceTrack],
    voice: VoiceActivity,
    scorer: Scorer,
    within: FrameRange,
    on_progress: Progress,
) -> Speech:
    """Return the scores of all `tracks` of a source that has sound."""
    if not tracks:
        return Speech(())
    cepstra = [
        cepstra_of(source_file.read_audio(media, within=within, microphone=microphone))
        for microphone in voice.microphones
    ]
    meter = AvSyncEstimator()
    with closing(source_file.read_frames(media, gray=True, within=within)) as pictures:
        scores = score_speech(
            pictures, cepstra, tracks, scorer, media.rate, within,
            voice=voice.probability, meter=meter, on_progress=on_progress,
        )  # fmt: skip
    return Speech(scores, meter.late())
