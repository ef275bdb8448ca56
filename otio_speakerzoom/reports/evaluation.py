"""What a cut is worth, in numbers: who is shown against who speaks, pace, timing, framing.

Held against labels where somebody wrote them, else against the scores; in both cases a talker is a
row of boxes and a row of speech, so there is one way to count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.framing import EYES_BELOW_TOP, crops_of
from otio_speakerzoom.director.turns import runs
from otio_speakerzoom.model import CutList, FaceTrack, Media, Person, Shot

IN_FRAME = 0.5
"""A face is in frame where at least this share of its box is in the crop: then the eyes are."""

INTRUDES = 0.1
"""Another face disturbs a single where more than this share of its box is in the crop."""

SAME_FACE_IOU = 0.2
"""A labelled box, a median over a shot in which heads move, and ours are one face above this."""

REVERSAL_SECONDS = 3.0
"""A picture left and taken up again within this long is a cut too many."""

TURN_SECONDS = 0.7
"""Shorter speech is no turn, and its cut is a backchannel's."""


@dataclass(frozen=True, slots=True, eq=False)
class Talker:
    """One participant, as labels or scores know them, over all of the source."""

    label: str
    boxes: NDArray[np.float32]
    """(T, 4) the face in source pixels; NaN where it is not seen."""
    speaks: NDArray[np.bool_]
    """(T,)"""


@dataclass(frozen=True, slots=True)
class CutFigures:
    """What `measure` finds; shares are of the time named, NaN where there was none of it."""

    shots: int
    """Of the programme."""
    shots_per_minute: float
    """On average."""
    shortest_s: float
    """Seconds of the shortest shot."""
    median_s: float
    """Seconds of the shot in the middle, by length."""
    switches: int
    """Cuts from one single to another person's."""
    reversals: int
    """Pictures left and taken up again within 3 s."""
    alone_s: float
    """Seconds in which exactly one talker who is seen speaks; three shares are of these."""
    in_frame: float
    """In which the speaker is in the crop, whatever the shot."""
    right: float
    """In which the shot is a single of the speaker."""
    wrong: float
    """In which the shot frames others only."""
    intruded: float
    """Share of the singles' time in which another face is in the crop."""
    empty: int
    """Singles whose subject is out of the crop for more than half of them."""
    backchannels: int
    """Cuts to somebody who speaks for less than 0.7 s around them."""
    latency_median_s: float
    """From a turn's first word, said alone, to the cut to its speaker from a shot that does not
    show them; below 0 where the cut comes first."""
    latency_p90_s: float
    """Nine in ten of these cuts are no later."""
    punch_in_median_s: float
    """The same of cuts to its speaker alone from a shot that shows them among others."""
    upscale_max: float
    """Canvas pixels for a source pixel."""
    eyes_off: float
    """Mean distance of a single's eyes from the upper third, in crop heights."""


def talkers_of_tracks(
    media: Media, tracks: Sequence[FaceTrack], people: Sequence[Person], speaks: NDArray[np.bool_]
) -> list[Talker]:
    """Return the people as the scores know them; `speaks` is (P, T)."""
    rows = person_boxes(media, tracks, people)
    return [
        Talker(person.label, boxes, row)
        for person, boxes, row in zip(people, rows, speaks, strict=True)
    ]


def talkers_of_labels(labels: dict[str, Any], media: Media) -> list[Talker]:
    """Return the people as a labels file tells them.

    `labels` is what `labels.read_labels` returns: `faces` (person, from_s, to_s, box) and `speech`
    (person, from_s, to_s) in seconds of the file's own time stamps, which begin at
    `first_video_pts_s`. Speech of a person who is
    never seen belongs to none of the talkers returned.
    """
    times = np.arange(media.duration) / float(media.rate) + labels.get("first_video_pts_s", 0.0)

    def during(row: dict[str, Any]) -> NDArray[np.bool_]:
        return (row["from_s"] <= times) & (times < row["to_s"])

    faces, speech = labels["faces"], labels["speech"]
    talkers: list[Talker] = []
    for person in sorted({face["person"] for face in faces}, key=str):
        boxes = np.full((media.duration, 4), np.nan, np.float32)
        speaks = np.zeros(media.duration, bool)
        for face in faces:
            if face["person"] == person:
                boxes[during(face)] = face["box"]
        for row in speech:
            if row["person"] == person:
                speaks |= during(row)
        talkers.append(Talker(str(person), boxes, speaks))
    return talkers


