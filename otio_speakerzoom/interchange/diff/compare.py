"""What an editor changed: an edited timeline against the cached cut, and the locks that hold it.

Every shot whose range, framing or person differs from the reference cut becomes a lock over its
whole new range; no other shot does. So moving a cut locks the shots on both sides of it.
Nothing less is enough: a lock over the moved frames alone would leave the frame of the cut to the
next plan, and a lock on one side would let the plan continue the same framing on the other. An
unchanged shot becomes no lock, and the director may plan it again. What no shot can show is
reported and left out, never guessed.

Where no clip has a transform, another program dropped them all: then only the cuts count, and
every shot is taken to be framed as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from otio_speakerzoom.interchange.diff.reference_cut import (
    SAME_CROP_PX,
    ReferenceCut,
    Span,
    close,
)
from otio_speakerzoom.interchange.diff.stacking import VisibleRange, visible_ranges
from otio_speakerzoom.interchange.read import EditedTimeline
from otio_speakerzoom.interchange.read.messages import CROP_EFFECT
from otio_speakerzoom.interchange.read.values import in_line
from otio_speakerzoom.model import Box, CutList, FrameRange, Lock

_TWICE = "shows frames that another clip shows too"
_OTHER_HALVES = "is cropped over another clip, and the two are no two-up of the cut"
_CUTS_ONLY = "no clip has a transform: only the cuts are imported, the framings stay as they were"


@dataclass(frozen=True, slots=True)
class Change:
    """One stretch that differs from the reference cut."""

    range: FrameRange
    """Of the source."""
    before: str
    """Whom the reference cut shows there, mostly."""
    after: str
    """Whom the edit shows; empty where no shot can show it."""
    description: str
    """What the editor did, in an editor's words."""
    lock: Lock | None
    """What holds it; None where it is left out, for the reason in `description`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that an editor changed."""

    changes: tuple[Change, ...]
    """In order of the source."""
    warnings: tuple[str, ...]
    """What has no place in the source, a line each."""
    unchanged: int
    """Shots that did not change."""
    matching_framings: int
    """Shots framed like the reference shots in their place, wherever their cuts are now: where
    there are few, the file may be in another host's units."""

    @property
    def locks(self) -> tuple[Lock, ...]:
        return tuple(change.lock for change in self.changes if change.lock)


def compare(timeline: EditedTimeline, cut_list: CutList) -> Comparison:
    """Return the differences between `timeline` and the reference `cut_list`.

    Both run at one rate and on one canvas; the uppermost enabled clip is visible.
    """
    cuts_only = _lost_transforms(timeline, cut_list)
    reference = ReferenceCut(cut_list, cuts_only=cuts_only)
    warnings = [*([_CUTS_ONLY] if cuts_only else ()), *timeline.warnings]
    visible = visible_ranges(timeline.tracks, reference.is_open)
    spans = list(_spans(visible, reference, warnings))
    spans = _skip_repeated_frames(spans)
    warnings += _overlay_warnings(timeline)
    shots = _join_spans([span for span in spans if not span.skip_reason], reference)
    shot_changes = [_change(span, reference) for span in shots]
    changes = [change for change in shot_changes if change]
    changes += [
        _change_without_lock(span.range, span.skip_reason, reference)
        for span in spans
        if span.skip_reason
    ]
    changes += _removed_ranges(spans, timeline, reference)
    changes.sort(key=lambda change: (change.range.start, change.range.end))
    matching = sum(reference.shot_of(span)[1] for span in shots)
    lines = tuple(map(in_line, warnings))
    return Comparison(tuple(changes), lines, shot_changes.count(None), matching)


def _spans(
    ranges: Sequence[VisibleRange], reference: ReferenceCut, warnings: list[str]
) -> Iterator[Span]:
    """The stretches of the source that are visible; anything else goes into `warnings`."""
    media, cut = reference.cut_list.media, reference.cut_list.range
    for visible in ranges:
        clip, record = visible.clip, visible.record
        label = f"the clip {clip.name!r} at frame {record.start}"
        if clip.source is None:
            warnings.append(f"{label} {clip.unsupported}: it is left out")
            continue
        if not clip.plays(media.path.name):
            warnings.append(f"{label} shows another file, {clip.media_name}: it is left out")
            continue
        if clip.source.duration == clip.record.duration:
            start = clip.source.start + record.start - clip.record.start
            end = start + record.duration
        else:  # at another speed, or dissolved: the frame that a part begins with is unknown
            start, end = clip.source.start, clip.source.end
        first, last = max(start, cut.start), min(end, cut.end)
        if (first, last) != (start, end):
            warnings.append(f"{label} shows frames outside the cut: those are left out")
        if first < last:
            readable = clip.transform or reference.cuts_only
            reason = clip.unsupported or ("" if readable else "has no transform that can be read")
            if visible.below and clip.unsupported == CROP_EFFECT:
                reason = _OTHER_HALVES
            if record.duration == end - start:
                record = FrameRange(record.start + first - start, record.end + last - end)
            span = Span(FrameRange(first, last), record, clip, visible.below, reason)
            yield replace(span, skip_reason="") if reference.is_two_up(span) else span


def _lost_transforms(timeline: EditedTimeline, cut_list: CutList) -> bool:
    """Whether no clip of the recording has a transform, though a shot of the cut needs one."""
    media = cut_list.media
    clips = [clip for clip in timeline.clips if clip.plays(media.path.name)]
    whole = Box(0, 0, *media.size)
    return not any(clip.has_transform for clip in clips) and any(
        shot.keys or not close(shot.crop, whole, SAME_CROP_PX) for shot in cut_list.shots
    )


