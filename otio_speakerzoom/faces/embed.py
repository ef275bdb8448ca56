"""Face embeddings: one vector per track, similar for tracks of the same person.

A track's detections are divided into segments of nearly equal number; in each segment the sharpest
of the few largest boxes is embedded, so that the embeddings are of large, sharp faces spread over
the track. Their mean is the track's. They serve to group tracks within one source and are not
stored: nobody is identified.

Segments consist of whole runs of detections, as long as a power of two, so that the runs of a track
that grows can be joined in pairs: `face_samples` makes the same choice while tracks still grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.model import FaceTrack, Media, Progress, no_progress

Embedder = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(FACE_SIDE_PX, FACE_SIDE_PX, 3) RGB face from `crop_face` -> (D,) of any length."""

T = TypeVar("T")

FACE_SIDE_PX = 112
"""Input of networks trained on ArcFace's aligned faces (Deng et al., arXiv:1801.07698)."""

SEGMENTS_PER_TRACK = 8
"""Most embeddings per track. Errors of single ones average out with the first few; more take
time."""

MIN_SEGMENTS = 2
DETECTIONS_PER_SEGMENT = 16
"""About 1.3 s: nearer together faces are so alike that a further one tells nothing. Where a film
has jump cuts its many short tracks would else cost more than to find the faces."""

MAX_RUNS = 32
"""Most runs of detections in a track; a longer one has at least 17, so that segments are of nearly
equal number. On seven labelled clips two people were split and one group mixed two up; with 16 runs
four and two, with segments of exactly equal number three and one."""

CANDIDATES_PER_SEGMENT = 3
"""Largest boxes that compete for sharpness: a nod may blur one of them, hardly all three."""

SQUARE_RAISE_SIDES = 0.06
"""How far the centre of a face's square is above that of its box, in sides, which puts eyes and
mouth about where ArcFace's alignment has them. Best of -0.08, 0, 0.06 and 0.1 on the corpus'
training tracks: by balanced accuracy 0.93, 0.97, 0.99 and 0.99."""

MIN_FACE_PX = 16.0
"""Side of a face in the frames below which it does not show who it is."""


