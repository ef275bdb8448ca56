"""What an editor changed: an edited timeline against the kept cut, and the locks that keep it.

The law of what becomes a lock: every shot whose range, framing or person is not one of the kept
cut's is locked over its whole new range, and no other is. So a cut that was moved locks the shots
on both of its sides. Nothing less holds it: a lock over the moved frames alone would leave the
frame of the cut to the next plan, and a lock on one side would let the plan go on with the same
picture on the other. A shot that is as it was becomes no lock, and the director may plan it anew.
What no shot can say is named and left out, never guessed.

Where no clip says how its picture is placed, another program dropped that: then the cuts count, and
every shot is taken to be framed as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from otio_speakerzoom.interchange.diff.reference_cut import SAME, CachedCut, Span, close
from otio_speakerzoom.interchange.diff.stacking import Piece, uppermost
from otio_speakerzoom.interchange.read import EditedTimeline
from otio_speakerzoom.model import Box, CutList, FrameRange, Lock

_TWICE = "shows frames that are shown elsewhere too"
_CUTS_ONLY = (
    "no clip says how its picture is placed: the cuts are taken, the framings stay as they were"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One stretch that is not as it was kept."""

    range: FrameRange
    """Of the source."""
    was: str
    """Who was shown there, mostly."""
    now: str
    """Who is shown now; empty where no shot can say it."""
    what: str
    """What the editor did, in an editor's words."""
    lock: Lock | None
    """What keeps it; None where it is left out, for which `what` then gives the reason."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that an editor changed."""

    changes: tuple[Change, ...]
    """In order of the source."""
    notes: tuple[str, ...]
    """What was found that has no place in the source, a line each."""
    unchanged: int
    """Shots that are as they were."""
    recognized: int
    """Shots framed as the kept ones in their place, wherever their cuts are now: where it is few,
    the file's numbers may mean something else."""

    @property
    def locks(self) -> tuple[Lock, ...]:
        return tuple(change.lock for change in self.changes if change.lock)


def compare(timeline: EditedTimeline, cut_list: CutList) -> Comparison:
    """Return what differs between `timeline` and the kept `cut_list`.

    Both run at one rate and on one canvas; the uppermost enabled clip is what is seen.
    """
    dropped = _lost_framing(timeline, cut_list)
    kept = CachedCut(cut_list, cuts_only=dropped)
    notes = [*([_CUTS_ONLY] if dropped else ()), *timeline.notes]
    spans = _seen_once(list(_spans(uppermost(timeline.tracks), kept, notes)))
    notes += _laid_over(timeline)
    shots = _joined([span for span in spans if not span.left_out], kept)
    found = [_change(span, kept) for span in shots]
    changes = [change for change in found if change]
    changes += [_left_out(span.range, span.left_out, kept) for span in spans if span.left_out]
    changes += _removed(spans, timeline, kept)
    changes.sort(key=lambda change: (change.range.start, change.range.end))
    recognized = sum(kept.origin(span)[1] for span in shots)
    return Comparison(tuple(changes), tuple(notes), found.count(None), recognized)


def _spans(pieces: Sequence[Piece], kept: CachedCut, notes: list[str]) -> Iterator[Span]:
    """What of the source is seen; what else is seen goes into `notes`."""
    media, cut = kept.cut_list.media, kept.cut_list.range
    for piece in pieces:
        clip, at = piece.clip, f"the clip {piece.clip.name!r} at frame {piece.record.start}"
        if clip.source is None:
            notes.append(f"{at} {clip.unsupported}: it is left out")
            continue
        if not clip.plays(media.path.name):
            notes.append(f"{at} shows another file, {clip.media_name}: it is left out")
            continue
        if clip.source.duration == clip.record.duration:
            start = clip.source.start + piece.record.start - clip.record.start
            end = start + piece.record.duration
        else:  # at another speed, or dissolved: which frame a piece begins with is not told
            start, end = clip.source.start, clip.source.end
        first, last = max(start, cut.start), min(end, cut.end)
        if (first, last) != (start, end):
            notes.append(f"{at} shows frames outside the kept cut: those are left out")
        if first < last:
            framed = clip.move or kept.cuts_only
            why = clip.unsupported or ("" if framed else "has no framing that can be read")
            record = piece.record
            if record.duration == end - start:
                record = FrameRange(record.start + first - start, record.end + last - end)
            yield Span(FrameRange(first, last), record, clip, why)


def _lost_framing(timeline: EditedTimeline, cut_list: CutList) -> bool:
    """Whether no clip of the recording is placed, though a kept shot shows less than all of it."""
    media = cut_list.media
    ours = [clip for track in timeline.tracks for clip in track if clip.plays(media.path.name)]
    whole = Box(0, 0, *media.size)
    return not any(clip.framed for clip in ours) and any(
        shot.keys or not close(shot.crop, whole, SAME) for shot in cut_list.shots
    )


