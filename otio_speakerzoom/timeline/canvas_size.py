"""Sizes of a canvas: a source's own, or one of another shape; always even, as codecs need it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads NumPy, which `--help` does not need
    from otio_speakerzoom.model import Media


def source_size(media: Media) -> tuple[int, int]:
    """Return the canvas that has the source's size."""
    return _even(*media.size)


def aspect_size(ratio: Fraction, media: Media) -> tuple[int, int]:
    """Return the canvas with this aspect ratio and the source's shorter side."""
    return size_of_aspect(ratio, min(media.size))


def size_of_aspect(ratio: Fraction, short: int) -> tuple[int, int]:
    """Return the size with this aspect ratio and a shorter side of `short`.

    9:16 with 1080 is 1080x1920.
    """
    return _even(round(short * ratio), short) if ratio >= 1 else _even(short, round(short / ratio))


def _even(width: int, height: int) -> tuple[int, int]:
    return max(2, width // 2 * 2), max(2, height // 2 * 2)
