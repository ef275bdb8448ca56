"""npz files of plain arrays, with the header that every file of a work folder has; no pickle."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.store import version_1
from otio_speakerzoom.store.atomic import atomic_write
from otio_speakerzoom.store.files import Cached, check_schema, read_error, schema


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
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno:
            raise read_error(path, error) from error
        raise _damaged(path) from error
    except (ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise _damaged(path) from error
    except (NotImplementedError, RuntimeError, zlib.error) as error:  # of zipfile
        raise _damaged(path) from error
    if check_schema(path, kind, str(arrays.pop("schema", None))) == 1:
        names = {**version_1.ARRAY_NAMES.get(kind, {}), "made_from": "input_digest"}
        arrays = {names.get(name, name): array for name, array in arrays.items()}
    return Cached(arrays, str(arrays.pop("input_digest", "")))


def column(arrays: dict[str, Any], name: str, kind: str, dimensions: int = 1) -> NDArray[Any]:
    """Return the array of that name: whole numbers (i), finite floats (f) or booleans (b)."""
    array = arrays[name]
    if array.dtype.kind != kind or array.ndim != dimensions:
        raise ValueError(f"{name} cannot be {array.dtype} in {array.ndim} dimensions")
    if kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite numbers")
    return array


def spans(arrays: dict[str, Any], total: int) -> list[slice]:
    """Return where each of several arrays lies that were concatenated, by the array `lengths`."""
    lengths = column(arrays, "lengths", "i")
    if (lengths < 0).any() or lengths.sum() != total:
        raise ValueError(f"lengths must sum to {total}")
    ends = np.cumsum(lengths)
    return [slice(int(end - length), int(end)) for end, length in zip(ends, lengths, strict=True)]


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path}: is damaged; move it aside, and it is computed again")
