"""`batch --ray`: the same results from a cluster, also when a worker is lost."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from otio_speakerzoom import source
from otio_speakerzoom.cli import batch_ray
from otio_speakerzoom.cli.batch_ray import connect
from otio_speakerzoom.cli.batch_worker import Outcome
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.ray_segments import RaySegments
from otio_speakerzoom.cli.ray_urls import Gathered
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.errors import MediaError, WeightsError
from otio_speakerzoom.pipeline.segment import SegmentTask, analyze_segment, split
from otio_speakerzoom.weights import fetch
from otio_speakerzoom.weights.names import NO_TRACKER

ROOT = Path(__file__).parents[2]
FAKES = ROOT / "tests" / "pipeline", ROOT / "tests" / "cli" / "fake_storage"
"""Of the detector that needs no weights, and of the storage, for the processes of the cluster."""
MOTION = ("--scorer", "motion", "--for", "resolve")
DONE = Outcome("done", "talk.otio")


def test_without_ray_one_line_names_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    (tmp_path / "talk.mp4").write_text("")

    assert main(["batch", str(tmp_path / "talk.mp4"), "--ray", "auto"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--ray: Ray cannot be loaded" in captured.err
    assert "pip install 'otio-speakerzoom[ray]'" in captured.err.splitlines()[-1]


def test_a_machine_of_the_cluster_gets_the_weights_of_the_chosen_scorer(tmp_path, monkeypatch):
    content = fetch.need("sync-asd").read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(batch_ray, "import_module", lambda name: None)
    monkeypatch.setattr(batch_ray, "run_request", lambda request, send, segments: send(DONE))
    monkeypatch.setattr(fetch, "find", lambda name: None)
    monkeypatch.setattr("sys.platform", "linux")

    request = Request("cut", auto_scorer="sync-asd")
    assert batch_ray.work_on_ray(request, None, {}, content) == Gathered((DONE,))
    assert (fetch.cache_folder() / "sync-asd.npz").read_bytes() == content


def children(pid):
    """Every process that descends from `pid`, by its number and its command line."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            stat = (path / "stat").read_text().rpartition(") ")[2].split()
            parents[int(path.name)] = (int(stat[1]), (path / "cmdline").read_bytes())
        except OSError:  # it has just ended
            continue
    descendants, generation = {}, {pid}
    while generation:
        generation = {child for child, (parent, _) in parents.items() if parent in generation}
        descendants |= {child: parents[child][1] for child in generation}
    return descendants


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of our own on this machine, with two workers: its process and address."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'otio-speakerzoom[ray]'")
    folder = tempfile.mkdtemp(prefix="ray-")  # a short path, as Ray's sockets need
    port = 20000 + os.getpid() % 10000
    head = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
         "--num-cpus=2", f"--port={port}", "--include-dashboard=false",
         f"--temp-dir={folder}", "--disable-usage-stats"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, FAKES), *sys.path])},
    )  # fmt: skip
    attempt = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False)"
    words = [sys.executable, "-c", attempt, f"127.0.0.1:{port}"]
    try:
        deadline = time.monotonic() + 120
        while subprocess.run(words, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "the cluster does not start"
        yield head, f"127.0.0.1:{port}"
    finally:
        started = children(head.pid)
        head.terminate()
        head.wait(60)
        for pid in started:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def talks(make_clip, tmp_path_factory):
    """A folder with three recordings, one of which takes a while, and a broken one."""
    try:
        fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("talks")
    for name, seconds in (("a", 1), ("b", 10), ("c", 1)):
        make_clip(f"{name}.mp4", size="320x180", seconds=seconds).rename(folder / f"{name}.mp4")
    (folder / "d.mp4").write_text("dear diary")
    return folder


def batch(talks, out, *options):
    words = ["batch", talks, "--work", out / "work", "-o", out / "cuts", *MOTION, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", *map(str, words)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_a_cluster_that_loses_a_worker_gives_the_results_of_one_machine(cluster, talks, tmp_path):
    head, address = cluster
    here = batch(talks, tmp_path / "here", "-j", "1")
    output_here, _ = here.communicate(timeout=300)

    there = batch(talks, tmp_path / "there", "--ray", address)
    begun = tmp_path / "there" / "work" / "b.mp4.speakerzoom" / "media.json"
    deadline = time.monotonic() + 120
    while not begun.exists() and there.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    busy = [pid for pid, line in children(head.pid).items() if line.startswith(b"ray::work")]
    for pid in busy:
        os.kill(pid, signal.SIGKILL)
    output, errors = there.communicate(timeout=300)

    assert busy
    assert (here.returncode, there.returncode) == (1, 1), errors
    assert (begun.parent / "cutlist.json").exists()
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    states = [[line.split("\t")[1] for line in text.splitlines()] for text in (output_here, output)]
    assert states == [["done", "done", "done", "failed"]] * 2
    assert "4 recordings, 2 at a time" in errors


def test_a_cluster_fetches_recordings_and_goes_on_where_one_is_missing(
    cluster, talks, tmp_path, monkeypatch
):
    """Also where the process that works on one is lost: another fetches it again."""
    head, address = cluster
    monkeypatch.setenv("SPEAKERZOOM_TEST_BUCKETS", str(talks.parent))
    urls = [f"s3://{talks.name}/{name}.mp4" for name in ("gone", "a", "b")]
    words = ["batch", *urls, "--ray", address, "-o", tmp_path / "cuts", *MOTION]
    run = subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", *map(str, words)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    begun, temporary = "speakerzoom-ray-*/recording/b.mp4", Path(tempfile.gettempdir())
    deadline = time.monotonic() + 120
    while not (found := list(temporary.glob(begun))) and time.monotonic() < deadline:
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    busy = [pid for pid, line in children(head.pid).items() if line.startswith(b"ray::work")]
    for pid in busy:
        os.kill(pid, signal.SIGKILL)
    output, errors = run.communicate(timeout=300)
    for path in found:  # what a killed process cannot remove
        shutil.rmtree(path.parent.parent, ignore_errors=True)
    rows = [line.split("\t") for line in output.splitlines()]

    assert run.returncode == 1, errors
    assert found
    assert busy
    assert [row[1] for row in rows] == ["failed", "done", "done"], rows
    assert not list(temporary.glob(begun))
    assert rows[0][3].startswith(f"{urls[0]}: cannot be fetched (")
    for name in ("a", "b"):
        out, here = tmp_path / "cuts", tmp_path / "here"
        words = ["cut", talks / f"{name}.mp4", "--work", here, "-o", here / f"{name}.otio",
                 "--media-root", f"{talks}={out}", *MOTION]  # fmt: skip
        assert main(list(map(str, words))) == 0
        assert (out / f"{name}.otio").read_bytes() == (here / f"{name}.otio").read_bytes()


def test_a_signal_ends_the_tasks(cluster, talks, tmp_path):
    head, address = cluster
    run = batch(talks, tmp_path, "--ray", address)
    begun = tmp_path / "work" / "b.mp4.speakerzoom" / "media.json"
    deadline = time.monotonic() + 120
    while not begun.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    output, errors = run.communicate(timeout=120)

    assert (run.returncode, output) == (143, ""), errors
    assert errors.splitlines()[-1].startswith("error: interrupted")
    assert not [line for line in children(head.pid).values() if line.startswith(b"ray::work")]
    assert not (tmp_path / "cuts" / "b.otio").exists()


def test_an_address_without_a_cluster_is_one_line(cluster, talks, tmp_path):
    run = batch(talks, tmp_path, "--ray", "127.0.0.1:9")
    output, errors = run.communicate(timeout=60)

    assert (run.returncode, output) == (1, "")
    assert errors.splitlines()[-1].startswith("error: --ray 127.0.0.1:9: no cluster answers")


@pytest.fixture
def driver(cluster):
    """Ray, connected to our cluster from this process."""
    head, address = cluster
    ray = connect(address)
    try:
        yield head, ray
    finally:
        ray.shutdown()


@pytest.fixture
def segments(make_clip, monkeypatch):
    """Tasks for the segments of a film, whose detector takes a while, and what opens it."""
    monkeypatch.syspath_prepend(FAKES[0])
    from random_faces import CropMeans, FaceFinder

    media = source.probe(make_clip("segments.mp4", seconds=12, extra=("-g", "25")))
    spans = split(media, media.range, None, 2)
    recipes = (CropMeans.recipe,)
    tasks = [SegmentTask(media, media.range, span, None, NO_TRACKER, recipes) for span in spans]
    return tasks, partial(FaceFinder, slow_s=0.05)


def test_segments_on_a_cluster_that_loses_a_worker_are_those_of_this_process(driver, segments):
    head, ray = driver
    tasks, opener = segments
    expected = [analyze_segment(task, opener()) for task in tasks]
    there, lost = [], []
    with closing(RaySegments(ray, {})(tasks, opener)) as results:
        for result in results:
            there.append(result)
            if not lost:
                busy = children(head.pid).items()
                lost = [pid for pid, line in busy if line.startswith(b"ray::work_on_segment")][:1]
                for pid in lost:
                    os.kill(pid, signal.SIGKILL)

    assert lost
    assert len(there) == len(expected) == 6
    for result, other in zip(there, expected, strict=True):
        assert (result.span, result.changes) == (other.span, other.changes)
        rows, other_rows = (
            [(r.frame, r.boxes.tobytes()) for r in x.faces] for x in (result, other)
        )
        assert rows == other_rows
        assert np.array_equal(result.crops.crops, other.crops.crops)
        assert np.array_equal(result.crops.boxes, other.crops.boxes)


def test_an_error_of_a_segment_on_a_cluster_is_raised_here(driver, segments):
    _, ray = driver
    tasks, opener = segments
    opener = partial(opener, fails_at=3)
    with (
        pytest.raises(MediaError, match=r"^talk.mp4: is broken$"),
        closing(RaySegments(ray, {})(tasks, opener)) as results,
    ):
        list(results)
