"""Damages npz files: their arrays, the headers of these, and the archive around them."""

import io
import struct
import zipfile
from contextlib import suppress

import numpy as np
from mutators import damage_bytes

TYPES = (
    "<i4",
    "<i8",
    "<f4",
    "<f8",
    "|b1",
    "<u8",
    "<i1",
    "<f2",
    "<c8",
    "<U3",
    "|S3",
    ">f4",
    "<M8[s]",
)
VALUES = (0, -1, 1, 2, 2**31 - 1, -(2**31), 2**40, 1e30, -1e30, np.nan, np.inf, -np.inf, 0.5)
HEADERS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1073741824,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "{'descr': [('a', '<f8'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
    "{'descr': '<f8', 'fortran_order': True, 'shape': 3, }",
    "{'descr': '<U100000000', 'fortran_order': False, 'shape': (10,), }",
    "__import__('os').system('id')", "{" * 300, "(" * 9000, "",
)  # fmt: skip
"""Of a .npy: too much, too little, objects that would be unpickled, and no header."""


def damage_npz(random, data, others=()):
    """Return an npz with one to three changes; `others` are such files to take arrays from."""
    if random.random() < 0.2:
        return damage_bytes(random, data, others)
    members = _members(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        with suppress(Exception):  # what NumPy cannot convert or read stays as it is
            _CHANGES[random.randrange(len(_CHANGES))](random, members, others)
    return _archive(random, members)


def damage_values(random, arrays):
    """Return arrays of which one to three have other values, mostly of the same form."""
    arrays = dict(arrays)
    for _ in range(random.choice((1, 1, 2, 3))):
        name = random.choice([n for n in sorted(arrays) if n not in ("schema", "input_digest")])
        if random.random() < 0.85 and arrays[name].size and arrays[name].dtype.kind in "iufb":
            array = np.array(arrays[name])
            at = random.randrange(array.size)
            end = at + 1 if random.random() < 0.6 else array.size
            with np.errstate(all="ignore"):
                value = np.asarray(random.choice(VALUES), np.float64).astype(array.dtype)
            near = array.reshape(-1)[at:end] + random.choice((-1, 1, 5, 100))
            chosen = value if random.random() < 0.6 else near.astype(array.dtype)
            array.reshape(-1)[at:end] = chosen
            arrays[name] = array
        else:
            with suppress(Exception):
                arrays[name] = _changed(random, arrays[name])
    return arrays


def _members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(random, members):
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", random.choice(methods)) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    data = bytearray(file.getvalue())
    if random.random() < 0.15:  # a size, a checksum or a place in the directory at the end
        at = random.randrange(max(1, len(data) - 300), len(data))
        data[at] ^= 1 << random.randrange(8)
    if random.random() < 0.03:  # says that the members are encrypted
        for at in (i for i in range(len(data) - 4) if data[i : i + 4] == b"PK\1\2"):
            data[at + 8] |= 1
    return bytes(data)


def _change_array(random, members, others):
    name = random.choice(sorted(members))
    array = _load(members[name])
    if array is None:
        return
    members[name] = _save(_changed(random, array))


def _changed(random, array):
    kind = random.randrange(7)
    with np.errstate(all="ignore"):
        if kind < 3 and array.size and array.dtype.kind in "iufb":
            array = np.array(array)
            at = random.randrange(array.size)
            end = at + 1 if random.random() < 0.7 else array.size
            value = random.choice(VALUES)
            array.reshape(-1)[at:end] = np.asarray(value, np.float64).astype(array.dtype)
            return array
        if kind == 3:
            return array.astype(random.choice(TYPES))
        if kind == 4 and array.ndim:
            return array[: random.randrange(len(array) + 1)]
        if kind == 5 and array.ndim:
            return np.concatenate([array, array[: random.randrange(len(array) + 1)]])
    return random.choice((array.reshape(-1), array[None], np.zeros((2, 0)), np.array(5), array.T))


def _change_content(random, members, others):
    name = random.choice(sorted(members))
    members[name] = damage_bytes(random, members[name], list(members.values()))


def _change_header(random, members, others):
    name, text = random.choice(sorted(members)), random.choice(HEADERS).encode()
    version = random.choice(((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    length = struct.pack("<H" if version[0] == 1 else "<I", min(len(text) + 1, 65535))
    members[name] = b"\x93NUMPY" + bytes(version) + length + text + b"\n" + bytes(64)


def _remove(random, members, others):
    if len(members) > 1:
        del members[random.choice(sorted(members))]


def _rename(random, members, others):
    name = random.choice(sorted(members))
    new = random.choice((*sorted(members), "x.npy", "../x.npy", "/x.npy", "made_from.npy", "x", ""))
    members[new] = members.pop(name)


def _swap(random, members, others):
    a, b = random.choice(sorted(members)), random.choice(sorted(members))
    members[a], members[b] = members[b], members[a]


def _take(random, members, others):
    if others:
        other = _members(random.choice(others))
        name = random.choice(sorted(other))
        members[random.choice((name, random.choice(sorted(members))))] = other[name]


_CHANGES = (
    _change_array, _change_array, _change_array, _change_array, _change_content, _change_header,
    _remove, _rename, _swap, _take,
)  # fmt: skip


def _load(content):
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # a header that is damaged already can raise anything
        return None


def _save(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
