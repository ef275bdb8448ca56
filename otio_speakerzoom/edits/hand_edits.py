"""Turns what somebody changed in cutlist.json with a text editor into locks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from otio_speakerzoom import store
from otio_speakerzoom.edits.content import Content
from otio_speakerzoom.edits.draft import lock_shot_in
from otio_speakerzoom.edits.loading import Loaded, plan_of, planned, with_header
from otio_speakerzoom.model import Shot


def adopt_hand_edits(loaded: Loaded) -> tuple[Loaded, Callable[[], None]]:
    """Return what is loaded with the differences of an edited cut from its plan as locks.

    And a function that saves copies of the files as somebody edited them.
    """
    cached, content = loaded.cached, loaded.content
    if not cached.edited:
        return loaded, lambda: None
    by_plan = planned(loaded.analysis, cached, content).value
    expected = {shot.range: shot for shot in by_plan.shots}
    shots = list(content.shots)
    for n, shot in enumerate(shots):
        if not _is_equal(shot, expected.get(shot.range)):
            by_hand = n in cached.edited_crops and not shot.keys and not shot.two_up
            content, shots[n] = lock_shot_in(content, shot, shot.crop if by_hand else None)
    content = replace(content, shots=tuple(shots))
    cached = replace(cached, value=replace(cached.value, shots=content.shots), edited=False)
    cached = with_header(cached, plan_of(loaded.analysis, cached, content))
    adopted = replace(loaded, cached=cached, content=content, is_adopted=True)
    return adopted, lambda: _copy(loaded, content)


def _copy(loaded: Loaded, content: Content) -> None:
    """Copy the edited cut, and the locks if some of them do not hold any more."""
    names = ["cutlist.json"]
    if not set(loaded.content.locks) <= set(content.locks):
        names.append("locks.json")
    for name in names:
        store.back_up(loaded.session.folder / name)


def _is_equal(shot: Shot, other: Shot | None) -> bool:
    """Whether two shots show the same, whatever their reasons are."""
    return other is not None and (
        set(shot.subjects), shot.crop, shot.keys, shot.two_up,
    ) == (set(other.subjects), other.crop, other.keys, other.two_up)  # fmt: skip
