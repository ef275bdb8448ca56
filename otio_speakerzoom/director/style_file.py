"""Reads a style: a preset, or a TOML file of the user's own."""

from __future__ import annotations

import logging
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from otio_speakerzoom.director.style import (
    NEW_NAMES,
    PRESETS,
    STYLE_FIELDS,
    Style,
)
from otio_speakerzoom.director.style_fields import MAX_VALUE_LENGTH, NumberField, in_words
from otio_speakerzoom.errors import SpeakerZoomError

log = logging.getLogger(__name__)


def read_style(name: str, changes: dict[str, float | str] | None = None) -> Style:
    """Return the preset called `name`, or the style in the TOML file of that name, with `changes`.

    A file holds any of `Style`'s values, and `base = "calm"` to start from another preset. Changes
    win over the file, so the rules between values apply to the result only.
    """
    base, values = (PRESETS[name], {}) if name in PRESETS else _read_file(name)
    try:
        return replace(base, **{**values, **(changes or {})})
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error


def _read_file(name: str) -> tuple[Style, dict[str, Any]]:
    """Return the preset that a file starts from, and the values in it."""
    table = _read_toml(name)
    base = table.pop("base", "standard")
    if not isinstance(base, str) or base not in PRESETS:
        raise SpeakerZoomError(
            f"{name}: base: {in_words(base)} is not a preset; there are {', '.join(PRESETS)}"
        )
    try:
        values = _with_new_names(table)
    except ValueError as error:
        raise SpeakerZoomError(f"{name}: {error}") from error
    if old_names := [key for key in table if key in NEW_NAMES]:
        renames = ", ".join(f"{NEW_NAMES[old]} instead of {old}" for old in old_names)
        log.warning("%s: has old names of values, which still work; write %s", name, renames)
    for key, value in table.items():  # under the names in the file
        field = STYLE_FIELDS.get(NEW_NAMES.get(key, key))
        if field is None:
            word = key if key.isidentifier() and len(key) < MAX_VALUE_LENGTH else in_words(key)
            raise SpeakerZoomError(
                f"{name}: {word} is unknown; known are base, {', '.join(sorted(STYLE_FIELDS))}"
            )
        if fault := field.fault(value):
            raise SpeakerZoomError(f"{name}: {key}: {fault}")
    return PRESETS[base], {
        key: float(value) if isinstance(STYLE_FIELDS[key], NumberField) else value
        for key, value in values.items()
    }


def _with_new_names(table: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a file, each under the name it has now.

    ValueError, in one line, for a value that is there under both its names.
    """
    for old, new in NEW_NAMES.items():
        if old in table and new in table:
            raise ValueError(f"{old} is the old name of {new}; keep only one of them")
    return {NEW_NAMES.get(name, name): value for name, value in table.items()}


def _read_toml(name: str) -> dict[str, Any]:
    from otio_speakerzoom.store.user_files import read_user_text  # NumPy comes with the store

    try:
        Path(name).stat()
    except FileNotFoundError as error:
        presets = ", ".join(PRESETS)
        raise SpeakerZoomError(f"{name}: no such style; take {presets}, or a TOML file") from error
    except OSError:
        pass  # read_user_text raises it as one line
    try:
        return tomllib.loads(read_user_text(Path(name), "a TOML file"))
    except (ValueError, RecursionError) as error:
        problem = "it has a number of thousands of digits"
        if isinstance(error, RecursionError):
            problem = "its lists are nested too deeply"
        elif isinstance(error, tomllib.TOMLDecodeError):
            problem = " ".join(str(error).split())
        raise SpeakerZoomError(f"{name}: is not TOML: {problem}; see docs/style.md") from error