def _overlay_warnings(timeline: EditedTimeline) -> Iterator[str]:
    """A line for each title: what it lies over is visible, and no shot can hold the title."""
    for clip in timeline.clips:
        if clip.enabled and not clip.opaque:
            yield f"{clip.label} lies over the video: it is left out"


def _skip_repeated_frames(spans: list[Span]) -> list[Span]:
    """The spans in order of the source; those that share frames with another are skipped."""
    spans.sort(key=lambda span: span.range.start)
    repeated: set[int] = set()
    longest = 0
    for number in range(1, len(spans)):
        if spans[number].range.start < spans[longest].range.end:
            repeated |= {longest, number}
        if spans[number].range.end > spans[longest].range.end:
            longest = number
    return [
        replace(span, skip_reason=span.skip_reason or _TWICE) if number in repeated else span
        for number, span in enumerate(spans)
    ]


def _join_spans(spans: Sequence[Span], reference: ReferenceCut) -> list[Span]:
    """The spans, joined where a cut between two changes nothing that is visible."""
    joined: list[Span] = []
    for span in spans:
        previous = joined[-1] if joined else None
        if previous and _continues(previous, span, reference):
            joined[-1] = replace(
                previous,
                range=FrameRange(previous.range.start, span.range.end),
                record=FrameRange(previous.record.start, span.record.end),
            )
        else:
            joined.append(span)
    return joined


def _continues(before: Span, after: Span, reference: ReferenceCut) -> bool:
    """Whether `after` continues `before`, and the reference has no cut there."""
    at = after.range.start
    if before.range.end != at or before.record.end != after.record.start:
        return False
    if reference.is_cut(at):
        return False
    (shot, same), (other, also_same) = reference.shot_of(before), reference.shot_of(after)
    if same or also_same:
        return same and also_same and shot is other
    still = not before.clip.keys and not after.clip.keys and not before.below and not after.below
    return still and close(
        reference.crop_at(before, at), reference.crop_at(after, at), SAME_CROP_PX
    )


def _change(span: Span, reference: ReferenceCut) -> Change | None:
    """How `span` differs from the reference cut; None where it does not."""
    shot, same = reference.shot_of(span)
    if same and span.range == shot.range:
        return None
    before, details = reference.names(shot.subjects), _describe_range(span.range, shot.range)
    if same:
        # A lock has no keys: the director frames a moving shot again.
        # Nor has it two halves: those are the style's, where it shows two people.
        has_one_crop = not shot.keys and not shot.two_up
        lock = Lock(span.range, shot.subjects, shot.crop if has_one_crop else None)
        return Change(span.range, before, before, ", ".join(details), lock)
    crop = reference.inside_frame(reference.crop_at(span, span.range.start))
    if span.clip.keys:
        return _change_without_lock(span.range, "moves, but a lock holds one framing", reference)
    if crop is None:
        return _change_without_lock(span.range, "reaches past the edge of the frame", reference)
    old_crop = reference.shot_crop_at(shot, span.range.start)
    details += [] if close(crop, old_crop, SAME_CROP_PX) else _describe_crop(crop, old_crop)
    details += ["no longer moves"] if shot.keys else []
    subjects = reference.subjects_in(crop, span.clip, shot)
    lock = Lock(span.range, subjects, crop)
    return Change(span.range, before, reference.names(subjects), ", ".join(details), lock)


def _removed_ranges(
    spans: Sequence[Span], timeline: EditedTimeline, reference: ReferenceCut
) -> Iterator[Change]:
    """The ranges of the reference cut that are not visible any more; `spans` are in order."""
    cut = reference.cut_list.range
    at = cut.start
    for start, end in [*((s.range.start, s.range.end) for s in spans), (cut.end, cut.end)]:
        if start > at:
            missing = FrameRange(at, start)
            why = _why_removed(missing, timeline, reference.cut_list.media.path.name)
            yield _change_without_lock(missing, why, reference)
        at = max(at, end)


def _why_removed(span: FrameRange, timeline: EditedTimeline, media_name: str) -> str:
    """Why nothing of `span` is visible."""
    clips = timeline.clips
    if any(
        clip.source.start < span.end and span.start < clip.source.end
        for clip in clips
        if clip.source and not clip.enabled and clip.plays(media_name)
    ):
        return "is disabled"
    # A clip that cannot be read may play anything: a compound, a clip with a damaged path.
    unread = any(clip.enabled and clip.opaque and clip.source is None for clip in clips)
    return "is removed, or in a clip that cannot be read" if unread else "is removed"


def _change_without_lock(span: FrameRange, why: str, reference: ReferenceCut) -> Change:
    before = reference.names(reference.shots_in(span)[0].subjects)
    return Change(span, before, "", f"{why}: left out", None)


def _describe_range(after: FrameRange, before: FrameRange) -> list[str]:
    """How far a shot's edges moved."""
    moves = (("starts", after.start - before.start), ("ends", after.end - before.end))
    return [
        f"{edge} {abs(n)} frame{'' if abs(n) == 1 else 's'} {'later' if n > 0 else 'earlier'}"
        for edge, n in moves
        if n
    ]


def _describe_crop(after: Box, before: Box) -> list[str]:
    """How a framing changed, in source pixels."""
    (x, y), (old_x, old_y) = after.centre, before.centre
    details = [f"moved by {x - old_x:+.1f}, {y - old_y:+.1f} px"]
    if abs(after.width - before.width) > SAME_CROP_PX:
        details.append(f"{before.width:.0f} px wide, now {after.width:.0f}")
    return details
