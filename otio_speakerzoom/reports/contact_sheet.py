"""A contact sheet of who is in a source: one picture a person, with their screen time.

The picture is the best of what was seen of them: a detected face, not cut by the picture's edge,
about as large as it ever gets, speaking if it ever does there, and the sharpest of those.
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
from otio_speakerzoom.reports.draw_text import draw_line_of_text, drawn_labels, fitted
from otio_speakerzoom.reports.summary import AnalysisSummary
from otio_speakerzoom.source import read_frames
from otio_speakerzoom.store import atomic_write

PICTURE = 240
"""Pixels of a picture's side: a face is known at a glance, and four fit side by side in a mail."""
COLUMNS = 4
GAP = 24
"""Pixels around a tile: a tenth of a picture, which keeps them apart without lines."""
NAME, FACTS = 22, 16
"""Pixels of the letters: read at full size, and still when the sheet is shown at two thirds."""
WORDS = 96
"""Pixels under a picture: a name and two lines of facts, with their spacing."""
PAPER, INK, PALE = (250, 250, 248), (34, 34, 34), (105, 105, 105)
"""RGB; the pale ink has a contrast of 5 to 1 on the paper, above the 4.5 that WCAG 2 asks for."""

AS_LARGE = 0.8
"""Of a face's largest height, which counts as large: a nod or a lean costs less than that."""
TRIES = 8
"""Pictures a person of which the sharpest is kept: a turn of the head or a blink is not in all."""
SEARCHED = 60
"""Seconds of such pictures, from a person's first on, among which they are taken: expressions
enough, and a long film is not decoded to its end."""
AROUND = 2.2
"""Side of the picture in heights of the face, which reaches from brow to chin: hair and collar."""


class _Try(NamedTuple):
    """One picture that may become a person's."""

    row: int
    """Of the person, in `AnalysisSummary.people`."""
    box: NDArray[np.float32]
    """(4,) left, top, right, bottom in source pixels."""


