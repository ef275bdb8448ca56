"""Opens what the script inside Resolve hands over, while the service runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.plugins.messages import Message, hand_over

log = logging.getLogger(__name__)

POLL_S = 2.0
"""Between two looks at what Resolve wrote: a user who has left Resolve's menu waits a second."""


def watch_resolve(show: Callable[[Job], None], is_ending: Callable[[], bool]) -> threading.Thread:
    """Call `show` for each recording that is handed over from now on; return the thread.

    It ends within `POLL_S` of `is_ending`.
    """
    thread = threading.Thread(target=_watch, args=(show, is_ending, time.time()), daemon=True)
    thread.start()
    return thread


def _watch(show: Callable[[Job], None], is_ending: Callable[[], bool], since: float) -> None:
    while not is_ending():
        message = hand_over(since)
        if message:
            since = message.time
            take(message, show)
        time.sleep(POLL_S)


def take(message: Message, show: Callable[[Job], None]) -> None:
    """Open the recordings of a message, or say what else it is; a fault concerns one of them."""
    if message.kind == "timeline":
        log.info(
            "Resolve exported %s; `speakerzoom import %s --from resolve` reads it",
            message.text("path"), message.text("media"),
        )  # fmt: skip
    elif message.kind == "nothing":
        log.warning("Resolve has nothing to hand over: %s", message.text("reason"))
    for path in message.all("path") if message.kind == "clips" else ():
        try:
            show(Job(Path(path)))
        except (SpeakerZoomError, OSError) as error:
            log.warning("%s", error)
