"""Joins a tracklet to the one whose head it took over.

A head that jumps out of its tracklet's reach begins a second one, while detections of low
confidence keep the first alive for a few frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, median_iou
from otio_speakerzoom.faces.tracklet import Tracklet, interpolate
from otio_speakerzoom.model import Detections, FaceTrack, FrameRange


def join_handovers(
    tracklets: Sequence[Tracklet],
    detections: Detections,
    within: FrameRange,
    max_common_frames: Fraction | float,
) -> list[Tracklet]:
    """Return the tracklets by first frame, joined to those they take over from."""
    joined: list[Tracklet] = []
    tracks: list[FaceTrack] = []  # the interpolated track of each
    for tracklet in sorted(tracklets, key=lambda t: t.frames[0]):
        track = interpolate(tracklet, detections, within)
        for n, earlier in enumerate(tracks):
            if _takes_over(track, earlier, max_common_frames):
                joined[n] = joined[n].continued_by(tracklet)
                tracks[n] = interpolate(joined[n], detections, within)
                break
        else:
            joined.append(tracklet)
            tracks.append(track)
    return joined


def _takes_over(track: FaceTrack, earlier: FaceTrack, max_common_frames: Fraction | float) -> bool:
    """Whether `track` begins on the head of `earlier` shortly before that ends, and outlasts it."""
    common = earlier.range.end - track.start
    return (
        0 < common <= min(max_common_frames, len(track.boxes) - 1)
        and earlier.start < track.start
        and median_iou(earlier.boxes[-common:], track.boxes[:common]) >= SAME_HEAD_IOU
    )
