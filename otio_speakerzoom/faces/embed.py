"""What each face track looks like: one vector a track, alike for tracks of the same person.

A track's seen boxes are divided into stretches of equal number; of the few largest boxes of each
stretch the sharpest is embedded, so that the vectors are of large, sharp faces spread over the
track. Their mean is the track's. They serve to join tracks within one source, and are not kept:
nobody is identified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import areas
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.model import FaceTrack, Media, Progress, no_progress
from otio_speakerzoom.weights import fetch

Embedder = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(FACE_SIDE, FACE_SIDE, 3) RGB face as `cut_face` cuts it -> (D,) of any length."""

EMBEDDER_WEIGHTS = "mobilefacenet"
"""Its name in weights.toml."""

FACE_SIDE = 112
"""Pixels of the square that networks taught on ArcFace's aligned faces take (Deng et al.,
arXiv:1801.07698)."""

STRETCHES = 8
"""Vectors a track. The errors of single vectors average out with the first few; more cost time."""

LARGEST = 3
"""Boxes of a stretch that compete for sharpness: a nod may blur one of them, hardly all three."""

RAISED = 0.06
"""How far above the middle of the box the square of a face has its own, in sides, which puts eyes
and mouth about where ArcFace's alignment has them. Best of -0.08, 0, 0.06 and 0.1 on the corpus'
training tracks: by balanced accuracy 0.93, 0.97, 0.99 and 0.99."""

SMALLEST = 16.0
"""Pixels of a face's side in the given pictures below which it says nothing about who it is."""

# ImageNet's mean and deviation of RGB in 0..1, with which the network was taught (foamliu's
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
                f"{model}: OpenCV {cv2.__version__} cannot tell faces apart with it; update "
                "OpenCV, or move the file away"
            ) from error

    def __call__(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (128,) vector of a (112, 112, 3) RGB face."""
        picture = (face.astype(np.float32) / 255 - _MEAN) / _DEVIATION
        # one at a time: the network's last reshape is exported for a batch of one
        self._network.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return self._network.forward()[0].copy()  # OpenCV uses its own memory again


def find_embedder() -> MobileFaceNet | None:
    """Return the embedder, or None where its weights lie nowhere; nothing is fetched."""
    path = fetch.find(EMBEDDER_WEIGHTS)
    return MobileFaceNet(path) if path else None


@dataclass(slots=True, eq=False)
class _Stretch:
    """The part of a track of which one face is embedded, and the best face of it so far."""

    row: int
    """Of the track, in the result."""
    last: int
    """Frame of its last candidate."""
    sharpness: float = -1.0
    face: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))


def embed_tracks(
    pictures: Iterable[tuple[int, NDArray[np.uint8]]],
    media: Media,
    tracks: Sequence[FaceTrack],
    embedder: Embedder,
    *,
    on_progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """Return (N, D) vectors of length 1, a row a track; zeros where no face could be embedded.

    `pictures` are (frame, (H, W, 3) RGB) pairs in order, of any size, and are read once; a face is
    set aside for no longer than its stretch lasts. Every frame is told to `on_progress`.
    """
    candidates = _candidates(tracks)
    total = np.zeros((len(tracks), 0), np.float32)
    for frame, picture in pictures:
        height, width = picture.shape[:2]
        scale = np.array((width / media.size[0], height / media.size[1]) * 2, np.float32)
        for stretch in candidates.get(frame, ()):
            track = tracks[stretch.row]
            box = track.boxes[frame - track.start] * scale
            if min(box[2:] - box[:2]) >= SMALLEST:
                _compare(stretch, cut_face(picture, box))
            if frame == stretch.last and stretch.face.size:
                vector = unit(embedder(stretch.face))
                if not total.shape[1]:
                    total = np.zeros((len(tracks), len(vector)), np.float32)
                total[stretch.row] += vector
                stretch.face = np.empty(0, np.uint8)
        on_progress(frame + 1, media.duration)
    return unit(total)


def _candidates(tracks: Sequence[FaceTrack]) -> dict[int, list[_Stretch]]:
    """Return for each frame the stretches that may take their face from it."""
    found: dict[int, list[_Stretch]] = {}
    for row, track in enumerate(tracks):
        area = areas(track.boxes)
        for part in np.array_split(np.flatnonzero(track.has_detection), STRETCHES):
            chosen = part[np.argsort(-area[part], kind="stable")[:LARGEST]] + track.start
            if len(chosen):
                stretch = _Stretch(row, int(chosen.max()))
                for frame in chosen.tolist():
                    found.setdefault(frame, []).append(stretch)
    return found


def _compare(stretch: _Stretch, face: NDArray[np.uint8]) -> None:
    """Keep `face` where it is the sharpest of its stretch so far: the one with the most edges."""
    gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).var())
    if sharpness > stretch.sharpness:
        stretch.sharpness, stretch.face = sharpness, face


def cut_face(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the (FACE_SIDE, FACE_SIDE, 3) square around `box`, (4,) in pixels of `picture`.

    Its side is the box's longer one: of 0.85, 0.95, 1.05 and 1.15 times that, none told the people
    of the corpus apart better. What lies outside the picture repeats its edge.
    """
    side = max(1, round(float(max(box[2:] - box[:2]))))
    left, top = (box[:2] + box[2:] - side) / 2
    left, top = round(left), round(top - RAISED * side)
    rows = np.clip(np.arange(top, top + side), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, picture.shape[1] - 1)
    # averaging areas is for shrinking only: enlarging, it would show the source's pixels as squares
    how = cv2.INTER_AREA if side > FACE_SIDE else cv2.INTER_LINEAR
    cut = cv2.resize(picture[np.ix_(rows, columns)], (FACE_SIDE, FACE_SIDE), interpolation=how)
    return np.asarray(cut, np.uint8)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (..., D) vectors brought to length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)