def _laid_over(timeline: EditedTimeline) -> Iterator[str]:
    """A line for each title: what it lies over is seen, and no shot can say the title."""
    for track in timeline.tracks:
        for clip in track:
            if clip.enabled and not clip.opaque:
                yield (
                    f"the clip {clip.name!r} at frame {clip.record.start} lies over the picture: "
                    "it is left out"
                )


def _seen_once(spans: list[Span]) -> list[Span]:
    """The spans in order of the source; those that share frames with another are left out."""
    spans.sort(key=lambda span: span.range.start)
    twice: set[int] = set()
    longest = 0
    for number in range(1, len(spans)):
        if spans[number].range.start < spans[longest].range.end:
            twice |= {longest, number}
        if spans[number].range.end > spans[longest].range.end:
            longest = number
    return [
        replace(span, left_out=span.left_out or _TWICE) if number in twice else span
        for number, span in enumerate(spans)
    ]


def _joined(spans: Sequence[Span], kept: CachedCut) -> list[Span]:
    """The spans, those in one that a cut divides without changing what is seen."""
    joined: list[Span] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before and _goes_on(before, span, kept):
            joined[-1] = replace(
                before,
                range=FrameRange(before.range.start, span.range.end),
                record=FrameRange(before.record.start, span.record.end),
            )
        else:
            joined.append(span)
    return joined


def _goes_on(before: Span, after: Span, kept: CachedCut) -> bool:
    """Whether `after` follows `before` as if there were no cut, and there was none."""
    at = after.range.start
    if before.range.end != at or before.record.end != after.record.start:
        return False
    if kept.is_cut(at):
        return False
    (shot, same), (other, also) = kept.origin(before), kept.origin(after)
    if same or also:
        return same and also and shot is other
    still = not before.clip.keys and not after.clip.keys
    return still and close(kept.crop_at(before, at), kept.crop_at(after, at), SAME)


def _change(span: Span, kept: CachedCut) -> Change | None:
    """What makes `span` differ from the kept cut; None where nothing does."""
    shot, same = kept.origin(span)
    if same and span.range == shot.range:
        return None
    was, what = kept.names(shot.subjects), _moved_cuts(span.range, shot.range)
    if same:
        # A lock has no keys: the director frames a moving shot again.
        lock = Lock(span.range, shot.subjects, None if shot.keys else shot.crop)
        return Change(span.range, was, was, ", ".join(what), lock)
    crop = kept.inside(kept.crop_at(span, span.range.start))
    if span.clip.keys or crop is None:
        why = (
            "moves, and a lock stands still" if span.clip.keys else "shows past the picture's edge"
        )
        return _left_out(span.range, why, kept)
    was_crop = kept.kept_crop_at(shot, span.range.start)
    what += [] if close(crop, was_crop, SAME) else _moved_crop(crop, was_crop)
    what += ["stands still where it moved"] if shot.keys else []
    subjects = kept.who(crop, span.clip, shot)
    lock = Lock(span.range, subjects, crop)
    return Change(span.range, was, kept.names(subjects), ", ".join(what), lock)


def _removed(spans: Sequence[Span], timeline: EditedTimeline, kept: CachedCut) -> Iterator[Change]:
    """What was cut and is not seen any more; `spans` are in order."""
    cut = kept.cut_list.range
    at = cut.start
    for start, end in [*((s.range.start, s.range.end) for s in spans), (cut.end, cut.end)]:
        if start > at:
            gone = FrameRange(at, start)
            yield _left_out(gone, _why_gone(gone, timeline, kept.cut_list.media.path.name), kept)
        at = max(at, end)


def _why_gone(span: FrameRange, timeline: EditedTimeline, media_name: str) -> str:
    """Why nothing of `span` is seen."""
    clips = [clip for track in timeline.tracks for clip in track]
    if any(
        clip.source.start < span.end and span.start < clip.source.end
        for clip in clips
        if clip.source and not clip.enabled and clip.plays(media_name)
    ):
        return "is disabled"
    # What a clip plays that cannot be read may be anything: a compound, a clip of a damaged path.
    unread = any(clip.enabled and clip.opaque and clip.source is None for clip in clips)
    return "is removed, or in a clip that cannot be read" if unread else "is removed"


def _left_out(span: FrameRange, why: str, kept: CachedCut) -> Change:
    was = kept.names(kept.overlapping(span)[0].subjects)
    return Change(span, was, "", f"{why}: left out", None)


def _moved_cuts(now: FrameRange, was: FrameRange) -> list[str]:
    """How far a shot's edges were moved."""
    by = (("starts", now.start - was.start), ("ends", now.end - was.end))
    return [
        f"{edge} {abs(n)} frame{'' if abs(n) == 1 else 's'} {'later' if n > 0 else 'earlier'}"
        for edge, n in by
        if n
    ]


def _moved_crop(now: Box, was: Box) -> list[str]:
    """How a framing changed, in source pixels."""
    (x, y), (was_x, was_y) = now.centre, was.centre
    said = [f"moved by {x - was_x:+.1f}, {y - was_y:+.1f} px"]
    if abs(now.width - was.width) > SAME:
        said.append(f"{was.width:.0f} px wide, now {now.width:.0f}")
    return said
