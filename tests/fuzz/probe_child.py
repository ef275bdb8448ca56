"""Opens the recordings whose paths come in, one a line, and prints in JSON what came of each.

In a process of its own: a library in C that meets damaged media may end it.
"""

import json
import sys
import warnings
from pathlib import Path

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.source.probe import probe

MAX_MEMORY = 1 << 30
"""Bytes beyond what is mapped when the process starts."""


def outcome(path):
    """Return `accepted`, `refused` or what is wrong with the outcome."""
    try:
        media = probe(path)
    except MediaError as error:
        line = str(error)
        if len(line.splitlines()) != 1 or path.name not in line or len(line) > 2000:
            return f"the message is not one line that names the file: {line!r:.300}"
        return "refused"
    except Exception as error:
        import traceback

        return f"{type(error).__name__}: {str(error)[:200]}\n{traceback.format_exc(limit=-4)}"
    if not (media.rate > 0 and media.duration >= 1 and min(media.size) >= 1 and media.start >= 0):
        return f"the facts cannot be: {media!r:.400}"
    if any(len(line.splitlines()) != 1 for line in media.warnings):
        return f"a warning of several lines: {media.warnings!r:.300}"
    return "accepted"


def main():
    warnings.simplefilter("error")
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        import resource

        limit = pages * resource.getpagesize() + MAX_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for line in sys.stdin:
        print(json.dumps(outcome(Path(json.loads(line)))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
