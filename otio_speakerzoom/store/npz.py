"""Reads npz files of plain numbers whose content nobody vouches for.

NumPy's own reader allocates what a header declares before it reads, and unpacks whatever an archive
holds. Here nothing is unpacked before the whole is known to be small enough, each array has
exactly the bytes that its header declares, and nothing is ever unpickled.
"""

from __future__ import annotations

import errno
import zipfile
from contextlib import suppress
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from otio_speakerzoom.store.bounded import UnfitFileError, open_regular, read_bytes, size_text

MAX_ARRAYS_BYTES = 1 << 30
"""Of the arrays in a file: 24 hours at 60 frames a second with eight faces, 24 bytes each."""
MAX_ARRAYS = 1000
"""Arrays in a file; ours have ten, a network some hundred."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = "biufU"  # numbers, and the texts of a header


class DamagedArraysError(ValueError):
    """A file that is not an npz of plain arrays."""


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in a file by their names.

    OSError where there is no regular file or it is too large, DamagedArraysError where it is not
    an npz of plain arrays.
    """
    with open_regular(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _read_members(path, archive)
        except (UnfitFileError, MemoryError):
            raise
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place before the beginning of the file
                raise
            raise DamagedArraysError(str(error)) from error
        except Exception as error:  # an archive or a header that is damaged can raise anything
            raise DamagedArraysError(str(error)) from error


def read_npy(path: Path, max_bytes: int) -> NDArray[Any]:
    """Return the array in an npy file; OSError and DamagedArraysError as in `read_npz`."""
    content = read_bytes(path, max_bytes)
    try:
        return _read_array(BytesIO(content))
    except Exception as error:
        raise DamagedArraysError(str(error)) from error


def _read_members(path: Path, archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    members = archive.infolist()
    if len(members) > MAX_ARRAYS:
        raise UnfitFileError(path, f"has more than {MAX_ARRAYS} arrays", "move it aside")
    if sum(member.file_size for member in members) > MAX_ARRAYS_BYTES:
        size = size_text(MAX_ARRAYS_BYTES)
        raise UnfitFileError(path, f"has arrays larger than {size}", "move it aside")
    return {
        member.filename.removesuffix(".npy"): _read_member(archive, member) for member in members
    }


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Return the array of a member."""
    if member.compress_type not in _METHODS:  # others take memory that their data asks for
        raise DamagedArraysError(f"{member.filename} is compressed by another method")
    with archive.open(member) as stream:
        return _read_array(stream)


def _read_array(stream: IO[bytes]) -> NDArray[Any]:
    """Return the array in a stream that has nothing else."""
    shape, fortran, dtype = _read_header(stream)
    content = bytearray(stream.read())  # which leaves the array writable
    if dtype.kind not in _KINDS:
        raise DamagedArraysError(f"an array holds {dtype}")
    if prod(shape) * dtype.itemsize != len(content) or any(side < 0 for side in shape):
        raise DamagedArraysError(f"an array of shape {shape} has {len(content)} bytes")
    array = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    with suppress(MemoryError):  # of Python's parser, which has run out of its own stack
        if version == (1, 0):
            return npy.read_array_header_1_0(stream)
        if version == (2, 0):
            return npy.read_array_header_2_0(stream)
    raise DamagedArraysError(f"an array has a header of version {version} that cannot be parsed")
