"""What Premiere must show of a cut: each clip with its Motion, for the panel to compare with.

The panel imports our `.xml` and reads everything back. The plan comes from the same timeline as
that file, in the units in which Premiere's scripting interface answers.
"""

from __future__ import annotations

from typing import Any

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import CutList
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts, tracks_of
from otio_speakerzoom.timeline.premiere_motion import Motion, motion_keys

FORMAT, FORMAT_WITH_TWO_UPS = 1, 2
"""Of plans; the panel refuses any other. An older one would leave out half of a two-up."""
TICKS_PER_SECOND = 254_016_000_000
"""Premiere's unit of time."""


def plan_of(cut_list: CutList) -> dict[str, Any]:
    """Return the plan of a cut as JSON values.

    Times are whole frames: `start` and `end` in the sequence, `source` and the keys' in the file
    from its first frame. Scale is in percent; x and y are in widths and heights of the sequence.
    TimelineError if no sequence in Premiere can have the source's rate.
    """
    timeline = to_otio(cut_list)
    facts, tracks = read_facts(timeline), tracks_of(timeline)
    two_ups = sum(shot.two_up is not None for shot in cut_list.shots)
    return {
        "format": FORMAT_WITH_TWO_UPS if two_ups else FORMAT,
        "name": facts.name,
        "rate": list(facts.rate.as_integer_ratio()),
        "ticks_per_frame": _ticks_per_frame(facts),
        "canvas": list(facts.canvas),
        "size": list(facts.size),
        "rotation": facts.rotation,
        "duration": max(track.shots[-1].record.end for track in tracks),
        "tracks": [[_clip(shot, facts) for shot in track.shots] for track in tracks],
        **({"two_ups": two_ups} if two_ups else {}),
    }


def _ticks_per_frame(facts: TimelineFacts) -> int:
    ticks = TICKS_PER_SECOND / facts.rate
    if ticks.denominator != 1:
        raise TimelineError(
            f"{facts.path}: no sequence in Premiere can have {facts.rate} frames per second; "
            "convert the recording to a usual rate first"
        )
    return int(ticks)


def _clip(shot: ShotClip, facts: TimelineFacts) -> dict[str, Any]:
    (_, first), *moves = keys = motion_keys(shot, facts)
    return {
        "number": shot.number,
        "name": shot.name,
        "comment": shot.comment,
        "enabled": shot.enabled,
        "start": shot.record.start,
        "end": shot.record.end,
        "source": [shot.source.start, shot.source.end],
        "motion": _numbers(first),
        "keys": [{"frame": frame, **_numbers(motion)} for frame, motion in keys] if moves else [],
    }


def _numbers(motion: Motion) -> dict[str, float]:
    return {"scale": motion.scale, "x": motion.x, "y": motion.y}
