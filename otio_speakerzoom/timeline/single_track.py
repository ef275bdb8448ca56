"""The clips of a timeline for formats that have no disabled clips, or one video track."""

from __future__ import annotations

import logging

import opentimelineio as otio

from otio_speakerzoom.timeline.facts import ShotClip, shots_of, tracks_of

log = logging.getLogger(__name__)


def single_track_shots(timeline: otio.schema.Timeline, format_: str) -> tuple[ShotClip, ...]:
    """Return the shots of the cut, for a format without disabled clips; warn if it loses any."""
    clips = (shot for track in tracks_of(timeline) for shot in track.shots)
    if any(not shot.number and not shot.is_second_half for shot in clips):
        log.warning("%s cannot disable clips: only the shots of the cut are written", format_)
    return shots_of(timeline)


def second_halves(timeline: otio.schema.Timeline) -> tuple[ShotClip, ...]:
    """Return the clips of the second halves of two-ups, in order."""
    clips = (shot for track in tracks_of(timeline) for shot in track.shots)
    return tuple(shot for shot in clips if shot.is_second_half)
