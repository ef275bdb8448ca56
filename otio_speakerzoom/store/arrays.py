"""npz files of plain arrays, with the header that every file of a work folder has; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store import version_1
from otio_speakerzoom.store.atomic import atomic_write
from otio_speakerzoom.store.files import Cached, check_schema, is_missing, read_error, schema
from otio_speakerzoom.store.npz import DamagedArraysError, read_npz


def write_arrays(path: Path, kind: str, input_digest: str, arrays: dict[str, Any]) -> None:
    """Write arrays of numbers of that kind, with their schema and input digest.

    Raises TypeError for arrays of objects: they would be pickled and never read again. NumPy's own
    `allow_pickle` does not help: before 2.2 it is not an option, and is saved as an array.
    """
    header = {"schema": np.array(schema(kind)), "input_digest": np.array(input_digest)}
    if objects := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)}: must be arrays of numbers")
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **header, **arrays)


def read_arrays(path: Path, kind: str) -> Cached[dict[str, Any]] | None:
    """Return the arrays of that kind in `path`, of this version or of version 1; None if absent.

    Arrays of version 1 have the names of this version in the result.
    """
    try:
        arrays: dict[str, Any] = read_npz(path)
    except OSError as error:
        if is_missing(path, error):
            return None
        raise read_error(path, error) from error
    except DamagedArraysError as error:
        raise StoreError(f"{path}: is damaged; {ADVICE}") from error
    if check_schema(path, kind, str(arrays.pop("schema", None))) == 1:
        names = {**version_1.ARRAY_NAMES.get(kind, {}), "made_from": "input_digest"}
        arrays = {names.get(name, name): array for name, array in arrays.items()}
    return Cached(arrays, str(arrays.pop("input_digest", "")))


ADVICE = "move it aside, and it is computed again"
"""What to do with a file that nobody can correct by hand: this loses nothing."""
MAX_NUMBER = 1e6
"""Of coordinates, probabilities and log odds, either sign: frames have 16,384 pixels at most."""


def column(
    arrays: dict[str, Any], name: str, kind: str, dimensions: int = 1, *, minimum: int = 0
) -> NDArray[Any]:
    """Return the array of that name: whole numbers (i, or u for bytes), floats (f) or booleans (b).

    Whole numbers are from `minimum` to below 2^31, and floats finite and up to MAX_NUMBER.
    """
    array = arrays[name]
    is_half = kind == "f" and array.dtype.itemsize < 4  # which we never write, nor hold our limits
    if array.dtype.kind != kind or array.ndim != dimensions or is_half:
        raise ValueError(f"{name} cannot be {array.dtype} in {array.ndim} dimensions")
    if kind == "f" and not (np.abs(array) <= MAX_NUMBER).all():  # NaN is not, either
        raise ValueError(f"{name} has values that are not finite numbers, or too large")
    if kind == "i" and array.size and not minimum <= array.min() <= array.max() < 2**31:
        raise ValueError(f"{name} has values below {minimum}, or too large")
    return array


def boxes_column(arrays: dict[str, Any], name: str) -> NDArray[Any]:
    """Return the (N, 4) boxes of that name: left, top, right, bottom, none of them inverted."""
    boxes = column(arrays, name, "f", 2)
    if boxes.shape[1:] != (4,) or (boxes[:, :2] > boxes[:, 2:]).any():
        raise ValueError(f"{name} must be left, top, right, bottom")
    return boxes


def scalar(arrays: dict[str, Any], name: str, kind: str) -> float:
    """Return the one number of that name, of that kind; NaN is allowed."""
    array = arrays[name]
    if array.dtype.kind != kind or array.ndim:
        raise ValueError(f"{name} must be one number")
    number = float(array)
    if abs(number) >= 2**31 or (kind == "i" and number < 0):
        raise ValueError(f"{name} has a value that is too large or too small")
    return number


def check_same_length(**columns: NDArray[Any]) -> None:
    """Raise ValueError unless all columns have the same length."""
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError(f"{', '.join(columns)} must have the same length")


def check_order(arrays: dict[str, Any], *names: str) -> None:
    """Raise ValueError where a column is not in ascending order."""
    for name in names:
        if (np.diff(arrays[name]) < 0).any():
            raise ValueError(f"{name} must be in ascending order")


def spans(arrays: dict[str, Any], total: int, name: str = "lengths") -> list[slice]:
    """Return where each of several arrays lies that were concatenated, by their lengths."""
    lengths = column(arrays, name, "i")
    if lengths.sum() != total:
        raise ValueError(f"{name} must sum to {total}")
    ends = np.cumsum(lengths)
    return [slice(int(end - length), int(end)) for end, length in zip(ends, lengths, strict=True)]
