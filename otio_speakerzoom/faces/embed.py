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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.model import FaceTrack, Media, Progress, no_progress
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import EMBEDDER

Embedder = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(FACE_SIDE_PX, FACE_SIDE_PX, 3) RGB face from `crop_face` -> (D,) of any length."""

T = TypeVar("T")

FACE_SIDE_PX = 112
"""Input of networks trained on ArcFace's aligned faces (Deng et al., arXiv:1801.07698)."""

SEGMENTS_PER_TRACK = 8
"""Embeddings per track. Errors of single ones average out with the first few; more take time."""

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

# ImageNet's mean and deviation of RGB in 0..1, with which the network was trained (foamliu's
# repository, data_gen.py).
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class MobileFaceNet:
    """The embedder in foamliu's MobileFaceNet.onnx: 128 numbers for a face."""

    def __init__(self, model: Path) -> None:
        self._network: Any
        try:
            self._network = cv2.dnn.readNetFromONNX(str(model))
        except cv2.error as error:
            raise WeightsError(
                f"{model}: OpenCV {cv2.__version__} cannot compute face embeddings with it; update "
                "OpenCV, or move the file away"
            ) from error

    def __call__(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (128,) embedding of a (112, 112, 3) RGB face."""
        normalized = (face.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        # one at a time: the network's last reshape is exported for a batch of one
        self._network.setInput(np.ascontiguousarray(normalized.transpose(2, 0, 1)[None]))
        return self._network.forward()[0].copy()  # OpenCV reuses its memory


def find_embedder() -> MobileFaceNet | None:
    """Return the embedder, or None if its weights are not installed; downloads nothing."""
    path = fetch.find(EMBEDDER)
    return MobileFaceNet(path) if path else None


def split_segments(runs: Sequence[T]) -> list[list[T]]:
    """Return the runs of a track's segments; none is empty."""
    parts = np.array_split(np.arange(len(runs)), SEGMENTS_PER_TRACK)
    return [[runs[n] for n in part.tolist()] for part in parts if len(part)]


@dataclass(slots=True, eq=False)
class _Segment:
    """A part of a track that gets one embedding, and its best face so far."""

    row: int
    """Index of the track."""
    last_frame: int
    """Frame of its last candidate."""
    sharpness: float = -1.0
    face: NDArray[np.uint8] | None = None

    def compete(self, face: NDArray[np.uint8]) -> None:
        """Store `face` if it is the sharpest so far."""
        if (value := sharpness(face)) > self.sharpness:
            self.sharpness, self.face = value, face


def embed_tracks(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    tracks: Sequence[FaceTrack],
    embedder: Embedder,
    *,
    on_progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return (N, D) embeddings of length 1, a row per track; zeros where none was possible.

    `frames` are (index, (H, W, 3) RGB) pairs in order, of any size, and are read once, only the
    `candidate_frames` of them; a face is stored no longer than its segment lasts. `on_progress` is
    called for every frame.
    """
    candidates = _candidates(tracks)
    total = np.zeros((len(tracks), 0), np.float32)
    for frame_index, frame in frames:
        for segment in candidates.get(frame_index, ()):
            track = tracks[segment.row]
            face = source_face(frame, media, track.boxes[frame_index - track.start])
            if face is not None:
                segment.compete(face)
            if frame_index == segment.last_frame and segment.face is not None:
                embedding = unit(embedder(segment.face))
                if not total.shape[1]:
                    total = np.zeros((len(tracks), len(embedding)), np.float32)
                total[segment.row] += embedding
                segment.face = None
        on_progress(frame_index + 1, media.duration)
    return unit(total)


def candidate_frames(tracks: Sequence[FaceTrack]) -> frozenset[int]:
    """Return the frames from which `embed_tracks` may take a face."""
    return frozenset(_candidates(tracks))


def _candidates(tracks: Sequence[FaceTrack]) -> dict[int, list[_Segment]]:
    """Return for each frame the segments that may take their face from it."""
    segments: dict[int, list[_Segment]] = {}
    for row, track in enumerate(tracks):
        area, detected = areas(track.boxes), np.flatnonzero(track.has_detection)
        for runs in split_segments(_runs(detected)):
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


def source_face(
    frame: NDArray[np.uint8], media: Media, box: NDArray[np.float32]
) -> NDArray[np.uint8] | None:
    """Return the face in `box`, (4,) in source pixels, from `crop_face`; None if it is too small.

    `frame` is (H, W, 3) RGB of any size.
    """
    height, width = frame.shape[:2]
    scale = np.array((width / media.size[0], height / media.size[1]) * 2, np.float32)
    box = box * scale
    return crop_face(frame, box) if min(box[2:] - box[:2]) >= MIN_FACE_PX else None


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
