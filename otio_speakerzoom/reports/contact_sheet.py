"""A contact sheet of the people in a source: a portrait of each, with their screen time.

The portrait is of their best frame: a detected face, not cut by the edge of the frame, about as
large as it ever gets, speaking if it ever does at that size, and the sharpest of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import FrameRange, Progress, no_progress
from otio_speakerzoom.reports.draw_text import draw_text, drawable_labels, shorten
from otio_speakerzoom.reports.summary import AnalysisSummary
from otio_speakerzoom.source import read_frames
from otio_speakerzoom.store import atomic_write, check_unchanged, source_digest

PORTRAIT = 240
"""Side of a portrait in pixels: a face is recognised at a glance, and four fit into an e-mail."""
COLUMNS = 4
GAP = 24
"""Pixels around a tile: a tenth of a portrait, which separates tiles without lines."""
NAME, FACTS = 22, 16
"""Size of the letters in pixels: still readable where the sheet is shown at two thirds."""
CAPTION = 96
"""Pixels below a portrait: a name and two lines of facts, with their spacing."""
PAPER, INK, PALE = (250, 250, 248), (34, 34, 34), (105, 105, 105)
"""RGB; the pale ink has a contrast of 5 to 1 on the paper, above the 4.5 that WCAG 2 asks for."""

MIN_HEIGHT_SHARE = 0.8
"""Share of a face's largest height from which it counts as large: a nod or a lean costs less."""
CANDIDATES = 8
"""Candidate frames per person; the sharpest is used. Not all show a turned head or a blink."""
SEARCH_S = 60
"""Seconds of suitable frames, from a person's first one on, from which the candidates come: enough
expressions, and a long film is not decoded to its end."""
PORTRAIT_FACE_HEIGHTS = 2.2
"""Side of the portrait in heights of the face (brow to chin): includes hair and collar."""


class _Candidate(NamedTuple):
    """A face that may become a person's portrait."""

    row: int
    """Of the person, in `AnalysisSummary.people`."""
    box: NDArray[np.float32]
    """(4,) left, top, right, bottom in source pixels."""


