"""The source with what was seen and heard drawn over it, as a film with the original sound.

Each face has its box, who it is, and how likely it speaks; a strip along the bottom tells how
likely anybody is heard and which shot of the cut it is. So a cut that looks wrong shows its cause:
a lost face, a mistaken person, a score, the sound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FaceTrack, FrameRange, Progress, no_progress
from otio_speakerzoom.render.encode import Film, writing
from otio_speakerzoom.reports.draw_text import draw_line_of_text, drawn_labels, fitted, width_of
from otio_speakerzoom.reports.summary import HEARD, AnalysisSummary
from otio_speakerzoom.source import FilterChain, film_audio, film_channels, read_frames

LONGEST = 1280
"""Pixels of the longer side: letters and boxes are clear, and drawing does not hold up decoding."""
SPEAKING, SILENT = (230, 159, 0), (86, 180, 233)
"""RGB of orange and sky blue, which the colour-blind tell apart (Okabe and Ito, 2008)."""
DARK, MIDDLE, LIGHT = (20, 20, 20), (110, 110, 110), (240, 240, 240)


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """What there is to draw of one track."""

    track: FaceTrack
    label: str
    logits: NDArray[np.float32] | None
    """(T,) calibrated log odds; None where nothing was heard, so nothing is scored."""
    speaks: NDArray[np.bool_]
    """(T,) whether its person holds the floor."""


def write_overlay(
    known: AnalysisSummary, path: Path, *, on_progress: Progress = no_progress
) -> None:
    """Write the film of all that was looked at to `path`, frame by frame at the source's rate."""
    media, span = known.media, _looked_at(known)
    size = film_size(media.size)
    labels = drawn_labels(known.people)
    faces = _faces(known, labels)
    film = Film(size, media.rate, span.duration, film_channels(media), crf=20)
    # players take what is not marked for BT.709 where it is large: made and marked so
    to_film = FilterChain(("scale", "out_color_matrix=bt709:out_range=tv"), ("format", "yuv420p"))
    with (
        closing(read_frames(media, size=size, within=span)) as stream,
        closing(film_audio(media, span)) as sound,
        writing(path, film) as writer,
    ):
        for frame, picture in stream:
            drawn = _drawn(known, faces, labels, frame, picture)
            rgb = av.VideoFrame.from_ndarray(drawn, format="rgb24")
            writer.add(to_film.convert(rgb), sound)
            on_progress(writer.pictures, span.duration)


def film_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the film of a source of `size`, never larger and always even.

    Even because H.264 keeps colour at half the resolution both ways (yuv420p).
    """
    scale = min(1.0, LONGEST / max(size))
    width, height = (max(2, round(side * scale) // 2 * 2) for side in size)
    return width, height


def _looked_at(known: AnalysisSummary) -> FrameRange:
    """Return the frames that were analysed: those listened to, or all of a source without sound."""
    voice = known.voice
    if voice is None:
        return known.media.range
    return FrameRange(voice.start, voice.start + len(voice.probability))


def _faces(known: AnalysisSummary, labels: dict[int, str]) -> list[_Face]:
    """Return every track; one that belongs to nobody is drawn under its own number."""
    owner = {t: (row, p) for row, p in enumerate(known.people) for t in p.track_ids}
    logits = {score.track_id: score.logits for score in known.speech.scores}
    faces: list[_Face] = []
    for track in known.tracks:
        label, speaks = f"track {track.id}", np.zeros(len(track.boxes), np.bool_)
        if track.id in owner:
            row, person = owner[track.id]
            label = labels[person.id]
            speaks = known.speaks[row, track.range.start : track.range.end]
        faces.append(_Face(track, label, logits.get(track.id), speaks))
    return faces


# --- drawing --------------------------------------------------------------------------------------


def _drawn(
    known: AnalysisSummary,
    faces: Sequence[_Face],
    labels: dict[int, str],
    frame: int,
    picture: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return the picture of source frame `frame` with all that is known of it."""
    out = picture.copy()
    there = [face for face in faces if face.track.start <= frame < face.track.range.end]
    # who speaks is drawn last, over the others where they overlap
    for face in sorted(there, key=lambda face: face.speaks[frame - face.track.start]):
        _draw_face(out, face, frame - face.track.start, known.media.size)
    _draw_strip(out, known, labels, frame)
    return out


