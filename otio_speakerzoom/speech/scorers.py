"""Which scorers there are, which one to take, and a source scored by it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing

import torch

from otio_speakerzoom import media as source_file
from otio_speakerzoom import weights
from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import FaceTrack, FrameRange, Media, Progress, SpeechScores
from otio_speakerzoom.speech.mouth_motion import MouthMotion
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import TalkNetScorer
from otio_speakerzoom.speech.score import Scorer, cepstra_of, score_speech
from otio_speakerzoom.speech.voice import voice_activity

NETWORKS = {"talknet": TalkNetScorer, "sync-asd": SyncAsdScorer, "lr-asd": LrAsdScorer}
"""Best first; each is built from the path of its weights and a device."""

EMBEDDED = "sync-asd"
"""The one whose weights come with the project."""

log = logging.getLogger(__name__)


def find_device(wanted: str) -> str:
    """Return cuda or cpu: what was asked for, or with `auto` the better one that is there."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ToolError("--device cuda: torch sees no CUDA device here; take --device cpu or auto")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def choose_scorer(wanted: str, device: str, *, on_fetch: Callable[[str], Progress]) -> Scorer:
    """Return the scorer called `wanted`; `auto` is the best one whose weights are here.

    Says in one line which it is and why. What is asked for by name is fetched if need be; `auto`
    fetches nothing.
    """
    if wanted == "motion":
        log.info("scorer: motion (mouth motion against speech), as asked")
        return MouthMotion()
    where = find_device(device)
    if wanted == "auto":
        name = next((name for name in NETWORKS if weights.find(name)), EMBEDDED)
        log.info("scorer: %s on %s, the best that is here", name, where)
    else:
        name = wanted
        log.info("scorer: %s on %s, as asked", name, where)
    path = weights.need(name, on_progress=on_fetch(f"fetch {name}"))
    return NETWORKS[name](path, where)


def score_source(
    media: Media,
    tracks: Sequence[FaceTrack],
    scorer: Scorer,
    within: FrameRange,
    on_progress: Progress,
) -> tuple[SpeechScores, ...]:
    """Return the scores of all `tracks` of a source that has sound."""
    if not tracks:
        return ()
    cepstra = cepstra_of(source_file.sound(media, within=within))
    voice = voice_activity(source_file.sound(media, within=within)) if scorer.gated else None
    with closing(source_file.pictures(media, gray=True, within=within)) as pictures:
        return score_speech(
            pictures, cepstra, tracks, scorer, media.rate, within,
            voice=voice, on_progress=on_progress,
        )  # fmt: skip
