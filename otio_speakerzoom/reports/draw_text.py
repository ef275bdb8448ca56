"""Draws lines of text into images, and people's names where OpenCV can draw them."""

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
from otio_speakerzoom.weights.pip_commands import install_command

log = logging.getLogger(__name__)

WEIGHT = 500
"""Of the font, between regular (400) and semibold (600): fine strokes vanish in a film."""


@cache
def _font() -> Any:
    """Return the font built into OpenCV: Latin, Greek, Cyrillic, Chinese, Japanese.

    OpenCV has it from version 5 on; its older fonts are ASCII only.
    """
    if not hasattr(cv2, "FontFace"):
        raise SpeakerZoomError(
            f"OpenCV {cv2.__version__} cannot write names: "
            + install_command("opencv-python-headless>=5")
        )
    return cv2.FontFace("sans")


def draw_text(
    image: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    size: int,
    colour: tuple[int, int, int],
) -> None:
    """Draw `text` into `image`, `size` pixels high; `at` is the left end of its base line."""
    cv2.putText(image, text, at, colour, _font(), size, WEIGHT)


def width_of(text: str, size: int) -> int:
    """Return the width of `text` in pixels."""
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, WEIGHT)
    return left + width


def shorten(text: str, width: int, size: int) -> str:
    """Return `text`, shortened at its end if it takes more than `width` pixels."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1].rstrip()
    return text + "…"


def drawable_labels(people: Sequence[Person]) -> dict[int, str]:
    """Return by id the label to draw for each person: the name where it can be drawn, or the id."""
    labels: dict[int, str] = {}
    for person in people:
        label = unicodedata.normalize("NFC", person.label)
        if not all(map(_is_drawable, label)):
            _warn(person.id, person.label)
            label = f"Person {person.id}"
        labels[person.id] = label
    return labels


@cache
def _warn(id_: int, label: str) -> None:
    """Warn once, however many images are drawn, that the name `label` appears in none of them."""
    log.warning("person %d: the name %r cannot be drawn, so the id is shown instead", id_, label)


def _is_drawable(character: str) -> bool:
    """Whether OpenCV draws a character correctly in a line from left to right.

    It neither reverses nor joins letters (Arabic, Hebrew, combining marks), and draws a question
    mark for what its font lacks.
    """
    if character == "?":
        return True
    if (
        unicodedata.bidirectional(character) in ("R", "AL")
        or unicodedata.category(character)[0] in "MC"
    ):
        return False
    images = np.zeros((2, 40, 40, 3), np.uint8)
    for image, letter in zip(images, (character, "?"), strict=True):
        draw_text(image, letter, (4, 30), 24, (255, 255, 255))
    return not np.array_equal(images[0], images[1])
