"""Values of a file that anybody may have edited, each with its place: `shots[3].crop`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, nan
from typing import Any

from otio_speakerzoom.model import Box, FrameRange


class Field:
    """A value and where it stands; asked for what it must be, it says what it is instead."""

    def __init__(self, value: object, where: str = "") -> None:
        self._value, self._where = value, where

    def error(self, need: str) -> ValueError:
        """Return the error that says where, what is needed there, and what stands there."""
        text = repr(self._value)
        text = text if len(text) <= 60 else f"{text[:57]}..."
        return ValueError(f"{self._where or 'the file'}: needs {need}, not {text}")

    def at(self, key: str) -> Field:
        """Return the value called `key` of an object."""
        where = f"{self._where}.{key}" if self._where else key
        if key not in self._object():
            raise ValueError(f"{where} is missing")
        return Field(self._object()[key], where)

    def has(self, key: str) -> bool:
        return key in self._object()

    def rows(self) -> Iterator[Field]:
        """Yield the values of a list."""
        if not isinstance(self._value, list):
            raise self.error("a list")
        for n, value in enumerate(self._value):
            yield Field(value, f"{self._where}[{n}]")

    def rows_at(self, key: str) -> Iterator[Field]:
        """Yield the values of the list called `key`; none where there is no such list."""
        return self.at(key).rows() if self.has(key) else iter(())

    def items(self) -> Iterator[tuple[str, Field]]:
        """Yield the names and values of an object."""
        for key in self._object():
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
        """Return the value as it stands there."""
        return self._value

    def rest(self, first: int) -> Field:
        """Return the values of a list from number `first` on."""
        return Field([row._value for row in self.rows()][first:], self._where)

    def flag(self) -> bool:
        if not isinstance(self._value, bool):
            raise self.error("true or false")
        return self._value

    def integer(self, least: int = 0) -> int:
        """Return a whole number of at least `least`, in 32 bits."""
        if type(self._value) is not int or not least <= self._value < 2**31:
            raise self.error(f"a whole number from {least} on")
        return self._value

    def number(self) -> float:
        try:
            number = float(self._value) if type(self._value) in (int, float) else nan  # type: ignore[arg-type]
        except OverflowError:  # a whole number of over 308 digits
            number = nan
        if not isfinite(number):
            raise self.error("a number")
        return number

    def share(self) -> float:
        """Return a number from 0 to 1."""
        if not 0 <= self.number() <= 1:
            raise self.error("a number from 0 to 1")
        return self.number()

    def ratio(self) -> tuple[int, int]:
        """Return numerator and denominator, which is not 0."""
        first, second = self.several(2, "two whole numbers")
        if type(first._value) is not int or type(second._value) is not int or not second._value:
            raise self.error("numerator and denominator")
        return first._value, second._value

    def several(self, count: int, need: str) -> list[Field]:
        """Return the values of a list of that length."""
        values = list(self.rows())
        if len(values) != count:
            raise self.error(need)
        return values

    def frames(self) -> FrameRange:
        """Return the `start` and `end` of an object, whole frames."""
        start, end = self.at("start").integer(), self.at("end").integer()
        if start >= end:
            raise ValueError(
                f"{self._where}: needs start < end, not {start} and {end}; "
                "`end` is the first frame that is not shown any more"
            )
        return FrameRange(start, end)

    def crop(self, size: tuple[int, int]) -> Box:
        """Return a box that has an area and lies inside a picture of that size."""
        need = f"left, top, right, bottom inside the picture, which is {size[0]}x{size[1]}"
        crop = Box.from_edges(edge.number() for edge in self.several(4, need))
        if not crop.is_inside(size):
            raise self.error(need)
        return crop

    def box(self) -> Box:
        """Return a box that has an area, wherever it lies."""
        need = "left, top, right, bottom"
        left, top, right, bottom = (edge.number() for edge in self.several(4, need))
        if not (left < right and top < bottom):
            raise self.error(f"{need}, with an area")
        return Box(left, top, right, bottom)

    def _object(self) -> dict[str, Any]:
        if not isinstance(self._value, dict):
            raise self.error("an object")
        return self._value


def check_unique(ids: list[tuple[Field, int]]) -> None:
    """Raise where two of the ids are the same."""
    known: set[int] = set()
    for field, id_ in ids:
        if id_ in known:
            raise field.error("an id that no other row has")
        known.add(id_)
