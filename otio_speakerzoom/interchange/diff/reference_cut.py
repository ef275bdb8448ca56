"""The cut that an edit is compared with: its shots, its framings, and whom each framing shows.

A clip shows what its framing shows, not what it is called: its people are those of the reference
framing that it equals, else those in our metadata on the clip, else those of the reference framing
that it overlaps most.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.interchange.read import EditedClip, TransformKey
from otio_speakerzoom.interchange.read.messages import CROP_EFFECT
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.timeline.transform import Transform, crop_of, transform_of
from otio_speakerzoom.timeline.two_up import halves_of, visible_in

SAME_CROP_PX = 0.5
"""Source pixels by which an edge may differ in the same framing: formats round, and nobody sees
half a pixel."""
NEARLY_WIDE_SHARE = 0.02
"""Share of the frame's width by which an edge may differ from the wide: a nudge by hand that is
not meant as another framing."""


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A stretch of the source that the edited timeline shows."""

    range: FrameRange
    record: FrameRange
    """Where it lies in the programme."""
    clip: EditedClip
    below: EditedClip | None = None
    """As in `VisibleRange`."""
    skip_reason: str = ""
    """Why it cannot become a shot; empty where it can, and then the clip has a transform."""

    @property
    def motion(self) -> tuple[TransformKey, ...]:
        """The clip's keys; a single one where it stands still."""
        transform = self.clip.transform
        return self.clip.keys or (
            () if transform is None else (TransformKey(self.range.start, transform),)
        )


