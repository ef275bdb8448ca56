"""One quick attempt to download a small file over https; a failed one is noted for a day.

For what would be better to have, but is not needed: without a network nobody waits for it longer
than `TIMEOUT_S`, and not at every run. What was asked for by name is downloaded by `fetch`, which
waits longer and knows nothing of the note, except that a success removes it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path

from otio_speakerzoom.errors import SpeakerZoomError, WeightsError
from otio_speakerzoom.store import atomic
from otio_speakerzoom.store.bounded import read_bytes
from otio_speakerzoom.store.json_values import parse_json
from otio_speakerzoom.weights import fetch, wheels
from otio_speakerzoom.weights.catalogue import entry

TIMEOUT_S = 6
"""Of the whole attempt, with the look-up of the host's name: 3.4 MB at 5 Mbit/s."""
RETRY_S = 24 * 3600
"""After a failed attempt there is none for a day."""
_CHUNK_BYTES = 1 << 16

log = logging.getLogger(__name__)


def try_download(name: str, why: str, *, path: Path | None = None) -> Path | None:
    """Try to download the weights called `name` into the cache; None if that fails or may not be.

    It may not if the user forbids downloads, if the cache cannot be written, or if it failed within
    a day. One line is logged before, with `why`, and one if it fails. `path` is as in
    `read_catalogue`.
    """
    weights, cache = entry(name, path), fetch.cache_folder()
    source = next((source for source in weights.sources if source.startswith("https://")), "")
    if fetch.is_offline() or failure(name) or not source or not weights.size:
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        fetch.failure_file(name).touch()  # a cache that cannot be written fails before the download
    except OSError as error:
        log.info("%s is not fetched: %s cannot be written (%s)", name, cache, fetch.reason(error))
        return None
    megabytes = f"{weights.size / 1e6:.1f} MB"
    log.info("fetching %s (%s, %s): %s; --offline forbids it", name, megabytes, source, why)
    try:
        file = fetch.add_to_cache(name, _read(source, weights.size), path=path)
    except fetch.FAILURES as error:
        _note_failure(name, fetch.reason(error))
        return None
    with suppress(OSError):
        fetch.failure_file(name).unlink(missing_ok=True)
    return file


def failure(name: str) -> str:
    """Return why the last quick attempt failed, if that was within a day; else ""."""
    try:
        note = parse_json(read_bytes(fetch.failure_file(name)))
        age, reason = time.time() - float(note["time"]), str(note["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return reason if 0 <= age < RETRY_S else ""


def _note_failure(name: str, reason: str) -> None:
    log.info(
        "%s could not be fetched (%s): no other attempt for a day; `speakerzoom weights fetch %s` "
        "gets it", name, reason, name,
    )  # fmt: skip
    with suppress(SpeakerZoomError):
        note = json.dumps({"time": int(time.time()), "reason": reason})
        atomic.write_text(fetch.failure_file(name), note + "\n")


def _read(address: str, size: int) -> bytes:
    """Return the `size` bytes at an https address; WeightsError after `TIMEOUT_S`.

    In a thread, because nothing else limits how long the look-up of a name takes.
    """
    results: list[bytes | Exception] = []
    abandoned = threading.Event()

    def read() -> None:
        try:
            results.append(_download(address, size, abandoned))
        except Exception as error:  # raised again below, in the thread that waits
            results.append(error)

    thread = threading.Thread(target=read, name="quick fetch", daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    abandoned.set()
    if not results:
        raise WeightsError(f"it took longer than {TIMEOUT_S:g} s")
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def _download(address: str, size: int, abandoned: threading.Event) -> bytes:
    with wheels.open_address(address, timeout_s=TIMEOUT_S) as response:
        if not response.url.startswith("https://"):
            raise WeightsError(f"it leads to {response.url}, which is not https")
        content = bytearray()
        while not abandoned.is_set() and len(content) <= size:
            chunk = response.read(_CHUNK_BYTES)
            if not chunk:
                break
            content += chunk
        return bytes(content)