def person_boxes(
    media: Media, tracks: Sequence[FaceTrack], people: Sequence[Person]
) -> list[NDArray[np.float32]]:
    """Return (T, 4) boxes of each person over all of the source; NaN where they are not seen."""
    by_id = {track.id: track for track in tracks}
    rows: list[NDArray[np.float32]] = []
    for person in people:
        boxes = np.full((media.duration, 4), np.nan, np.float32)
        for track in (by_id[id_] for id_ in person.track_ids if id_ in by_id):
            boxes[track.start : track.range.end] = track.boxes
        rows.append(boxes)
    return rows


def measure(
    cut_list: CutList, tracks: Sequence[FaceTrack], talkers: Sequence[Talker]
) -> CutFigures:
    """Return the figures of a cut: where its subjects are by `tracks`, who speaks by `talkers`."""
    media, shots = cut_list.media, cut_list.shots
    rate, span = float(media.rate), slice(cut_list.range.start, cut_list.range.end)
    ids = [person.id for person in cut_list.people]
    own = person_boxes(media, tracks, cut_list.people)
    crops = np.concatenate([crops_of(shot, media.size, cut_list.canvas) for shot in shots])
    boxes = np.array([t.boxes[span] for t in talkers]).reshape(len(talkers), len(crops), 4)
    speaks = np.array([t.speaks[span] for t in talkers], bool).reshape(boxes.shape[:2])
    shown = _share_inside(boxes, crops[None])
    framed = np.zeros_like(speaks)  # whether the shot is of that talker
    for shot in shots:
        part = slice(shot.range.start - span.start, shot.range.end - span.start)
        for id_ in shot.subjects:
            box = own[ids.index(id_)][shot.range.start : shot.range.end]
            framed[:, part] |= _iou(boxes[:, part], box[None]) > SAME_FACE_IOU
    count = np.concatenate([np.full(s.range.duration, len(s.subjects)) for s in shots])
    seen = ~np.isnan(boxes[..., 0])
    alone = (speaks.sum(axis=0) == 1) & (speaks & seen).any(axis=0)
    who = speaks & alone
    single = count == 1
    others = np.any(seen & ~framed & (np.nan_to_num(shown) > INTRUDES), axis=0)
    lengths = [shot.range.duration / rate for shot in shots]
    switches, punch_ins, backchannels = _latencies(shots, speaks, framed, shown, span.start, rate)
    return CutFigures(
        shots=len(shots),
        shots_per_minute=60 * len(shots) / (len(crops) / rate),
        shortest_s=min(lengths),
        median_s=float(np.median(lengths)),
        switches=sum(_is_switch(a, b) for a, b in pairwise(shots)),
        reversals=sum(
            a.subjects == c.subjects and b.range.duration < REVERSAL_SECONDS * rate
            for a, b, c in zip(shots, shots[1:], shots[2:], strict=False)
        ),
        alone_s=float(alone.sum()) / rate,
        in_frame=_mean((who & (np.nan_to_num(shown) >= IN_FRAME)).any(axis=0)[alone]),
        right=_mean(((who & framed).any(axis=0) & single)[alone]),
        wrong=_mean(((count > 0) & ~(who & framed).any(axis=0))[alone]),
        intruded=_mean(others[single]),
        empty=sum(_is_empty(shot, own[ids.index(shot.subjects[0])], media, cut_list.canvas)
                  for shot in shots if shot.kind == "single"),
        backchannels=backchannels,
        latency_median_s=_percentile(switches, 50),
        latency_p90_s=_percentile(switches, 90),
        punch_in_median_s=_percentile(punch_ins, 50),
        upscale_max=float((cut_list.canvas[1] / (crops[:, 3] - crops[:, 1])).max()),
        eyes_off=_eyes_off(shots, own, ids, media, cut_list.canvas),
    )  # fmt: skip


