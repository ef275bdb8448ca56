"""Scores and faces to a cut list: the floor, then the shots, then their framing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.explain import confidence, reason
from otio_speakerzoom.director.locks import locked_within
from otio_speakerzoom.director.merging import at_camera_cuts, join_equal
from otio_speakerzoom.director.plan import PlannedShot, plan
from otio_speakerzoom.director.rewards import framing_rewards, shortest_shot
from otio_speakerzoom.director.shot_framer import ShotFramer
from otio_speakerzoom.director.shot_search import WIDE, Framing, ShotSearch
from otio_speakerzoom.director.speaker_activity import SpeakerActivity, find_active_speakers
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import runs
from otio_speakerzoom.model import (
    Box,
    CropKey,
    CutList,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    Shot,
    SpeechScores,
    VoiceActivity,
)

CUTS_PER_SECOND = 25
"""How many places for a cut are looked at: 40 ms is finer than anybody sees, whatever the rate."""


def direct(
    media: Media,
    tracks: Sequence[FaceTrack],
    people: Sequence[Person],
    scores: Sequence[SpeechScores],
    style: Style,
    *,
    canvas: tuple[int, int],
    camera_cuts: Sequence[int] = (),
    within: FrameRange | None = None,
    voice: VoiceActivity | None = None,
    locks: Sequence[Lock] = (),
    stacked: bool = False,
) -> CutList:
    """Return the cut of `within` (default: the whole source) for a picture of `canvas`.

    Without faces or scores the cut is one wide shot. Tracks that belong to nobody in `people`
    take no shot, but their faces are kept out of singles like any other. `voice` tells silence
    from a voice off screen. `locks` are kept exactly as far as they lie in `within`; one that
    cannot be kept raises SpeakerZoomError. `stacked` adds the angles that were not chosen.
    """
    within = within or media.range
    activity = speaker_activity_of(media, tracks, people, scores, voice, style, within)
    locked = locked_within(locks, people, media, within)
    cuts = [cut - within.start for cut in camera_cuts]
    framer = ShotFramer(media, tracks, people, canvas, style, camera_cuts, within, activity)
    search = _search(activity, framer, media, style, cuts,
                     also={framing for _, _, framing, _ in locked})  # fmt: skip
    chosen = plan(
        search,
        activity,
        style,
        float(media.rate),
        locked=[(start, end, framing) for start, end, framing, _ in locked],
        leaves=(lambda shot: framer.leaves(shot, activity, search.min_shot))
        if style.follow == "reframe" else None,
    )  # fmt: skip
    if not framer.shows_all:
        least = max(1, round(style.camera_cut_seconds * media.rate))
        chosen = at_camera_cuts(chosen, cuts, least)
    maker = _Maker(people, activity, framer, style, within)
    shots = [
        maker.shot(shot, None if shot.lock is None else locked[shot.lock][3]) for shot in chosen
    ]
    shots = join_equal(shots, camera_cuts, media.size, canvas, maker.joined)
    angles = framer.angles(shots) if stacked else ()
    return CutList(media, canvas, tuple(shots), tuple(people), angles)


def speaker_activity_of(
    media: Media,
    tracks: Sequence[FaceTrack],
    people: Sequence[Person],
    scores: Sequence[SpeechScores],
    voice: VoiceActivity | None,
    style: Style,
    within: FrameRange,
) -> SpeakerActivity:
    """Return who holds the floor in `within`."""
    logits = _by_person(people, [(s.track_id, s.start, s.logits) for s in scores], within)
    lefts = [(track.id, track.start, track.boxes[:, 0]) for track in tracks]
    visible = ~np.isnan(_by_person(people, lefts, within))
    return find_active_speakers(logits, visible, voice, within, media.rate, style)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes shots of what was chosen: frames them, and says why they are there."""

    people: Sequence[Person]
    activity: SpeakerActivity
    framer: ShotFramer
    style: Style
    within: FrameRange

    def shot(self, chosen: PlannedShot, lock: Lock | None) -> Shot:
        """Return one shot of the programme, as its lock wants it if there is one."""
        framing, framer = chosen.framing, self.framer
        span = FrameRange(self.within.start + chosen.start, self.within.start + chosen.end)
        crop = lock.crop if lock and lock.crop else framer.crop(framing, span)
        framer.remember(framing, span, crop)
        if lock:
            subjects = tuple(self.people[n].id for n in framing)
            shot = Shot(span, subjects, crop, "locked", 1.0, locked=True)
            return replace(shot, covers=framer.covers(shot))
        keys = framer.keys(framing, span, crop) if self.style.follow == "smooth" else ()
        return self._told(span, framing, keys[0].crop if keys else crop, keys)

    def joined(
        self, before: Shot, after: Shot, subjects: tuple[int, ...], keys: tuple[CropKey, ...]
    ) -> Shot:
        """Return one shot instead of two that are framed alike."""
        ids = [person.id for person in self.people]
        framing = tuple(ids.index(id_) for id_ in subjects)
        span = FrameRange(before.range.start, after.range.end)
        return self._told(span, framing, before.crop, keys)

    def _told(
        self, span: FrameRange, framing: Framing, crop: Box, keys: tuple[CropKey, ...]
    ) -> Shot:
        start, end = span.start - self.within.start, span.end - self.within.start
        shot = Shot(
            span,
            tuple(self.people[n].id for n in framing),
            crop,
            reason(self.people, self.activity, framing, start, end),
            confidence(self.activity, framing, start, end),
            keys,
        )
        return replace(shot, covers=self.framer.covers(shot))


