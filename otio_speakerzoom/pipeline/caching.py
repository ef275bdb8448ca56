"""Decides for every stage whether its cached result is still right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from otio_speakerzoom.store import Cached

T = TypeVar("T")


def cached(
    folder: Path,
    load: Callable[[Path], Cached[T] | None],
    save: Callable[[Path, T, str], None],
    is_current: Callable[[Cached[Any]], bool],
    compute: Callable[[], tuple[T, str]],
    *,
    force: bool = False,
) -> tuple[T, str]:
    """Return the cached result of a stage if it is current, else compute and save it.

    `compute` returns the result and its input digest, and so does this. `force` computes it again.
    """
    document = None if force else load(folder)
    if document and is_current(document):
        return document.value, document.input_digest
    value, input_digest = compute()
    save(folder, value, input_digest)
    return value, input_digest


def has_digest(
    input_digest: str, fits: Callable[[Any], bool] = lambda _: True
) -> Callable[[Cached[Any]], bool]:
    """Return a check of whether a cached result has this input digest, and `fits` its value."""
    return lambda document: document.input_digest == input_digest and fits(document.value)
