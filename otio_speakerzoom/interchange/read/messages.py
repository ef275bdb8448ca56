"""What readers report, in the same words for every format."""

from __future__ import annotations

from otio_speakerzoom.interchange.read.values import reason

# Why a clip is more than a stretch of one file that is scaled and moved (`EditedClip.unsupported`).
NO_MEDIA = "has no media of its own"
NESTED_SEQUENCE = "is a nested sequence"
OTHER_SPEED = "plays at another speed"
CROP_EFFECT = "has a crop effect"
ROTATED = "is rotated"
STRETCHED = "is stretched"
ANCHOR_MOVED = "has a moved anchor point"


def transition(frame: int) -> str:
    """Return the warning about a transition at a frame of the programme."""
    return f"a transition at frame {frame}"


def no_length(name: str, frame: int) -> str:
    """Return the warning about a clip without length at a frame of the programme."""
    return f"the clip {name!r} at frame {frame} has no length"


def no_place(name: str, error: BaseException) -> str:
    """Return the warning about a clip whose place in the programme cannot be read."""
    return f"the clip {name!r} has no place in the programme: {reason(error)}"
