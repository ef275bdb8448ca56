"""A cut list as the tracks of an editor: one, or the wide with each person above it.

With other angles in the cut list, the lowest track shows the wide from end to end, and every
person has a track above it with their close-ups wherever they are seen. What the director chose is
on; the rest lies ready, off: to choose it is to switch a clip, not to frame one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otio_speakerzoom.model import CutList, FrameRange, Shot
from otio_speakerzoom.timeline.transform import trim_shot


@dataclass(frozen=True, slots=True)
class Piece:
    """One clip of a picture track."""

    shot: Shot
    number: int
    """Of the shot it is in the programme, from 1; 0 where it was not chosen."""
    on: bool
    """Whether it is seen."""


def video_tracks(cut_list: CutList) -> tuple[tuple[str, tuple[Piece, ...]], ...]:
    """Return name and pieces of each picture track, the lowest first; pieces in order of time.

    A two-shot lies on the track of the first person it shows. Without other angles there is one
    track, of the shots themselves.
    """
    chosen = [Piece(shot, n, True) for n, shot in enumerate(cut_list.shots, 1)]
    if not cut_list.angles:
        return (("Video 1", tuple(chosen)),)
    tracks = [("Wide", 0), *((person.label, person.id) for person in cut_list.people)]
    pieces_of = ((name, _lane(cut_list, chosen, id_)) for name, id_ in tracks)
    return tuple((name, pieces) for name, pieces in pieces_of if pieces)


def _lane(cut_list: CutList, chosen: Sequence[Piece], id_: int) -> tuple[Piece, ...]:
    """Return the pieces of one person, or of the wide where `id_` is 0."""
    own = [piece for piece in chosen if _owner(piece.shot) == id_]
    size, canvas = cut_list.media.size, cut_list.canvas
    ready = [
        Piece(trim_shot(angle, span, size, canvas), 0, on=not id_)
        for angle in cut_list.angles
        if _owner(angle) == id_
        for span in _without(angle.range, [piece.shot.range for piece in own])
    ]
    return tuple(sorted((*own, *ready), key=lambda piece: piece.shot.range.start))


def _owner(shot: Shot) -> int:
    return shot.subjects[0] if shot.subjects else 0


def _without(span: FrameRange, taken: Sequence[FrameRange]) -> list[FrameRange]:
    """Return what of `span` is left when `taken`, which are in order, are cut out of it."""
    left: list[FrameRange] = []
    at = span.start
    for other in taken:
        if other.end <= at or other.start >= span.end:
            continue
        if at < other.start:
            left.append(FrameRange(at, other.start))
        at = other.end
    if at < span.end:
        left.append(FrameRange(at, span.end))
    return left
