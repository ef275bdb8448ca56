"""A transform in the numbers of Premiere's Motion: scale in percent, position on the sequence.

Position is where the frame's centre lies, in widths and heights of the sequence from its upper
left corner. These are the numbers of an `.otio` and of the scripting interface (UXP), as two
programs measured them there. An `.xml` has the same scale, and the position in widths and heights
of the file's own frame from the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts
from otio_speakerzoom.timeline.transform import Transform, round_number


@dataclass(frozen=True, slots=True)
class Motion:
    """Scale and position of a frame in Premiere."""

    scale: float
    """Percent of the file's own pixels."""
    x: float
    """Widths of the sequence, from its left edge to the frame's centre."""
    y: float
    """Heights of the sequence, from its top to the frame's centre."""


def motion_of(transform: Transform, canvas: tuple[int, int]) -> Motion:
    """Return a transform in the numbers of Premiere."""
    width, height = canvas
    x, y = 0.5 + transform.dx / width, 0.5 + transform.dy / height
    return Motion(round_number(100 * transform.scale), round_number(x), round_number(y))


def motion_keys(shot: ShotClip, facts: TimelineFacts) -> list[tuple[int, Motion]]:
    """Return source frames and the motion at each; a single one if the crop stands still."""
    return [(frame, motion_of(t, facts.canvas)) for frame, t in shot.transforms(facts)]