def write_sheet(
    summary: AnalysisSummary, path: Path, *, on_progress: Progress = no_progress
) -> None:
    """Write a PNG to `path` with a tile for everybody who is ever visible, in order of people.

    MediaError if the source is changed meanwhile.
    """
    content = source_digest(summary.media.path)
    candidates = _candidates(summary)
    if not candidates:
        raise SpeakerZoomError(
            f"{summary.media.path}: no face was found, so there is nobody to show; "
            "try another --detector"
        )
    faces = _sharpest(summary, candidates, on_progress)
    labels = drawable_labels(summary.people)
    lengths = {track.id: len(track.boxes) for track in summary.tracks}
    tiles: list[NDArray[np.uint8]] = []
    for row, face in sorted(faces.items()):
        person = summary.people[row]
        visible = sum(lengths.get(track, 0) for track in person.track_ids)
        spans = np.array([visible, summary.speaks[row].sum()]) / float(summary.media.rate)
        facts = (f"id {person.id}", "seen {:.1f} s, speaks {:.1f} s".format(*spans))
        tiles.append(_tile(face, labels[person.id], facts))
    _, data = cv2.imencode(".png", _layout(tiles)[..., ::-1])  # OpenCV writes BGR
    check_unchanged(summary.media.path, content, "sheet")
    with atomic_write(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _candidates(summary: AnalysisSummary) -> dict[int, list[_Candidate]]:
    """Return the faces that may become a portrait, by source frame."""
    out: dict[int, list[_Candidate]] = {}
    tracks = {track.id: track for track in summary.tracks}
    for row, person in enumerate(summary.people):
        own = [tracks[id_] for id_ in person.track_ids if id_ in tracks]
        if not own:
            continue
        frames = np.concatenate([np.arange(t.range.start, t.range.end) for t in own])
        boxes = np.concatenate([t.boxes for t in own])
        detected = np.concatenate([t.has_detection for t in own])
        good = _good_rows(boxes, detected, summary.speaks[row, frames], summary.media.size)
        good = good[: max(1, round(SEARCH_S * summary.media.rate))]
        spread = np.linspace(0, len(good) - 1, min(CANDIDATES, len(good))).round().astype(int)
        for n in good[spread].tolist():
            out.setdefault(int(frames[n]), []).append(_Candidate(row, boxes[n]))
    return out


def _good_rows(
    boxes: NDArray[np.float32],
    detected: NDArray[np.bool_],
    speaks: NDArray[np.bool_],
    size: tuple[int, int],
) -> NDArray[np.intp]:
    """Return the rows of (T, 4) boxes that show a person best; at least one.

    A condition that no remaining row fulfils is ignored.
    """
    left, top, right, bottom = boxes.T
    inside = (left >= 0) & (top >= 0) & (right <= size[0]) & (bottom <= size[1])
    height = bottom - top
    rows = np.arange(len(boxes))
    for condition in (detected, inside):
        rows = rows[condition[rows]] if condition[rows].any() else rows
    rows = rows[height[rows] >= MIN_HEIGHT_SHARE * height[rows].max()]
    return rows[speaks[rows]] if speaks[rows].any() else rows


def _sharpest(
    summary: AnalysisSummary, candidates: Mapping[int, Sequence[_Candidate]], on_progress: Progress
) -> dict[int, NDArray[np.uint8]]:
    """Return the (PORTRAIT, PORTRAIT, 3) RGB of each person's sharpest face, by row.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) at the size of the
    portrait. Frames are decoded up to the last candidate, no larger than the smallest face needs.
    """
    best: dict[int, tuple[float, NDArray[np.uint8]]] = {}
    within = FrameRange(min(candidates), max(candidates) + 1)
    smallest = min(_side(face.box) for faces in candidates.values() for face in faces)
    scale = min(1.0, PORTRAIT / smallest)
    width, height = (max(1, round(side * scale)) for side in summary.media.size)
    with closing(read_frames(summary.media, size=(width, height), within=within)) as stream:
        for frame, image in stream:
            for row, box in candidates.get(frame, ()):
                face = _crop(image, box * scale)
                gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
                sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).var())
                if row not in best or sharpness > best[row][0]:
                    best[row] = (sharpness, face)
            on_progress(frame + 1 - within.start, within.duration)
    return {row: face for row, (_, face) in best.items()}


def _side(box: NDArray[np.float32]) -> float:
    """Return the side of the square around a face."""
    return PORTRAIT_FACE_HEIGHTS * float(max(box[2] - box[0], box[3] - box[1]))


def _crop(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the square around a face, moved into the image where it would extend outside."""
    height, width = image.shape[:2]
    left, top, right, bottom = box.tolist()
    side = max(1, min(width, height, round(_side(box))))
    x = min(max(0, round((left + right - side) / 2)), width - side)
    y = min(max(0, round((top + bottom - side) / 2)), height - side)
    method = cv2.INTER_AREA if side > PORTRAIT else cv2.INTER_CUBIC
    square = cv2.resize(
        image[y : y + side, x : x + side], (PORTRAIT, PORTRAIT), interpolation=method
    )
    return square.astype(np.uint8, copy=False)


def _tile(face: NDArray[np.uint8], name: str, facts: Sequence[str]) -> NDArray[np.uint8]:
    """Return a portrait with its caption below, (PORTRAIT + CAPTION, PORTRAIT, 3) RGB."""
    tile = np.full((PORTRAIT + CAPTION, PORTRAIT, 3), PAPER, np.uint8)
    tile[:PORTRAIT] = face
    base = PORTRAIT + 14 + NAME  # a little air, then the height of the letters
    draw_text(tile, shorten(name, PORTRAIT, NAME), (0, base), NAME, INK)
    for line, text in enumerate(facts, 1):
        at = (0, base + line * (FACTS + 8))  # half a letter's height between lines
        draw_text(tile, shorten(text, PORTRAIT, FACTS), at, FACTS, PALE)
    return tile


def _layout(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the sheet of all tiles, in at most COLUMNS columns."""
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    row_height, column_width = PORTRAIT + CAPTION + GAP, PORTRAIT + GAP
    sheet = np.full((rows * row_height + GAP, columns * column_width + GAP, 3), PAPER, np.uint8)
    for n, tile in enumerate(tiles):
        y, x = GAP + n // columns * row_height, GAP + n % columns * column_width
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return sheet
