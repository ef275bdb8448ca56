"""The editor's locks as the director takes them: each checked, none left out in silence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from otio_speakerzoom.director.shot_search import Framing
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import FrameRange, Lock, Media, Person


def locked_within(
    locks: Sequence[Lock], people: Sequence[Person], media: Media, within: FrameRange
) -> list[tuple[int, int, Framing, Lock]]:
    """Return start and end of each lock in frames of `within`, its picture, and the lock.

    Only what lies outside `within` is left out. Raise SpeakerZoomError for a lock of somebody
    unknown, one that reaches beyond the source, one whose crop does not lie in the picture, and for
    two of the same frame.
    """
    rows = {person.id: n for n, person in enumerate(people)}
    ordered = sorted(locks, key=lambda lock: lock.range.start)
    for before, after in pairwise(ordered):
        if after.range.start < before.range.end:
            raise _wrong(after, f"begins before the one at frame {before.range.start} ends")
    out: list[tuple[int, int, Framing, Lock]] = []
    for lock in ordered:
        _check(lock, rows, media)
        start = max(lock.range.start, within.start) - within.start
        end = min(lock.range.end, within.end) - within.start
        if start < end:
            framing = tuple(sorted(rows[id_] for id_ in lock.subjects))
            out.append((start, end, framing, lock))
    return out


def _check(lock: Lock, rows: dict[int, int], media: Media) -> None:
    """Raise SpeakerZoomError for a lock that cannot be kept."""
    for id_ in lock.subjects:
        if id_ not in rows:
            known = ", ".join(map(str, rows)) or "nobody"
            raise _wrong(lock, f"shows person {id_}, but the people are {known}")
    if len(set(lock.subjects)) != len(lock.subjects) or len(lock.subjects) > 2:
        raise _wrong(lock, f"shows {list(lock.subjects)}, but a shot frames one or two people")
    if lock.range.end > media.duration:
        raise _wrong(lock, f"ends at frame {lock.range.end}, the source at {media.duration}")
    if lock.crop is not None and not lock.crop.is_inside(media.size):
        width, height = media.size
        raise _wrong(lock, f"has a crop that is not inside the picture of {width}x{height}")


def _wrong(lock: Lock, what: str) -> SpeakerZoomError:
    return SpeakerZoomError(
        f"locks.json: the lock at frame {lock.range.start} {what}; correct or remove it"
    )
