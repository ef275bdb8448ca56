"""A cut while operations change it: shots and locks are replaced, and nothing is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from otio_speakerzoom import store
from otio_speakerzoom.director.one_shot import OneShotDirector
from otio_speakerzoom.edits.content import Content
from otio_speakerzoom.errors import EditError
from otio_speakerzoom.model import Box, CropKey, FrameRange, Lock, Media, Person, Shot
from otio_speakerzoom.store.locks import crop_to_json
from otio_speakerzoom.timeline.transform import trim_shot


@dataclass(slots=True)
class Draft:
    """The content of a cut, which operations replace."""

    content: Content
    media: Media
    canvas: tuple[int, int]
    director_of: Callable[[Content], OneShotDirector]
    """Returns who frames single shots with this content."""
    plan: Callable[[Content], Content]
    """Plans all shots again with the locks, the people and the style of a content."""

    @property
    def shots(self) -> tuple[Shot, ...]:
        return self.content.shots

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.shots[0].range.start, self.shots[-1].range.end)

    def index_at(self, frame: int) -> int:
        """Return the index of the shot that shows a frame; EditError for one outside the cut."""
        span = self.range
        if not span.start <= frame < span.end:
            raise EditError(
                f"frame {frame} is outside the cut, which covers {span.start} to {span.end}"
            )
        return bisect_right(self.shots, frame, key=lambda shot: shot.range.start) - 1

    def index_of(self, span: FrameRange) -> int | None:
        """Return the index of the shot with exactly this range; None if there is none."""
        n = bisect_right(self.shots, span.start, key=lambda shot: shot.range.start) - 1
        return n if n >= 0 and self.shots[n].range == span else None

    def lock_of(self, shot: Shot) -> Lock | None:
        """Return the lock with the crop that was set by hand for a shot; None without one."""
        return next(
            (
                lock for lock in self.content.locks
                if lock.crop == shot.crop and _overlap(lock.range, shot.range)
                and set(lock.subjects) == set(shot.subjects)
            ),
            None,
        )  # fmt: skip

    def replace_shots(self, first: int, end: int, new: Sequence[Shot]) -> None:
        """Replace the shots with these indices, and the angles under them."""
        shots = (*self.shots[:first], *new, *self.shots[end:])
        old = self.shots[first:end]
        before, after = old[0].range.start, old[-1].range.end
        angles = self.content.angles
        if angles:
            own = map(self.as_stored, self.director_of(self.content).angles(new))
            angles = (
                *(angle for angle in angles if angle.range.end <= before), *own,
                *(angle for angle in angles if angle.range.start >= after),
            )  # fmt: skip
        self.content = replace(self.content, shots=shots, angles=angles)

    def put(self, shot: Shot) -> None:
        """Put a shot into the cut; what lies there is trimmed or dropped."""
        span, shots = shot.range, self.shots
        first, last = self.index_at(span.start), self.index_at(span.end - 1)
        parts = [shot]
        if shots[first].range.start < span.start:
            parts.insert(0, self.part(shots[first], shots[first].range.start, span.start))
        if span.end < shots[last].range.end:
            parts.append(self.part(shots[last], span.end, shots[last].range.end))
        self.replace_shots(first, last + 1, parts)

    def part(self, shot: Shot, start: int, end: int) -> Shot:
        """Return a shot with another range, longer or shorter, and the same crop or motion."""
        if shot.keys and start < shot.range.start:
            first = CropKey(start, shot.keys[0].crop)
            keys = (first, *shot.keys)
            shot = replace(shot, range=FrameRange(start, shot.range.end), keys=keys)
        shot = trim_shot(shot, FrameRange(start, end), self.media.size, self.canvas)
        return self.as_stored(self.covered(shot))

    def covered(self, shot: Shot) -> Shot:
        """Return a shot with covers over the faces of others, if the style has any."""
        if self.content.style.style.obscure_others == "no":
            return shot
        return self.director_of(self.content).with_covers(shot)

    def as_stored(self, shot: Shot) -> Shot:
        """Return a shot as it is read back from its file, where numbers are rounded."""
        people = [Person(id_, ()) for id_ in shot.subjects]
        return store.shot_from_row(store.shot_to_json(shot), self.media, people)

    def lock(self, shot: Shot, crop: Box | None) -> Shot:
        """Add the lock of a shot, and return the shot as it is then."""
        self.content, shot = lock_shot_in(self.content, shot, crop)
        return shot

    def drop_locks(self, span: FrameRange) -> None:
        """Remove what the locks demand in a range; they stay in force outside of it."""
        self.content = replace(self.content, locks=_without(self.content.locks, span))


def lock_shot_in(content: Content, shot: Shot, crop: Box | None) -> tuple[Content, Shot]:
    """Return a content with the lock of a shot, and the shot as it is then.

    Other locks stay in force outside of its range.
    """
    lock = Lock(shot.range, shot.subjects, crop)
    if not any(_is_equal(other, lock) for other in content.locks):
        locks = [*_without(content.locks, shot.range), lock]
        content = replace(content, locks=tuple(sorted(locks, key=lambda row: row.range.start)))
    return content, replace(shot, reason="locked", confidence=1.0, locked=True)


def _is_equal(lock: Lock, other: Lock) -> bool:
    """Whether two locks demand the same."""
    return (lock.range, lock.subjects, lock.crop) == (other.range, other.subjects, other.crop)


def _without(locks: Sequence[Lock], span: FrameRange) -> tuple[Lock, ...]:
    """Return the parts of locks that lie outside a range."""
    out: list[Lock] = []
    for lock in locks:
        if not _overlap(lock.range, span):
            out.append(lock)
            continue
        if lock.range.start < span.start:
            out.append(replace(lock, range=FrameRange(lock.range.start, span.start)))
        if span.end < lock.range.end:
            out.append(replace(lock, range=FrameRange(span.end, lock.range.end)))
    return tuple(out)


def rounded(crop: Box) -> Box:
    """Return a crop as it is stored."""
    return Box(*crop_to_json(crop))


def _overlap(a: FrameRange, b: FrameRange) -> bool:
    return a.start < b.end and b.start < a.end
