"""Words drawn into pictures, in a line from left to right, and people's names where they can be."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Person

log = logging.getLogger(__name__)

WEIGHT = 500
"""Of the letters, between regular (400) and semibold (600): fine strokes drown in a film."""


@cache
def _font() -> Any:
    """Return the face that OpenCV carries in itself: Latin, Greek, Cyrillic, Chinese, Japanese.

    OpenCV has it from 5 on; its older letters are ASCII alone.
    """
    if not hasattr(cv2, "FontFace"):
        raise SpeakerZoomError(
            f"OpenCV {cv2.__version__} cannot write names: "
            "pip install --upgrade 'opencv-python-headless>=5'"
        )
    return cv2.FontFace("sans")


def draw_line_of_text(
    picture: NDArray[np.uint8],
    words: str,
    at: tuple[int, int],
    size: int,
    colour: tuple[int, int, int],
) -> None:
    """Write `words` into `picture`, from the left end of their base line, `size` pixels high."""
    cv2.putText(picture, words, at, colour, _font(), size, WEIGHT)


def width_of(words: str, size: int) -> int:
    """Return how many pixels `words` take in a line."""
    left, _, width, _ = cv2.getTextSize((0, 0), words, (0, 0), _font(), size, WEIGHT)
    return left + width


def fitted(words: str, width: int, size: int) -> str:
    """Return `words`, shortened at their end if they take more than `width` pixels."""
    if width_of(words, size) <= width:
        return words
    while words and width_of(words + "…", size) > width:
        words = words[:-1].rstrip()
    return words + "…"


def drawn_labels(people: Sequence[Person]) -> dict[int, str]:
    """Return by id what to write for each person: their name where it can be drawn, else the id."""
    labels: dict[int, str] = {}
    for person in people:
        label = unicodedata.normalize("NFC", person.label)
        if not all(map(_drawable, label)):
            _warn(person.id, person.label)
            label = f"Person {person.id}"
        labels[person.id] = label
    return labels


@cache
def _warn(id_: int, label: str) -> None:
    """Say once, however many pictures are drawn, that the name `label` is in none of them."""
    log.warning("person %d: the name %r cannot be drawn, so the id is shown instead", id_, label)


def _drawable(sign: str) -> bool:
    """Whether a sign is drawn as itself when it stands in a line from left to right.

    OpenCV neither turns nor joins letters (Arabic, Hebrew, marks that combine), and draws a
    question mark for what it lacks.
    """
    if sign == "?":
        return True
    if unicodedata.bidirectional(sign) in ("R", "AL") or unicodedata.category(sign)[0] in "MC":
        return False
    drawn = np.zeros((2, 40, 40, 3), np.uint8)
    for picture, letter in zip(drawn, (sign, "?"), strict=True):
        draw_line_of_text(picture, letter, (4, 30), 24, (255, 255, 255))
    return not np.array_equal(drawn[0], drawn[1])
