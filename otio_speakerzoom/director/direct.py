"""Scores and faces to a cut list: the floor, then the shots, then their framing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.cutting import WIDE, Picture, Search
from otio_speakerzoom.director.floor import Floor, find_floor
from otio_speakerzoom.director.framer import Framer
from otio_speakerzoom.director.plan import Chosen, plan
from otio_speakerzoom.director.reasons import confidence, reason
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import runs
from otio_speakerzoom.director.worth import worths
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import (
    CutList,
    FaceTrack,
    FrameRange,
    Lock,
    Media,
    Person,
    Shot,
    SpeechScores,
    Voice,
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
    voice: Voice | None = None,
    locks: Sequence[Lock] = (),
    stacked: bool = False,
) -> CutList:
    """Return the cut of `within` (default: the whole source) for a picture of `canvas`.

    Without faces or scores the cut is one wide shot. Tracks that belong to nobody in `people`
    take no shot, but their faces are kept out of singles like any other. `voice` tells silence
    from a voice off screen. `locks`, in order of time, are kept exactly as far as they lie in
    `within`. `stacked` adds the angles that were not chosen.
    """
    within = within or media.range
    floor = floor_of(media, tracks, people, scores, voice, style, within)
    locked = _locked(locks, people, within)
    framer = Framer(media, tracks, people, canvas, style, camera_cuts, within)
    search = _search(floor, framer, media, style, [cut - within.start for cut in camera_cuts],
                     also={picture for _, _, picture, _ in locked})  # fmt: skip
    chosen = plan(
        search,
        floor,
        style,
        float(media.rate),
        locked=[(start, end, picture) for start, end, picture, _ in locked],
        leaves=(lambda shot: framer.leaves(shot, floor, search.min_shot))
        if style.follow == "reframe" else None,
    )  # fmt: skip
    shots: list[Shot] = []
    for shot in chosen:
        lock = None if shot.lock is None else locked[shot.lock][3]
        shots.append(_shot(shot, lock, people, floor, framer, style, within))
    angles = framer.angles(shots) if stacked else ()
    return CutList(media, canvas, tuple(shots), tuple(people), angles)


def floor_of(
    media: Media,
    tracks: Sequence[FaceTrack],
    people: Sequence[Person],
    scores: Sequence[SpeechScores],
    voice: Voice | None,
    style: Style,
    within: FrameRange,
) -> Floor:
    """Return who holds the floor in `within`."""
    logits = _by_person(people, [(s.track_id, s.start, s.logits) for s in scores], within)
    lefts = [(track.id, track.start, track.boxes[:, 0]) for track in tracks]
    visible = ~np.isnan(_by_person(people, lefts, within))
    return find_floor(logits, visible, voice, within, media.rate, style)


def _shot(
    shot: Chosen,
    lock: Lock | None,
    people: Sequence[Person],
    floor: Floor,
    framer: Framer,
    style: Style,
    within: FrameRange,
) -> Shot:
    span = FrameRange(within.start + shot.start, within.start + shot.end)
    subjects = tuple(people[n].id for n in shot.picture)
    crop = lock.crop if lock and lock.crop else framer.crop(shot.picture, span)
    framer.remember(shot.picture, span, crop)
    if lock:
        framed = Shot(span, subjects, crop, "locked", 1.0, locked=True)
    else:
        keys = framer.keys(shot.picture, span, crop) if style.follow == "smooth" else ()
        framed = Shot(
            span,
            subjects,
            keys[0].crop if keys else crop,
            reason(people, floor, shot.picture, shot.start, shot.end),
            confidence(floor, shot.picture, shot.start, shot.end),
            keys,
        )
    return replace(framed, covers=framer.covers(framed))


def _search(
    floor: Floor,
    framer: Framer,
    media: Media,
    style: Style,
    camera_cuts: Sequence[int],
    also: set[Picture],
) -> Search:
    """Return what the shots are chosen from: pictures, their worth, and where a cut may be."""
    people, frames = floor.speaks.shape
    pace = float(media.rate)
    singles: list[Picture] = [(n,) for n in range(people)]
    pairs = _pairs(floor, framer, round(style.min_overlap_seconds * pace), style)
    pictures = (WIDE, *singles, *sorted(pairs | {p for p in also if len(p) == 2}))
    worth = worths(floor, pictures, media.rate, style)
    cuts = frozenset(cut for cut in camera_cuts if 0 < cut < frames)
    speech = np.concatenate([floor.voice[:1], floor.voice])
    cost = style.cut_cost_seconds * (1 + style.cut_in_speech * speech.astype(float))
    near = int(np.ceil(style.camera_cut_seconds * pace))
    for cut in cuts:
        cost[max(1, cut - near + 1) : cut + near] = np.inf
    cost[1:][np.arange(frames) % max(1, round(pace / CUTS_PER_SECOND)) > 0] = np.inf
    for cut in cuts:
        cost[cut] = style.cut_cost_seconds
    return Search(
        pictures,
        worth / pace,
        cost,
        min_shot=max(1, int(np.ceil(style.min_shot_seconds * pace))),
        breaks=(frozenset(), *(cuts for _ in pictures[1:])),
        free=cuts,
    )


def _pairs(floor: Floor, framer: Framer, least: int, style: Style) -> set[Picture]:
    """Return who may share a two-shot: pairs that overlap and sit side by side."""
    if style.overlap != "two-shot":
        return set()
    pairs: set[Picture] = set()
    for one, other in combinations(range(len(floor.speaks)), 2):
        both = floor.speaks[one] & floor.speaks[other]
        if any(
            end - start >= least and framer.side_by_side(one, other, start, end)
            for start, end in runs(both)
        ):
            pairs.add((one, other))
    return pairs


def _locked(
    locks: Sequence[Lock], people: Sequence[Person], within: FrameRange
) -> list[tuple[int, int, Picture, Lock]]:
    """Return start and end of each lock in frames of `within`, its picture, and the lock."""
    rows = {person.id: n for n, person in enumerate(people)}
    out: list[tuple[int, int, Picture, Lock]] = []
    for lock in locks:
        for id_ in lock.subjects:
            if id_ not in rows:
                known = ", ".join(str(person.id) for person in people) or "nobody"
                raise SpeakerZoomError(
                    f"locks.json: the lock at frame {lock.range.start} shows person {id_}, but the "
                    f"people are {known}; mend or remove it"
                )
        start = max(lock.range.start, within.start) - within.start
        end = min(lock.range.end, within.end) - within.start
        if start < end:
            picture = tuple(sorted(rows[id_] for id_ in lock.subjects))
            out.append((start, end, picture, lock))
    return out


def _by_person(
    people: Sequence[Person],
    rows: Sequence[tuple[int, int, NDArray[np.float32]]],
    within: FrameRange,
) -> NDArray[np.float32]:
    """Return (P, T) values of (track id, first frame, values) rows; NaN where there are none."""
    out = np.full((len(people), within.duration), np.nan, np.float32)
    owner = {track: n for n, person in enumerate(people) for track in person.track_ids}
    for track, start, values in rows:
        first, last = max(start, within.start), min(start + len(values), within.end)
        if track in owner and first < last:
            part = values[first - start : last - start]
            out[owner[track], first - within.start : last - within.start] = part
    return out
