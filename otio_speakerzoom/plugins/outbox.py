"""Timelines that the script in an editor exported, to be read back."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.plugins.mailbox import OUTBOX, mailbox_folder
from otio_speakerzoom.plugins.messages import Message, messages

log = logging.getLogger(__name__)


def last_export(source: Path, folder: Path | None = None) -> Path:
    """Return the timeline of the recording `source` that the script exported last.

    SpeakerZoomError if there is none, or if the last one shows another recording.
    """
    mailbox = folder or mailbox_folder()
    exports = [message for message in messages(mailbox) if message.kind == "timeline"]
    last = max(exports, key=lambda message: message.time, default=None)
    path = Path(last.get("path")) if last else None
    if last is None or path is None or not path.is_file() or not _is_inside(path, mailbox / OUTBOX):
        raise SpeakerZoomError(
            f"{source}: Resolve exported no timeline; open ours there, choose Workspace > Scripts "
            "> SpeakerZoom, and import again"
        )
    if not _shows(last, source):
        raise SpeakerZoomError(
            f"{path}: shows {last.get('media')}, not {source}; open the timeline of this recording "
            "in Resolve and export it, or import the file by its name"
        )
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last.time))
    log.info("%s: the timeline %s, exported %s", path, last.get("name"), when)
    return path


def _is_inside(path: Path, folder: Path) -> bool:
    return folder.resolve() in path.resolve().parents


def _shows(message: Message, source: Path) -> bool:
    """Whether an export shows a recording; also if Resolve did not say which."""
    media = message.get("media")
    with suppress(OSError):
        return not media or source.samefile(media)
    return False
