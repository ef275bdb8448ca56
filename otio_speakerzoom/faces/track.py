"""Boxes to face tracks: the same face, frame after frame.

Each living track predicts where its face is by now, and the boxes of a look are given to the
tracks all at once (Hungarian assignment), because greedy first matches swap two faces that touch.
Sure boxes come first; doubtful ones may then continue a track that found none, but never begin
one: a face that turns into profile is doubted, not gone (the idea of ByteTrack: Zhang et al.,
arXiv:2110.06864). What is missed for a moment is interpolated. A track never crosses a cut of the
source. What is no participant, by `_is_false` and `_is_shadow`, is dropped in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from otio_speakerzoom.boxes import areas, centres, iou, pairwise_iou
from otio_speakerzoom.model import Detections, FaceTrack, FrameRange

SIZE_RATIO = 2.0
"""How many times larger or smaller a box may be than the one before: nobody comes so much nearer
within a second, but a detector that takes a hand or half a face for a face jumps so."""

REACH = 0.6
"""How far from the predicted centre a face may be, in sides of a face. Two faces that touch side by
side lie 1 side apart; two looks 80 ms apart of a talking head less than 0.4."""

REACH_PER_SECOND = 0.2
"""What is added to `REACH` for each second without a box, as the prediction grows stale; after the
longest gap it is still below the 1 side at which a neighbour sits."""

LOST = 1.0
"""What a track that others were seen after loses in affinity, which is 1 at best and 0 at 0.4 sides
apart: of two tracks in one place the one just seen goes on, who is in front if two people cross."""

GLIDE_SECONDS = 1.0
"""How long a lost face glides on: its speed fades by e in that time. A walker who is hidden for 1 s
is then awaited 0.63 of the way along, within reach at up to 2 sides per second, and a head that
was nodding when it was lost does not fly off."""

STEADINESS = 0.5
"""Share of the old speed in the new one, at every look: a detector's jitter of 2 % of a side is
0.25 sides per second between two looks, and this halves it."""

SELDOM = 0.25
"""A track that is sure in a smaller share of its looks is a hand, or a pattern that now and then
resembles a face. BlazeFace was sure of the hardest of three people 54 to 94 px wide, with many
profiles, in 0.41 of its looks, and of the ghosts in a blurred film in 0.12."""

SHADOW = 0.5
"""A track that is sure in a smaller share of its looks and always touches a surer one is the same
head seen twice: hair beside a profile gave boxes in up to 0.36 of the looks."""

ON_ONE_HEAD = 0.2
"""Overlap of two boxes from which they are of one head: heads of one size would be two thirds of a
face apart. Side by side they are more than a whole one, and boxes of neighbours cheek to cheek
overlapped by 0.06 at most."""

MOSTLY = 0.9
"""Share of the looks in which that must be so: a detector may slip now and then."""

OFTEN = 0.75
"""A track on a surer one's head that is sure in a larger share of its looks is somebody behind it:
a second box comes in every second look or so, who looks over a shoulder is there."""

MUCH_SMALLER = 0.25
"""Of the largest face at the same time: 1/16 of its area. The people of one labelled shot differ by
up to 1.5 in side; this leaves room for the far end of a table."""

STILL = 0.01
"""Standard deviation of a face's centre, in sides of it, below which it is a picture of a face.
Listeners measured had 0.004 and more within 10 s, so that this alone would drop some of them."""

STILL_SECONDS = 10.0
"""How long to watch before a face is said never to move: a listener sits still for less."""


@dataclass(slots=True, eq=False)
class _Living:
    """A track in the making: where it was seen, how surely, and how fast it moved."""

    frames: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    velocity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    """(2,) source pixels per second, right and down."""

    def predict(self, frame: int, rate: Fraction) -> NDArray[np.float32]:
        """Return the (4,) box expected in `frame`: the last one, moved on at a fading speed."""
        ahead = float((frame - self.frames[-1]) / rate)
        glide = GLIDE_SECONDS * (1 - exp(-ahead / GLIDE_SECONDS))
        return self.boxes[-1] + np.tile(self.velocity * glide, 2).astype(np.float32)

    def add_detection(
        self, frame: int, box: NDArray[np.float32], confidence: float, rate: Fraction
    ) -> None:
        """Take the box of the face in `frame`."""
        if self.frames:
            moved = (box - self.boxes[-1]).reshape(2, 2).mean(axis=0)
            speed = moved / float((frame - self.frames[-1]) / rate)
            old = STEADINESS if len(self.frames) > 1 else 0.0  # a first speed has nothing to smooth
            self.velocity = (old * self.velocity + (1 - old) * speed).astype(np.float32)
        self.frames.append(frame)
        self.boxes.append(box)
        self.confidences.append(confidence)


def track_faces(
    detections: Detections,
    rate: Fraction,
    within: FrameRange,
    *,
    sure: float = 0.5,
    max_gap_seconds: float = 1.2,
    min_seconds: float = 0.4,
) -> tuple[FaceTrack, ...]:
    """Return the tracks in order of their first frame, then from left to right.

    Boxes below the confidence `sure` only continue tracks. A track ends when its face is missed for
    longer than `max_gap_seconds`: 1 s, the longest worth interpolating (a hand before the face,
    somebody who walks past), and the looks around it. It is dropped when it lasts less than
    `min_seconds`: TalkNet's own chain drops tracks of up to 10 frames at 25 fps, too short to hear
    a syllable in.
    """
    max_gap, cuts = max_gap_seconds * rate, set(detections.camera_cuts.tolist())
    living, ended = list[_Living](), list[_Living]()
    starts = np.searchsorted(detections.frames, detections.detected_frames)
    stops = np.searchsorted(detections.frames, detections.detected_frames, side="right")
    before = within.start
    for frame, start, stop in zip(detections.detected_frames.tolist(), starts, stops, strict=True):
        cut_between = any(between in cuts for between in range(before + 1, frame + 1))
        gone = [t for t in living if cut_between or frame - t.frames[-1] > max_gap]
        ended += gone
        living = [track for track in living if track not in gone]
        boxes, confidences = detections.boxes[start:stop], detections.confidences[start:stop]
        _extend(living, frame, boxes, confidences, rate, sure)
        before = frame
    made = _handed_over([*ended, *living], detections, within, max_gap)
    finished = [_finish(t, detections, within) for t in made]
    real = [
        (track, done)
        for track, done, beside in zip(made, finished, _largest_beside(finished), strict=True)
        if len(done[1]) >= min_seconds * rate
        and not _is_false(track, detections.detected_frames, rate, sure, beside)
    ]
    others = [track for track, _ in real]
    kept = [
        done
        for track, done in real
        if not _is_shadow(track, others, detections.detected_frames, sure)
    ]
    kept.sort(key=lambda t: (t[0], float(t[1][0, 0])))
    return tuple(FaceTrack(n, *track) for n, track in enumerate(kept, 1))


def _handed_over(
    tracks: Sequence[_Living], detections: Detections, within: FrameRange, longest: Fraction | float
) -> list[_Living]:
    """Return the tracks, with those joined in which one goes on with the head of another.

    A head that jumps out of its track's reach begins a second one, while doubtful boxes keep the
    first alive for some looks. Together they are there for `longest` frames at most.
    """
    out: list[_Living] = []
    last: list[tuple[int, NDArray[np.float32]]] = []  # each one's start and boxes
    for track in sorted(tracks, key=lambda t: t.frames[0]):
        start, boxes, _ = _finish(track, detections, within)
        for n, (first, earlier) in enumerate(last):
            common = first + len(earlier) - start
            if (
                0 < common <= min(longest, len(boxes) - 1)
                and first < start
                and _overlap_of(earlier[-common:], boxes[:common]) >= ON_ONE_HEAD
            ):
                out[n] = _joined(out[n], track)
                last[n] = _finish(out[n], detections, within)[:2]
                break
        else:
            out.append(track)
            last.append((start, boxes))
    return out


def _joined(before: _Living, after: _Living) -> _Living:
    """Return one track of two, the second of which takes over where it begins."""
    count = sum(frame < after.frames[0] for frame in before.frames)
    return _Living(
        before.frames[:count] + after.frames,
        before.boxes[:count] + after.boxes,
        before.confidences[:count] + after.confidences,
        after.velocity,
    )


def _extend(
    living: list[_Living],
    frame: int,
    boxes: NDArray[np.float32],
    confidences: NDArray[np.float32],
    rate: Fraction,
    sure: float,
) -> None:
    """Give each box to the track it continues; sure ones that continue none begin new tracks."""
    certain, doubtful = np.flatnonzero(confidences >= sure), np.flatnonzero(confidences < sure)
    waiting, unclaimed = list(living), list[int]()
    for chosen in (certain, doubtful):
        owners = _assign(waiting, frame, boxes[chosen], rate)
        for n, index in enumerate(chosen.tolist()):
            if track := owners.get(n):
                track.add_detection(frame, boxes[index], float(confidences[index]), rate)
            elif chosen is certain:
                unclaimed.append(index)
        waiting = [track for track in waiting if track.frames[-1] != frame]
    for index in unclaimed:
        living.append(new := _Living())
        new.add_detection(frame, boxes[index], float(confidences[index]), rate)


def _assign(
    tracks: Sequence[_Living], frame: int, boxes: NDArray[np.float32], rate: Fraction
) -> dict[int, _Living]:
    """Return which track each box continues, by the box's number; none where none is in reach."""
    if not tracks:
        return {}
    predicted = np.array([track.predict(frame, rate) for track in tracks], np.float32)
    last = np.array([track.frames[-1] for track in tracks])[:, None]
    missed = (frame - last) / float(rate)
    sides, predicted_sides = _sides(boxes)[None], _sides(predicted)[:, None]
    apart = centres(predicted)[:, None] - centres(boxes)[None]
    distance = np.linalg.norm(apart, axis=2) * 2 / (sides + predicted_sides)
    ratio = sides / predicted_sides
    allowed = (ratio < SIZE_RATIO) & (ratio > 1 / SIZE_RATIO)
    allowed &= distance <= REACH + REACH_PER_SECOND * missed
    affinity = pairwise_iou(predicted, boxes) - distance - LOST * (last < last.max())
    # What is not allowed must cost more than any way to give all that is: affinities lie in -3..1.
    rows, columns = linear_sum_assignment(np.where(allowed, -affinity, 4.0 * len(tracks)))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {column: tracks[row] for row, column in pairs if allowed[row, column]}


