"""How files are named to libav, so that it opens them and nothing else."""

from __future__ import annotations

from pathlib import Path

LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}
"""Option of libav for an input: what it refers to may lie in files, not on a network."""


def input_url(path: Path) -> str:
    """Return what names the file at `path`, and nothing else, to libav.

    To it a bare name may be a pipe (-), or an address (http:x.mp4, concat:a.mp4).
    """
    return f"file:{path.absolute()}"
