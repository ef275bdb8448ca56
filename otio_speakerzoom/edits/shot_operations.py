"""Operations on shots: each changes the shots that it names, and locks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from otio_speakerzoom.director.crop_geometry import largest_crop_size
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.edits.draft import Draft, rounded
from otio_speakerzoom.edits.operations import (
    Assign,
    CropShot,
    Join,
    LockShot,
    SetEdge,
    ShotOnPage,
    Split,
    UnlockShot,
)
from otio_speakerzoom.errors import EditError
from otio_speakerzoom.model import FrameRange, Lock, Media, Shot

MAX_ASPECT_DIFFERENCE = 0.01
"""Relative, between a crop and the canvas: as much as rounding to whole pixels causes."""


def assign(draft: Draft, operation: Assign) -> None:
    """Show other people in a range; the director frames them."""
    _show(draft, operation.shot.range, operation.subjects)


def set_edge(draft: Draft, operation: SetEdge) -> None:
    """Move a cut between the other ends of the two shots at it."""
    after = _index_after_cut(draft, operation.frame)
    left, right = draft.shots[after - 1], draft.shots[after]
    first, last = left.range.start + 1, right.range.end - 1
    if not first <= operation.to <= last:
        raise EditError(
            f"the cut at frame {operation.frame} can move to frames {first} to {last}, so that "
            f"both shots have a frame at least; not to {operation.to}"
        )
    if operation.to == operation.frame:
        return
    _replace(draft, after - 1, after + 1, [
        draft.part(left, left.range.start, operation.to),
        draft.part(right, operation.to, right.range.end),
    ])  # fmt: skip


def split(draft: Draft, operation: Split) -> None:
    """Cut a shot in two."""
    n = draft.index_at(operation.frame)
    shot = draft.shots[n]
    if shot.range.start == operation.frame:
        raise EditError(f"there is a cut at frame {operation.frame} already")
    _replace(draft, n, n + 1, [
        draft.part(shot, shot.range.start, operation.frame),
        draft.part(shot, operation.frame, shot.range.end),
    ])  # fmt: skip


def join(draft: Draft, operation: Join) -> None:
    """Let the shot before a cut go on to the next one."""
    after = _index_after_cut(draft, operation.frame)
    left, right = draft.shots[after - 1], draft.shots[after]
    _replace(draft, after - 1, after + 1, [draft.part(left, left.range.start, right.range.end)])


def crop_shot(draft: Draft, operation: CropShot) -> None:
    """Show another part of the frame in a shot."""
    n = _require(draft, operation.shot)
    crop = rounded(operation.box)
    if draft.shots[n].two_up:
        raise EditError(
            f"the shot from frame {draft.shots[n].range.start} has two halves, framed by the "
            "director; show one person or the wide, then set the crop"
        )
    _check_crop(operation, draft.media, draft.canvas, draft.content.style.style)
    shot = draft.shots[n]
    still = Shot(shot.range, shot.subjects, crop, "locked", 1.0, locked=True)
    draft.replace_shots(n, n + 1, [draft.lock(draft.as_stored(draft.covered(still)), crop)])


def lock_shot(draft: Draft, operation: LockShot) -> None:
    """Keep a shot; where other shots are now, show what was on the page."""
    n = draft.index_of(operation.shot.range)
    if n is None or set(draft.shots[n].subjects) != set(operation.shot.subjects):
        _show(draft, operation.shot.range, operation.shot.subjects)
    elif not _is_locked(draft, draft.shots[n]):
        _replace(draft, n, n + 1, [draft.shots[n]])


def unlock_shot(draft: Draft, operation: UnlockShot) -> None:
    """Remove the lock of a shot, which stays as it is until the next plan."""
    n = _require(draft, operation.shot)
    shot = draft.shots[n]
    if not shot.locked:
        raise EditError(f"the shot from frame {shot.range.start} is not locked")
    draft.drop_locks(shot.range)
    free = draft.director_of(draft.content).explain(replace(shot, locked=False))
    draft.replace_shots(n, n + 1, [draft.as_stored(free)])


def min_crop_height(media: Media, canvas: tuple[int, int], style: Style) -> float:
    """Return the least height of a crop, in source pixels, by the style's largest enlargement."""
    enlargement = max(style.max_upscale, style.tightest_upscale)
    return min(canvas[1] / enlargement, largest_crop_size(media.size, canvas)[1])


