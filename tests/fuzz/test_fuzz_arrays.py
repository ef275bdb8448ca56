"""Damage to the npz files and the journals of a work folder."""

import json
import struct
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from array_mutators import VALUES, damage_npz
from fuzzing import check_refusal
from mutators import damage_bytes, damage_json

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import (
    Box,
    Detections,
    FaceTrack,
    FrameFaces,
    FrameRange,
    Microphone,
    Panel,
    Speech,
    SpeechScores,
    VoiceActivity,
)
from otio_speakerzoom.store.array_record import pack

pytest_plugins = ["fuzz_runs"]

LOADERS = {
    "detections": store.load_detections,
    "tracks": store.load_tracks,
    "scores": store.load_scores,
    "voice": store.load_voice,
    "panels": store.load_panels,
}
SAVERS = {
    "detections": store.save_detections,
    "tracks": store.save_tracks,
    "scores": store.save_scores,
    "voice": store.save_voice,
    "panels": store.save_panels,
}


def boxes(random, count):
    corner = random.uniform(0, 300, (count, 2))
    return np.concatenate([corner, corner + 50], 1).astype(np.float32)


def a_result(kind, number):
    """Return a result of that kind; number 0 is empty."""
    random, count = np.random.default_rng(number), 3 * number
    if kind == "detections":
        frames = np.sort(random.integers(0, 100, count)).astype(np.int32)
        confidences = random.uniform(0, 1, count).astype(np.float32)
        cuts = np.arange(0, 10 * number, 10, dtype=np.int32)
        return Detections(frames, boxes(random, count), confidences, np.unique(frames), cuts)
    if kind == "tracks":
        return tuple(
            FaceTrack(n + 1, 5 * n, boxes(random, 9), random.random(9) < 0.5) for n in range(count)
        )
    if kind == "scores":
        rows = (SpeechScores(n, n, random.normal(size=7).astype(np.float32)) for n in range(count))
        return Speech(tuple(rows), 0.04 if number % 2 else None)
    if kind == "voice":
        microphones = tuple(Microphone(n, n % 2 or None) for n in range(number))
        return VoiceActivity(5, random.random(count).astype(np.float32), microphones)
    return [
        Panel(FrameRange(10 * n, 10 * n + 10), Box(0.0, 0.0, 320.0, 180.0)) for n in range(count)
    ]


@cache
def array_files():
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        for kind, save in SAVERS.items():
            for number in range(3):
                save(folder, a_result(kind, number), "made")
                rows.append((kind, (folder / f"{kind}.npz").read_bytes()))
    return rows


def damaged_arrays(random):
    kind, data = random.choice(array_files())
    return kind, damage_npz(random, data, [data for _, data in array_files()])


def plain(value):
    """Return a result as values that can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind, value.shape, value.tolist()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    names = getattr(value, "__slots__", None)
    return [plain(getattr(value, name)) for name in names] if names else value


def try_arrays(tmp_path, item):
    """Load arrays; what is accepted can be saved, and is the same when it is loaded again."""
    kind, data = item
    folder, copy = tmp_path / "folder", tmp_path / "copy"
    for path in (folder, copy):
        path.mkdir(exist_ok=True)
        for old in path.iterdir():
            old.unlink()
    path = folder / f"{kind}.npz"
    path.write_bytes(data)
    try:
        cached = LOADERS[kind](folder)
    except StoreError as error:
        check_refusal(error, path)
        return False
    finally:
        assert [entry.name for entry in folder.iterdir()] == [path.name]
        assert path.read_bytes() == data
    SAVERS[kind](copy, cached.value, cached.input_digest)
    again = LOADERS[kind](copy)
    assert plain(again.value) == plain(cached.value)
    check_use(kind, cached.value)
    return True


def check_use(kind, value):
    """Use a result as the next stage does: its parts are of one length."""
    if kind == "detections":
        count = len(value.frames)
        assert value.boxes.shape == (count, 4)
        assert value.confidences.shape == (count,)
    for track in value if kind == "tracks" else ():
        assert track.boxes.shape == (len(track.has_detection), 4)
    for panel in value if kind == "panels" else ():
        assert panel.range.start < panel.range.end


def test_damaged_arrays_are_read_right_or_refused(fuzz, tmp_path):
    fuzz(
        "arrays", damaged_arrays, lambda item: try_arrays(tmp_path, item), count=120,
        writable=[tmp_path],
    )  # fmt: skip


# --- journals -------------------------------------------------------------------------------------

FACES = [FrameFaces(n, boxes(np.random.default_rng(n), n % 3), np.ones(n % 3, np.float32))
         for n in range(6)]  # fmt: skip


SYNC = np.arange(8).reshape(-1, 4)


@cache
def journals():
    """Return the name and the bytes of a journal of each kind."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        detections = store.DetectionJournal(folder, "made")
        for start in (0, 3):
            pictures = np.full((2, 192), start, np.uint8)
            detections.append(FACES[start : start + 3], np.zeros(3), pictures, start + 3)
        detections.close()
        batches = store.BatchJournal(folder, "made")
        for batch in range(2):
            rows = [np.full((n + 1, 8), batch, np.float32) for n in range(3)]
            batches.write(batch, rows, 10 * batch, SYNC)
        batches.close()
        edits = store.EditJournal(folder, "made")
        operation = {"name": "split", "frame": 30}
        changes = {"cutlist": {"rows": [{"start": 0, "end": 5}]}, "style": None}
        for line in (
            {"do": 1, "time": "2026-05-04T10:31:07+00:00", "operations": [operation],
             "changes": changes},
            {"finished": 1}, {"undo": 1, "time": "2026-05-04T10:31:07+00:00"}, {"redo": 1},
        ):  # fmt: skip
            edits.append(line)
        return {
            path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }  # fmt: skip


