"""Segments in processes of their own: the same results, clear errors, nothing left behind."""

import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from random_faces import CropMeans, FaceFinder, find_faces

from otio_speakerzoom import source
from otio_speakerzoom.errors import MediaError, ToolError
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.pipeline import segment_processes as module
from otio_speakerzoom.pipeline.segment import SegmentTask, analyze_segment, split
from otio_speakerzoom.pipeline.segment_processes import analyze_segments, segment_processes
from otio_speakerzoom.weights.names import NO_TRACKER


@pytest.fixture(scope="module")
def tasks(make_clip):
    media = source.probe(make_clip("segments.mp4", seconds=6, extra=("-g", "25")))
    return [
        SegmentTask(media, media.range, span, None, NO_TRACKER, (CropMeans.recipe,))
        for span in split(media, media.range, None, 2)
    ]


def assert_equal(one, other):
    assert one.span == other.span
    assert one.changes == other.changes
    for row, other_row in zip(one.faces, other.faces, strict=True):
        assert row.frame == other_row.frame
        assert np.array_equal(row.boxes, other_row.boxes)
    for name in ("frames", "boxes", "recipes", "crops"):
        assert np.array_equal(getattr(one.crops, name), getattr(other.crops, name))


def test_processes_give_what_this_process_gives_in_order(tasks):
    with closing(analyze_segments(tasks, FaceFinder, 2)) as results:
        there = list(results)

    assert len(there) == 3
    for result, task in zip(there, tasks, strict=True):
        assert_equal(result, analyze_segment(task, find_faces))
        assert len(result.crops.crops)
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_an_error_that_names_its_frames(tasks):
    with (
        pytest.raises(ToolError, match=r"segments.mp4: the process for frames 0 to 50 ended .*-j"),
        closing(analyze_segments(tasks[:1], partial(FaceFinder, dies_at=5), 2)) as results,
    ):
        list(results)
    assert not multiprocessing.active_children()


def test_an_error_in_a_process_is_raised_here(tasks):
    with (
        pytest.raises(MediaError, match=r"^talk.mp4: is broken$"),
        closing(analyze_segments(tasks, partial(FaceFinder, fails_at=5), 1)) as results,
    ):
        list(results)
    assert not multiprocessing.active_children()


def test_closing_ends_the_processes_at_once(tasks):
    results = analyze_segments(tasks, partial(FaceFinder, slow_s=0.01), 2)
    next(results)
    results.close()

    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("jobs", "cores", "seconds", "processes"),
    [(3, 2, 10, 3), (0, 2, 9000, 1), (0, 16, 60, 1), (0, 16, 9000, 16)],
)
def test_processes_by_cores_and_length(tasks, monkeypatch, jobs, cores, seconds, processes):
    monkeypatch.setattr(module, "usable_cores", lambda: list(range(cores)))
    monkeypatch.setattr(module, "memory_bytes", lambda: 256 << 30)
    within = FrameRange(0, 25 * seconds)

    assert segment_processes(jobs, tasks[0].media, within) == processes


def test_processes_by_memory(tasks, monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: list(range(16)))
    monkeypatch.setattr(module, "memory_bytes", lambda: 8 << 30)

    assert segment_processes(0, tasks[0].media, FrameRange(0, 250000)) == 4


PARENT = """
import os, sys
from functools import partial
from pathlib import Path
from random_faces import CropMeans, FaceFinder
from otio_speakerzoom import source
from otio_speakerzoom.pipeline.segment import SegmentTask
from otio_speakerzoom.pipeline.segment_processes import analyze_segments
if __name__ == "__main__":
    media = source.probe(Path(sys.argv[1]))
    task = SegmentTask(media, media.range, media.range, None, "iou", (CropMeans.recipe,))
    list(analyze_segments([task], partial(FaceFinder, slow_s=60), 1))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc on this system")
def test_the_processes_end_where_the_parent_is_killed(tasks, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tasks[0].media.path)],
        env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 120
    while not (workers := members(parent.pid)) and time.monotonic() < end:
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    assert workers
    end = time.monotonic() + 60
    while members(parent.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not members(parent.pid)


def members(session):
    """The processes of a session that analyse segments: they have loaded the libraries."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, number = (process / "stat").read_text().rpartition(") ")[2].split()[:4]
            if number == str(session) and state != "Z" and process.name != number:
                found += [process.name] * ("libavcodec" in (process / "maps").read_text())
        except OSError:  # it has just ended
            continue
    return found
