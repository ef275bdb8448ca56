"""The crop of each shot, from the faces visible in it; as before if nothing has changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.camera_path import follow
from otio_speakerzoom.director.crop_geometry import crops_of, largest_crop_size, widest_crop
from otio_speakerzoom.director.face_covers import covers_of
from otio_speakerzoom.director.framing import frame_single, middle_of
from otio_speakerzoom.director.panels import Panels
from otio_speakerzoom.director.planned_shot import WIDE, Framing, PlannedShot
from otio_speakerzoom.director.push_in import push_in
from otio_speakerzoom.director.reframing import split_frame
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_shots import fits_two, frame_two
from otio_speakerzoom.director.two_ups import TwoUpFraming, frame_two_up
from otio_speakerzoom.director.visible_faces import VisibleFaces
from otio_speakerzoom.director.wide import faces_in_wide, frame_wide, shows_whole_frame
from otio_speakerzoom.model import (
    Box,
    Cover,
    CropKey,
    FaceTrack,
    FrameRange,
    Media,
    Panel,
    Person,
    Shot,
)

MAX_TWO_SHOT_HEIGHT = 0.8
"""Of the widest crop's height: a larger two-shot hardly differs from the wide."""

SAMPLES_PER_SECOND = 5
"""Rate at which the wide samples faces: a head needs a second to cross its own width."""

MAX_SAMPLES = 200
"""Most samples of one wide, to bound the time for an hour of it."""