def _letters(picture: NDArray[np.uint8]) -> int:
    """Return the height of letters: 20 pixels at full size, and not below what can be read."""
    return max(12, max(picture.shape[:2]) // 64)


def _draw_face(
    picture: NDArray[np.uint8], face: _Face, n: int, source_size: tuple[int, int]
) -> None:
    """Draw the `n`th box of a face, its label above it and its score as a bar below it."""
    letters = _letters(picture)
    line = max(2, letters // 7)
    colour = SPEAKING if face.speaks[n] else SILENT
    scale = np.array([picture.shape[1], picture.shape[0]] * 2) / (source_size * 2)
    left, top, right, bottom = (face.track.boxes[n] * scale).round().astype(int).tolist()
    cv2.rectangle(picture, (left, top), (right, bottom), colour, line)
    # a fifth of the picture: a long name does not lie over the next person
    words = fitted(face.label, 13 * letters, letters)
    if face.logits is not None:
        speaking = _probability(float(face.logits[n]))
        words += f"  {speaking:.2f}"
        _draw_bar(picture, (left, bottom + 2 * line), right - left, speaking, colour)
    _draw_label(picture, words, (left - line // 2, top), letters, colour)


def _probability(logit: float) -> float:
    """Return the sigmoid of a logit, in a form that never overflows."""
    return 0.5 + 0.5 * math.tanh(logit / 2)


def _draw_bar(
    picture: NDArray[np.uint8],
    at: tuple[int, int],
    width: int,
    share: float,
    colour: tuple[int, int, int],
) -> None:
    """Draw a grey bar whose left `share` is filled; `at` is its upper left corner."""
    (x, y), thick = at, _letters(picture) // 3
    cv2.rectangle(picture, (x, y), (x + width, y + thick), MIDDLE, cv2.FILLED)
    if filled := round(width * share):
        cv2.rectangle(picture, (x, y), (x + filled, y + thick), colour, cv2.FILLED)


def _draw_label(
    picture: NDArray[np.uint8],
    words: str,
    at: tuple[int, int],
    letters: int,
    colour: tuple[int, int, int],
) -> None:
    """Draw dark words on a coloured ground that stands on `at`, moved in where it would leave."""
    height, pad = letters + letters // 2, letters // 3
    width = width_of(words, letters) + 2 * pad
    x = max(0, min(at[0], picture.shape[1] - width))
    y = max(height, at[1])
    cv2.rectangle(picture, (x, y - height), (x + width, y), colour, cv2.FILLED)
    draw_line_of_text(picture, words, (x + pad, y - letters // 2), letters, DARK)


def _draw_strip(
    picture: NDArray[np.uint8], known: AnalysisSummary, labels: dict[int, str], frame: int
) -> None:
    """Darken the bottom and tell there what is heard (left), the frame and its shot (right)."""
    letters, voice = _letters(picture), known.voice
    tall, pad, wide = 2 * letters, letters // 2, picture.shape[1]
    # a third of the light is left: the picture shows through, and light words stand out
    picture[-tall:] //= 3
    base = picture.shape[0] - letters // 2 - pad // 3
    told, x = f"frame {frame}", pad
    if shot := _shot(known, labels, frame):
        told += f"   {shot}"
    if voice is None:
        draw_line_of_text(picture, "nothing heard yet", (x, base), letters, LIGHT)
        x += width_of("nothing heard yet", letters)
    else:
        heard = float(voice.probability[frame - voice.start])
        colour = SPEAKING if heard > HEARD else SILENT
        words = f"heard {heard:.2f}"
        draw_line_of_text(picture, words, (x, base), letters, colour)
        x += width_of("heard 0.00 ", letters)
        _draw_bar(picture, (x, base - letters // 2), 5 * letters, heard, colour)
        x += 5 * letters
    told = fitted(told, wide - x - 2 * pad, letters)
    draw_line_of_text(picture, told, (wide - pad - width_of(told, letters), base), letters, LIGHT)


def _shot(known: AnalysisSummary, labels: dict[int, str], frame: int) -> str:
    """Return which shot of the cut `frame` is in; nothing where it is in none."""
    shots = known.cut_list.shots if known.cut_list else ()
    for number, shot in enumerate(shots, 1):
        if shot.range.start <= frame < shot.range.end:
            who = " + ".join(labels[id_] for id_ in shot.subjects) or "wide"
            return f"shot {number} of {len(shots)}: {who}"
    return ""
