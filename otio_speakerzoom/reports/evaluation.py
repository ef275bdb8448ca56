"""Evaluates a cut in numbers: who is shown against who speaks, pacing, timing, framing.

Compares it with ground-truth labels or else with the scores. Both give talkers, rows of face boxes
and of speech, so there is one way to count. A wide in which one talker is alone counts as a single.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import iou, share_inside
from otio_speakerzoom.director.crop_geometry import crops_of, enlargement_of, second_crops_of
from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.single_candidates import EYES_BELOW_TOP
from otio_speakerzoom.model import CutList, FaceTrack, Shot
from otio_speakerzoom.reports.lone_talkers import lone_talkers
from otio_speakerzoom.reports.talkers import Talker, person_boxes

MIN_SHARE_IN_FRAME = 0.5
"""A face is in frame where at least this share of its box is in the crop: then the eyes are."""

MAX_SHARE_OF_OTHERS = 0.1
"""Another face intrudes on a single where more than this share of its box is in the crop."""

SAME_FACE_IOU = 0.2
"""Above this, a labelled box (a median over a shot in which heads move) and ours are one face."""

MAX_REVERSAL_S = 3.0
"""Returning to a framing within this time is a cut too many."""

MIN_TURN_S = 0.7
"""Shorter speech is not a turn but a backchannel."""


@dataclass(frozen=True, slots=True)
class CutFigures:
    """The figures of a cut, each with a sentence that says what it counts.

    Shares are of the time named, NaN where there was none of it.
    """

    shots: Annotated[int, "Of the programme."]
    shots_per_minute: Annotated[float, "On average."]
    shortest_s: Annotated[float, "Seconds of the shortest shot."]
    median_s: Annotated[float, "Seconds of the shot in the middle, by length."]
    switches: Annotated[int, "Cuts from one single to another person's."]
    reversals: Annotated[int, "Framings left and returned to within 3 s."]
    alone_s: Annotated[
        float,
        "Seconds in which exactly one talker who is seen speaks; three shares are of these.",
    ]
    in_frame: Annotated[float, "In which the speaker is in the crop, whatever the shot."]
    right: Annotated[
        float,
        "In which the shot is a single of the speaker, or a wide in which nobody else is seen.",
    ]
    wrong: Annotated[float, "In which the shot frames others only."]
    intruded: Annotated[float, "Share of the singles' time in which another face is in the crop."]
    empty: Annotated[int, "Singles whose subject is out of the crop for more than half of them."]
    backchannels: Annotated[int, "Cuts to somebody who speaks for less than 0.7 s around them."]
    latency_median_s: Annotated[
        float,
        "From the first word of a turn that is spoken alone to the cut to its speaker, from a "
        "shot that does not show them; below 0 where the cut comes first.",
    ]
    latency_p90_s: Annotated[float, "Nine in ten of these cuts are no later."]
    punch_in_median_s: Annotated[
        float,
        "The same for cuts to a single of the speaker from a shot that shows them among others.",
    ]
    upscale_max: Annotated[float, "Canvas pixels for a source pixel."]
    eyes_off: Annotated[
        float,
        "Mean distance of a single's eyes from the upper third, in crop heights.",
    ]


def explanations() -> dict[str, str]:
    """Return what each figure counts, by its name, in the order of `CutFigures`."""
    hints = get_type_hints(CutFigures, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """A cut frame by frame, against P talkers over the T frames of its range."""

    crops: NDArray[np.floating[Any]]
    """(T, 4) in source pixels."""
    subjects: NDArray[np.int_]
    """(T,) how many people the shot frames; 0 for the wide, unless one talker is alone in it."""
    speaks: NDArray[np.bool_]
    """(P, T)"""
    visible: NDArray[np.bool_]
    """(P, T) whether the talker's face is visible in the source."""
    inside: NDArray[np.floating[Any]]
    """(P, T) share of the face's box in the crop; NaN where it is not visible."""
    framed: NDArray[np.bool_]
    """(P, T) whether the shot frames the talker."""


