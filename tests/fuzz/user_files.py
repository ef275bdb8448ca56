"""Writes TOML, and files that are then read."""

import json
import math

from fuzzing import check_refusal

from otio_speakerzoom.errors import SpeakerZoomError


def toml_of(table):
    """Return a table as TOML: our own writer, because Python has none."""
    return "".join(
        f"\n[{json.dumps(key)}]\n{toml_of(value)}" if isinstance(value, dict)
        else f"{key} = {_toml_value(value)}\n"
        for key, value in table.items()
    )  # fmt: skip


def _toml_value(value):
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("nan", "nan")
    if isinstance(value, str):  # JSON escapes half a surrogate pair, which TOML refuses
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    return "true" if value is True else "false" if value is False else repr(value)


def write_and_read(path, data, read):
    """Write a file, and return what `read` returns; None where it is refused."""
    path.write_bytes(data)
    try:
        value = read()
    except SpeakerZoomError as error:
        check_refusal(error, path)
        return None
    finally:
        assert path.read_bytes() == data
    return value
