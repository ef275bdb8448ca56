"""The operations by which a hand changes a cut, and their form in JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from otio_speakerzoom.errors import EditError
from otio_speakerzoom.model import Box, FrameRange
from otio_speakerzoom.store.fields import Field, name_in_words
from otio_speakerzoom.store.people import MAX_NAME_LENGTH


@dataclass(frozen=True, slots=True)
class ShotOnPage:
    """A shot as whoever requests an operation saw it."""

    start: int
    """First source frame."""
    end: int
    """Source frame after the last one."""
    subjects: tuple[int, ...]
    """Ids of the people shown; none for the wide."""

    @property
    def range(self) -> FrameRange:
        return FrameRange(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Assign:
    """Show these people in a shot, or the wide for nobody."""

    name: ClassVar[str] = "assign"
    shot: ShotOnPage
    subjects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetEdge:
    """Move the cut at `frame`."""

    name: ClassVar[str] = "set_edge"
    frame: int
    to: int


@dataclass(frozen=True, slots=True)
class Split:
    """Cut the shot that contains `frame` before it."""

    name: ClassVar[str] = "split"
    frame: int


@dataclass(frozen=True, slots=True)
class Join:
    """Remove the cut at `frame`: the shot before it goes on."""

    name: ClassVar[str] = "join"
    frame: int


@dataclass(frozen=True, slots=True)
class CropShot:
    """Show this part of the frame in a shot."""

    name: ClassVar[str] = "crop"
    shot: ShotOnPage
    crop: tuple[float, float, float, float]
    """Left, top, right, bottom in source pixels."""

    @property
    def box(self) -> Box:
        return Box(*self.crop)


@dataclass(frozen=True, slots=True)
class LockShot:
    """Keep a shot as it is."""

    name: ClassVar[str] = "lock"
    shot: ShotOnPage


@dataclass(frozen=True, slots=True)
class UnlockShot:
    """Let the director decide about a shot again from the next plan on."""

    name: ClassVar[str] = "unlock"
    shot: ShotOnPage


@dataclass(frozen=True, slots=True)
class Rename:
    """Give a person another name; an empty one is the number again."""

    name: ClassVar[str] = "rename"
    person: int
    to: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Take a person for the same as another, who gets their tracks."""

    name: ClassVar[str] = "merge"
    person: int
    into: int


@dataclass(frozen=True, slots=True)
class Ignore:
    """Never give a person a single, or do again."""

    name: ClassVar[str] = "ignore"
    person: int
    value: bool


@dataclass(frozen=True, slots=True)
class Prefer:
    """Let a person win overlaps and ties, or not any more."""

    name: ClassVar[str] = "prefer"
    person: int
    value: bool


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Plan in another style, or with other values of it."""

    name: ClassVar[str] = "set_style"
    style: str | None
    """Name of a preset; None for the style in use."""
    values: dict[str, float | str | None]
    """By name; None goes back to the value of the style."""


Operation = (
    Assign | SetEdge | Split | Join | CropShot | LockShot | UnlockShot
    | Rename | Merge | Ignore | Prefer | SetStyle
)  # fmt: skip

CLASSES: dict[str, type[Operation]] = {
    cls.name: cls
    for cls in (
        Assign, SetEdge, Split, Join, CropShot, LockShot, UnlockShot,
        Rename, Merge, Ignore, Prefer, SetStyle,
    )
}  # fmt: skip


def operation_from_json(value: object) -> Operation:
    """Return the operation of a JSON object; EditError says which key is wrong."""
    try:
        row = Field(value, "operation")
        cls = CLASSES.get(row.at("name").text())
        if cls is None:
            raise row.at("name").error(f"one of {', '.join(CLASSES)}")
        names = [field.name for field in fields(cls)]
        if unknown := [key for key, _ in row.items() if key not in ("name", *names)]:
            raise ValueError(
                f"operation.{name_in_words(unknown[0])} is unknown; {cls.name} has {_list(names)}"
            )
        return cls(**{name: _parser(cls, name)(row.at(name)) for name in names})
    except ValueError as error:
        raise EditError(str(error)) from error


def operation_to_json(operation: Operation) -> dict[str, Any]:
    """Return the JSON object of an operation."""
    return {"name": operation.name, **asdict(operation)}


def _shot(field: Field) -> ShotOnPage:
    if unknown := [key for key, _ in field.items() if key not in ("start", "end", "subjects")]:
        raise field.error(f"start, end and subjects only, without {name_in_words(unknown[0])}")
    span = field.frames()
    return ShotOnPage(span.start, span.end, _subjects(field.at("subjects")))


def _subjects(field: Field) -> tuple[int, ...]:
    ids = tuple(row.integer() for row in field.rows())
    if len(ids) > 2 or len(set(ids)) != len(ids):
        raise field.error("the ids of two different people at most")
    return ids


def _crop(field: Field) -> tuple[float, float, float, float]:
    left, top, right, bottom = field.box().edges
    return left, top, right, bottom


def _name(field: Field) -> str:
    text = " ".join(field.text().split())
    if len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise field.error(f"a name of up to {MAX_NAME_LENGTH} characters that can be printed")
    return text


def _style(field: Field) -> str | None:
    return None if field.raw() is None else field.text()


def _values(field: Field) -> dict[str, float | str | None]:
    return {name: _style_value(value) for name, value in field.items()}


def _style_value(field: Field) -> float | str | None:
    if field.raw() is None or field.is_text():
        return field.raw()
    return field.number()


def _parser(cls: type[Operation], name: str) -> Callable[[Field], Any]:
    return _PARSERS.get(f"{cls.name}.{name}") or _PARSERS[name]


def _list(names: list[str]) -> str:
    return " and ".join(names)


_PARSERS: dict[str, Callable[[Field], Any]] = {
    "shot": _shot,
    "subjects": _subjects,
    "frame": Field.integer,
    "set_edge.to": Field.integer,
    "rename.to": _name,
    "crop": _crop,
    "person": Field.integer,
    "into": Field.integer,
    "value": Field.boolean,
    "style": _style,
    "values": _values,
}
