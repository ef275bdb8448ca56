"""The search for a programme: framings, their rewards, and where a cut may be and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.planned_shot import WIDE, Framing, PlannedShot
from otio_speakerzoom.director.rewards import framing_rewards, min_shot_frames
from otio_speakerzoom.director.shot_framer import ShotFramer
from otio_speakerzoom.director.shot_search import ShotSearch
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.wide_preferences import weigh_wide, with_wide_ends
from otio_speakerzoom.model import FrameRange, Media

MAX_CUT_PLACES_PER_SECOND = 25
"""Places for a cut that the search considers: 40 ms is finer than anybody sees, at any rate."""

MAX_TRIED_TWO_UPS = 5
"""Stretches in which two people may be tried as a two-up, the longest first: people sit where they
sit, and in a crowd there are hundreds of pairs."""


def search_for(
    activity: SpeakerActivity,
    framer: ShotFramer,
    media: Media,
    style: Style,
    camera_cuts: Sequence[int],
    locked: Sequence[PlannedShot],
) -> ShotSearch:
    """Return the search over the range of `activity`; it contains the framings of `locked` too."""
    span, rate = activity.range, float(media.rate)
    singles: list[Framing] = [(n,) for n in range(len(activity.speaks))]
    two_shots = _two_shots(activity, framer, round(style.min_overlap_seconds * rate), style)
    two_shots |= _two_ups(activity, framer, min_shot_frames(style, media.rate), style)
    two_shots |= {shot.framing for shot in locked if len(shot.framing) == 2}
    framings = (WIDE, *singles, *sorted(two_shots))
    min_camera_shot = max(1, round(style.camera_cut_seconds * media.rate))
    edges = camera_edges(camera_cuts, span, min_camera_shot)
    cuts = frozenset(edges[1:-1])
    reward = framing_rewards(activity, framings, media.rate, style, framer.faces_in_wide(), edges)
    reward = weigh_wide(reward, framings, style)
    min_shot = min_shot_frames(style, media.rate)
    search = ShotSearch(
        span,
        framings,
        reward / rate,
        _cut_cost(activity, camera_cuts, cuts, rate, min_shot, style),
        min_shot,
        breaks=(frozenset(), *(cuts for _ in framings[1:])),
        camera_edges=frozenset(edges),
    )
    return with_wide_ends(search, style, media.rate)


def camera_edges(camera_cuts: Sequence[int], span: FrameRange, min_frames: int) -> list[int]:
    """Return where the camera shots of the source begin and end in `span`, in order.

    A camera cut less than `min_frames` from the edge before, or from the end, is none: a flash of
    light is detected as two cuts now and then, and nobody recognises a framing in so short a time.
    """
    edges = [span.start]
    for cut in sorted(camera_cuts):
        if edges[-1] + min_frames <= cut <= span.end - min_frames:
            edges.append(cut)
    return [*edges, span.end]


def _cut_cost(
    activity: SpeakerActivity,
    camera_cuts: Sequence[int],
    edges: frozenset[int],
    rate: float,
    min_shot: int,
    style: Style,
) -> NDArray[np.float64]:
    """Return (T + 1,) the cost of a cut before each frame; infinite where none may be.

    `edges` are those of `camera_cuts` that part two camera shots.
    """
    frames, first = activity.range.duration, activity.range.start
    voice = np.concatenate([activity.voice[:1], activity.voice])
    cost = style.cut_cost_seconds * (1 + style.cut_in_speech * voice.astype(float))
    # on screen, a cut of the source's own ends a shot as one of ours does, also one of a flash
    near = max(int(np.ceil(style.camera_cut_seconds * rate)), min_shot)
    for cut in camera_cuts:
        if 0 < cut - first < frames:
            cost[max(1, cut - first - near + 1) : cut - first + near] = np.inf
    cost[1:][np.arange(frames) % max(1, round(rate / MAX_CUT_PLACES_PER_SECOND)) > 0] = np.inf
    cost[[cut - first for cut in edges]] = style.cut_cost_seconds
    return cost


def _two_shots(
    activity: SpeakerActivity, framer: ShotFramer, min_overlap: int, style: Style
) -> set[Framing]:
    """Return the two-shots of people who speak at once for long enough, side by side."""
    if style.overlap != "two-shot" and style.two_up == "off":
        return set()
    two_shots: set[Framing] = set()
    first_frame = activity.range.start
    for one, other in combinations(range(len(activity.speaks)), 2):
        overlaps = [
            FrameRange(first_frame + start, first_frame + end)
            for start, end in runs(activity.speaks[one] & activity.speaks[other])
            if end - start >= min_overlap
        ]
        if any(framer.are_side_by_side(one, other, overlap) for overlap in overlaps):
            two_shots.add((one, other))
    return two_shots


def _two_ups(
    activity: SpeakerActivity, framer: ShotFramer, min_shot: int, style: Style
) -> set[Framing]:
    """Return the people who speak within the time of one shot, and fit into two halves then."""
    if style.two_up == "off":
        return set()
    two_ups: set[Framing] = set()
    at, rows = activity.range.start, len(activity.speaks)
    near = np.array([_near(speaks, min_shot) for speaks in activity.speaks]).reshape(rows, -1)
    for one, other in combinations(range(rows), 2):
        both = near[one] & near[other] & activity.visible[[one, other]].all(axis=0)
        spans = [(start, end) for start, end in runs(both) if end - start >= min_shot]
        spans = sorted(spans, key=lambda span: span[0] - span[1])[:MAX_TRIED_TWO_UPS]
        if any(framer.two_up((one, other), FrameRange(at + a, at + b)) for a, b in spans):
            two_ups.add((one, other))
    return two_ups


def _near(speaks: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Return (T,) whether a person speaks within so many frames, before or after."""
    spoken = np.pad(np.cumsum(speaks), (1, 0))
    at = np.arange(len(speaks))
    first, last = np.maximum(0, at - frames), np.minimum(len(speaks), at + frames + 1)
    return spoken[last] > spoken[first]