def _search(
    activity: SpeakerActivity,
    framer: ShotFramer,
    media: Media,
    style: Style,
    camera_cuts: Sequence[int],
    also: set[Framing],
) -> ShotSearch:
    """Return what the shots are chosen from: pictures, their worth, and where a cut may be."""
    people, frames = activity.speaks.shape
    pace = float(media.rate)
    singles: list[Framing] = [(n,) for n in range(people)]
    pairs = _pairs(activity, framer, round(style.min_overlap_seconds * pace), style)
    framings = (WIDE, *singles, *sorted(pairs | {p for p in also if len(p) == 2}))
    reward = framing_rewards(activity, framings, media.rate, style, framer.shown_in_wide())
    cuts = frozenset(cut for cut in camera_cuts if 0 < cut < frames)
    speech = np.concatenate([activity.voice[:1], activity.voice])
    cost = style.cut_cost_seconds * (1 + style.cut_in_speech * speech.astype(float))
    min_shot = shortest_shot(style, media.rate)
    # on screen a cut of the source's ends a shot as one of ours does
    near = max(int(np.ceil(style.camera_cut_seconds * pace)), min_shot)
    for cut in cuts:
        cost[max(1, cut - near + 1) : cut + near] = np.inf
    cost[1:][np.arange(frames) % max(1, round(pace / CUTS_PER_SECOND)) > 0] = np.inf
    for cut in cuts:
        cost[cut] = style.cut_cost_seconds
    return ShotSearch(
        framings,
        reward / pace,
        cost,
        min_shot=min_shot,
        breaks=(frozenset(), *(cuts for _ in framings[1:])),
        free=cuts,
    )


def _pairs(activity: SpeakerActivity, framer: ShotFramer, least: int, style: Style) -> set[Framing]:
    """Return who may share a two-shot: pairs that overlap and sit side by side."""
    if style.overlap != "two-shot":
        return set()
    pairs: set[Framing] = set()
    for one, other in combinations(range(len(activity.speaks)), 2):
        both = activity.speaks[one] & activity.speaks[other]
        if any(
            end - start >= least and framer.side_by_side(one, other, start, end)
            for start, end in runs(both)
        ):
            pairs.add((one, other))
    return pairs


def _by_person(
    people: Sequence[Person],
    rows: Sequence[tuple[int, int, NDArray[np.float32]]],
    within: FrameRange,
) -> NDArray[np.float32]:
    """Return (P, T) values of (track id, first frame, values) rows; NaN where there are none.

    Of two tracks on one head the larger value counts.
    """
    out = np.full((len(people), within.duration), np.nan, np.float32)
    owner = {track: n for n, person in enumerate(people) for track in person.track_ids}
    for track, start, values in rows:
        first, last = max(start, within.start), min(start + len(values), within.end)
        if track in owner and first < last:
            part = values[first - start : last - start]
            row = out[owner[track], first - within.start : last - within.start]
            np.fmax(row, part, out=row)
    return out
