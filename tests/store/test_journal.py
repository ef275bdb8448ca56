"""What an interrupted run appended to a journal is there for the next run, and nothing else is."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
import zlib
from contextlib import suppress

import numpy as np
import pytest

from otio_speakerzoom import store
from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.model import FrameFaces
from otio_speakerzoom.store import unfinished
from otio_speakerzoom.store.array_record import pack, unpack
from otio_speakerzoom.store.journal import Journal

needs_posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX files")


def record(n):
    """Return arrays of several types and shapes that depend on `n`."""
    rng = np.random.default_rng(n)
    return {
        "boxes": rng.random((n % 3, 4), np.float32),
        "frames": np.arange(n, n + 3),
        "is_new": rng.random(5) > 0.5,
        "end": np.array(n),
    }


def assert_records(records, expected):
    assert len(records) == len(expected)
    for one, other in zip(records, expected, strict=True):
        assert one.keys() == other.keys()
        for name in other:
            assert (one[name].dtype, one[name].shape) == (other[name].dtype, other[name].shape)
            assert np.array_equal(one[name], other[name])


def write_journal(path, count, digest="abc"):
    with Journal(path, digest) as journal:
        for n in range(len(journal), count):
            journal.append(record(n))
    return path


def read_journal(path, digest="abc"):
    with Journal(path, digest) as journal:
        return list(journal)


def records(count):
    return [record(n) for n in range(count)]


def test_records_are_read_back_in_order_by_the_next_run(tmp_path):
    path = write_journal(tmp_path / "a.journal", 4)
    write_journal(path, 7)

    assert_records(read_journal(path), records(7))


def test_a_record_is_read_while_others_are_appended(tmp_path):
    with Journal(tmp_path / "a.journal", "abc") as journal:
        for n in range(5):
            journal.append(record(n))
            assert_records([journal.read(n // 2)], [record(n // 2)])
        assert_records(list(journal), records(5))


def test_a_tail_torn_at_any_byte_is_cut_off(tmp_path):
    path = write_journal(tmp_path / "a.journal", 2)
    intact = path.stat().st_size
    content = write_journal(path, 3).read_bytes()

    for size in range(intact, len(content)):
        path.write_bytes(content[:size])
        assert_records(read_journal(path), records(2))
        assert path.stat().st_size == intact
        assert write_journal(path, 3).read_bytes() == content


def test_records_before_any_flipped_bit_stay_and_the_rest_is_appended_again(tmp_path):
    path = tmp_path / "a.journal"
    ends = [write_journal(path, n).stat().st_size for n in range(4)]
    content = path.read_bytes()

    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        intact = max(sum(end <= position for end in ends) - 1, 0)
        assert_records(read_journal(path), records(intact))
        assert write_journal(path, 3).read_bytes() == content


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 4096, b"\x01"])
def test_a_tail_of_anything_is_cut_off(tmp_path, tail):
    """After a power failure a file may end in zeros."""
    path = write_journal(tmp_path / "a.journal", 2)
    content = path.read_bytes()
    path.write_bytes(content + tail)

    assert_records(read_journal(path), records(2))
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"speakerzoom.journal/2 ab", b"\x00" * 999, b"x\n" * 99])
def test_a_file_without_our_header_is_started_again(tmp_path, content):
    path = tmp_path / "a.journal"
    path.write_bytes(content)

    assert read_journal(path) == []
    assert_records(read_journal(write_journal(path, 2)), records(2))


def test_another_digest_or_restart_begins_again(tmp_path):
    path = write_journal(tmp_path / "a.journal", 3, "abc")
    assert read_journal(path, "abcd") == []
    assert read_journal(path, "abc") == []

    write_journal(path, 3, "abc")
    with Journal(path, "abc", restart=True) as journal:
        assert len(journal) == 0


def test_hours_of_records_are_not_read_into_memory(tmp_path):
    """A quarter of a gigabyte of a sparse file, whose record is intact."""
    path = write_journal(tmp_path / "a.journal", 2)
    size, chunk = 1 << 28, bytes(1 << 24)
    length = size.to_bytes(8, "little")
    crc = zlib.crc32(length)
    for _ in range(size // len(chunk)):
        crc = zlib.crc32(chunk, crc)
    with path.open("ab") as file:
        file.write(length + crc.to_bytes(4, "little"))
        file.truncate(file.tell() + size)

    tracemalloc.start()
    with Journal(path, "abc") as journal:
        assert len(journal) == 3
        assert_records([journal.read(1)], [record(1)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


APPENDER = """
import os, sys
import numpy as np
from pathlib import Path
from otio_speakerzoom.store.journal import Journal
for _ in sys.stdin:
    child = os.fork()
    if child:
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)
        continue
    with Journal(Path(sys.argv[1]), "abc") as journal:
        while True:
            n = len(journal)
            journal.append({"n": np.full(1 + 977 * n % 300_000, n)})
