"""Writes values as Lua: numbers, booleans, strings in ASCII, and tables of these.

Nothing else can get into a file that an editor loads as code: a name becomes an escaped string
whatever it contains, and a number that is not finite is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias

LuaValue: TypeAlias = (
    "bool | int | float | str | bytes | Sequence[LuaValue] | Mapping[str, LuaValue]"
)

MAX_WHOLE = 2**53
"""A Lua number is a double, which holds whole numbers exactly up to this."""


def lua_text(value: LuaValue) -> str:
    """Return `value` as a Lua expression in ASCII; ValueError for a number that Lua cannot hold.

    Text becomes its bytes in UTF-8. A mapping becomes a table with these keys, which must be Lua
    names; a sequence becomes a table from 1 on, a line for each of its tables.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str | bytes):
        return _string(value.encode() if isinstance(value, str) else value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_name(key)} = {lua_text(v)}" for key, v in value.items()) + "}"
    items = [lua_text(item) for item in value]
    if any(isinstance(item, Mapping) for item in value):
        return "{\n" + "".join(f"{item},\n" for item in items) + "}"
    return "{" + ", ".join(items) + "}"


def _number(value: float) -> str:
    """Return a number in digits that every locale's Lua reads the same."""
    if not isfinite(value) or abs(value) > MAX_WHOLE:
        raise ValueError(f"Lua cannot hold the number {value}")
    return repr(value)


def _string(content: bytes) -> str:
    plain = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./:")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03}" for b in content) + '"'


def _name(key: str) -> str:
    if not (key.isascii() and key.isidentifier()):
        raise ValueError(f"{key!r} is no name in Lua")
    return key
