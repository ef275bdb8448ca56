"""Frames each shot from the faces that are seen in it, alike as long as nothing has changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.camera_path import corners, smooth_path
from otio_speakerzoom.director.face_covers import covers_of
from otio_speakerzoom.director.framing import (
    crops_of,
    frame_single,
    frame_two,
    holds_both,
    largest,
    suits,
    widest,
)
from otio_speakerzoom.director.plan import PlannedShot, quiet_split
from otio_speakerzoom.director.shot_search import WIDE, Framing
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.wide import frame_wide, is_whole, shown_in_wide
from otio_speakerzoom.model import Box, Cover, CropKey, FaceTrack, FrameRange, Media, Person, Shot

TIGHTER = 0.8
"""A two-shot must be this much smaller than the wide, or it is the wide."""

STEPS_PER_SECOND = 5
"""At which a moving crop is planned: a head needs a second to cross its own width."""

MOST_MOMENTS = 200
"""At which a wide is looked at, so that an hour of it takes no longer than its framing is worth."""

TOLERANCE = 0.5
"""Pixels by which keys may lead a crop off its path: less than shows."""


class ShotFramer:
    """Knows where everybody is; remembers how each picture was last framed."""

    def __init__(
        self,
        media: Media,
        tracks: Sequence[FaceTrack],
        people: Sequence[Person],
        canvas: tuple[int, int],
        style: Style,
        camera_cuts: Sequence[int],
        within: FrameRange,
        activity: SpeakerActivity,
    ) -> None:
        self._media, self._canvas, self._style = media, canvas, style
        self._tracks, self._people, self._floor = tracks, people, activity
        self._owned = [[t for t in tracks if t.id in set(p.track_ids)] for p in people]
        owned = {track.id for mine in self._owned for track in mine}
        self._nobodys = [track for track in tracks if track.id not in owned]
        self._cuts, self._within = sorted(set(camera_cuts)), within
        self._last: dict[Framing, tuple[int, Box]] = {}

    @property
    def shows_all(self) -> bool:
        """Whether a wide shows the whole picture."""
        return is_whole(self._media.size, self._canvas)

    def crop(self, framing: Framing, span: FrameRange) -> Box:
        """Return the crop of one still shot; people never seen in it get the wide's.

        Since the source's last cut the same picture is framed as before, if that suits.
        """
        if framing:
            span = self._longest_view(framing, span)
        own, others = self._faces(framing, span)
        size, canvas, style = self._media.size, self._canvas, self._style
        if not framing or not all(len(boxes) for boxes in own):
            there = tuple(n for n, boxes in zip(framing, own, strict=True) if len(boxes))
            return self._wide(span, there)
        if len(own) == 2:
            if not holds_both(own[0], own[1], size, canvas):
                return self._wide(span, framing)
            return frame_two(own[0], own[1], size, canvas, style)
        best = frame_single(own[0], others, size, canvas, style)
        camera, last = self._last.get(framing, (-1, best))
        if camera == self._camera(span) and suits(last, best, own[0], others, style):
            return last
        return best

    def _longest_view(self, framing: Framing, span: FrameRange) -> FrameRange:
        """Return the part of a shot between the source's own cuts where its people are seen most.

        Only a lock goes on over such a cut: between two places of one face there may be nobody.
        """
        edges = [span.start, *(c for c in self._cuts if span.start < c < span.end), span.end]
        parts = [FrameRange(start, end) for start, end in pairwise(edges)]
        views = [sum(map(len, self._faces(framing, part)[0])) for part in parts]
        return parts[views.index(max(views))] if any(views) else span

    def _wide(self, span: FrameRange, only: Framing) -> Box:
        """Return the crop of a wide; of one or two people who do not fit, as much of them as do."""
        size, canvas = self._media.size, self._canvas
        if self.shows_all:
            return widest(size, canvas)
        frames = self._moments(span)
        rows = only or tuple(range(len(self._people)))
        boxes = [_boxes_at(self._owned[n], frames) for n in rows]
        speaks = self._floor.speaks[list(rows)][:, frames - self._within.start]
        if not only:
            nobodys = [
                _boxes_at([track], frames)
                for track in self._nobodys
                if track.start < span.end and span.start < track.range.end
            ]
            boxes += nobodys
            speaks = np.concatenate([speaks, np.zeros((len(nobodys), len(frames)), bool)])
        stacked = np.array(boxes, np.float32).reshape(-1, len(frames), 4)
        return frame_wide(stacked, speaks, size, canvas)

    def _moments(self, span: FrameRange) -> NDArray[np.int64]:
        """Return frames of a shot to look at: evenly spread, and one at least of every track."""
        step = max(1, round(self._media.rate / STEPS_PER_SECOND), span.duration // MOST_MOMENTS)
        parts = [(max(t.start, span.start), min(t.range.end, span.end)) for t in self._tracks]
        middles = [(first + last) // 2 for first, last in parts if first < last]
        return np.unique([*range(span.start, span.end, step), *middles])

    def shown_in_wide(self) -> NDArray[np.bool_] | None:
        """Return (P, T) whom a wide would show in each frame; None where it shows everybody."""
        if self.shows_all or not self._people:
            return None
        step = max(1, round(self._media.rate / STEPS_PER_SECOND))
        at = np.arange(0, self._within.duration, step)
        boxes = np.array([_boxes_at(tracks, at + self._within.start) for tracks in self._owned])
        # a shot that is not known yet lasts about the minimum, before or after
        near = round(self._style.min_shot_seconds * self._media.rate)
        spoken = np.pad(np.cumsum(self._floor.speaks, axis=1), ((0, 0), (1, 0)))
        first, last = np.maximum(0, at - near), np.minimum(self._within.duration, at + near)
        speech = (spoken[:, last] - spoken[:, first]) / (last - first)
        shown = shown_in_wide(boxes, speech, self._media.size, self._canvas)
        return np.repeat(shown, step, axis=1)[:, : self._within.duration]

    def remember(self, framing: Framing, span: FrameRange, crop: Box) -> None:
        """Note how a picture was framed, so that it is framed so again."""
        if len(framing) == 1:
            self._last[framing] = (self._camera(span), crop)

    def leaves(self, shot: PlannedShot, activity: SpeakerActivity, least: int) -> int | None:
        """Return where a single should be framed anew: at a quiet moment, no part under `least`."""
        start, end = self._within.start + shot.start, self._within.start + shot.end
        centres = self._centres(shot.framing, FrameRange(start, end))
        crop = self.crop(shot.framing, FrameRange(start, end))
        off = np.abs(centres - np.median(centres, axis=0)) / (crop.width, crop.height)
        # one frame in ten may lie outside: a nod is no move
        if np.percentile(off.max(axis=1), 90) <= self._style.safe_area:
            return None
        reach = round(float(self._media.rate))
        at = quiet_split(centres, activity.voice[shot.start : shot.end], least, reach)
        if at is None or self._framed_alike(shot.framing, start, start + at, end):
            return None
        return shot.start + at

    def _framed_alike(self, framing: Framing, start: int, at: int, end: int) -> bool:
        """Whether a single would be framed after `at` as before it, so that no cut would show."""
        before = self.crop(framing, FrameRange(start, at))
        own, others = self._faces(framing, FrameRange(at, end))
        if not len(own[0]):
            return True
        best = frame_single(own[0], others, self._media.size, self._canvas, self._style)
        return suits(before, best, own[0], others, self._style)

    def keys(self, framing: Framing, span: FrameRange, crop: Box) -> tuple[CropKey, ...]:
        """Return the keys of a crop that follows a single's face; none where it need not move."""
        own, _ = self._faces(framing, span)
        if len(framing) != 1 or not len(own[0]):
            return ()
        rate = float(self._media.rate)
        step = max(1, round(rate / STEPS_PER_SECOND))
        frames = [*range(span.start, span.end - 1, step), span.end - 1]
        centres = self._centres(framing, span)
        offset = np.array(crop.centre) - np.median(centres, axis=0)
        wanted = centres[[frame - span.start for frame in frames]] + offset
        sides = (crop.width, crop.height)
        path = np.stack(
            [
                smooth_path(
                    wanted[:, axis],
                    slack=self._style.safe_area * side,
                    fastest=2 * self._style.safe_area * side * step / rate
                    / self._style.move_seconds,
                    low=side / 2,
                    high=self._media.size[axis] - side / 2,
                )
                for axis, side in enumerate(sides)
            ],
            axis=1,
        )  # fmt: skip
        if np.ptp(path, axis=0).max() <= TOLERANCE:
            return ()
        half = np.array(sides) / 2
        return tuple(
            CropKey(frames[n], Box.from_edges((*path[n] - half, *path[n] + half)))
            for n in corners(path, TOLERANCE)
        )

    def covers(self, shot: Shot) -> tuple[Cover, ...]:
        """Return what of a single is to be covered, as the style says."""
        if self._style.obscure_others == "no" or len(shot.subjects) != 1:
            return ()
        owner = next(p for p in self._people if p.id == shot.subjects[0])
        others = [track for track in self._tracks if track.id not in owner.track_ids]
        crops = crops_of(shot, self._media.size, self._canvas)
        return covers_of(shot.range, crops, others, self._style.obscure_others)

    def side_by_side(self, one: int, other: int, start: int, end: int) -> bool:
        """Whether two people are seen from `start` to `end` with nobody else in their two-shot."""
        span = FrameRange(self._within.start + start, self._within.start + end)
        own, others = self._faces((one, other), span)
        if not all(len(boxes) == span.duration for boxes in own):
            return False
        crop = frame_two(own[0], own[1], self._media.size, self._canvas, self._style)
        between = [float(np.median(boxes[:, [0, 2]])) for boxes in others]
        alone = not any(crop.left < middle < crop.right for middle in between)
        return alone and crop.height <= TIGHTER * largest(self._media.size, self._canvas)[1]

    def angles(self, shots: Sequence[Shot]) -> tuple[Shot, ...]:
        """Return the wide and every person seen, for the stretch of every shot."""
        angles: list[Shot] = []
        for shot in shots:
            angles.append(Shot(shot.range, (), self.crop(WIDE, shot.range), "the wide"))
            for n, person in enumerate(self._people):
                own, _ = self._faces((n,), shot.range)
                if shot.subjects == (person.id,):
                    angles.append(shot)
                elif len(own[0]) > shot.range.duration / 2:
                    crop = self.crop((n,), shot.range)
                    angles.append(Shot(shot.range, (person.id,), crop, "another angle"))
        return tuple(angles)

    def _camera(self, span: FrameRange) -> int:
        """Return how many of the source's own cuts lie before the shot."""
        return bisect_right(self._cuts, span.start)

    def _centres(self, framing: Framing, span: FrameRange) -> NDArray[np.float64]:
        """Return (T, 2) where a single's face is; where it is not seen, where it is seen next."""
        out = np.full((span.duration, 2), np.nan)
        for track in self._owned[framing[0]]:
            first, last = max(track.start, span.start), min(track.range.end, span.end)
            if first < last:
                part = track.boxes[first - track.start : last - track.start]
                out[first - span.start : last - span.start] = (part[:, :2] + part[:, 2:]) / 2
        seen = np.flatnonzero(~np.isnan(out[:, 0]))
        if not len(seen):
            return np.zeros((span.duration, 2))
        after = np.minimum(np.searchsorted(seen, np.arange(span.duration)), len(seen) - 1)
        return out[seen[after]]

    def _faces(
        self, framing: Framing, span: FrameRange
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return (n, 4) boxes seen in `span`: of each person of the picture, of each track else."""
        owner = {id_: n for n in framing for id_ in self._people[n].track_ids}
        own = {n: [np.empty((0, 4), np.float32)] for n in framing}
        others: list[NDArray[np.float32]] = []
        for track in self._tracks:
            if track.start < span.end and span.start < track.range.end:
                boxes = track.boxes[max(0, span.start - track.start) : span.end - track.start]
                if track.id in owner:
                    own[owner[track.id]].append(boxes)
                else:
                    others.append(boxes)
        return [np.concatenate(own[n]) for n in framing], others


def _boxes_at(tracks: Sequence[FaceTrack], frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (T, 4) where the face of the tracks is in T frames of the source; NaN if unseen."""
    out = np.full((len(frames), 4), np.nan, np.float32)
    for track in tracks:
        if track.start > frames[-1] or track.range.end <= frames[0]:
            continue
        there = (frames >= track.start) & (frames < track.range.end)
        out[there] = track.boxes[frames[there] - track.start]
    return out
