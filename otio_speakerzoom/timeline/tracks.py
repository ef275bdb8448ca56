"""A cut list as the video tracks of an editor: one, or one for the wide and one for each person.

If the cut list has other angles, the lowest track shows the wide from end to end, and each person
has a track above it with their singles wherever they are visible. Singles that the director did not
choose are disabled: an editor chooses one by enabling its clip.

The right or lower halves of two-ups have a track of their own, above all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.timeline.transform import trim_shot
from otio_speakerzoom.timeline.two_up import Half, halves_of


@dataclass(frozen=True, slots=True)
class TrackClip:
    """One clip of a video track."""

    shot: Shot
    number: int
    """Number of the shot in the cut, from 1; 0 for another angle, which is not part of it, and for
    the second half of a two-up."""
    enabled: bool
    half: Half | None = None
    """Which half of a two-up it is; None for the whole picture."""

    @property
    def crop(self) -> Box:
        """The crop of the clip."""
        halves = halves_of(self.shot)
        return self.shot.crop if halves is None or self.half is None else dict(halves)[self.half]


def video_tracks(cut_list: CutList) -> tuple[tuple[str, tuple[TrackClip, ...]], ...]:
    """Return name and clips of each video track, the lowest first; clips in order of time.

    A two-shot lies on the track of the first person it shows. Without other angles there is one
    track, with the shots of the cut, and one above it if there are two-ups.
    """
    cut = [TrackClip(shot, n, True, _half(shot, 0)) for n, shot in enumerate(cut_list.shots, 1)]
    seconds = [TrackClip(s, 0, True, _half(s, 1)) for s in cut_list.shots if s.two_up]
    upper = [("Two-up", tuple(seconds))] if seconds else []
    if not cut_list.angles:
        return (("Video 1", tuple(cut)), *upper)
    owners = [("Wide", 0), *((person.label, person.id) for person in cut_list.people)]
    tracks = ((name, _track_of(cut_list, cut, owner)) for name, owner in owners)
    return (*((name, clips) for name, clips in tracks if clips), *upper)


def _half(shot: Shot, number: int) -> Half | None:
    halves = halves_of(shot)
    return halves[number][0] if halves else None


def _track_of(cut_list: CutList, cut: Sequence[TrackClip], owner: int) -> tuple[TrackClip, ...]:
    """Return the clips of one person, or of the wide if `owner` is 0."""
    own = [clip for clip in cut if _owner(clip.shot) == owner]
    size, canvas = cut_list.media.size, cut_list.canvas
    others = [
        TrackClip(trim_shot(angle, span, size, canvas), 0, enabled=not owner)
        for angle in cut_list.angles
        if _owner(angle) == owner
        for span in _subtract(angle.range, [clip.shot.range for clip in own])
    ]
    return tuple(sorted((*own, *others), key=lambda clip: clip.shot.range.start))


def _owner(shot: Shot) -> int:
    return shot.subjects[0] if shot.subjects else 0


def _subtract(span: FrameRange, holes: Sequence[FrameRange]) -> list[FrameRange]:
    """Return the parts of `span` outside `holes`, which are in order."""
    parts: list[FrameRange] = []
    at = span.start
    for hole in holes:
        if hole.end <= at or hole.start >= span.end:
            continue
        if at < hole.start:
            parts.append(FrameRange(at, hole.start))
        at = hole.end
    if at < span.end:
        parts.append(FrameRange(at, span.end))
    return parts
