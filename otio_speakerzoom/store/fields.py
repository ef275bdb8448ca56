"""Checked access to the values of a file that a user may have edited.

Each value knows its place, such as `shots[3].crop`, for the error message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite, nan
from typing import Any

from otio_speakerzoom.model import Box, FrameRange
from otio_speakerzoom.store.version_1 import key_in_file

MAX_NAME_LENGTH = 60
"""Characters of a name in a message, which is one line."""

CROP_DIGITS = 3
"""Of the edges of crops, in source pixels: a thousandth of one is nowhere visible."""


class Field:
    """A value and its place. Each method returns the value as one type, or raises ValueError."""

    def __init__(self, value: object, place: str = "") -> None:
        self._value, self._place = value, place

    def error(self, expected: str) -> ValueError:
        """Return the error that names the place, what it needs, and its value."""
        text = repr(self._value)
        text = text if len(text) <= 60 else f"{text[:57]}..."
        return ValueError(f"{self._place or 'the file'}: needs {expected}, not {text}")

    def at(self, key: str) -> Field:
        """Return the value called `key` of an object."""
        name = name_in_words(key_in_file(self._value, key))
        place = f"{self._place}.{name}" if self._place else name
        if key not in self.object():
            raise ValueError(f"{place} is missing")
        return Field(self.object()[key], place)

    def has(self, key: str) -> bool:
        return key in self.object()

    def rows(self) -> Iterator[Field]:
        """Yield the values of a list."""
        if not isinstance(self._value, list):
            raise self.error("a list")
        for n, value in enumerate(self._value):
            yield Field(value, f"{self._place}[{n}]")

    def rows_at(self, key: str) -> Iterator[Field]:
        """Yield the values of the list called `key`, if there is one."""
        return self.at(key).rows() if self.has(key) else iter(())

    def items(self) -> Iterator[tuple[str, Field]]:
        """Yield the names and values of an object."""
        for key in self.object():
            yield key, self.at(key)

    def is_text(self) -> bool:
        return isinstance(self._value, str)

    def is_list(self) -> bool:
        return isinstance(self._value, list)

    def text(self) -> str:
        if not isinstance(self._value, str):
            raise self.error("a text")
        return self._value

    def raw(self) -> Any:
        """Return the value unchecked."""
        return self._value

    def tail(self, first: int) -> Field:
        """Return the values of a list from index `first` on."""
        return Field([row._value for row in self.rows()][first:], self._place)

    def boolean(self) -> bool:
        if not isinstance(self._value, bool):
            raise self.error("true or false")
        return self._value

    def integer(self, minimum: int = 0) -> int:
        """Return a whole number of at least `minimum`, in 32 bits."""
        if type(self._value) is not int or not minimum <= self._value < 2**31:
            raise self.error(f"a whole number from {minimum} on")
        return self._value

    def number(self) -> float:
        """Return a finite number."""
        try:
            number = float(self._value) if type(self._value) in (int, float) else nan  # type: ignore[arg-type]
        except OverflowError:  # a whole number of over 308 digits
            number = nan
        if not isfinite(number):
            raise self.error("a number")
        return number

    def fraction(self) -> float:
        """Return a number from 0 to 1."""
        if not 0 <= self.number() <= 1:
            raise self.error("a number from 0 to 1")
        return self.number()

    def ratio(self) -> tuple[int, int]:
        """Return a numerator, and a denominator that is not 0."""
        first, second = self.values(2, "two whole numbers")
        if type(first._value) is not int or type(second._value) is not int or not second._value:
            raise self.error("numerator and denominator")
        return first._value, second._value

    def values(self, count: int, expected: str) -> list[Field]:
        """Return the values of a list of that length."""
        values = list(self.rows())
        if len(values) != count:
            raise self.error(expected)
        return values

    def frames(self) -> FrameRange:
        """Return the `start` and `end` of an object, whole frames."""
        start, end = self.at("start").integer(), self.at("end").integer()
        if start >= end:
            raise ValueError(
                f"{self._place}: needs start < end, not {start} and {end}; "
                "`end` is the first frame after the range"
            )
        return FrameRange(start, end)

    def crop(self, size: tuple[int, int]) -> Box:
        """Return a box that has an area and lies inside a frame of that size."""
        expected = f"left, top, right, bottom inside the frame, which is {size[0]}x{size[1]}"
        crop = Box.from_edges(edge.number() for edge in self.values(4, expected))
        if not (crop.is_inside(size) and has_area(crop, CROP_DIGITS)):
            raise self.error(expected)
        return crop

    def box(self) -> Box:
        """Return a box that has an area, wherever it lies."""
        expected = "left, top, right, bottom"
        box = Box.from_edges(edge.number() for edge in self.values(4, expected))
        if not has_area(box, CROP_DIGITS):
            raise self.error(f"{expected}, with an area")
        return box

    def object(self) -> dict[str, Any]:
        """Return the values of an object by their names, unchecked."""
        if not isinstance(self._value, dict):
            raise self.error("an object")
        return self._value


def name_in_words(name: str) -> str:
    """Return a name from a file as a message gives it: quoted and shortened if it is no word."""
    if len(name) <= MAX_NAME_LENGTH and re.fullmatch(r"[\w.-]+", name):
        return name
    return ascii(name[:MAX_NAME_LENGTH])


def has_area(box: Box, digits: int) -> bool:
    """Whether a box still has an area when its edges are rounded, as they are when it is saved."""
    left, top, right, bottom = (round(edge, digits) for edge in box.edges)
    return left < right and top < bottom


def check_unique(ids: list[tuple[Field, int]]) -> None:
    """Raise ValueError if two of the ids are the same."""
    earlier: set[int] = set()
    for field, id_ in ids:
        if id_ in earlier:
            raise field.error("an id that no other row has")
        earlier.add(id_)
