"""The kept cut, made ready to be asked: which shot was this, is it framed the same, who is it.

A shot shows what its framing says, not what its clip is called: people are told by the kept
framing that it equals, else by our note on the clip, else by the kept framing that it shares most
with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.interchange.read import EditedClip, TransformKey
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.timeline.transform import Transform, crop_of, transform_of

SAME = 0.5
"""Source pixels by which an edge may differ in the same framing: formats round, and no eye sees
half a pixel."""
NEARLY = 0.02
"""Part of the picture's width by which an edge may differ in what still counts as the wide: what a
hand nudges without meaning another framing."""


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A stretch of the source that the edited timeline shows."""

    range: FrameRange
    record: FrameRange
    """Where it lies in the programme."""
    clip: EditedClip
    left_out: str = ""
    """Why it cannot be a shot; empty where it can, and then the clip has a move."""

    @property
    def path(self) -> tuple[TransformKey, ...]:
        still = () if self.clip.move is None else (TransformKey(self.range.start, self.clip.move),)
        return self.clip.keys or still


class CachedCut:
    """A cut list and its framings: of all shots, and of the angles to choose from."""

    def __init__(self, cut_list: CutList, *, cuts_only: bool = False) -> None:
        """With `cuts_only` every span counts as framed like the shot it is made of."""
        self.cut_list, self.cuts_only = cut_list, cuts_only
        self._size, self._canvas = cut_list.media.size, cut_list.canvas
        self._starts = [shot.range.start for shot in cut_list.shots]
        framings = (*cut_list.shots, *cut_list.angles)
        self._subjects = [shot.subjects for shot in framings]
        self._wide = np.array([not subjects for subjects in self._subjects])  # (F,)
        self._of: dict[tuple[int, ...], list[int]] = {}  # who -> numbers of their framings
        for number, subjects in enumerate(self._subjects):
            self._of.setdefault(subjects, []).append(number)
        seen = [self._visible(self._move(shot.crop)) for shot in framings]
        self._crops = np.array([crop.edges for crop in seen])  # (F, 4)
        labels = {person.label: (person.id,) for person in cut_list.people}
        self._named = labels | {self.names(subjects): subjects for subjects in self._subjects}

    def names(self, subjects: tuple[int, ...]) -> str:
        return self.cut_list.names(replace(self.cut_list.shots[0], subjects=subjects))

    def is_cut(self, frame: int) -> bool:
        return self._starts[bisect_right(self._starts, frame) - 1] == frame

    def overlapping(self, span: FrameRange) -> Sequence[Shot]:
        """The kept shots in a range of the source that was cut; at least one."""
        first = bisect_right(self._starts, span.start) - 1
        return self.cut_list.shots[first : bisect_right(self._starts, span.end - 1)]

    def origin(self, span: Span) -> tuple[Shot, bool]:
        """Return the kept shot that `span` is made of, and whether it is framed as that one is."""
        shots = self.overlapping(span.range)
        same = [shot for shot in shots if self._same(span, shot)]
        return max(same or shots, key=lambda shot: _overlap(span.range, shot.range)), bool(same)

    def crop_at(self, span: Span, frame: int) -> Box:
        """What `span` shows at a source frame."""
        return self._visible(_along(span.path, frame))

    def kept_crop_at(self, shot: Shot, frame: int) -> Box:
        """What of the kept shot's crop comes to be seen: all, where it has the canvas's shape."""
        keys = [TransformKey(key.frame, self._move(key.crop)) for key in shot.keys]
        path = keys or [TransformKey(shot.range.start, self._move(shot.crop))]
        return self._visible(_along(path, frame))

    def inside(self, crop: Box) -> Box | None:
        """Return `crop` without what rounding put outside the picture; None if more is."""
        width, height = self._size
        within = np.array(crop.edges).clip(0, (width, height, width, height))
        off = np.abs(within - crop.edges).max()
        return Box.from_edges(within) if off <= SAME else None

    def who(self, crop: Box, clip: EditedClip, origin: Shot) -> tuple[int, ...]:
        """Return whom a framing shows, which is not the one of `origin`, the shot it was."""
        off = np.abs(self._crops - crop.edges).max(axis=1)  # (F,) of the edge farthest off
        nearest = int(off.argmin())
        if off[nearest] <= SAME:
            return self._subjects[nearest]
        nearly = NEARLY * self._size[0]
        whole = close(crop, Box(0, 0, *self._size), nearly)
        if whole or off.min(where=self._wide, initial=np.inf) <= nearly:
            return ()
        shared = np.where(self._wide, 0, self._shared(crop))
        noted = clip.subjects if clip.subjects is not None else self._named.get(clip.name)
        if noted and noted in self._of and shared[self._of[noted]].any():
            return noted
        return self._subjects[int(shared.argmax())] if shared.any() else origin.subjects

    def _same(self, span: Span, shot: Shot) -> bool:
        """Whether `span` is framed as the shot is, wherever either has a key.

        All formats that are read have keys: a moving shot that stands still is not as it was.
        """
        if self.cuts_only:
            return True
        start, last = span.range.start, span.range.end - 1
        keys = {key.frame for key in (*span.clip.keys, *shot.keys) if start < key.frame < last}
        return all(
            close(self.crop_at(span, frame), self.kept_crop_at(shot, frame), SAME)
            for frame in {start, (start + last) // 2, last} | keys
        )

    def _shared(self, crop: Box) -> NDArray[np.float64]:
        """(F,) how much of either each kept framing has in common with `crop`, 0 to 1."""
        least = np.maximum(self._crops, crop.edges)
        most = np.minimum(self._crops, crop.edges)
        both = (most[:, 2] - least[:, 0]).clip(0) * (most[:, 3] - least[:, 1]).clip(0)
        areas = (self._crops[:, 2] - self._crops[:, 0]) * (self._crops[:, 3] - self._crops[:, 1])
        return both / (areas + crop.width * crop.height - both)

    def _move(self, crop: Box) -> Transform:
        return transform_of(crop, self._size, self._canvas)

    def _visible(self, move: Transform) -> Box:
        return crop_of(move, self._size, self._canvas)


def close(a: Box, b: Box, tolerance: float) -> bool:
    """Whether no edge is farther off than `tolerance`, in source pixels."""
    return all(abs(x - y) <= tolerance for x, y in zip(a.edges, b.edges, strict=True))


def _along(path: Sequence[TransformKey], frame: int) -> Transform:
    """Where a picture is at `frame`: between keys its scale and position change evenly."""
    if len(path) == 1:
        return path[0].move
    frames = [key.frame for key in path]
    moves = [(key.move.scale, key.move.dx, key.move.dy) for key in path]
    return Transform(*(float(np.interp(frame, frames, c)) for c in zip(*moves, strict=True)))


def _overlap(a: FrameRange, b: FrameRange) -> int:
    return min(a.end, b.end) - max(a.start, b.start)
