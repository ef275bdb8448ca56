"""Chooses a scorer by name, or the best one that can be had, and loads it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from otio_speakerzoom.model import Progress
from otio_speakerzoom.speech.mouth_motion.scorer import MouthMotion
from otio_speakerzoom.speech.networks.light_asd import LightAsdScorer
from otio_speakerzoom.speech.networks.lr_asd import LrAsdScorer
from otio_speakerzoom.speech.networks.sync_asd import SyncAsdScorer
from otio_speakerzoom.speech.networks.talknet import TalkNetScorer
from otio_speakerzoom.speech.scorer import Scorer
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.best_scorer import best_scorer, get_best_scorer
from otio_speakerzoom.weights.device import find_device
from otio_speakerzoom.weights.names import AUTO, MOTION_SCORER

NETWORKS = {
    "talknet": TalkNetScorer,
    "lr-asd": LrAsdScorer,
    "sync-asd": SyncAsdScorer,
    "light-asd": LightAsdScorer,
}
"""Best first; each is created from the path of its weights and a device."""

log = logging.getLogger(__name__)


def choose_scorer(
    name: str,
    device: str,
    *,
    on_fetch: Callable[[str], Progress],
    reason: str = "as requested",
) -> Scorer:
    """Return the scorer called `name`; for `auto`, the best one whose weights are installed.

    Logs in one line which one it is, and the reason. The weights of a scorer that is requested by
    name are downloaded if necessary; `auto` downloads nothing here, only in `prepare_scorer`.
    """
    if name == MOTION_SCORER:
        log.info("scorer: motion (mouth motion against speech), as requested")
        return MouthMotion()
    found_device = find_device(device)
    if name == AUTO:
        name = best_scorer()
        log.info("scorer: %s on %s, the best that is installed", name, found_device)
    else:
        log.info("scorer: %s on %s, %s", name, found_device, reason)
    path = fetch.need(name, on_progress=on_fetch(f"fetch {name}"))
    return NETWORKS[name](path, found_device)


def prepare_scorer(name: str, device: str, *, on_fetch: Callable[[str], Progress]) -> None:
    """Check what `choose_scorer` needs, and download it; raise in one line if it is missing.

    `auto` makes a quick attempt to get a better scorer than ours. Called before the first frame:
    detecting faces takes long, and only then is a scorer loaded.
    """
    if name == AUTO:
        find_device(device)
        get_best_scorer()
    elif name != MOTION_SCORER:
        find_device(device)
        fetch.need(name, on_progress=on_fetch(f"fetch {name}"))