def lanes_framed(
    cut_list: CutList, tracks: Sequence[FaceTrack], talkers: Sequence[Talker]
) -> list[list[int]]:
    """Return which talkers each shot frames: those whose face its subjects' is for most of it."""
    ids = [person.id for person in cut_list.people]
    own = person_boxes(cut_list.media, tracks, cut_list.people)
    video_tracks: list[list[int]] = []
    for shot in cut_list.shots:
        part = slice(shot.range.start, shot.range.end)
        subjects = [own[ids.index(id_)][part] for id_ in shot.subjects]
        video_tracks.append([
            n for n, talker in enumerate(talkers)
            if any((_iou(talker.boxes[part], box) > SAME_FACE_IOU).mean() > 0.5 for box in subjects)
        ])  # fmt: skip
    return video_tracks


def _is_switch(before: Shot, after: Shot) -> bool:
    return before.kind == after.kind == "single" and before.subjects != after.subjects


def _is_empty(
    shot: Shot, boxes: NDArray[np.float32], media: Media, canvas: tuple[int, int]
) -> bool:
    part = boxes[shot.range.start : shot.range.end]
    inside = np.nan_to_num(_share_inside(part, crops_of(shot, media.size, canvas)))
    return bool((inside >= IN_FRAME).mean() < 0.5)


def _latencies(
    shots: Sequence[Shot],
    speaks: NDArray[np.bool_],
    framed: NDArray[np.bool_],
    shown: NDArray[np.floating[Any]],
    start: int,
    rate: float,
) -> tuple[list[float], list[float], int]:
    """Return the seconds from first words to cuts: of switches, of punch-ins; and backchannels.

    A cut to a single is for its subject's first turn that ends in or after the shot. Its first
    word is the first that is said alone: until then the floor is somebody else's. A cut is a
    backchannel's where all that the subject says in the shot is shorter than a turn.
    """
    switches: list[float] = []
    punch_ins: list[float] = []
    backchannels = 0
    for before, shot in pairwise(shots):
        first, last = shot.range.start - start, shot.range.end - start
        talker = np.flatnonzero(framed[:, first:last].mean(axis=1) > 0.5)
        if shot.kind != "single" or shot.subjects == before.subjects or len(talker) != 1:
            continue
        own = speaks[talker[0]]
        turns = [run for run in runs(own) if run[1] > first and run[0] < last]
        if turns and max(b - a for a, b in turns) < TURN_SECONDS * rate:
            backchannels += 1
        alone = [run for run in runs(own & (speaks.sum(axis=0) == 1)) if run[1] > first]
        if not turns or not alone or alone[0][0] >= last:
            continue
        late = (first - max(alone[0][0], turns[0][0])) / rate
        seen = np.nan_to_num(shown[talker[0], max(0, first - 1)]) >= IN_FRAME
        (punch_ins if seen else switches).append(late)
    return switches, punch_ins, backchannels


def _eyes_off(
    shots: Sequence[Shot],
    own: Sequence[NDArray[np.float32]],
    ids: Sequence[int],
    media: Media,
    canvas: tuple[int, int],
) -> float:
    off: list[NDArray[np.floating[Any]]] = []
    for shot in shots:
        if shot.kind != "single":
            continue
        box = own[ids.index(shot.subjects[0])][shot.range.start : shot.range.end]
        crop = crops_of(shot, media.size, canvas)
        eyes = box[:, 1] + EYES_BELOW_TOP * (box[:, 3] - box[:, 1])
        off.append(np.abs((eyes - crop[:, 1]) / (crop[:, 3] - crop[:, 1]) - 1 / 3))
    there = np.concatenate([np.empty(0), *off])
    return _mean(there[~np.isnan(there)])


def _share_inside(
    boxes: NDArray[np.floating[Any]], crops: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """Return (..., T) which share of (..., T, 4) boxes lies in (..., T, 4) crops; NaN for NaN."""
    area = np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return _common(boxes, crops) / np.maximum(area, 1e-9)


def _iou(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return (..., T) intersection over union of (..., T, 4) boxes; 0 where either is NaN."""
    areas = [np.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (a, b)]
    common = _common(a, b)
    return np.nan_to_num(common / np.maximum(areas[0] + areas[1] - common, 1e-9))


def _common(
    a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.prod(np.maximum(sides, 0), axis=-1)


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if values.size else float("nan")


def _percentile(seconds: Sequence[float], percent: float) -> float:
    return float(np.percentile(seconds, percent)) if seconds else float("nan")
