"""The binary form of named arrays of numbers: names, types and shapes, then the values; no pickle.

    count of arrays                                          u16
    of each array: name and NumPy type, each after its length as u8, its number of dimensions as u8,
        its shape as u64 each
    of each array: zeros up to a multiple of 8 bytes, the values in C order

All numbers are little-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

ALIGNMENT_BYTES = 8
"""Of each array's values, so that an array can be a view of the bytes."""


def pack(arrays: Mapping[str, NDArray[np.generic]]) -> list[memoryview]:
    """Return the bytes of `arrays`, piece by piece; values are not copied if they are in C order.

    Raises TypeError for arrays of anything but numbers.
    """
    contiguous = {name: _contiguous(name, array) for name, array in arrays.items()}
    header = struct.pack("<H", len(contiguous))
    header += b"".join(_describe(name, array) for name, array in contiguous.items())
    pieces, size = [memoryview(header)], len(header)
    for array in contiguous.values():
        padding = -size % ALIGNMENT_BYTES
        pieces += [memoryview(bytes(padding)), array.reshape(-1).view(np.uint8).data]
        size += padding + array.nbytes
    return pieces


def unpack(record: bytearray) -> dict[str, NDArray[np.generic]]:
    """Return the arrays in a record; they share its memory.

    Raises ValueError if the bytes are not such a record.
    """
    try:
        return dict(_unpack(record))
    except (struct.error, TypeError, UnicodeDecodeError, OverflowError) as error:
        raise ValueError(f"is not a record of arrays: {error}") from error


def _contiguous(name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: must be an array of numbers, not {array.dtype}")
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _describe(name: str, array: NDArray[np.generic]) -> bytes:
    texts = (name.encode(), array.dtype.str.encode())
    described = b"".join(struct.pack("<B", len(text)) + text for text in texts)
    return described + struct.pack(f"<B{array.ndim}Q", array.ndim, *array.shape)


def _unpack(record: bytearray) -> Iterator[tuple[str, NDArray[np.generic]]]:
    (count,), position = struct.unpack_from("<H", record), 2
    layouts: list[tuple[str, np.dtype[np.generic], tuple[int, ...]]] = []
    for _ in range(count):
        name, position = _text(record, position)
        type_name, position = _text(record, position)
        (dimensions,) = struct.unpack_from("<B", record, position)
        shape = struct.unpack_from(f"<{dimensions}Q", record, position + 1)
        position += 1 + 8 * dimensions
        if not re.fullmatch(r"\|[biu]1|<[iuf][248]", type_name):
            raise ValueError(f"{name} has values of type {type_name}")
        layouts.append((name, np.dtype(type_name), shape))
    for name, dtype, shape in layouts:
        position += -position % ALIGNMENT_BYTES
        size = int(np.prod(shape, dtype=object))
        yield name, np.frombuffer(record, dtype, size, position).reshape(shape)
        position += size * dtype.itemsize
    if position != len(record):
        raise ValueError(f"ends at byte {position} of {len(record)}")


def _text(record: bytearray, position: int) -> tuple[str, int]:
    """Return the text at a position, and the position after it."""
    (length,) = struct.unpack_from("<B", record, position)
    end = position + 1 + length
    return record[position + 1 : end].decode(), end
