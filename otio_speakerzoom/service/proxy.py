"""A film of the source that every browser plays, where it does not play the source itself.

It has every frame of the grid at the constant rate, so frame n is the source's frame n, whatever
the codec or the timestamps of the source are. A keyframe comes every few frames, so that seeking to
any frame is quick.
"""

from __future__ import annotations

from pathlib import Path

import av

from otio_speakerzoom import store
from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import Box, CutList, Media, Progress, Shot
from otio_speakerzoom.render.encoders import ENCODERS, GET_X264
from otio_speakerzoom.render.film import render_film

MAX_SIDES = (1920, 1080)
"""Of a proxy in pixels, the longer and the shorter: every browser decodes that in real time."""
KEYFRAME_EVERY = 12
"""Frames: half a second at 25 fps, which a browser decodes within a few screen refreshes."""
ENCODER = "x264"
"""Browsers play H.264."""
PREFIX = "proxy-"
"""Of the name; then comes the digest of the source's file."""


def proxy_path(folder: Path, source: Path) -> Path:
    """Return where the proxy of a source lies in its work folder; it may not exist yet."""
    return folder / f"{PREFIX}{store.source_digest(source)[:8]}.mp4"


def make_proxy(media: Media, path: Path, on_progress: Progress) -> None:
    """Write the proxy of a source, whole or not at all; remove those of the file as it was.

    ToolError where this libav has no encoder for it.
    """
    if ENCODERS[ENCODER].codec not in av.codecs_available:
        raise ToolError(
            f"{media.path}: browsers play H.264, for which the installed PyAV has no libx264; "
            f"{GET_X264}"
        )
    whole = Box(0.0, 0.0, float(media.size[0]), float(media.size[1]))
    render_film(
        CutList(media, proxy_size(media.size), (Shot(media.range, (), whole),)), path,
        encoder=ENCODER, draft=True, keyframe_every=KEYFRAME_EVERY, on_progress=on_progress,
    )  # fmt: skip
    for other in path.parent.glob(f"{PREFIX}*.mp4"):
        if other != path:
            other.unlink(missing_ok=True)


def proxy_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the proxy for a source of that size: even, and no larger than 1080p."""
    longer, shorter = MAX_SIDES if size[0] >= size[1] else MAX_SIDES[::-1]
    scale = min(1.0, longer / size[0], shorter / size[1])
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height
