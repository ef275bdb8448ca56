"""The source with the analysis drawn over it, as a film with the original audio.

Each face has its box, its person, and how likely it speaks; a strip along the bottom shows how
likely a voice is and which shot of the cut this is. So a wrong cut shows its cause: a lost face,
the wrong person, a score, the audio.
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
from otio_speakerzoom.render.encode import FilmFormat, film_writer
from otio_speakerzoom.reports.draw_text import draw_text, drawable_labels, shorten, width_of
from otio_speakerzoom.reports.summary import VOICED, AnalysisSummary
from otio_speakerzoom.source import FilterChain, film_audio, film_channels, read_frames
from otio_speakerzoom.store import check_unchanged, source_digest

MAX_SIDE_PX = 1280
"""Of the longer side: letters and boxes are clear, and drawing does not slow down decoding."""
SPEAKING, SILENT = (230, 159, 0), (86, 180, 233)
"""RGB of orange and sky blue, which colour-blind people can distinguish (Okabe and Ito, 2008)."""
DARK, MIDDLE, LIGHT = (20, 20, 20), (110, 110, 110), (240, 240, 240)


@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """What is drawn of one track."""

    track: FaceTrack
    label: str
    logits: NDArray[np.float32] | None
    """(T,) calibrated log odds; None where no audio was analysed, so nothing is scored."""
    speaks: NDArray[np.bool_]
    """(T,) whether its person is an active speaker."""


def write_overlay(
    summary: AnalysisSummary, path: Path, *, on_progress: Progress = no_progress
) -> None:
    """Write the film of all analysed frames to `path`, frame by frame at the source's rate.

    MediaError if the source is changed meanwhile.
    """
    media, span = summary.media, _analysed(summary)
    content = source_digest(media.path)
    size = film_size(media.size)
    labels = drawable_labels(summary.people)
    faces = _faces(summary, labels)
    film = FilmFormat(size, media.rate, span.duration, film_channels(media), crf=20)
    # players assume BT.709 for large films without a colour tag, so we convert and tag
    to_film = FilterChain(("scale", "out_color_matrix=bt709:out_range=tv"), ("format", "yuv420p"))
    with (
        closing(read_frames(media, size=size, within=span)) as stream,
        closing(film_audio(media, span)) as audio,
        film_writer(path, film) as writer,
    ):
        for frame, image in stream:
            overlay = _draw_overlay(summary, faces, labels, frame, image)
            rgb = av.VideoFrame.from_ndarray(overlay, format="rgb24")
            writer.add(to_film.convert(rgb), audio)
            on_progress(writer.frames, span.duration)
        check_unchanged(media.path, content, "overlay")


def film_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the film of a source of `size`, never larger and always even.

    Even because H.264 stores colour at half the resolution both ways (yuv420p).
    """
    scale = min(1.0, MAX_SIDE_PX / max(size))
    width, height = (max(2, round(side * scale) // 2 * 2) for side in size)
    return width, height


def _analysed(summary: AnalysisSummary) -> FrameRange:
    """Return the frames with voice activity, or all frames of a source without audio."""
    voice = summary.voice
    if voice is None:
        return summary.media.range
    return FrameRange(voice.start, voice.start + len(voice.probability))


def _faces(summary: AnalysisSummary, labels: dict[int, str]) -> list[_Face]:
    """Return every track; one without a person has its own number as a label."""
    owner = {t: (row, p) for row, p in enumerate(summary.people) for t in p.track_ids}
    logits = {score.track_id: score.logits for score in summary.speech.scores}
    faces: list[_Face] = []
    for track in summary.tracks:
        label, speaks = f"track {track.id}", np.zeros(len(track.boxes), np.bool_)
        if track.id in owner:
            row, person = owner[track.id]
            label = labels[person.id]
            speaks = summary.speaks[row, track.range.start : track.range.end]
        faces.append(_Face(track, label, logits.get(track.id), speaks))
    return faces


# --- drawing --------------------------------------------------------------------------------------


def _draw_overlay(
    summary: AnalysisSummary,
    faces: Sequence[_Face],
    labels: dict[int, str],
    frame: int,
    image: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return `image`, of the source frame `frame`, with its analysis drawn over it."""
    out = image.copy()
    visible = [face for face in faces if face.track.start <= frame < face.track.range.end]
    # whoever speaks is drawn last, over the others where they overlap
    for face in sorted(visible, key=lambda face: face.speaks[frame - face.track.start]):
        _draw_face(out, face, frame - face.track.start, summary.media.size)
    _draw_strip(out, summary, labels, frame)
    return out


def _letters(image: NDArray[np.uint8]) -> int:
    """Return the height of letters in pixels: 20 at full size, and at least 12 to be readable."""
    return max(12, max(image.shape[:2]) // 64)


def _draw_face(image: NDArray[np.uint8], face: _Face, n: int, source_size: tuple[int, int]) -> None:
    """Draw the `n`th box of a face, its label above it and its score as a bar below it."""
    letters = _letters(image)
    line = max(2, letters // 7)
    colour = SPEAKING if face.speaks[n] else SILENT
    scale = np.array([image.shape[1], image.shape[0]] * 2) / (source_size * 2)
    left, top, right, bottom = (face.track.boxes[n] * scale).round().astype(int).tolist()
    cv2.rectangle(image, (left, top), (right, bottom), colour, line)
    # a fifth of the width, so that a long name does not cover the next person
    text = shorten(face.label, 13 * letters, letters)
    if face.logits is not None:
        speaking = _probability(float(face.logits[n]))
        text += f"  {speaking:.2f}"
        _draw_bar(image, (left, bottom + 2 * line), right - left, speaking, colour)
    _draw_label(image, text, (left - line // 2, top), letters, colour)


def _probability(logit: float) -> float:
    """Return the sigmoid of a logit, in a form that never overflows."""
    return 0.5 + 0.5 * math.tanh(logit / 2)


def _draw_bar(
    image: NDArray[np.uint8],
    at: tuple[int, int],
    width: int,
    share: float,
    colour: tuple[int, int, int],
) -> None:
    """Draw a grey bar whose left `share` is filled; `at` is its upper left corner."""
    (x, y), thick = at, _letters(image) // 3
    cv2.rectangle(image, (x, y), (x + width, y + thick), MIDDLE, cv2.FILLED)
    if filled := round(width * share):
        cv2.rectangle(image, (x, y), (x + filled, y + thick), colour, cv2.FILLED)


def _draw_label(
    image: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    letters: int,
    colour: tuple[int, int, int],
) -> None:
    """Draw dark text on a coloured box above `at`, moved where it would extend outside."""
    height, pad = letters + letters // 2, letters // 3
    width = width_of(text, letters) + 2 * pad
    x = max(0, min(at[0], image.shape[1] - width))
    y = max(height, at[1])
    cv2.rectangle(image, (x, y - height), (x + width, y), colour, cv2.FILLED)
    draw_text(image, text, (x + pad, y - letters // 2), letters, DARK)


def _draw_strip(
    image: NDArray[np.uint8], summary: AnalysisSummary, labels: dict[int, str], frame: int
) -> None:
    """Darken the bottom and write there voice activity (left), the frame and its shot (right)."""
    letters, voice = _letters(image), summary.voice
    height, pad, width = 2 * letters, letters // 2, image.shape[1]
    # a third of the brightness: the frame shows through, and light text is readable
    image[-height:] //= 3
    base = image.shape[0] - letters // 2 - pad // 3
    text, x = f"frame {frame}", pad
    if shot := _shot(summary, labels, frame):
        text += f"   {shot}"
    if voice is None:
        draw_text(image, "nothing heard yet", (x, base), letters, LIGHT)
        x += width_of("nothing heard yet", letters)
    else:
        probability = float(voice.probability[frame - voice.start])
        colour = SPEAKING if probability > VOICED else SILENT
        draw_text(image, f"heard {probability:.2f}", (x, base), letters, colour)
        x += width_of("heard 0.00 ", letters)
        _draw_bar(image, (x, base - letters // 2), 5 * letters, probability, colour)
        x += 5 * letters
    text = shorten(text, width - x - 2 * pad, letters)
    draw_text(image, text, (width - pad - width_of(text, letters), base), letters, LIGHT)


def _shot(summary: AnalysisSummary, labels: dict[int, str], frame: int) -> str:
    """Return the shot of the cut that contains `frame`, in words; empty where there is none."""
    shots = summary.cut_list.shots if summary.cut_list else ()
    for number, shot in enumerate(shots, 1):
        if shot.range.start <= frame < shot.range.end:
            who = " + ".join(labels[id_] for id_ in shot.subjects) or "wide"
            return f"shot {number} of {len(shots)}: {who}"
    return ""
