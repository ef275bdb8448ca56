import errno
import tempfile
import threading
import time
from io import BytesIO, FileIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.speech import row_buffer
from otio_speakerzoom.speech.row_buffer import RowBuffer


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(-3, 60), st.integers(-3, 60))
def test_rows_read_like_an_array(lengths, start, end):
    rng = np.random.default_rng(sum(lengths))
    parts = [rng.random((length, 3), np.float32) for length in lengths]
    rows = RowBuffer(3)
    for part in parts:
        rows.add(part)

    whole = np.concatenate([np.empty((0, 3), np.float32), *parts])
    assert len(rows) == len(whole)
    assert np.array_equal(rows.read(start, end), whole[max(0, start) : max(0, end)])


def test_a_long_buffer_moves_to_disk_and_stays_the_same(monkeypatch):
    monkeypatch.setattr(row_buffer, "MAX_MEMORY_BYTES", 100)
    rows = RowBuffer(2)
    for number in range(40):
        rows.add(np.full((1, 2), number, np.float32))
        assert rows.read(0, 1).tolist() == [[0, 0]]  # reading in between does not misplace rows

    assert not isinstance(rows._file, BytesIO)  # what this test is about
    assert rows.read(38, 99).tolist() == [[38, 38], [39, 39]]


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"need \(n, 2\) rows, got \(1, 3\)"):
        RowBuffer(2).add(np.zeros((1, 3), np.float32))


def test_the_error_on_a_full_disk_says_where_and_what_to_do(monkeypatch):
    rows = RowBuffer(2)

    monkeypatch.setattr(rows, "_append", fill_disk)
    with pytest.raises(ToolError, match=r"No space left on device.*TMPDIR") as refusal:
        rows.add(np.zeros((1, 2), np.float32))

    assert tempfile.gettempdir() in str(refusal.value)


def fill_disk(data):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_long_buffer_moves_to_the_file_that_it_gets(monkeypatch, tmp_path):
    monkeypatch.setattr(row_buffer, "MAX_MEMORY_BYTES", 100)
    opened = []

    def new_file():
        opened.append((tmp_path / "rows").open("w+b"))
        return opened[-1]

    rows = RowBuffer(2, new_file)
    rows.add(np.zeros((12, 2), np.float32))
    assert not opened
    rows.add(np.ones((1, 2), np.float32))
    assert rows.read(11, 13).tolist() == [[0, 0], [1, 1]]

    assert len(opened) == 1
    opened[0].flush()
    assert (tmp_path / "rows").stat().st_size == 13 * 8
    del rows
    assert opened[0].closed


def test_the_error_on_a_full_disk_of_the_recording_says_so(monkeypatch):
    rows = RowBuffer(2, lambda: pytest.fail("not needed"))
    monkeypatch.setattr(rows, "_append", fill_disk)

    with pytest.raises(ToolError, match=r"No space left on device\); .* disk of the work folder"):
        rows.add(np.zeros((1, 2), np.float32))


class SlowFile(FileIO):
    """A file in which another thread may go elsewhere before a read or a write."""

    def seek(self, *position):
        place = super().seek(*position)
        time.sleep(1e-4)
        return place


def test_one_thread_reads_while_another_one_adds(monkeypatch, tmp_path):
    monkeypatch.setattr(row_buffer, "MAX_MEMORY_BYTES", 100)
    rows, count = RowBuffer(3, lambda: SlowFile(tmp_path / "rows", "w+")), 2000
    blocks = (np.full((10, 3), n, np.float32) for n in range(count // 10))
    thread = threading.Thread(target=lambda: [rows.add(block) for block in blocks])
    thread.start()
    while thread.is_alive():
        end = len(rows)
        expected = np.arange(max(0, end - 50), end) // 10
        assert np.array_equal(rows.read(end - 50, end)[:, 0], expected)
    thread.join()
    assert np.array_equal(rows.read(0, count)[:, 2], np.arange(count) // 10)