def damaged_journal(random):
    """Return the name and bytes of a journal; in half of them, what is wrong was written so."""
    name = random.choice(sorted(journals()))
    data = journals()[name]
    if random.random() < 0.5:
        return name, damage_bytes(random, data, [*journals().values()])
    if name == "edits.jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        n = random.randrange(len(lines))
        texts = [json.dumps(line).encode() for line in lines]
        texts[n] = damage_json(random, lines[n], lines)
        return name, b"\n".join(texts) + b"\n"
    return name, _with_record(random, data)


def _with_record(random, data):
    """Append a record whose checksum is right and whose arrays are not."""
    values = {
        "end": np.array(9), "frames": np.arange(3), "counts": np.array([1, 2, 0]),
        "boxes": np.zeros((3, 4), np.float32), "confidences": np.zeros(3, np.float32),
        "changes": np.zeros(3), "lengths": np.array([1, 2]), "rows": np.zeros((3, 8), np.float32),
        "resume_frame": np.array(20), "sync": SYNC,
    }  # fmt: skip
    name = random.choice(sorted(values))
    kind = random.randrange(4)
    if kind == 0:
        del values[name]
    elif kind == 1:
        values[name] = values[random.choice(sorted(values))]
    elif kind == 2:
        values[name] = values[name].reshape(-1)[: random.randrange(3)]
    else:
        value = random.choice(VALUES)
        with np.errstate(all="ignore"):
            values[name] = np.full(values[name].shape, value).astype(values[name].dtype)
    record = b"".join(pack(values))
    if random.random() < 0.3:
        record = damage_bytes(random, record)
    length = struct.pack("<Q", len(record))
    return data + length + struct.pack("<I", zlib.crc32(record, zlib.crc32(length))) + record


def try_journal(tmp_path, item):
    """Open a journal and read all of it; then add to it, and read that again."""
    name, data = item
    folder = tmp_path / "folder"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    path = folder / name if name == "edits.jsonl" else folder / "unfinished" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    use = {"edits.jsonl": _use_edits, "detections.journal": _use_detections}
    try:
        return use.get(name, _use_batches)(folder)
    except StoreError as error:
        check_refusal(error, path)
        return False


def _use_edits(folder):
    journal = store.EditJournal(folder, "made")
    lines = journal.lines()
    for line in lines:
        journal.read(line)
    journal.append({"undo": 7})
    again = store.EditJournal(folder, "made").lines()
    assert [row.verb for row in again] == [*(row.verb for row in lines), "undo"]
    return bool(lines)


def _use_detections(folder):
    journal = store.DetectionJournal(folder, "made")
    count = len(list(journal.parts()))
    end = journal.end
    assert (end is None) == (count == 0)
    journal.append(FACES[:2], np.zeros(2), np.zeros((1, 192), np.uint8), 50)
    journal.close()
    again = store.DetectionJournal(folder, "made")
    assert (len(list(again.parts())), again.end) == (count + 1, 50)
    again.close()
    return count > 0


def _use_batches(folder):
    journal = store.BatchJournal(folder, "made")
    count = len(journal)
    for batch in range(count):
        assert all(row.ndim == 2 for row in journal.read(batch))
        journal.read_sync(batch)
    assert (journal.resume_frame is None) == (count == 0)
    journal.write(count, [np.ones((2, 8), np.float32)], 7, SYNC)
    journal.close()
    again = store.BatchJournal(folder, "made")
    assert (len(again), again.resume_frame) == (count + 1, 7)
    again.close()
    return count > 0


def test_a_damaged_journal_is_read_right_or_refused(fuzz, tmp_path):
    (tmp_path / "folder").mkdir()
    fuzz(
        "journals", damaged_journal, lambda item: try_journal(tmp_path, item), count=100,
        writable=[tmp_path],
    )  # fmt: skip