def _overlap_of(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the median intersection over union of (T, 4) boxes, frame by frame."""
    return float(np.median(iou(a, b)))


def common_overlap(one: FaceTrack, other: FaceTrack) -> float | None:
    """Return the median overlap of two tracks in the frames of both; None where there are none."""
    first, last = max(one.start, other.start), min(one.range.end, other.range.end)
    if first >= last:
        return None
    boxes = [track.boxes[first - track.start : last - track.start] for track in (one, other)]
    return _overlap_of(*boxes)


def _sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (N,) sides of the squares that are as large as (N, 4) boxes; at least a pixel."""
    return np.maximum(np.sqrt(areas(boxes)), np.float32(1))


def _finish(
    track: _Living, detections: Detections, within: FrameRange
) -> tuple[int, NDArray[np.float32], NDArray[np.bool_]]:
    """Return start, a box for every frame, and which boxes were seen rather than interpolated.

    A track is held over the frames after its last look that nobody looked at, up to a cut.
    """
    next_look = np.searchsorted(detections.detected_frames, track.frames[-1], side="right")
    looks = detections.detected_frames
    end = int(looks[next_look]) if next_look < len(looks) else within.end
    cuts = detections.camera_cuts
    next_cut = np.searchsorted(cuts, track.frames[-1], side="right")
    end = min(end, int(cuts[next_cut])) if next_cut < len(cuts) else end
    frames = np.arange(track.frames[0], end)
    seen_boxes = np.array(track.boxes)
    boxes = np.stack([np.interp(frames, track.frames, edge) for edge in seen_boxes.T], axis=1)
    return track.frames[0], boxes.astype(np.float32), np.isin(frames, track.frames)


def _largest_beside(
    finished: Sequence[tuple[int, NDArray[np.float32], NDArray[np.bool_]]],
) -> NDArray[np.float32]:
    """Return (N,) for each track the median side of the largest that is there at the same time."""
    start = np.array([start for start, _, _ in finished], np.int64)
    end = start + np.array([len(boxes) for _, boxes, _ in finished], np.int64)
    side = np.array([np.median(_sides(boxes)) for _, boxes, _ in finished], np.float32)
    beside = [(start < e) & (end > s) for s, e in zip(start, end, strict=True)]
    return np.array([side[there].max() for there in beside], np.float32)


def _is_false(
    track: _Living,
    detected_frames: NDArray[np.int32],
    rate: Fraction,
    sure: float,
    largest_beside: float,
) -> bool:
    """Whether `track` is a flicker of the detector, or a poster or reflection of a face."""
    first, last = track.frames[0], track.frames[-1]
    if _seen_share(track, detected_frames, sure) < SELDOM:
        return True
    boxes = np.array(track.boxes)
    side = float(np.median(_sides(boxes)))
    if side >= MUCH_SMALLER * largest_beside or last - first < STILL_SECONDS * rate:
        return False
    return bool(np.all(centres(boxes).std(axis=0) < STILL * side))


def _is_shadow(
    track: _Living, others: Sequence[_Living], detected_frames: NDArray[np.int32], sure: float
) -> bool:
    """Whether `track` is a second box on a head that has a surer one.

    It may be sure more often if both are in one place than if they just touch.
    """
    share = _seen_share(track, detected_frames, sure)
    if share >= OFTEN:
        return False
    for other in others:
        apart = other.frames[-1] < track.frames[0] or track.frames[-1] < other.frames[0]
        if other is track or apart:
            continue
        beside = _overlaps_of_surer(track, other)
        if share < SHADOW and all(overlap > 0 for overlap in beside):
            return True
        if np.mean([overlap >= ON_ONE_HEAD for overlap in beside]) >= MOSTLY:
            return True
    return False


def _overlaps_of_surer(track: _Living, other: _Living) -> list[float]:
    """Return, for each look of `track`, its overlap with `other`; 0 where that is not surer."""
    there = dict(zip(other.frames, zip(other.boxes, other.confidences, strict=True), strict=True))
    out: list[float] = []
    for frame, box, confidence in zip(track.frames, track.boxes, track.confidences, strict=True):
        found, surety = there.get(frame, (box, 0.0))
        surer = surety > confidence
        out.append(float(iou(found, box)) if surer else 0.0)
    return out


def _seen_share(track: _Living, detected_frames: NDArray[np.int32], sure: float) -> float:
    """Return the share of the looks of its life in which `track` was surely seen."""
    first, last = track.frames[0], track.frames[-1]
    looks = np.searchsorted(detected_frames, last, side="right") - np.searchsorted(
        detected_frames, first
    )
    return sum(confidence >= sure for confidence in track.confidences) / looks
