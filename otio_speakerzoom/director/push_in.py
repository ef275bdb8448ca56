"""A slow push-in on a long single: the crop closes in on the face, eased, instead of a cutaway."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.camera_path import MAX_KEY_ERROR_PX, STEPS_PER_SECOND, key_steps
from otio_speakerzoom.director.frame_arrays import median
from otio_speakerzoom.director.framing_faults import face_extent, head_of
from otio_speakerzoom.director.single_candidates import EYES_BELOW_TOP
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import Box, CropKey, FrameRange

MAX_ZOOM = 1.2
"""Of a whole push-in: about half of the step from one usual shot size to the next, so that the
single that it ends on is still the same kind of shot."""

MIN_ZOOM = 1.02
"""A push-in that ends closer by less is not worth a move: nobody notices it."""

STEEPEST = 1.5
"""How much faster the middle of the easing 3 x^2 - 2 x^3 is than the whole on average."""


def push_in(
    faces: NDArray[np.float32],
    crop: Box,
    span: FrameRange,
    rate: float,
    canvas: tuple[int, int],
    style: Style,
) -> tuple[CropKey, ...]:
    """Return the keys of a crop that closes in on a face over `span`; none where it has no room.

    `faces` are the (T, 4) boxes of the face in the shot. The place of the eyes on the canvas stays,
    so every crop lies in the first one, and crosses no wall that this does not cross. It gets no
    faster than the style allows, no softer, and cuts nothing off the head.
    """
    seconds = (span.duration - 1) / rate
    zoom = min(
        MAX_ZOOM,
        1 + style.push_in_per_second * seconds / STEEPEST,
        style.max_upscale * crop.height / canvas[1],
    )
    face = median(faces).astype(float)
    anchor = np.array([(face[0] + face[2]) / 2, face[1] + EYES_BELOW_TOP * (face[3] - face[1])])
    anchor = np.clip(anchor, (crop.left, crop.top), (crop.right, crop.bottom))
    zoom = min(zoom, _largest_zoom(head_of(face_extent(faces)), anchor, crop))
    if zoom < MIN_ZOOM:
        return ()
    step = max(1, round(rate / STEPS_PER_SECOND))
    frames = np.array([*range(span.start, span.end - 1, step), span.end - 1])
    share = (frames - span.start) / (span.duration - 1)
    eased = share**2 * (3 - 2 * share)
    scale = 1 / (1 + (zoom - 1) * eased)[:, None]  # (N, 1)
    middle = np.tile(anchor, 2)
    path = middle + (np.array(crop.edges) - middle) * scale  # (N, 4)
    path[0] = crop.edges
    return tuple(
        CropKey(int(frames[n]), Box.from_edges(path[n])) for n in key_steps(path, MAX_KEY_ERROR_PX)
    )


def _largest_zoom(head: NDArray[np.float64], anchor: NDArray[np.float64], crop: Box) -> float:
    """Return up to which zoom on a point a crop cuts no more off a (4,) head than it does now."""
    edges = np.array(crop.edges) - np.tile(anchor, 2)
    needed = head - np.tile(anchor, 2)
    sides = np.array([-1, -1, 1, 1])
    outward, needed = sides * edges, sides * needed
    inside = (needed > 0) & (needed < outward)
    if not inside.any() or (needed > outward).any():
        return 1.0
    return float((outward[inside] / needed[inside]).min())