def split_segments(runs: Sequence[T], detection_count: int) -> list[list[T]]:
    """Return the runs of a track's segments; none is empty. The track has so many detections."""
    count = min(max(detection_count // DETECTIONS_PER_SEGMENT, MIN_SEGMENTS), SEGMENTS_PER_TRACK)
    parts = np.array_split(np.arange(len(runs)), count)
    return [[runs[n] for n in part.tolist()] for part in parts if len(part)]


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """A face of a track."""

    face: NDArray[np.uint8]
    """From `crop_face`."""
    side: float
    """Of the face's box, the longer one, in pixels of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What the faces of tracks look like, a row per track; zeros where that is not known."""

    embeddings: NDArray[np.float32]
    """(N, D), of length 1."""
    sides: NDArray[np.float32]
    """(N,) mean sides of the embedded faces, in pixels of the frames that they are from."""


@dataclass(slots=True, eq=False)
class LooksSum:
    """The sum of what the samples of a track look like."""

    count: int = 0
    embedding: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    side: float = 0.0

    def add(self, sample: FaceSample, embedder: Embedder) -> None:
        """Add the next sample of the track."""
        embedding = unit(embedder(sample.face))
        self.embedding = self.embedding + embedding if self.count else embedding
        self.count += 1
        self.side += sample.side


@dataclass(slots=True, eq=False)
class _Segment:
    """A part of a track that gets one embedding, and its best face so far."""

    row: int
    """Index of the track."""
    last_frame: int
    """Frame of its last candidate."""
    sharpness: float = -1.0
    sample: FaceSample | None = None

    def compete(self, sample: FaceSample) -> None:
        """Store `sample` if its face is the sharpest so far."""
        if (value := sharpness(sample.face)) > self.sharpness:
            self.sharpness, self.sample = value, sample


def embed_tracks(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    tracks: Sequence[FaceTrack],
    embedder: Embedder,
    *,
    on_progress: Progress = no_progress,
) -> Looks:
    """Return the looks of each track.

    `frames` are (index, (H, W, 3) RGB) pairs in order, of any size, and are read once, only the
    `candidate_frames` of them; a face is stored no longer than its segment lasts. `on_progress` is
    called for every frame.
    """
    candidates = _candidates(tracks)
    sums = [LooksSum() for _ in tracks]
    for frame_index, frame in frames:
        for segment in candidates.get(frame_index, ()):
            track = tracks[segment.row]
            sample = cut_sample(frame, media, track.boxes[frame_index - track.start])
            if sample:
                segment.compete(sample)
            if frame_index == segment.last_frame and segment.sample:
                sums[segment.row].add(segment.sample, embedder)
                segment.sample = None
        on_progress(frame_index + 1, media.duration)
    return stack_looks(sums)


def stack_looks(sums: Sequence[LooksSum | None]) -> Looks:
    """Return the looks of tracks; None for one without a sample."""
    size = max((len(own.embedding) for own in sums if own), default=0)
    vectors, sides = np.zeros((len(sums), size), np.float32), np.zeros(len(sums), np.float32)
    for n, own in enumerate(sums):
        if own and own.count:
            vectors[n], sides[n] = unit(own.embedding), own.side / own.count
    return Looks(vectors, sides)


def candidate_frames(tracks: Sequence[FaceTrack]) -> frozenset[int]:
    """Return the frames from which `embed_tracks` may take a face."""
    return frozenset(_candidates(tracks))


def _candidates(tracks: Sequence[FaceTrack]) -> dict[int, list[_Segment]]:
    """Return for each frame the segments that may take their face from it."""
    segments: dict[int, list[_Segment]] = {}
    for row, track in enumerate(tracks):
        area, detected = areas(track.boxes), np.flatnonzero(track.has_detection)
        for runs in split_segments(_runs(detected), len(detected)):
            part = np.concatenate(runs)
            largest = part[np.argsort(-area[part], kind="stable")[:CANDIDATES_PER_SEGMENT]]
            frames = largest + track.start
            segment = _Segment(row, int(frames.max()))
            for frame_index in frames.tolist():
                segments.setdefault(frame_index, []).append(segment)
    return segments


def _runs(detected: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the detections in runs as long as the smallest power of two that needs `MAX_RUNS`."""
    length = 1
    while length * MAX_RUNS < len(detected):
        length *= 2
    return [detected[n : n + length] for n in range(0, len(detected), length)]


def cut_sample(
    frame: NDArray[np.uint8], media: Media, box: NDArray[np.float32]
) -> FaceSample | None:
    """Return the face in `box`, (4,) in source pixels, with its size; None if it is too small.

    `frame` is (H, W, 3) RGB of any size.
    """
    height, width = frame.shape[:2]
    scale = np.array((width / media.size[0], height / media.size[1]) * 2, np.float32)
    box = box * scale
    if min(box[2:] - box[:2]) < MIN_FACE_PX:
        return None
    side = float(max(box[2:] - box[:2]))
    return FaceSample(crop_face(frame, box), side)


def sharpness(face: NDArray[np.uint8]) -> float:
    """Return how many edges an RGB face has: the variance of its Laplacian."""
    gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_32F).var())


def crop_face(frame: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the (FACE_SIDE_PX, FACE_SIDE_PX, 3) square around `box`, (4,) in pixels of `frame`.

    Its side is the box's longer one: of 0.85, 0.95, 1.05 and 1.15 times that, none separated the
    people of the corpus better. Outside the frame its edge is repeated.
    """
    side = max(1, round(float(max(box[2:] - box[:2]))))
    left, top = (box[:2] + box[2:] - side) / 2
    left, top = round(left), round(top - SQUARE_RAISE_SIDES * side)
    height, width = frame.shape[:2]
    if min(left, top, width - left - side, height - top - side) >= 0:
        square = frame[top : top + side, left : left + side]  # several times as fast
    else:
        rows = np.clip(np.arange(top, top + side), 0, height - 1)
        columns = np.clip(np.arange(left, left + side), 0, width - 1)
        square = frame[np.ix_(rows, columns)]
    # averaging areas is for downscaling only: upscaled, the source's pixels would show as squares
    method = cv2.INTER_AREA if side > FACE_SIDE_PX else cv2.INTER_LINEAR
    face = cv2.resize(square, (FACE_SIDE_PX, FACE_SIDE_PX), interpolation=method)
    return np.asarray(face, np.uint8)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (..., D) vectors scaled to length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)
