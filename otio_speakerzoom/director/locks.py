"""The editor's locks as shots that the plan must keep: each checked, none skipped silently."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from otio_speakerzoom.director.planned_shot import PlannedShot
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import FrameRange, Lock, Media, Person


def locked_shots(
    locks: Sequence[Lock], people: Sequence[Person], media: Media, within: FrameRange
) -> list[PlannedShot]:
    """Return the part of each lock that lies in `within`, in order of time.

    Raise SpeakerZoomError for a lock of an unknown person, one that ends after the source, one
    whose crop is not inside the frame, and for two that overlap.
    """
    rows = {person.id: n for n, person in enumerate(people)}
    in_order = sorted(locks, key=lambda lock: lock.range.start)
    for before, after in pairwise(in_order):
        if after.range.start < before.range.end:
            raise _lock_error(after, f"begins before the one at frame {before.range.start} ends")
    out: list[PlannedShot] = []
    for lock in in_order:
        _check(lock, rows, media)
        start, end = max(lock.range.start, within.start), min(lock.range.end, within.end)
        if start < end:
            framing = tuple(sorted(rows[id_] for id_ in lock.subjects))
            out.append(PlannedShot(FrameRange(start, end), framing, lock))
    return out


def _check(lock: Lock, rows: dict[int, int], media: Media) -> None:
    """Raise SpeakerZoomError for a lock that the plan cannot follow."""
    for id_ in lock.subjects:
        if id_ not in rows:
            ids = ", ".join(map(str, rows)) or "nobody"
            raise _lock_error(lock, f"shows person {id_}, but the people are {ids}")
    if len(set(lock.subjects)) != len(lock.subjects) or len(lock.subjects) > 2:
        raise _lock_error(lock, f"shows {list(lock.subjects)}, but a shot frames one or two people")
    if lock.range.end > media.duration:
        raise _lock_error(lock, f"ends at frame {lock.range.end}, the source at {media.duration}")
    if lock.crop is not None and not lock.crop.is_inside(media.size):
        width, height = media.size
        raise _lock_error(
            lock, f"has a crop that is not inside the source, which is {width}x{height}"
        )


def _lock_error(lock: Lock, fault: str) -> SpeakerZoomError:
    return SpeakerZoomError(
        f"locks.json: the lock at frame {lock.range.start} {fault}; correct or remove it"
    )