class ReferenceCut:
    """A cut list with its framings: those of all shots, and of the angles to choose from."""

    def __init__(self, cut_list: CutList, *, cuts_only: bool = False) -> None:
        """With `cuts_only` every span counts as framed like the shot that it is part of."""
        self.cut_list, self.cuts_only = cut_list, cuts_only
        self._size, self._canvas = cut_list.media.size, cut_list.canvas
        self._starts = [shot.range.start for shot in cut_list.shots]
        framings = (*cut_list.shots, *cut_list.angles)
        self._subjects = [shot.subjects for shot in framings]
        self._is_wide = np.array([not subjects for subjects in self._subjects])  # (F,)
        self._framings_of: dict[tuple[int, ...], list[int]] = {}  # subjects -> rows of _crops
        for number, subjects in enumerate(self._subjects):
            self._framings_of.setdefault(subjects, []).append(number)
        crops = [self._visible_crop(self._transform_of(shot)) for shot in framings]
        self._crops = np.array([crop.edges for crop in crops])  # (F, 4)
        labels = {person.label: (person.id,) for person in cut_list.people}
        self._subjects_by_name = labels | {self.names(ids): ids for ids in self._subjects}

    def names(self, subjects: tuple[int, ...]) -> str:
        return self.cut_list.shot_label(replace(self.cut_list.shots[0], subjects=subjects))

    def is_cut(self, frame: int) -> bool:
        return self._starts[bisect_right(self._starts, frame) - 1] == frame

    def shots_in(self, span: FrameRange) -> Sequence[Shot]:
        """The shots in a range of the source that was cut; at least one."""
        first = bisect_right(self._starts, span.start) - 1
        return self.cut_list.shots[first : bisect_right(self._starts, span.end - 1)]

    def shot_of(self, span: Span) -> tuple[Shot, bool]:
        """Return the shot that `span` is part of, and whether it is framed like that shot."""
        shots = self.shots_in(span.range)
        matches = [shot for shot in shots if self._same_framing(span, shot)]
        best = max(matches or shots, key=lambda shot: _overlap(span.range, shot.range))
        return best, bool(matches)

    def crop_at(self, span: Span, frame: int) -> Box:
        """What `span` shows at a source frame."""
        return self._visible_crop(_transform_at(span.motion, frame))

    def shot_crop_at(self, shot: Shot, frame: int) -> Box:
        """The visible part of a shot's crop: all of it, where it has the canvas's shape."""
        keys = [TransformKey(key.frame, self._transform(key.crop)) for key in shot.keys]
        motion = keys or [TransformKey(shot.range.start, self._transform_of(shot))]
        return self._visible_crop(_transform_at(motion, frame))

    def inside_frame(self, crop: Box) -> Box | None:
        """Return `crop` without what rounding put outside the frame; None if more is outside."""
        width, height = self._size
        within = np.array(crop.edges).clip(0, (width, height, width, height))
        distance = np.abs(within - crop.edges).max()
        return Box.from_edges(within) if distance <= SAME_CROP_PX else None

    def subjects_in(self, crop: Box, clip: EditedClip, shot: Shot) -> tuple[int, ...]:
        """Return whom a new framing shows; `shot` is the one that its clip is part of."""
        distances = np.abs(self._crops - crop.edges).max(axis=1)  # (F,) of the farthest edge
        nearest = int(distances.argmin())
        if distances[nearest] <= SAME_CROP_PX:
            return self._subjects[nearest]
        tolerance = NEARLY_WIDE_SHARE * self._size[0]
        whole = close(crop, Box(0, 0, *self._size), tolerance)
        if whole or distances.min(where=self._is_wide, initial=np.inf) <= tolerance:
            return ()
        overlaps = np.where(self._is_wide, 0, iou(self._crops, np.array(crop.edges)))
        subjects = clip.subjects
        if subjects is None:
            subjects = self._subjects_by_name.get(clip.name, ())
        if overlaps[self._framings_of.get(subjects, [])].any():  # never the wide, where it is 0
            return subjects
        return self._subjects[int(overlaps.argmax())] if overlaps.any() else shot.subjects

    def _same_framing(self, span: Span, shot: Shot) -> bool:
        """Whether `span` is framed like the shot, wherever either has a key.

        All formats that are read have keys: a moving shot that stands still is a change.
        """
        if self.cuts_only:
            return True
        if shot.two_up or span.below:
            return self._same_halves(span, shot)
        start, last = span.range.start, span.range.end - 1
        keys = {key.frame for key in (*span.clip.keys, *shot.keys) if start < key.frame < last}
        return all(
            close(self.crop_at(span, frame), self.shot_crop_at(shot, frame), SAME_CROP_PX)
            for frame in {start, (start + last) // 2, last} | keys
        )

    def is_open(self, clip: EditedClip) -> bool:
        """Whether a clip is cropped, or its frame does not cover the canvas."""
        return clip.rest is not None or (
            clip.transform is not None
            and self.inside_frame(self._visible_crop(clip.transform)) is None
        )

    def is_two_up(self, span: Span) -> bool:
        """Whether `span` shows the halves of a two-up of the cut, where that has it."""
        return any(self._same_halves(span, shot) for shot in self.shots_in(span.range))

    def _same_halves(self, span: Span, shot: Shot) -> bool:
        """Whether two clips over each other show the halves of a two-up, to the seam."""
        halves, upper, lower = halves_of(shot), span.clip, span.below
        if halves is None or lower is None or lower.unsupported or not _in_step(span):
            return False
        if upper.unsupported != (CROP_EFFECT if upper.rest else "") or upper.keys or lower.keys:
            return False
        (first, crop), (second, second_crop) = halves
        size, canvas = self._size, self._canvas
        if lower.transform is None or upper.transform is None:
            return False
        lower_part = visible_in(first.rectangle(canvas), lower.transform, size, canvas)
        window, rest = self._visible_crop(upper.transform), upper.rest or Box(0, 0, *size)
        corners = zip(window.edges[:2], rest.edges[:2], strict=True)
        ends = zip(window.edges[2:], rest.edges[2:], strict=True)
        cropped = Box(*map(max, corners), *map(min, ends))
        pairs = ((lower_part, first.visible_crop(crop, size, canvas)),
                 (cropped, second.visible_crop(second_crop, size, canvas)))  # fmt: skip
        return all(close(*pair, SAME_CROP_PX) for pair in pairs)

    def _transform_of(self, shot: Shot) -> Transform:
        """The transform of a shot's own clip; in a two-up, that of the left or upper half."""
        if halves := halves_of(shot):
            (half, crop), _ = halves
            return half.transform(crop, self._size, self._canvas)
        return self._transform(shot.crop)

    def _transform(self, crop: Box) -> Transform:
        return transform_of(crop, self._size, self._canvas)

    def _visible_crop(self, transform: Transform) -> Box:
        return crop_of(transform, self._size, self._canvas)


def _in_step(span: Span) -> bool:
    """Whether the clip below shows the same frames of the same file."""
    lower = span.below
    if lower is None or lower.source is None or lower.media_name != span.clip.media_name:
        return False
    start = lower.source.start + span.record.start - lower.record.start
    return lower.source.duration == lower.record.duration and start == span.range.start


def close(a: Box, b: Box, tolerance: float) -> bool:
    """Whether no edge differs by more than `tolerance`, in source pixels."""
    return all(abs(x - y) <= tolerance for x, y in zip(a.edges, b.edges, strict=True))


def _transform_at(keys: Sequence[TransformKey], frame: int) -> Transform:
    """The transform at `frame`: between keys, scale and position change evenly."""
    if len(keys) == 1:
        return keys[0].transform
    frames = [key.frame for key in keys]
    rows = [(key.transform.scale, key.transform.dx, key.transform.dy) for key in keys]
    return Transform(*(float(np.interp(frame, frames, c)) for c in zip(*rows, strict=True)))


def _overlap(a: FrameRange, b: FrameRange) -> int:
    return min(a.end, b.end) - max(a.start, b.start)
