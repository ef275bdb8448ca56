"""What the director plans: which framing is on screen, from which source frame to which."""

from __future__ import annotations

from dataclasses import dataclass

from otio_speakerzoom.model import FrameRange, Lock

Framing = tuple[int, ...]
"""Rows of the people framed, in the director's arrays: none for the wide, one for a single, two for
a two-shot."""

WIDE: Framing = ()


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """A framing for a range of the source; its crop is decided later."""

    range: FrameRange
    framing: Framing
    lock: Lock | None = None
    """The lock that demands it; None where the director decided."""