def measure(
    cut_list: CutList,
    tracks: Sequence[FaceTrack],
    talkers: Sequence[Talker],
    camera_cuts: Sequence[int] = (),
) -> CutFigures:
    """Return the figures of a cut: where its subjects are by `tracks`, who speaks by `talkers`."""
    shots, canvas, rate = cut_list.shots, cut_list.canvas, float(cut_list.media.rate)
    boxes = person_boxes(cut_list.media, tracks, cut_list.people)
    boxes_of = {person.id: row for person, row in zip(cut_list.people, boxes, strict=True)}
    frames = _frames(cut_list, boxes_of, talkers, camera_cuts)
    alone = (frames.speaks.sum(axis=0) == 1) & (frames.speaks & frames.visible).any(axis=0)
    speaker = frames.speaks & alone
    inside, single = np.nan_to_num(frames.inside), frames.subjects == 1
    speaker_framed = (speaker & frames.framed).any(axis=0)
    intruders = frames.visible & ~frames.framed & (inside > MAX_SHARE_OF_OTHERS)
    lengths = [shot.range.duration / rate for shot in shots]
    switches, punch_ins, backchannels = _latencies(shots, frames, cut_list.range.start, rate)
    return CutFigures(
        shots=len(shots),
        shots_per_minute=60 * len(shots) / (len(frames.crops) / rate),
        shortest_s=min(lengths),
        median_s=float(np.median(lengths)),
        switches=sum(_is_switch(a, b) for a, b in pairwise(shots)),
        reversals=_count_reversals(shots, rate),
        alone_s=float(alone.sum()) / rate,
        in_frame=_mean((speaker & (inside >= MIN_SHARE_IN_FRAME)).any(axis=0)[alone]),
        right=_mean((speaker_framed & single)[alone]),
        wrong=_mean(((frames.subjects > 0) & ~speaker_framed)[alone]),
        intruded=_mean(np.any(intruders, axis=0)[single]),
        empty=sum(_is_empty(shot, boxes_of, cut_list) for shot in shots if shot.kind == "single"),
        backchannels=backchannels,
        latency_median_s=_percentile(switches, 50),
        latency_p90_s=_percentile(switches, 90),
        punch_in_median_s=_percentile(punch_ins, 50),
        upscale_max=max(enlargement_of(shot, cut_list.media.size, canvas) for shot in shots),
        eyes_off=_eyes_off(cut_list, boxes_of),
    )


def _frames(
    cut_list: CutList,
    boxes_of: Mapping[int, NDArray[np.float32]],
    talkers: Sequence[Talker],
    camera_cuts: Sequence[int],
) -> _Frames:
    """Return the cut frame by frame; `boxes_of` are those of its people over the whole source."""
    shots, span = cut_list.shots, slice(cut_list.range.start, cut_list.range.end)
    sizes = cut_list.media.size, cut_list.canvas
    crops = np.concatenate([crops_of(shot, *sizes) for shot in shots])
    second_crops = np.concatenate([second_crops_of(shot, *sizes) for shot in shots])
    boxes = np.array([t.boxes[span] for t in talkers]).reshape(len(talkers), len(crops), 4)
    speaks = np.array([t.speaks[span] for t in talkers], bool).reshape(boxes.shape[:2])
    framed = np.zeros_like(speaks)
    for shot in shots:
        part = slice(shot.range.start - span.start, shot.range.end - span.start)
        for id_ in shot.subjects:
            box = boxes_of[id_][shot.range.start : shot.range.end]
            framed[:, part] |= _are_on_face(boxes[:, part], box[None])
    subjects = np.concatenate([np.full(s.range.duration, len(s.subjects)) for s in shots])
    inside = share_inside(boxes, crops[None])
    inside = np.where(
        np.isnan(second_crops[:, 0]),
        inside,
        np.fmax(inside, share_inside(boxes, second_crops[None])),
    )
    alone = lone_talkers(shots, inside, camera_cuts, float(cut_list.media.rate))
    subjects[alone.any(axis=0)] = 1
    return _Frames(crops, subjects, speaks, ~np.isnan(boxes[..., 0]), inside, framed | alone)