class ShotFramer:
    """Frames shots; remembers how each single was last framed."""

    def __init__(
        self,
        media: Media,
        tracks: Sequence[FaceTrack],
        people: Sequence[Person],
        canvas: tuple[int, int],
        style: Style,
        camera_cuts: Sequence[int],
        activity_of: Callable[[], SpeakerActivity],
        panels: Sequence[Panel] = (),
    ) -> None:
        """Take what a cut is planned from; who speaks is asked for only where it matters."""
        self._media, self._canvas, self._style = media, canvas, style
        self._faces, self._activity_of = VisibleFaces(tracks, people), activity_of
        self._panels = Panels(panels, media.size)
        self._cuts = sorted(set(camera_cuts))
        self._last_single: dict[Framing, tuple[int, Box]] = {}

    @property
    def _activity(self) -> SpeakerActivity:
        return self._activity_of()

    @property
    def shows_whole_frame(self) -> bool:
        """Whether a wide shows the whole frame of the source."""
        return shows_whole_frame(self._media.size, self._canvas)

    def crop(self, framing: Framing, span: FrameRange) -> Box:
        """Return the crop of a still shot; a wide's if its people are never visible.

        A single is framed as the last one of that person since the source's own last cut, if that
        is as good.
        """
        if framing:
            span = self._longest_view(framing, span)
        own, others = self._faces.boxes(framing, span)
        size, canvas, style = self._media.size, self._canvas, self._style
        if not framing or not all(len(boxes) for boxes in own):
            visible = tuple(n for n, boxes in zip(framing, own, strict=True) if len(boxes))
            return self._wide(span, visible)
        if len(own) == 2:
            if not fits_two(own[0], own[1], size, canvas):
                return self._wide(span, framing)
            walls = self._panels.walls(span, own)
            return frame_two(own[0], own[1], size, canvas, style, others=others, walls=walls)
        camera, last = self._last_single.get(framing, (-1, None))
        earlier = last if camera == self._camera(span) else None
        walls = self._panels.walls(span, own)
        return frame_single(own[0], others, size, canvas, style, earlier=earlier, walls=walls)

    def two_up(self, framing: Framing, span: FrameRange) -> TwoUpFraming | None:
        """Return two people in two halves, by the style; None where `crop` must hold both."""
        if len(framing) != 2 or self._style.two_up == "off":
            return None
        view = self._longest_view(framing, span)
        own, others = self._faces.boxes(framing, view)
        if not all(map(len, own)):
            return None
        walls = [self._panels.walls(view, [boxes]) for boxes in own]
        return frame_two_up(
            framing, own, others, span.duration, self._media.size, self._canvas, self._style, walls
        )

    def remember(self, framing: Framing, span: FrameRange, crop: Box) -> None:
        """Note how a single was framed, so that the next one of that person can be the same."""
        if len(framing) == 1:
            self._last_single[framing] = (self._camera(span), crop)

    def forget(self) -> None:
        """Frame the next single of everybody anew."""
        self._last_single.clear()

    def faces_in_wide(self) -> NDArray[np.bool_] | None:
        """Return (P, T) whom a wide would contain in each frame; None where it has everybody."""
        if self.shows_whole_frame or not self._faces.people:
            return None
        span = self._activity.range
        step = self._sample_step
        frames = np.arange(span.start, span.end, step)
        boxes = np.array([self._faces.at(frames, n) for n in range(len(self._faces.people))])
        # a shot that is not known yet lasts about the minimum, before or after
        near = round(self._style.min_shot_seconds * self._media.rate)
        spoken = np.pad(np.cumsum(self._activity.speaks, axis=1), ((0, 0), (1, 0)))
        columns = self._activity.columns(frames)
        first, last = np.maximum(0, columns - near), np.minimum(span.duration, columns + near)
        speech = (spoken[:, last] - spoken[:, first]) / (last - first)
        inside = faces_in_wide(boxes, speech, self._media.size, self._canvas)
        return np.repeat(inside, step, axis=1)[:, : span.duration]

    def reframe_frame(self, shot: PlannedShot, min_shot: int) -> int | None:
        """Return at which source frame a single needs a new framing, since its face has moved.

        At a quiet moment, with no part under `min_shot` frames; None where it needs none.
        """
        span = shot.range
        centres = self._faces.centres(shot.framing[0], span)
        crop = self.crop(shot.framing, span)
        offset = np.abs(centres - np.median(centres, axis=0)) / (crop.width, crop.height)
        # one frame in ten may lie outside: a nod is not a move
        if np.percentile(offset.max(axis=1), 90) <= self._style.safe_area:
            return None
        voice = self._activity.part(span).voice
        cuts = [cut - span.start for cut in self._cuts if span.start < cut < span.end]
        split = split_frame(centres, voice, min_shot, round(float(self._media.rate)), cuts)
        if split is None:
            return None
        before = FrameRange(span.start, span.start + split)
        after = FrameRange(span.start + split, span.end)
        return None if self._is_framed_alike(shot.framing, before, after) else after.start

    def motion(self, framing: Framing, span: FrameRange, crop: Box) -> tuple[CropKey, ...]:
        """Return the keys of a moving crop, by the style; none for one that stands still."""
        keys = self.keys(framing, span, crop) if self._style.follow == "smooth" else ()
        if not keys and self._style.break_long_singles_with == "push-in":
            keys = self.push_in(framing, span, crop)
        return keys

    def keys(self, framing: Framing, span: FrameRange, crop: Box) -> tuple[CropKey, ...]:
        """Return the keys of a crop that follows a single's face; none where it need not move."""
        if len(framing) != 1 or not len(self._faces.boxes(framing, span)[0][0]):
            return ()
        centres = self._faces.centres(framing[0], span)
        rate = float(self._media.rate)
        return follow(centres, crop, span, rate, self._media.size, self._style)

    def push_in(self, framing: Framing, span: FrameRange, crop: Box) -> tuple[CropKey, ...]:
        """Return the keys of a push-in on a single that is too long to stand still; else none."""
        rate, style = float(self._media.rate), self._style
        longest = round(style.max_shot_seconds * rate)
        if len(framing) != 1 or not longest or span.duration <= longest:
            return ()
        faces = self._faces.boxes(framing, span)[0][0]
        return push_in(faces, crop, span, rate, self._canvas, style) if len(faces) else ()

    def framing_on_screen(self, framing: Framing, span: FrameRange, crop: Box) -> Framing:
        """Return what a crop shows: a single that is the whole frame, with others, is the wide."""
        is_whole = crop.height >= largest_crop_size(self._media.size, self._canvas)[1] - 1e-6
        if len(framing) != 1 or not self.shows_whole_frame or not is_whole:
            return framing
        _, others = self._faces.boxes(framing, span)
        return WIDE if any(len(boxes) > span.duration / 2 for boxes in others) else framing

    def locked_shot(
        self, framing: Framing, span: FrameRange, crop: Box, *, is_by_hand: bool
    ) -> Shot:
        """Return the shot of a lock; its crop moves by the style, unless it was set by hand."""
        two_up = None if is_by_hand else self.two_up(framing, span)
        if two_up:
            subjects = tuple(self._faces.people[n].id for n in two_up.framing)
            shot = Shot(span, subjects, two_up.crop, "locked", 1.0, locked=True)
            return replace(shot, two_up=two_up.two_up)
        keys = () if is_by_hand else self.motion(framing, span, crop)
        subjects = tuple(self._faces.people[n].id for n in framing)
        crop = keys[0].crop if keys else crop
        shot = Shot(span, subjects, crop, "locked", 1.0, keys, locked=True)
        return replace(shot, covers=self.covers(shot))

    def covers(self, shot: Shot) -> tuple[Cover, ...]:
        """Return the covers over other faces in a single, by the style."""
        if self._style.obscure_others == "no" or len(shot.subjects) != 1:
            return ()
        crops = crops_of(shot, self._media.size, self._canvas)
        others = self._faces.other_tracks(shot.subjects[0], shot.range)
        return covers_of(shot.range, crops, others, self._style.obscure_others)

    def are_side_by_side(self, one: int, other: int, span: FrameRange) -> bool:
        """Whether two people are visible all through `span`, with nobody between them."""
        own, others = self._faces.boxes((one, other), span)
        if not all(len(boxes) == span.duration for boxes in own):
            return False
        crop = frame_two(own[0], own[1], self._media.size, self._canvas, self._style)
        centres = [middle_of(boxes) for boxes in others]
        alone = not any(crop.left < centre < crop.right for centre in centres)
        max_height = MAX_TWO_SHOT_HEIGHT * largest_crop_size(self._media.size, self._canvas)[1]
        return alone and crop.height <= max_height

    def angles(self, shots: Sequence[Shot]) -> tuple[Shot, ...]:
        """Return the wide, and a single of each visible person, for the range of every shot."""
        angles: list[Shot] = []
        for shot in shots:
            angles.append(Shot(shot.range, (), self.crop(WIDE, shot.range), "the wide"))
            for n, person in enumerate(self._faces.people):
                own, _ = self._faces.boxes((n,), shot.range)
                if shot.subjects == (person.id,):
                    angles.append(shot)
                elif len(own[0]) > shot.range.duration / 2:
                    crop = self.crop((n,), shot.range)
                    angles.append(Shot(shot.range, (person.id,), crop, "another angle"))
        return tuple(angles)

    def _longest_view(self, framing: Framing, span: FrameRange) -> FrameRange:
        """Return the part of a shot between the source's own cuts with most boxes of its people.

        Only a lock continues across such a cut; between two places of one face there may be nobody.
        """
        first, last = bisect_right(self._cuts, span.start), bisect_left(self._cuts, span.end)
        if first == last:
            return span
        edges = [span.start, *self._cuts[first:last], span.end]
        parts = [FrameRange(start, end) for start, end in pairwise(edges)]
        counts = [sum(map(len, self._faces.boxes(framing, part)[0])) for part in parts]
        return parts[counts.index(max(counts))] if any(counts) else span

    def _wide(self, span: FrameRange, only: Framing) -> Box:
        """Return the crop of a wide; with `only`, of as much of these people as fits."""
        size, canvas = self._media.size, self._canvas
        if self.shows_whole_frame:
            return widest_crop(size, canvas)
        frames = self._sample_frames(span)
        rows = only or tuple(range(len(self._faces.people)))
        boxes = [self._faces.at(frames, n) for n in rows]
        speaks = self._activity.speaks[list(rows)][:, self._activity.columns(frames)]
        if not only:
            of_nobody = self._faces.of_nobody_at(frames, span)
            boxes += of_nobody
            speaks = np.concatenate([speaks, np.zeros((len(of_nobody), len(frames)), bool)])
        return frame_wide(
            np.array(boxes, np.float32).reshape(-1, len(frames), 4), speaks, size, canvas
        )

    @property
    def _sample_step(self) -> int:
        return max(1, round(self._media.rate / SAMPLES_PER_SECOND))

    def _sample_frames(self, span: FrameRange) -> NDArray[np.int64]:
        """Return frames of a shot to sample: evenly spaced, and the middle of every track in it."""
        step = max(self._sample_step, span.duration // MAX_SAMPLES)
        tracks = self._faces.tracks(span)
        middles = [(max(t.start, span.start) + min(t.range.end, span.end)) // 2 for t in tracks]
        return np.unique([*range(span.start, span.end, step), *middles])

    def _is_framed_alike(self, framing: Framing, before: FrameRange, after: FrameRange) -> bool:
        """Whether a single may be framed in `after` as in `before`, so that no cut would show."""
        crop = self.crop(framing, before)
        own, others = self._faces.boxes(framing, after)
        if not len(own[0]):
            return True
        size, canvas = self._media.size, self._canvas
        walls = self._panels.walls(after, own)
        return crop == frame_single(
            own[0], others, size, canvas, self._style, earlier=crop, walls=walls
        )

    def _camera(self, span: FrameRange) -> int:
        """Return how many of the source's own cuts precede a shot."""
        return bisect_right(self._cuts, span.start)
