"""What operations change: the shots, the locks, the people and the style; and differences of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

from otio_speakerzoom import store
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.model import CutList, Lock, Media, Person, Shot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StyleChoice:
    """The style of a cut."""

    name: str
    """Name of a preset, or path of a file, as in options.json."""
    values: tuple[tuple[str, float | str], ...]
    """That override its own, by name, in order of the names."""
    style: Style
    """With all values, as the cut was planned."""


@dataclass(frozen=True, slots=True)
class Content:
    """What operations change. The reasons of shots have numbers of people, no names."""

    shots: tuple[Shot, ...]
    angles: tuple[Shot, ...]
    """Alternative framings; none where they are not requested."""
    locks: tuple[Lock, ...]
    """In order of time."""
    people: tuple[dict[str, Any], ...]
    """Rows of people.json."""
    style: StyleChoice

    @property
    def cast(self) -> tuple[Person, ...]:
        """The people who were detected, in the order of people.json."""
        return tuple(p for p in store.people_from_rows(self.people) if p.track_ids)


def named_cut(content: Content, cut: CutList) -> CutList:
    """Return the cut with this content as it is read from its file: with names in the reasons."""
    people = {person.id: person for person in store.people_from_rows(content.people)}
    cast = tuple(people.get(person.id, person) for person in cut.people)
    if any(person.name for person in cast):
        shots, angles = (
            tuple(replace(shot, reason=store.with_names(shot.reason, cast)) for shot in row)
            for row in (content.shots, content.angles)
        )
    else:
        shots, angles = content.shots, content.angles
    return replace(cut, shots=shots, angles=angles, people=cast)


# --- differences ----------------------------------------------------------------------------------


def changes_between(
    before: Content, after: Content, lock_rows: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return what differs between two contents, as JSON; what is equal is not in it.

    `lock_rows` are those of locks.json, with what the editor wrote there beside the locks.
    """
    changes: dict[str, Any] = {}
    to_rows = {**_TO_ROWS, "locks": lambda locks: store.lock_rows_of(locks, lock_rows)}
    for name, rows_of in to_rows.items():
        window = _window(getattr(before, name), getattr(after, name), rows_of)
        if window:
            changes[name] = window
    for name, row_of in _STYLE_ROWS.items():
        old, new = row_of(before.style), row_of(after.style)
        if old != new:
            changes[name] = {"before": old, "after": new}
    return changes


def reversed_changes(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes that lead back."""
    out = {}
    for name, change in changes.items():
        if name in _STYLE_ROWS:
            out[name] = {"before": change["after"], "after": change["before"]}
        else:
            swap = {"removed": change["inserted"], "inserted": change["removed"]}
            out[name] = {"index": change["index"], **swap}
    return out


def apply_changes(
    content: Content, changes: dict[str, Any], media: Media
) -> tuple[Content, tuple[str, ...]]:
    """Return the content with the changes, and the names of those that do not fit it.

    A change fits where what it replaces is as it was. ValueError for a change that no edit makes.
    """
    values: dict[str, Any] = {}
    misfits: list[str] = []
    for name, change in changes.items():
        if name in _STYLE_ROWS:
            style = values.get("style", content.style)
            fits = _STYLE_ROWS[name](style) == change["before"]
            value: Any = _with_style_row(style, name, change["after"]) if fits else None
        else:
            value = _replace_rows(name, getattr(content, name), change, media)
        if value is None:
            misfits.append(name)
        else:
            values["style" if name in _STYLE_ROWS else name] = value
    _check(content, values)
    return replace(content, **values), tuple(misfits)


def _check(content: Content, values: dict[str, Any]) -> None:
    """Raise ValueError where new values are not those of a cut of the same range."""
    shots = values.get("shots", content.shots)
    ends = (shots[0].range.start, shots[-1].range.end)
    if ends != (content.shots[0].range.start, content.shots[-1].range.end) or any(
        before.range.end != after.range.start for before, after in pairwise(shots)
    ):
        raise ValueError("the shots do not follow one another")
    store.people_from_rows(values.get("people", content.people))


def _window(
    before: Sequence[T], after: Sequence[T], rows_of: Callable[[Sequence[T]], list[dict[str, Any]]]
) -> dict[str, Any] | None:
    """Return the smallest part in which two sequences differ; None where they are equal."""
    first, shorter = 0, min(len(before), len(after))
    while first < shorter and before[first] == after[first]:
        first += 1
    if first == len(before) == len(after):
        return None
    last = 0
    while last < shorter - first and before[-1 - last] == after[-1 - last]:
        last += 1
    return {
        "index": first,
        "removed": rows_of(before[first : len(before) - last]),
        "inserted": rows_of(after[first : len(after) - last]),
    }


def _replace_rows(
    name: str, items: Sequence[Any], change: dict[str, Any], media: Media
) -> tuple[Any, ...] | None:
    """Return the items with those of a window replaced; None where they are others now."""
    key = _KEYS[name]
    removed = [key(_from_row(name, row, media)) for row in change["removed"]]
    inserted = [_from_row(name, row, media) for row in change["inserted"]]
    start = _place(items, removed, inserted, change["index"], key)
    if start is None:
        return None
    new = (*items[:start], *inserted, *items[start + len(removed) :])
    if name == "locks" and any(a.range.end > b.range.start for a, b in pairwise(new)):
        return None  # somebody else has locked a part of it
    return new


def _place(
    items: Sequence[Any], removed: Sequence[Any], inserted: Sequence[Any], index: int,
    key: Callable[[Any], Any],
) -> int | None:  # fmt: skip
    """Return where the removed items are, by `key`; where there are none, the place of others."""
    if not removed:
        if inserted and isinstance(inserted[0], Lock):
            return sum(item.range.start < inserted[0].range.start for item in items)
        return min(index, len(items))
    places = range(len(items) - len(removed) + 1)
    for start in sorted(places, key=lambda place: abs(place - index)):
        if (
            key(items[start]) == removed[0]
            and [key(item) for item in items[start : start + len(removed)]] == removed
        ):
            return start
    return None


def _from_row(name: str, row: dict[str, Any], media: Media) -> Any:
    if name == "people":
        return row
    if name == "locks":
        return store.lock_from_json(row, media)
    people = [Person(id_, ()) for id_ in row["subjects"]]
    return store.shot_from_row(row, media, people)


def _choice_row(choice: StyleChoice) -> dict[str, Any]:
    return {"name": choice.name, "values": dict(choice.values)}


def _with_style_row(choice: StyleChoice, name: str, row: dict[str, Any]) -> StyleChoice:
    if name == "cut_style":
        return replace(choice, style=Style(**row))
    return replace(choice, name=row["name"], values=tuple(sorted(row["values"].items())))


def _without_sightings(lock: Lock) -> Lock:
    return replace(lock, sightings=())


_TO_ROWS: dict[str, Callable[[Any], list[dict[str, Any]]]] = {
    "shots": lambda shots: [store.shot_to_json(shot) for shot in shots],
    "angles": lambda shots: [store.shot_to_json(shot) for shot in shots],
    "people": list,
}
_KEYS: dict[str, Callable[[Any], Any]] = {
    "shots": store.shot_to_json,
    "angles": store.shot_to_json,
    "locks": _without_sightings,
    "people": dict,
}
"""What must be equal for two items to count as the same; `people` of locks are added later."""
_STYLE_ROWS: dict[str, Callable[[StyleChoice], dict[str, Any]]] = {
    "style": _choice_row,
    "cut_style": lambda choice: asdict(choice.style),
}
"""In options.json, and in cutlist.json."""
