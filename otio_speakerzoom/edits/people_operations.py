"""Operations on people and on the style: all but a rename plan the cut again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from otio_speakerzoom.director.style import PRESETS
from otio_speakerzoom.director.style_file import read_style
from otio_speakerzoom.edits.content import StyleChoice
from otio_speakerzoom.edits.draft import Draft
from otio_speakerzoom.edits.operations import Ignore, Merge, Prefer, Rename, SetStyle
from otio_speakerzoom.errors import EditError, SpeakerZoomError
from otio_speakerzoom.model import Lock
from otio_speakerzoom.pipeline.reconcile import SIGHTINGS_PER_PERSON
from otio_speakerzoom.store.fields import name_in_words


def rename(draft: Draft, operation: Rename) -> None:
    """Give a person another name."""
    _change_person(draft, operation.person, name=operation.to)


def ignore(draft: Draft, operation: Ignore) -> None:
    """Ignore a person, who is not preferred any more then; or do not."""
    changes = {"ignore": True, "prefer": False} if operation.value else {"ignore": False}
    _plan_with_person(draft, operation.person, changes)


def prefer(draft: Draft, operation: Prefer) -> None:
    """Prefer a person, who is not ignored any more then; or do not."""
    changes = {"ignore": False, "prefer": True} if operation.value else {"prefer": False}
    _plan_with_person(draft, operation.person, changes)


def merge(draft: Draft, operation: Merge) -> None:
    """Give the tracks of a person, and the locks that show them, to another one."""
    person, into = operation.person, operation.into
    if person == into:
        raise EditError(f"person {person} cannot be merged with themselves")
    rows = list(draft.content.people)
    own, other = rows[_index(draft, person)], rows[_index(draft, into)]
    rows[_index(draft, into)] = {
        **other,
        "name": other.get("name") or own.get("name", ""),
        "tracks": sorted([*other["tracks"], *own["tracks"]]),
        "sightings": _spread([*other.get("sightings", ()), *own.get("sightings", ())]),
    }
    del rows[_index(draft, person)]
    locks = tuple(_showing(lock, person, into) for lock in draft.content.locks)
    draft.content = draft.plan(replace(draft.content, people=tuple(rows), locks=locks))


def set_style(draft: Draft, operation: SetStyle) -> None:
    """Plan in another style, or with other values of it."""
    choice = style_choice(draft.content.style, operation.style, operation.values)
    if choice != draft.content.style:
        draft.content = draft.plan(replace(draft.content, style=choice))


def style_choice(
    now: StyleChoice, name: str | None, values: dict[str, float | str | None]
) -> StyleChoice:
    """Return a style: another preset drops the values of the one before, None goes back to its own.

    EditError for a style that does not exist, and for values outside their range.
    """
    if name is not None and name not in (*PRESETS, now.name):
        raise EditError(f"there is no style {name[:60]!r}; there are {', '.join(PRESETS)}")
    remaining = dict(now.values) if name in (None, now.name) else {}
    changed = {**remaining, **values}
    own = {key: value for key, value in changed.items() if value is not None}
    try:
        style = read_style(name or now.name, own)
    except TypeError as error:
        unknown = sorted(key for key in values if not hasattr(now.style, key))
        words = ", ".join(map(name_in_words, unknown[:3]))
        raise EditError(f"{words}: no style has such a value") from error
    except SpeakerZoomError as error:
        raise EditError(str(error)) from error
    return StyleChoice(name or now.name, tuple(sorted(own.items())), style)


def _plan_with_person(draft: Draft, person: int, changes: dict[str, bool]) -> None:
    before = draft.content
    _change_person(draft, person, **changes)
    if draft.content != before:
        draft.content = draft.plan(draft.content)


def _change_person(draft: Draft, person: int, **values: object) -> None:
    """Change values in the row of a person; those that mean the same as before stay as written."""
    rows = list(draft.content.people)
    n = _index(draft, person)
    defaults = {"name": "", "ignore": False, "prefer": False}
    changed = {k: v for k, v in values.items() if rows[n].get(k, defaults[k]) != v}
    rows[n] = {**rows[n], **changed}
    draft.content = replace(draft.content, people=tuple(rows))


def _index(draft: Draft, person: int) -> int:
    """Return the index of a person's row; EditError if there is none."""
    ids = [row["id"] for row in draft.content.people]
    if person not in ids:
        people = ", ".join(map(str, ids)) or "nobody"
        raise EditError(f"there is no person {person}; the people are {people}")
    return ids.index(person)


def _spread(sightings: Sequence[list[float]]) -> list[list[float]]:
    """Return as many sightings as a person has, spread over those of two, in order of time."""
    rows = sorted(sightings, key=lambda row: row[0])
    count = min(SIGHTINGS_PER_PERSON, len(rows))
    return [rows[(2 * n + 1) * len(rows) // (2 * count)] for n in range(count)]


def _showing(lock: Lock, person: int, into: int) -> Lock:
    """Return a lock that shows one person where it showed another."""
    if person not in lock.subjects:
        return lock
    ids = dict.fromkeys(into if id_ == person else id_ for id_ in lock.subjects)
    sightings = {
        row.person: row
        for row in (
            replace(sighting, person=into if sighting.person == person else sighting.person)
            for sighting in lock.sightings
        )
    }
    return replace(lock, subjects=tuple(ids), sightings=tuple(sightings.values()))


PEOPLE_OPERATIONS: dict[str, Callable[[Draft, Any], None]] = {
    "rename": rename,
    "ignore": ignore,
    "prefer": prefer,
    "merge": merge,
    "set_style": set_style,
}
