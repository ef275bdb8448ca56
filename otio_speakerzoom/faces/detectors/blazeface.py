"""BlazeFace full range, MediaPipe's network for faces some metres away.

The network's input is 192 x 192 pixels, and it misses a face that is less than about a tenth as
high as a wide frame. So it runs on the whole frame, and then on overlapping squares as high as the
frame (two for 16:9), in which a face is nearly twice as large; up to three views in parallel, if
there are as many cores. BlazeFace: Bazarevsky et al., arXiv:1907.05047.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import nms
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.faces.detectors.blazeface_runtimes import (
    Network,
    load_runtime,
    mediapipe_error,
)
from otio_speakerzoom.faces.detectors.interface import DetectedFaces
from otio_speakerzoom.faces.detectors.opencv_dnn import read_weights
from otio_speakerzoom.faces.detectors.preprocess import check_frame
from otio_speakerzoom.source import usable_cores

# Squares overlap by this share of their side, so that a face up to a fifth of the frame's height is
# whole in one of them; larger ones are detected in the whole frame. With a lower aspect ratio than
# the minimum they would show the whole frame again.
_SQUARE_OVERLAP = 0.2
_MIN_ASPECT_RATIO = 1.2

# Views of this length, in sides of the squares, need 16 squares: no camera has a longer frame. Of a
# frame of 2000 x 3 pixels, hundreds of squares would be searched; its views are longer instead.
_MAX_ASPECT_RATIO = 13

# Two boxes are one face above this IoU (MediaPipe's own default, min_suppression_threshold), or if
# they share this much of the smaller: half a face lies inside the whole one.
_SAME_FACE_IOU = 0.3
_SAME_FACE_OF_SMALLER = 0.6

# A box may be half a face where it comes this close to an edge at which a square cuts the frame,
# in sides of the square: one and a half pixels of the network's input.
_CUT_MARGIN_SIDES = 1.5 / 192

# From BlazeFace's square to the tight box from forehead to chin, in sides of the square. Measured
# against YuNet's boxes (WIDER FACE's convention, which is that of S3FD too) on 1044 faces in 11
# clips, a dozen people. The square holds eyes, nose and mouth, so on a turned head it slides
# towards the nose; how far shows in the middle of the ears, whose distance from the middle of the
# square times 0.43 to 0.48, whichever clip is left out, leads to the middle of the tight box.
# Median IoU: 0.71 as it comes, 0.85 with the edges moved, 0.88 with the slide undone as well.
_TIGHT_BOX_MARGINS = [0.06, -0.17, -0.06, 0.04]  # left, top, right, bottom
_TOWARDS_EARS = 0.45

_MAX_PARALLEL_VIEWS = 3  # as many as a 16:9 frame has


class BlazeFace:
    """A deterministic face detector. It is slow to start in MediaPipe: use one for a whole film.

    Detects faces with more than `min_confidence`, between 0 and 1. A box may reach past the edge of
    the frame where the face does.
    """

    name = "blazeface"

    def __init__(self, model: Path, *, min_confidence: float = 0.5) -> None:
        if not 0 < min_confidence < 1:
            raise ValueError(f"min_confidence must lie between 0 and 1, got {min_confidence}")
        model_bytes = read_weights(model)
        parallel = min(_MAX_PARALLEL_VIEWS, usable_cores())
        self._idle: SimpleQueue[Network] = SimpleQueue()
        runtime = load_runtime()
        try:
            with ExitStack() as stack:  # which closes them all again if one does not start
                for _ in range(parallel):
                    network = runtime.open_network(model_bytes, min_confidence)
                    stack.callback(network.close)
                    self._idle.put(network)
                self._networks = stack.pop_all()
        except OSError as error:
            raise mediapipe_error(error) from error
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"{model}: {runtime.name} cannot detect faces with it ({reason}); update "
                f"{runtime.package}, or choose another --detector"
            ) from error
        # Both run the network on one thread and release Python's lock meanwhile.
        self._threads = ThreadPoolExecutor(parallel)

    def __call__(self, frame: NDArray[np.uint8]) -> DetectedFaces:
        """Return (N, 4) boxes in pixels of the (H, W, 3) RGB frame, and (N,) confidences."""
        check_frame(frame)
        height, width, _ = frame.shape
        rows = self._threads.map(partial(self._detect_in_view, frame), _views(width, height))
        return _distinct_faces(np.concatenate(list(rows)))

    def close(self) -> None:
        """Free the networks and their threads; a second time does nothing."""
        self._threads.shutdown()
        self._networks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _detect_in_view(
        self, frame: NDArray[np.uint8], view: tuple[int, int, int, int]
    ) -> NDArray[np.float64]:
        """Return (N, 7) square, x between the ears, confidence, and 1 where the view cuts it."""
        left, top, right, bottom = view
        network = self._idle.get()
        try:
            squares = network(np.ascontiguousarray(frame[top:bottom, left:right]))
        finally:
            self._idle.put(network)
        faces = np.column_stack([squares, np.zeros(len(squares))])
        faces[:, :5] += left, top, left, top, left
        margin = _CUT_MARGIN_SIDES * (bottom - top)
        is_cut = [left > 0, top > 0, right < frame.shape[1], bottom < frame.shape[0]]
        distances = (faces[:, :4] - view) * [1, 1, -1, -1]  # (N, 4) from the edges of the view
        faces[:, 6] = ((distances < margin) & is_cut).any(axis=1)
        return faces


def _views(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Return the whole frame, then squares along its longer side: left, top, right, bottom."""
    whole = (0, 0, width, height)
    across, length = sorted((width, height))
    if length < _MIN_ASPECT_RATIO * across:
        return [whole]
    side = max(across, ceil(length / _MAX_ASPECT_RATIO))
    count = max(2, ceil((length / side - _SQUARE_OVERLAP) / (1 - _SQUARE_OVERLAP)))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    if width > height:
        return [whole, *((at, 0, at + side, across) for at in starts)]
    return [whole, *((0, at, across, at + side) for at in starts)]


def _distinct_faces(faces: NDArray[np.float64]) -> DetectedFaces:
    """Return one tight box and confidence per face, of (M, 7) rows like `_detect_in_view`.

    Squares that no view cuts come first, then those of higher confidence.
    """
    squares, ears, confidences, cut = np.split(faces, [4, 5, 6], axis=1)
    distinct = nms(
        squares,
        np.lexsort((-confidences[:, 0], cut[:, 0])),
        max_iou=_SAME_FACE_IOU,
        max_share_of_smaller=_SAME_FACE_OF_SMALLER,
    )
    boxes = _tight_boxes(squares[distinct], ears[distinct, 0])
    return boxes, confidences[distinct, 0].astype(np.float32)


def _tight_boxes(squares: NDArray[np.float64], ears: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (N, 4) boxes from forehead to chin for squares and the x between the ears."""
    side = (squares[:, 2:] - squares[:, :2]).mean(axis=1)
    slide = _TOWARDS_EARS * (ears - squares[:, [0, 2]].mean(axis=1))
    offsets = np.outer(side, _TIGHT_BOX_MARGINS)
    offsets[:, [0, 2]] += slide[:, np.newaxis]
    return (squares + offsets).astype(np.float32)
