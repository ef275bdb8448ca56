"""Single pictures as JPEG: a source frame, a frame as the cut shows it, a person's face."""

from __future__ import annotations

import threading
from contextlib import closing
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from otio_speakerzoom.model import (
    Box,
    CutList,
    FaceTrack,
    FrameRange,
    Media,
    Person,
    Shot,
    SpeechScores,
)
from otio_speakerzoom.pipeline import Analysis, at_height
from otio_speakerzoom.render.film import rendered_frames
from otio_speakerzoom.source import decode_frames, film_colour, read_frames

MIN_HEIGHT, MAX_HEIGHT = 32, 2160
"""Of a picture in pixels: a thumbnail at least, 4K at most."""
PORTRAIT_PX = 160
"""Side of a person's picture: 80 px in a list, sharp on a screen of twice the density."""
PORTRAIT_FACE_HEIGHTS = 2.2
"""Side of the square around a face, in face heights, as on the contact sheet."""
MIN_HEIGHT_SHARE = 0.8
"""Of a face's largest height, from which it is large enough for a picture, as on the sheet."""
QUALITY = "3"
"""libav's scale for JPEG, 2 best to 31: no visible blocks, a tenth of the bytes of RGB."""


MATRICES = {
    1: Colorspace.ITU709, 4: Colorspace.FCC, 5: Colorspace.ITU601, 6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M, 9: Colorspace.BT2020,
}  # fmt: skip
"""Matrix of a film by its number of ITU-T H.273 -> the same in libswscale."""


_decoding = threading.Semaphore(2)
"""Pictures that are decoded at a time: one takes up to 400 MB in 4K, and all cores."""


def frame_jpeg(media: Media, number: int, height: int) -> bytes:
    """Return source frame `number`, upright and tone-mapped, of that height at most."""
    whole = Box(0.0, 0.0, float(media.size[0]), float(media.size[1]))
    shots = (Shot(media.range, (), whole),)
    return shot_jpeg(CutList(media, media.size, shots), number, height)


def shot_jpeg(cut_list: CutList, number: int, height: int) -> bytes:
    """Return a frame as the film of the cut shows it, of that height at most."""
    small = at_height(cut_list, max(2, min(height, cut_list.canvas[1]) // 2 * 2))
    within = FrameRange(number, number + 1)
    with _decoding, closing(decode_frames(cut_list.media, within)) as decoded:
        _, stored = next(decoded)
    frame = next(rendered_frames(small, [(number, stored)]))
    _, _, matrix = film_colour(cut_list.media, stored)
    colours = MATRICES.get(matrix, Colorspace.ITU709)
    return encode_jpeg(frame.reformat(format="rgb24", src_colorspace=colours))


def person_jpeg(analysis: Analysis, person: Person) -> bytes | None:
    """Return the face of a person where they are seen and heard best; None if never."""
    best = _best_sighting(analysis, person)
    if best is None:
        return None
    number, box = best
    within = FrameRange(number, number + 1)
    with _decoding, closing(read_frames(analysis.media, within=within)) as frames:
        _, rgb = next(frames)
    height, width = rgb.shape[:2]
    left, top, right, bottom = box.tolist()
    face = max(right - left, bottom - top)
    side = max(2, min(width, height, round(PORTRAIT_FACE_HEIGHTS * face)))
    x = min(max(0, round((left + right - side) / 2)), width - side)
    y = min(max(0, round((top + bottom - side) / 2)), height - side)
    square = np.ascontiguousarray(rgb[y : y + side, x : x + side])
    picture = av.VideoFrame.from_ndarray(square, "rgb24")
    return encode_jpeg(picture.reformat(PORTRAIT_PX, PORTRAIT_PX))


def encode_jpeg(rgb: av.VideoFrame) -> bytes:
    """Return an RGB frame as JPEG (BT.601 and full range, as JFIF says)."""
    encoder: Any = VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = rgb.width, rgb.height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.options = {"qmin": QUALITY, "qmax": QUALITY}
    encoder.thread_count = 1  # the bytes depend on it; several take longer for so few pixels
    frame = rgb.reformat(
        format="yuvj420p", dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG
    )
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def _best_sighting(analysis: Analysis, person: Person) -> tuple[int, NDArray[np.float32]] | None:
    """Return frame and box of a person's face: whole, large, detected, and the surest to speak."""
    tracks = [track for track in analysis.tracks if track.id in person.track_ids]
    scores = {item.track_id: item for item in analysis.speech.scores}
    if not tracks:
        return None
    boxes = np.concatenate([track.boxes for track in tracks])
    frames = np.concatenate([np.arange(t.range.start, t.range.end) for t in tracks])
    sure = np.concatenate([_logits(track, scores.get(track.id)) for track in tracks])
    width, height = analysis.media.size
    left, top, right, bottom = boxes.T
    heights = bottom - top
    inside = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)
    rows = np.arange(len(boxes))
    for good in (np.concatenate([track.has_detection for track in tracks]), inside):
        rows = rows[good[rows]] if good[rows].any() else rows
    rows = rows[heights[rows] >= MIN_HEIGHT_SHARE * heights[rows].max()]
    row = int(rows[np.argmax(sure[rows])])
    return int(frames[row]), boxes[row]


def _logits(track: FaceTrack, scores: SpeechScores | None) -> NDArray[np.float32]:
    """Return (T,) scores of a track; zeros where it has none."""
    length = len(track.boxes)
    if scores is None or len(scores.logits) != length:
        return np.zeros(length, np.float32)
    return scores.logits
