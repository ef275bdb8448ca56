"""What is said of wrong values in the files of the folder of results, and in weights.toml."""

import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from tables import Table
from talk_folder import copy_of, run

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError, WeightsError
from otio_speakerzoom.model import Speech
from otio_speakerzoom.pipeline.analysis import NO_DETECTIONS, Analysis
from otio_speakerzoom.weights import catalogue

pytest_plugins = ["talks"]

# the talk has 450 frames of 640x360, and the people 1 and 2
LOCKS = {
    "right": [{"start": 50, "end": 100, "show": [1, 2], "crop": [0, 0, 320, 180]}],
    "a crop outside the picture": [{"start": 0, "end": 50, "show": 1, "crop": [0, 0, 641, 360]}],
    "a crop without an area": [{"start": 0, "end": 50, "show": 1, "crop": [9, 9, 9, 9]}],
    "a crop that is inverted": [{"start": 0, "end": 50, "show": 1, "crop": [99, 99, 9, 9]}],
    "a crop of NaN": [{"start": 0, "end": 50, "show": 1, "crop": [float("nan"), 0, 9, 9]}],
    "a crop of 1e999": '[{"start": 0, "end": 50, "show": 1, "crop": [1e999, 0, 9, 9]}]',
    "the same person twice": [{"start": 0, "end": 50, "show": [1, 1]}],
    "three people": [{"start": 0, "end": 50, "show": [1, 2, 3]}],
    "a person whom nobody knows": [{"start": 0, "end": 50, "show": 7}],
    "a word that is no shot": [{"start": 0, "end": 50, "show": "close-up"}],
    "two that overlap": [{"start": 0, "end": 50, "show": 1}, {"start": 49, "end": 60, "show": 2}],
    "a range that is reversed": [{"start": 50, "end": 0, "show": 1}],
    "a range before the beginning": [{"start": -5, "end": 50, "show": 1}],
    "a range beyond the end": [{"start": 400, "end": 451, "show": 1}],
    "a range of fractions": [{"start": 0.5, "end": 50, "show": 1}],
    "a range of 10^30": [{"start": 0, "end": 10**30, "show": 1}],
    "no range": [{"show": 1}],
    "a number in place of a lock": [7],
    "an object in place of the list": {"start": 0},
}
"""What is in locks.json -> its locks, or their text."""

LOCK_TABLE = Table("locks", ("`locks.json` has", "`export`"), list(LOCKS))


@pytest.fixture
def talk(cut_talk, tmp_path):
    """The folder of results of a copy of the talk."""
    return copy_of(cut_talk, tmp_path)


@pytest.mark.parametrize("case", LOCKS)
def test_a_wrong_lock_is_refused_in_one_line(case, talk, capsys):
    locks = LOCKS[case]
    text = locks if isinstance(locks, str) else json.dumps(locks)
    (talk / "locks.json").write_text(f'{{"schema": "speakerzoom.locks/2", "locks": {text}}}')

    line = run(talk, capsys, "export", "-o", "-")

    LOCK_TABLE.check(case, f"`{line}`" if line else "right")


def test_the_table_of_locks_is_whole():
    LOCK_TABLE.check_cases()


# --- arrays ---------------------------------------------------------------------------------------


def with_array(name, change):
    """Change one array of tracks.npz."""

    def damage(path):
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
        arrays[name] = change(arrays[name].copy())
        np.savez_compressed(path, **{key: a for key, a in arrays.items() if a is not None})

    return damage


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


def repack(method):
    def damage(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return damage


def flip_middle(path):
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 64)
    content[middle] = bytes(byte ^ 255 for byte in content[middle])
    path.write_bytes(content)


def header_of(text):
    """An array whose header is this Python expression."""

    def damage(path):
        header = text.encode().ljust(118) + b"\n"
        with zipfile.ZipFile(path, "a") as archive:
            magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
            archive.writestr("more.npy", magic + header)

    return damage


