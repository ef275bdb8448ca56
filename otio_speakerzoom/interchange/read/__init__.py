"""Reads edited timelines: one format a file, each from text to one `EditedTimeline`."""

from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    TransformKey,
)
from otio_speakerzoom.interchange.read.open import DIALECTS, read_timeline, text_of

__all__ = [
    "DIALECTS",
    "EditedClip",
    "EditedTimeline",
    "MediaHints",
    "TransformKey",
    "read_timeline",
    "text_of",
]
