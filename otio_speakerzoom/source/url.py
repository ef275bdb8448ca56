"""URLs with which libav opens local files, and nothing else."""

from __future__ import annotations

from pathlib import Path

LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}
"""libav option for inputs: whatever they reference must be in files, not on a network."""


def input_url(path: Path) -> str:
    """Return a URL for the file at `path`.

    libav could take a bare file name for a pipe (-) or another protocol (http:x.mp4, concat:a.mp4).
    """
    return f"file:{path.absolute()}"
