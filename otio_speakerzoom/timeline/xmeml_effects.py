"""Effects of Final Cut Pro 7 XML: their parameters, and the crop of a two-up's second half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts
from otio_speakerzoom.timeline.transform import format_number


def crop_effect(shot: ShotClip, facts: TimelineFacts, turned: int) -> dict[str, Any] | None:
    """Return Final Cut Pro 7's effect Crop for the second half of a two-up; None for other clips.

    It cuts off the source at the seam, in percent of the frame before the editor turns it by
    `turned` degrees clockwise.
    """
    left, top = shot.cut_off(facts)
    upright = (left / facts.size[0], top / facts.size[1], 0.0, 0.0)
    if not any(upright):
        return None
    turns = turned // 90
    # turned clockwise, the stored frame's bottom becomes the left edge, its left edge the top
    shares = (*upright[turns:], *upright[:turns])
    edges = ("left", "top", "right", "bottom")
    return {
        "name": "Crop",
        "effectid": "crop",
        "effectcategory": "motion",
        "effecttype": "motion",
        "mediatype": "video",
        "parameter": [
            parameter(edge, edge.capitalize(), 0, 100, [(0, format_number(100 * share))])
            for edge, share in zip(edges, shares, strict=True)
        ],
    }


def parameter(
    id_: str, name: str, minimum: int | None, maximum: int | None, keys: Sequence[tuple[int, Any]]
) -> dict[str, Any]:
    """Return a value and any keyframes, in frames of the file as `in`; linear in between."""
    rows = [{"when": frame, "value": value} for frame, value in keys] if len(keys) > 1 else None
    return {
        "@authoringApp": "PremierePro",
        "parameterid": id_,
        "name": name,
        "valuemin": minimum,
        "valuemax": maximum,
        "value": keys[0][1],
        "keyframe": rows,
    }


def point(right: float, down: float) -> dict[str, str]:
    """Return a point: to the right, and down."""
    return {"horiz": format_number(right), "vert": format_number(down)}