def write_sheet(known: AnalysisSummary, path: Path, *, on_progress: Progress = no_progress) -> None:
    """Write a PNG to `path` with a tile for everybody who is ever seen, in the order of people."""
    tries = _tries(known)
    if not tries:
        raise SpeakerZoomError(
            f"{known.media.path}: no face was found, so there is nobody to show; "
            "try another --detector"
        )
    faces = _sharpest(known, tries, on_progress)
    labels = drawn_labels(known.people)
    lengths = {track.id: len(track.boxes) for track in known.tracks}
    tiles: list[NDArray[np.uint8]] = []
    for row, face in sorted(faces.items()):
        person = known.people[row]
        seen = sum(lengths.get(track, 0) for track in person.track_ids)
        spans = np.array([seen, known.speaks[row].sum()]) / float(known.media.rate)
        facts = (f"id {person.id}", "seen {:.1f} s, speaks {:.1f} s".format(*spans))
        tiles.append(_tile(face, labels[person.id], facts))
    _, data = cv2.imencode(".png", _laid_out(tiles)[..., ::-1])  # OpenCV writes BGR
    with atomic_write(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _tries(known: AnalysisSummary) -> dict[int, list[_Try]]:
    """Return by source frame which faces are worth a look."""
    out: dict[int, list[_Try]] = {}
    tracks = {track.id: track for track in known.tracks}
    for row, person in enumerate(known.people):
        mine = [tracks[id_] for id_ in person.track_ids if id_ in tracks]
        if not mine:
            continue
        frames = np.concatenate([np.arange(t.range.start, t.range.end) for t in mine])
        boxes = np.concatenate([t.boxes for t in mine])
        seen = np.concatenate([t.has_detection for t in mine])
        good = _good(boxes, seen, known.speaks[row, frames], known.media.size)
        good = good[: max(1, round(SEARCHED * known.media.rate))]
        spread = np.linspace(0, len(good) - 1, min(TRIES, len(good))).round().astype(int)
        for n in good[spread].tolist():
            out.setdefault(int(frames[n]), []).append(_Try(row, boxes[n]))
    return out


def _good(
    boxes: NDArray[np.float32],
    seen: NDArray[np.bool_],
    speaks: NDArray[np.bool_],
    size: tuple[int, int],
) -> NDArray[np.intp]:
    """Return which of (T, 4) boxes show a person best; at least one.

    A wish that none of those left can meet is passed over.
    """
    left, top, right, bottom = boxes.T
    inside = (left >= 0) & (top >= 0) & (right <= size[0]) & (bottom <= size[1])
    height = bottom - top
    kept = np.arange(len(boxes))
    for wish in (seen, inside):
        kept = kept[wish[kept]] if wish[kept].any() else kept
    kept = kept[height[kept] >= AS_LARGE * height[kept].max()]
    return kept[speaks[kept]] if speaks[kept].any() else kept


def _sharpest(
    known: AnalysisSummary, tries: Mapping[int, Sequence[_Try]], on_progress: Progress
) -> dict[int, NDArray[np.uint8]]:
    """Return by row the (PICTURE, PICTURE, 3) RGB of each person's sharpest face.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), at the size shown.
    Nothing after the last face is decoded, and pictures come no larger than the smallest needs.
    """
    best: dict[int, tuple[float, NDArray[np.uint8]]] = {}
    within = FrameRange(min(tries), max(tries) + 1)
    smallest = min(_side(face.box) for faces in tries.values() for face in faces)
    scale = min(1.0, PICTURE / smallest)
    width, height = (max(1, round(side * scale)) for side in known.media.size)
    with closing(read_frames(known.media, size=(width, height), within=within)) as stream:
        for frame, picture in stream:
            for row, box in tries.get(frame, ()):
                face = _cut_out(picture, box * scale)
                gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
                sharpness = float(cv2.Laplacian(gray, cv2.CV_32F).var())
                if row not in best or sharpness > best[row][0]:
                    best[row] = (sharpness, face)
            on_progress(frame + 1 - within.start, within.duration)
    return {row: face for row, (_, face) in best.items()}


def _side(box: NDArray[np.float32]) -> float:
    """Return the side of the square around a face."""
    return AROUND * float(max(box[2] - box[0], box[3] - box[1]))


def _cut_out(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the square around a face, moved into the picture where it would leave it."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box.tolist()
    side = max(1, min(width, height, round(_side(box))))
    x = min(max(0, round((left + right - side) / 2)), width - side)
    y = min(max(0, round((top + bottom - side) / 2)), height - side)
    way = cv2.INTER_AREA if side > PICTURE else cv2.INTER_CUBIC
    square = cv2.resize(picture[y : y + side, x : x + side], (PICTURE, PICTURE), interpolation=way)
    return square.astype(np.uint8, copy=False)


def _tile(face: NDArray[np.uint8], name: str, facts: Sequence[str]) -> NDArray[np.uint8]:
    """Return a picture with its words below, (PICTURE + WORDS, PICTURE, 3) RGB."""
    tile = np.full((PICTURE + WORDS, PICTURE, 3), PAPER, np.uint8)
    tile[:PICTURE] = face
    base = PICTURE + 14 + NAME  # a little air, then the height of the letters
    draw_line_of_text(tile, fitted(name, PICTURE, NAME), (0, base), NAME, INK)
    for line, words in enumerate(facts, 1):
        at = (0, base + line * (FACTS + 8))  # half a letter's height between lines
        draw_line_of_text(tile, fitted(words, PICTURE, FACTS), at, FACTS, PALE)
    return tile


def _laid_out(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the sheet, as many columns wide as there are tiles to fill, as long as needed."""
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    tall, wide = PICTURE + WORDS + GAP, PICTURE + GAP
    sheet = np.full((rows * tall + GAP, columns * wide + GAP, 3), PAPER, np.uint8)
    for n, tile in enumerate(tiles):
        y, x = GAP + n // columns * tall, GAP + n % columns * wide
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return sheet