"""


@needs_posix
def test_a_killed_process_leaves_a_journal_to_go_on_from(tmp_path):
    """A process forks thirty children that append until they are killed."""
    path, rng, count = tmp_path / "a.journal", random.Random(1), 0
    command = [sys.executable, "-c", APPENDER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen(command, **pipes) as parent:
        for _ in range(30):
            parent.stdin.write("go\n")
            child = int(parent.stdout.readline())
            time.sleep(rng.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            assert parent.stdout.readline() == "dead\n"
            with Journal(path, "abc") as journal:
                assert len(journal) >= count
                for n in range(max(0, count - 1), len(journal)):
                    assert np.array_equal(journal.read(n)["n"], np.full(1 + 977 * n % 300_000, n))
                count = len(journal)
        parent.stdin.close()
    assert count > 30


def test_a_full_disk_is_one_line_and_the_journal_stays_intact(tmp_path, monkeypatch):
    path = tmp_path / "a.journal"
    with Journal(path, "abc") as journal:
        journal.append(record(0))
        size, calls = path.stat().st_size, []

        def write_all(file, data):
            calls.append(file.write(data[: len(data) // 2]))
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr("otio_speakerzoom.store.journal._write_all", write_all)
            with pytest.raises(StoreError, match=r"cannot be written .*free some space") as caught:
                journal.append(record(1))
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert path.stat().st_size == size
        journal.append(record(1))
    assert_records(read_journal(path), records(2))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_full_device_is_one_line(tmp_path):
    with Journal(tmp_path / "a.journal", "abc") as journal:
        device = os.open("/dev/full", os.O_RDWR)
        os.dup2(device, journal._file.fileno())
        os.close(device)
        with pytest.raises(StoreError, match=r"No space left on device.*free some space"):
            journal.append(record(0))


def test_a_folder_in_the_place_of_a_journal_is_one_line(tmp_path):
    (tmp_path / "a.journal").mkdir()

    with pytest.raises(StoreError, match=r"a\.journal: cannot be written .* write elsewhere"):
        Journal(tmp_path / "a.journal", "abc")


@needs_posix
def test_links_and_pipes_are_replaced_and_never_written_through(tmp_path):
    target, path = tmp_path / "diary.txt", tmp_path / "a.journal"
    target.write_text("mine")
    for place in (path.symlink_to, path.hardlink_to):
        place(target)
        write_journal(path, 2)
        assert target.read_text() == "mine"
        assert_records(read_journal(path), records(2))
        path.unlink()
    os.mkfifo(path)
    assert_records(read_journal(write_journal(path, 2)), records(2))


def test_a_journal_that_another_program_changes_is_one_line(tmp_path):
    path = tmp_path / "a.journal"
    with Journal(path, "abc") as journal:
        journal.append(record(0))
        for content in (path.read_bytes()[:-1] + b"?", b"speakerzoom"):
            path.write_bytes(content)
            with pytest.raises(StoreError, match=r"a\.journal: was changed .* --force"):
                journal.read(0)


def test_arrays_of_objects_are_refused_and_never_read(tmp_path):
    with Journal(tmp_path / "a.journal", "abc") as journal:
        with pytest.raises(TypeError, match="x: must be an array of numbers"):
            journal.append({"x": np.array([{}])})
        assert len(journal) == 0
    crafted = b"".join(pack({"x": np.zeros(1, np.int64)})).replace(b"<i8", b"|O8")
    with pytest.raises(ValueError, match="x has values of type"):
        unpack(bytearray(crafted))


def test_a_damaged_record_is_never_more_than_a_value_error():
    content = b"".join(pack(record(2)))
    rng = random.Random(1)
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] = rng.randrange(256)
        with suppress(ValueError):
            unpack(damaged)
        with pytest.raises(ValueError, match=r"record|buffer|ends at"):
            unpack(bytearray(content[:position]))


# --- the two journals of an analysis --------------------------------------------------------------


def faces(frame, count):
    rng = np.random.default_rng(frame)
    return FrameFaces(frame, rng.random((count, 4), np.float32), rng.random(count, np.float32))


def test_detections_go_on_from_the_last_frame(tmp_path):
    rows = [faces(frame, frame % 3) for frame in range(0, 20, 2)]
    changes = np.random.default_rng(1).random(20)
    pictures = np.random.default_rng(2).integers(0, 256, (10, 192), np.uint8)
    journal = store.DetectionJournal(tmp_path, "abc")
    assert journal.end is None
    journal.append(rows[:4], changes[:8], pictures[:4], 8)
    journal.append([], changes[8:9], pictures[4:5], 9)
    journal.close()
    journal = store.DetectionJournal(tmp_path, "abc")
    assert journal.end == 9
    journal.append(rows[4:], changes[9:], pictures[5:], 20)

    assert journal.end == 20
    parts = list(journal.parts())
    assert np.array_equal(np.concatenate([part for _, part, _ in parts]), changes)
    assert np.array_equal(np.concatenate([part for *_, part in parts]), pictures)
    for back, row in zip([row for part, *_ in parts for row in part], rows, strict=True):
        assert back.frame == row.frame
        assert back.boxes.dtype == back.confidences.dtype == np.float32
        assert np.array_equal(back.boxes, row.boxes)
        assert np.array_equal(back.confidences, row.confidences)
    journal.close()
    assert store.DetectionJournal(tmp_path, "abc", restart=True).end is None


def test_batches_of_encodings_are_read_by_number(tmp_path):
    rng = np.random.default_rng(1)
    batches = [
        [rng.random((ticks, 8), np.float32) for ticks in lengths]
        for lengths in ((3, 0, 5), (2,), ())
    ]
    sync = [np.arange(4 * n).reshape(-1, 4) for n in range(len(batches))]
    journal = store.BatchJournal(tmp_path, "abc")
    assert (len(journal), journal.resume_frame, journal.read(0)) == (0, None, None)
    for n, rows in enumerate(batches):
        journal.write(n, rows, 10 * n, sync[n])
    for n in (2, 4):
        with pytest.raises(ValueError, match=f"batch {n} cannot follow 3 batches"):
            journal.write(n, [], 0, sync[0])
    journal.close()

    journal = store.BatchJournal(tmp_path, "abc")
    assert (len(journal), journal.resume_frame) == (3, 20)
    assert journal.read(3) is journal.read_sync(3) is None
    for n, rows in enumerate(batches):
        back = journal.read(n)
        assert [b.shape for b in back] == [r.shape for r in rows]
        assert all(map(np.array_equal, back, rows))
        assert np.array_equal(journal.read_sync(n), sync[n])


def test_a_journal_of_another_release_is_started_again(tmp_path, monkeypatch):
    store.BatchJournal(tmp_path, "abc").write(0, [np.ones((2, 3), np.float32)], 0, np.arange(2))
    assert len(store.BatchJournal(tmp_path, "abc")) == 1
    monkeypatch.setattr(unfinished, "version", lambda _: "99")
    assert len(store.BatchJournal(tmp_path, "abc")) == 0


# --- the folder -----------------------------------------------------------------------------------


def test_an_unnamed_file_leaves_nothing(tmp_path):
    file = store.unnamed_file(tmp_path)
    file.write(b"rows")
    file.seek(0)
    assert file.read() == b"rows"
    if os.name != "nt":
        assert list((tmp_path / "unfinished").iterdir()) == []
    file.close()
    store.remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_removing_what_is_unfinished_leaves_the_files_of_others(tmp_path):
    store.remove_unfinished(tmp_path)
    store.DetectionJournal(tmp_path, "abc").close()
    store.BatchJournal(tmp_path, "abc").close()
    (tmp_path / "unfinished" / "notes.txt").write_text("mine")
    store.remove_unfinished(tmp_path)

    assert [path.name for path in (tmp_path / "unfinished").iterdir()] == ["notes.txt"]


@needs_posix
def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path):
    other, folder = tmp_path / "other", tmp_path / "work"
    other.mkdir()
    folder.mkdir()
    (other / "detections.journal").write_text("mine")
    (folder / "unfinished").symlink_to(other)
    store.remove_unfinished(folder)
    store.DetectionJournal(folder, "abc").close()

    assert [path.read_text() for path in other.iterdir()] == ["mine"]
    assert not (folder / "unfinished").is_symlink()


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "unfinished").write_text("mine")

    for open_file in (store.unnamed_file, lambda folder: store.DetectionJournal(folder, "abc")):
        with pytest.raises(StoreError, match=r"unfinished: cannot be written .* write elsewhere"):
            open_file(tmp_path)
