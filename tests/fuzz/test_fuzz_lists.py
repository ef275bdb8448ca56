"""Damage to labels, to the list of weights, and to the notes of the mailbox and of the service."""

from fractions import Fraction
from functools import partial
from pathlib import Path

from mutators import TEXTS, damage_bytes, damage_json, number_near
from user_files import toml_of, write_and_read

from otio_speakerzoom.model import Media
from otio_speakerzoom.plugins import calibration
from otio_speakerzoom.reports.labels import read_labels
from otio_speakerzoom.service import runtime_file
from otio_speakerzoom.weights.catalogue import catalogue_path, read_catalogue

pytest_plugins = ["fuzz_runs"]

MEDIA = Media(Path("talk.mp4"), Fraction(25), 250, (640, 360))


# --- labels ---------------------------------------------------------------------------------------

LABELS = {
    "file": "talk.mp4", "first_video_pts_s": 0.5, "note": {"by": "hand"},
    "faces": [{"person": "A", "from_s": 0, "to_s": 9.5, "box": [394, 344, 571, 560]},
              {"person": 2, "from_s": 1.5, "to_s": 4, "box": [10.5, 20, 30, 40]}],
    "speech": [{"person": "A", "from_s": 0.8, "to_s": 3.99},
               {"person": None, "from_s": 4, "to_s": 5}],
}  # fmt: skip


def try_labels(folder, data):
    """Read labels; those that are accepted can be evaluated."""
    path = folder / "labels.json"
    labels = write_and_read(path, data, lambda: read_labels(path, MEDIA))
    if labels is None:
        return False
    for row in (*labels["faces"], *labels["speech"]):
        assert row["from_s"] <= row["to_s"]
    return True


def test_damaged_labels_are_read_right_or_refused(fuzz, tmp_path):
    fuzz(
        "labels", lambda random: damage_json(random, LABELS), partial(try_labels, tmp_path),
        count=150, writable=[tmp_path],
    )  # fmt: skip


# --- the list of weights --------------------------------------------------------------------------


def damaged_catalogue(random):
    """Return a list of weights in which a table has other keys or values."""
    import tomllib

    text = catalogue_path().read_text("utf-8")
    if random.random() < 0.4:
        return damage_bytes(random, text.encode())
    tables = tomllib.loads(text)
    names = random.sample(sorted(tables), 3)
    tables = {name: tables[name] for name in names}
    table = tables[names[0]]
    key = random.choice(sorted(table))
    kind = random.randrange(4)
    if kind == 0:
        del table[key]
    elif kind == 1:
        table[random.choice(("x", "size", "sources", "licence"))] = table.pop(key)
    else:
        junk = (random.choice(TEXTS), number_near(random, table[key]), [1], [["a"]], True, -1)
        table[key] = random.choice(junk)
    return toml_of(tables).encode("utf-8", "surrogatepass")


def try_catalogue(folder, data):
    """Read a list of weights; one that is accepted names files without folders."""
    path = folder / "weights.toml"
    files = write_and_read(path, data, lambda: read_catalogue(path))
    for file in files or ():
        assert Path(file.file).name == file.file
        assert len(file.sha256) == 64
        assert file.size is None or (type(file.size) is int and file.size > 0)
        texts = (file.name, file.file, file.sha256, file.licence, file.kind, file.what)
        assert all(isinstance(text, str) for text in (*texts, *file.sources, *file.by_hand))
    return files is not None


def test_a_damaged_list_of_weights_is_read_right_or_refused(fuzz, tmp_path):
    fuzz(
        "weights", damaged_catalogue, partial(try_catalogue, tmp_path), count=80,
        writable=[tmp_path],
    )  # fmt: skip


# --- notes ----------------------------------------------------------------------------------------

NOTES = {
    "calibration.json": {"product": "DaVinci Resolve", "version": "21.1.0", "law": "frame",
                         "agreements": [[0.5, 0.99], [1, 1]]},
    "service.json": {"port": 40123, "pid": 77, "bearer": "abc", "version": "0.1.0"},
}  # fmt: skip


def damaged_note(random):
    name = random.choice(sorted(NOTES))
    return name, damage_json(random, NOTES[name])


def try_note(folder, item):
    """Read a note: it is none, or one with values that can be."""
    name, data = item
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o600)
    if name == "calibration.json":
        note = calibration.load(folder)
        assert note is None or len(calibration.describe(note).splitlines()) == 1
    else:
        note = runtime_file.read(folder)
        assert note is None or (0 < note.port < 65536 and note.pid > 0)
    assert path.read_bytes() == data
    return note is not None


def test_a_damaged_note_is_read_right_or_counts_as_none(fuzz, tmp_path):
    fuzz("notes", damaged_note, partial(try_note, tmp_path), count=150, writable=[tmp_path])
