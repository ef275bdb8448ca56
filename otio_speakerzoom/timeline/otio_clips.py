"""Clips, gaps and markers of OpenTimelineIO, as both editors that import .otio get them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import opentimelineio as otio

from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, VideoTrack


def rational_time(frames: float, facts: TimelineFacts) -> otio.opentime.RationalTime:
    """Return a number of frames as a time at the timeline's rate."""
    return otio.opentime.RationalTime(frames, float(facts.rate))


def time_range(start: int, duration: int, facts: TimelineFacts) -> otio.opentime.TimeRange:
    """Return a start and a duration in frames as a range."""
    return otio.opentime.TimeRange(rational_time(start, facts), rational_time(duration, facts))


def shot_marker(shot: ShotClip, facts: TimelineFacts, **fields: Any) -> otio.schema.Marker:
    """Return a marker at the start of a shot in the timeline; red if the shot is doubtful."""
    colours = otio.schema.MarkerColor
    return otio.schema.Marker(
        name=shot.name,
        marked_range=time_range(shot.record.start, 1, facts),
        color=colours.RED if shot.doubtful else colours.GREEN,
        **fields,
    )


def otio_video_track(
    track: VideoTrack, facts: TimelineFacts, clip_of: Callable[[ShotClip], otio.schema.Clip]
) -> otio.schema.Track:
    """Return a video track with the clip of each shot, and gaps where nothing lies."""
    result = otio.schema.Track(track.name, kind=otio.schema.TrackKind.Video)
    at = 0
    for shot in track.shots:
        if at < shot.record.start:
            empty = time_range(0, shot.record.start - at, facts)
            result.append(otio.schema.Gap(source_range=empty))
        clip = clip_of(shot)
        clip.enabled = shot.enabled
        result.append(clip)
        at = shot.record.end
    return result