def framed_talkers(
    cut_list: CutList, tracks: Sequence[FaceTrack], talkers: Sequence[Talker]
) -> list[list[int]]:
    """Return the numbers of the talkers that each shot frames.

    These are the talkers whose face is a subject's for most of the shot.
    """
    boxes = person_boxes(cut_list.media, tracks, cut_list.people)
    boxes_of = {person.id: row for person, row in zip(cut_list.people, boxes, strict=True)}
    numbers: list[list[int]] = []
    for shot in cut_list.shots:
        part = slice(shot.range.start, shot.range.end)
        subjects = [boxes_of[id_][part] for id_ in shot.subjects]
        numbers.append([
            n for n, talker in enumerate(talkers)
            if any(_are_on_face(talker.boxes[part], box).mean() > 0.5 for box in subjects)
        ])  # fmt: skip
    return numbers


def _is_switch(before: Shot, after: Shot) -> bool:
    return before.kind == after.kind == "single" and before.subjects != after.subjects


def _count_reversals(shots: Sequence[Shot], rate: float) -> int:
    return sum(
        a.subjects == c.subjects and b.range.duration < MAX_REVERSAL_S * rate
        for a, b, c in zip(shots, shots[1:], shots[2:], strict=False)
    )


def _is_empty(shot: Shot, boxes_of: Mapping[int, NDArray[np.float32]], cut_list: CutList) -> bool:
    """Whether the subject of a single is out of the crop for more than half of it."""
    boxes = boxes_of[shot.subjects[0]][shot.range.start : shot.range.end]
    crops = crops_of(shot, cut_list.media.size, cut_list.canvas)
    inside = np.nan_to_num(share_inside(boxes, crops))
    return bool((inside >= MIN_SHARE_IN_FRAME).mean() < 0.5)


def _latencies(
    shots: Sequence[Shot], frames: _Frames, start: int, rate: float
) -> tuple[list[float], list[float], int]:
    """Return the seconds from first words to cuts, of switches and of punch-ins; and backchannels.

    A cut to a single is for its subject's first turn that ends in or after the shot. The first word
    is the first that is spoken alone: until then somebody else has the turn. A cut is for a
    backchannel where everything that the subject says in the shot is shorter than a turn.
    """
    switches: list[float] = []
    punch_ins: list[float] = []
    backchannels = 0
    one_speaks = frames.speaks.sum(axis=0) == 1
    for before, shot in pairwise(shots):
        first, last = shot.range.start - start, shot.range.end - start
        subject = np.flatnonzero(frames.framed[:, first:last].mean(axis=1) > 0.5)
        if shot.kind != "single" or shot.subjects == before.subjects or len(subject) != 1:
            continue
        own = frames.speaks[subject[0]]
        turns = [run for run in runs(own) if run[1] > first and run[0] < last]
        if turns and max(b - a for a, b in turns) < MIN_TURN_S * rate:
            backchannels += 1
        alone = [run for run in runs(own & one_speaks) if run[1] > first]
        if not turns or not alone or alone[0][0] >= last:
            continue
        latency = (first - max(alone[0][0], turns[0][0])) / rate
        inside = np.nan_to_num(frames.inside[subject[0], max(0, first - 1)])
        (punch_ins if inside >= MIN_SHARE_IN_FRAME else switches).append(latency)
    return switches, punch_ins, backchannels


def _eyes_off(cut_list: CutList, boxes_of: Mapping[int, NDArray[np.float32]]) -> float:
    """Return the mean distance of the eyes of singles from the upper third, in crop heights."""
    distances: list[NDArray[np.floating[Any]]] = []
    for shot in cut_list.shots:
        if shot.kind != "single":
            continue
        box = boxes_of[shot.subjects[0]][shot.range.start : shot.range.end]
        crop = crops_of(shot, cut_list.media.size, cut_list.canvas)
        eyes = box[:, 1] + EYES_BELOW_TOP * (box[:, 3] - box[:, 1])
        distances.append(np.abs((eyes - crop[:, 1]) / (crop[:, 3] - crop[:, 1]) - 1 / 3))
    values = np.concatenate([np.empty(0), *distances])
    return _mean(values[~np.isnan(values)])


def _are_on_face(
    boxes: NDArray[np.floating[Any]], faces: NDArray[np.floating[Any]]
) -> NDArray[np.bool_]:
    """Return (..., T) whether each of (..., T, 4) boxes is on its face; False where one is NaN."""
    return np.nan_to_num(iou(boxes, faces)) > SAME_FACE_IOU


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _percentile(seconds: Sequence[float], percent: float) -> float:
    return float(np.percentile(seconds, percent)) if seconds else float("nan")