ARRAYS = {
    "empty": lambda path: path.write_bytes(b""),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "damaged in the middle": flip_middle,
    "compressed by LZMA": repack(zipfile.ZIP_LZMA),
    "an array less": with_array("boxes", lambda array: None),
    "Python objects": with_array("boxes", lambda array: np.array([{}], object)),
    "numbers of another kind": with_array("boxes", lambda array: array.astype(np.int32)),
    "another shape": with_array("boxes", lambda array: array[:, :3]),
    "columns of different lengths": with_array("starts", lambda array: array[:1]),
    "lengths that do not fit": with_array("lengths", put(0, 2**31 - 1)),
    "an id twice": with_array("ids", lambda array: np.full_like(array, 1)),
    "NaN": with_array("boxes", put((0, 0), np.nan)),
    "a coordinate of 3e38": with_array("boxes", put((0, 0), 3e38)),
    "an inverted box": with_array("boxes", put(0, [9, 9, 1, 1])),
    "a frame before the beginning": with_array("starts", put(0, -1)),
    "a header of 8 TB": header_of(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10**0 * 1000000000000,), }"
    ),
    "a header of 8 TB in plain numbers": header_of(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    ),
    "a header of brackets": header_of("[" * 100),
}
"""What tracks.npz is or has -> how to damage it."""

ARRAY_TABLE = Table("arrays", ("`tracks.npz` has, or is", "`inspect`"), list(ARRAYS))


@pytest.mark.parametrize("case", ARRAYS)
def test_damaged_arrays_are_refused_in_one_line(case, talk, capsys):
    ARRAYS[case](talk / "tracks.npz")

    line = run(talk, capsys, "inspect")

    assert line, "nothing is wrong"
    ARRAY_TABLE.check(case, f"`{line}`")


def test_results_that_reach_beyond_the_source_are_refused(talk):
    media, tracks = store.load_media(talk).value, store.load_tracks(talk).value
    none = (NO_DETECTIONS, None, Speech(()))

    def analysis(track):
        detections, voice, speech = none
        return Analysis(media, media.range, detections, (track,), (), voice, speech, "none", "", "")

    assert analysis(tracks[0]).tracks
    beyond = replace(tracks[0], start=media.duration - len(tracks[0].boxes) + 1)
    with pytest.raises(StoreError, match=r"tracks.npz in its folder of results reaches beyond it"):
        analysis(beyond)


def test_the_table_of_arrays_is_whole():
    ARRAY_TABLE.check_cases()


# --- the catalogue of weights ---------------------------------------------------------------------

ENTRY = f"""
[net]
file = "net.model"
sha256 = "{"0" * 64}"
licence = "MIT"
kind = "scorer"
what = "A network."
sources = ["https://localhost/net.model"]
"""
CATALOGUES = {
    "right": ENTRY,
    "text that is no TOML": "[net\n",
    "bytes that are no text": b"\xff\xfe\x00",
    "lists nested 100,000 deep": "a = " + "[" * 100_000,
    "a value in place of a table": "net = 1",
    "a file in another folder": ENTRY.replace('"net.model"', '"../net.model"'),
    "a name that climbs": ENTRY.replace("[net]", '["../net"]'),
    "no sha256": ENTRY.replace("sha256", "sha1"),
    "a short sha256": ENTRY.replace("0" * 64, "0" * 63),
    "a size of text": ENTRY + 'size = "large"',
    "a size below 1": ENTRY + "size = 0",
    "a source that is no address": ENTRY.replace("https://localhost/", "data:"),
    "a number among the sources": ENTRY.replace('["https://localhost/net.model"]', "[1]"),
}
"""What is in weights.toml -> its text."""

CATALOGUE_TABLE = Table("weights.toml", ("`weights.toml` has", "What is said"), list(CATALOGUES))


@pytest.mark.parametrize("case", CATALOGUES)
def test_a_damaged_catalogue_of_weights_is_refused_in_one_line(case, tmp_path):
    text, path = CATALOGUES[case], tmp_path / "weights.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    try:
        said = "right" if catalogue.names(path) == ("net",) else "empty"
    except WeightsError as error:
        said = f"`{error}`".replace(f"{tmp_path}{os.sep}", "")

    assert "\n" not in said
    CATALOGUE_TABLE.check(case, said)


def test_the_table_of_catalogues_is_whole():
    CATALOGUE_TABLE.check_cases()
