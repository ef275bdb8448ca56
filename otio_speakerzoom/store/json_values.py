"""Parses JSON that a user or another program may have written; what is wrong is said plainly."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DIGITS = 4300
"""Of a whole number, Python's own limit: more take quadratic time. Ours have at most 19."""
MAX_ITEMS = 2_000_000
"""Lists and objects in a document: a timeline of 2,000 shots has 110,000. Each takes 64 bytes of
memory or more, from two or three bytes of text."""
MAX_DEPTH = 200
"""Lists and objects inside one another; a timeline has about 30. Keeps recursion bounded, which
every version of Python would bound elsewhere."""

_OTHERS = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'"[^"]*"')


def parse_json(text: str | bytes, *, unique: bool = True) -> Any:
    """Return the value in a text, or in bytes of UTF-8.

    ValueError, worded to follow the name of a file, for anything that is not one JSON value: also
    for a name that an object has twice, because only one of the two values would count. NaN and
    numbers that are too large are floats that are not finite: who needs a number refuses them.
    Without `unique` the last value of a name counts.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        if text.count("[") + text.count("{") > MAX_ITEMS:
            raise ValueError(f"has more than {MAX_ITEMS} lists and objects")
        value = json.loads(
            text, object_pairs_hook=_object if unique else None, parse_int=_whole_number
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is not JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if _is_too_deep(text):
        raise ValueError(_TOO_DEEP)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; ValueError where it has a name twice."""
    result = dict(pairs)
    if len(result) < len(pairs):
        earlier: set[str] = set()
        twice = next(name for name, _ in pairs if name in earlier or earlier.add(name))
        raise ValueError(f"has {ascii(twice)[:60]} twice in one object")
    return result


def _whole_number(digits: str) -> int:
    count = len(digits.removeprefix("-"))
    if count > MAX_DIGITS:
        raise ValueError(f"has a number of {count} digits")
    return int(digits)


def _is_too_deep(text: str) -> bool:
    """Whether lists and objects in valid JSON are nested too deeply."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    plain = text.encode("utf-8", "replace").replace(rb"\\", b"").replace(rb"\"", b"")
    # two quotes in a row enclose nothing that counts, or end a string and begin the next
    quoted = plain.translate(None, _OTHERS).replace(b'""', b"")
    brackets = _STRING.sub(b"", quoted)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")  # the innermost ones
    return bool(brackets)


_TOO_DEEP = f"has lists and objects nested more than {MAX_DEPTH} deep"
