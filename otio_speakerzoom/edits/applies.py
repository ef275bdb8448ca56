"""Whether what an operation refers to is still in a cut that has changed."""

from __future__ import annotations

from otio_speakerzoom.edits.content import Content
from otio_speakerzoom.edits.operations import (
    Assign,
    CropShot,
    Join,
    LockShot,
    Merge,
    Operation,
    SetEdge,
    SetStyle,
    Split,
    UnlockShot,
)


def applies(operation: Operation, content: Content) -> bool:
    """Whether the shot, the cut or the people of an operation are as they were on the page."""
    ids = {row["id"] for row in content.people}
    if isinstance(operation, Assign | CropShot | LockShot | UnlockShot):
        seen_shot = operation.shot
        return any(
            shot.range == seen_shot.range and set(shot.subjects) == set(seen_shot.subjects)
            for shot in content.shots
        )
    if isinstance(operation, SetEdge | Join):
        return any(shot.range.start == operation.frame for shot in content.shots[1:])
    if isinstance(operation, Split):
        return any(shot.range.start < operation.frame < shot.range.end for shot in content.shots)
    if isinstance(operation, Merge):
        return {operation.person, operation.into} <= ids
    return isinstance(operation, SetStyle) or operation.person in ids