def _show(draft: Draft, span: FrameRange, subjects: tuple[int, ...]) -> None:
    """Show people in a range, framed by the director, and lock that."""
    ids = [person.id for person in draft.content.cast]
    for id_ in subjects:
        if id_ not in ids:
            people = ", ".join(map(str, ids)) or "nobody"
            raise EditError(f"there is no person {id_}; the people are {people}")
    first, _ = draft.index_at(span.start), draft.index_at(span.end - 1)
    before = draft.shots[:first][::-1]
    shot = draft.director_of(draft.content).frame(span, subjects, before)
    draft.put(draft.lock(draft.as_stored(shot), None))


def _replace(draft: Draft, first: int, end: int, new: list[Shot]) -> None:
    """Replace shots, and lock the new ones; a crop that was set by hand stays."""
    crops = [lock.crop if (lock := _hand_crop(draft, shot)) else None for shot in new]
    locked = [draft.lock(shot, crop) for shot, crop in zip(new, crops, strict=True)]
    draft.replace_shots(first, end, locked)


def _hand_crop(draft: Draft, shot: Shot) -> Lock | None:
    lock = None if shot.keys else draft.lock_of(shot)
    return lock if lock and lock.crop else None


def _is_locked(draft: Draft, shot: Shot) -> bool:
    return shot.locked and any(
        lock.range.start < shot.range.end and shot.range.start < lock.range.end
        for lock in draft.content.locks
    )


def _index_after_cut(draft: Draft, frame: int) -> int:
    """Return the index of the shot that begins at a cut; EditError if there is no cut."""
    n = draft.index_at(frame)
    if n == 0 or draft.shots[n].range.start != frame:
        raise EditError(f"there is no cut at frame {frame}")
    return n


def _require(draft: Draft, shot: ShotOnPage) -> int:
    """Return the index of a shot; EditError if it is not there any more as it was on the page."""
    n = draft.index_of(shot.range)
    if n is None or set(draft.shots[n].subjects) != set(shot.subjects):
        raise EditError(f"the shot from frame {shot.start} to {shot.end} is not there any more")
    return n


def _check_crop(operation: CropShot, media: Media, canvas: tuple[int, int], style: Style) -> None:
    """Raise EditError for a crop that the canvas, the source or the style does not allow."""
    crop, (width, height) = operation.box, media.size
    if not crop.is_inside(media.size):
        raise EditError(f"the crop must lie inside the source, which is {width}x{height}")
    aspect = canvas[0] / canvas[1]
    if abs(crop.width / crop.height / aspect - 1) > MAX_ASPECT_DIFFERENCE:
        raise EditError(
            f"the crop must have the shape of the canvas, {canvas[0]}x{canvas[1]}; it is "
            f"{crop.width:.0f}x{crop.height:.0f}"
        )
    least = min_crop_height(media, canvas, style)
    if crop.height < least * (1 - MAX_ASPECT_DIFFERENCE):
        enlargement = max(style.max_upscale, style.tightest_upscale)
        raise EditError(
            f"the crop is {crop.height:.0f} pixels high; {least:.0f} is the least, since the style "
            f"enlarges {enlargement:g} times at most (max_upscale, tightest_upscale)"
        )


SHOT_OPERATIONS: dict[str, Callable[[Draft, Any], None]] = {
    "assign": assign,
    "set_edge": set_edge,
    "split": split,
    "join": join,
    "crop": crop_shot,
    "lock": lock_shot,
    "unlock": unlock_shot,
}
