"""`batch`: many recordings side by side, as if each were cut alone."""

import io
import logging
import mmap
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from rich.console import Console

from otio_speakerzoom.cli import batch, batch_processes, batch_view, batch_worker
from otio_speakerzoom.cli.batch_processes import run_side_by_side
from otio_speakerzoom.cli.batch_worker import Message, Outcome, Ready, StageProgress, Started
from otio_speakerzoom.cli.jobs import build_job
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.parser import parse
from otio_speakerzoom.errors import SpeakerZoomError, WeightsError
from otio_speakerzoom.model import Media
from otio_speakerzoom.pipeline.job import no_stage_progress
from otio_speakerzoom.weights import best_scorer, fetch

ROOT = Path(__file__).parents[2]
MOTION = ("--scorer", "motion", "--detect-every", "25")
DONE = Outcome("done", "talk.otio")


@pytest.fixture(scope="module")
def detector():
    """Have the detector's file, or say why not."""
    try:
        return fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def talks(make_clip, tmp_path_factory):
    """A folder with two recordings, a broken one, and files that are no recordings."""
    folder = tmp_path_factory.mktemp("talks")
    small = {"size": "160x90", "seconds": 1}
    make_clip("with_audio.mp4", **small).rename(folder / "b.mp4")
    make_clip("without.mov", sound=False, **small).rename(folder / "c.MOV")
    (folder / "a.mp4").write_text("dear diary")
    (folder / "notes.txt").write_text("not a recording")
    (folder / "._b.mp4").write_text("what macOS leaves beside files")
    (folder / "b.mp4.speakerzoom").mkdir()
    return folder


@pytest.fixture(scope="module")
def cut_talks(talks, detector, tmp_path_factory):
    """The folder of a batch of two at a time, and the run."""
    out = tmp_path_factory.mktemp("batch")
    words = ["batch", talks, "--work", out / "work", "-o", out / "cuts", "--for", "resolve"]
    run = subprocess.run(
        [sys.executable, "-m", "otio_speakerzoom", *map(str, words), *MOTION, "-j", "2"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    return out, run


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


# --- results --------------------------------------------------------------------------------------


def test_a_broken_recording_fails_alone(cut_talks, talks):
    out, run = cut_talks
    rows = [line.split("\t") for line in run.stdout.splitlines()]

    assert run.returncode == 1, run.stderr
    assert [(row[0], row[1]) for row in rows] == [
        (str(talks / "a.mp4"), "failed"),
        (str(talks / "b.mp4"), "done"),
        (str(talks / "c.MOV"), "done"),
    ]
    assert rows[0][3].startswith(f"{talks / 'a.mp4'}: not a video")
    assert [row[3] for row in rows[1:]] == [str(out / "cuts" / f"{name}.otio") for name in "bc"]
    assert all(float(row[2]) > 0 for row in rows)
    assert sorted(path.name for path in (out / "cuts").iterdir()) == ["b.otio", "c.otio"]


def test_progress_is_a_line_for_each_recording(cut_talks, talks):
    lines = cut_talks[1].stderr.splitlines()

    assert lines[0] == "3 recordings, 2 at a time"
    assert lines[-1] == "2 done, 1 failed"
    assert sum(line.startswith(f"error: {talks / 'a.mp4'}") for line in lines) == 1
    assert f"warning: {talks / 'c.MOV'}: has no audio, so nobody is heard" in cut_talks[1].stderr
    for name in ("b.mp4", "c.MOV"):
        assert sum(f"] {talks / name}: done in " in line for line in lines) == 1


def test_the_results_are_those_of_single_runs(cut_talks, talks, tmp_path, capsys):
    out, _ = cut_talks
    for source in (talks / "b.mp4", talks / "c.MOV"):
        timeline = tmp_path / "cuts" / f"{source.stem}.otio"
        words = ["cut", source, "--work", tmp_path / "work", "-o", timeline, "--for", "resolve"]
        assert main([*map(str, words), *MOTION]) == 0

    assert contents(tmp_path) == contents(out)


def test_one_at_a_time_gives_the_same_as_two(cut_talks, talks, tmp_path, capsys):
    work, cuts = tmp_path / "work", tmp_path / "cuts"
    words = ["batch", talks / "b.mp4", "--work", work, "-o", cuts, "-j", "1", "--for", "resolve"]
    before = contents(cut_talks[0])

    assert main([*map(str, words), *MOTION]) == 0
    assert contents(tmp_path) == {name: before[name] for name in before if "/b." in name}


def test_resume_leaves_out_what_is_up_to_date(cut_talks, talks, capsys):
    out, _ = cut_talks
    (out / "cuts" / "c.otio").unlink()
    before = contents(out)
    written = (out / "cuts" / "b.otio").stat().st_ino
    words = ["batch", talks / "b.mp4", talks / "c.MOV", "--work", out / "work", "-o", out / "cuts"]
    code = main([*map(str, words), *MOTION, "--for", "resolve", "--resume", "-j", "2"])
    printed = capsys.readouterr()

    assert code == 0
    assert [line.split("\t")[1] for line in printed.out.splitlines()] == ["up to date", "done"]
    assert "1 done, 1 up to date" in printed.err
    assert (out / "cuts" / "b.otio").stat().st_ino == written  # not replaced
    assert contents(out).items() > before.items()


# --- processes that end early ---------------------------------------------------------------------


def test_a_process_that_is_killed_fails_its_recording_only(talks, detector, tmp_path):
    words = ["analyze", str(talks / "c.MOV"), "--work", str(tmp_path), *MOTION]
    requests = [parse(words), replace(parse(words), source=talks / "gone.mp4", files=())]
    outcomes = {}
    for number, event in run_side_by_side(requests, 1):
        if number == 0 and isinstance(event, Started):
            (process,) = multiprocessing.active_children()
            process.kill()
        if isinstance(event, Outcome):
            outcomes[number] = event

    assert "its process was killed, perhaps because memory ran out" in outcomes[0].detail
    assert outcomes[0].detail.startswith(f"{talks / 'c.MOV'}: ")
    assert "gone.mp4: no such file" in outcomes[1].detail
    assert {outcome.state for outcome in outcomes.values()} == {"failed"}


def count_starts(monkeypatch):
    """Return a list that gets an item for each process that is started."""
    starts, start = [], batch_processes.start_process
    monkeypatch.setattr(
        batch_processes, "start_process", lambda process: starts.append(1) or start(process)
    )
    return starts


def test_a_process_takes_one_recording_after_another(talks, tmp_path, monkeypatch):
    starts = count_starts(monkeypatch)
    first = parse(["analyze", str(talks / "c.MOV"), "--work", str(tmp_path), *MOTION])
    requests = [replace(first, source=talks / f"gone{n}.mp4", files=()) for n in range(6)]
    events = list(run_side_by_side(requests, 2))

    outcomes = {number: event for number, event in events if isinstance(event, Outcome)}
    assert sorted(outcomes) == list(range(6))
    assert all(f"gone{n}.mp4: no such file" in outcomes[n].detail for n in range(6))
    assert sorted(number for number, event in events if isinstance(event, Started)) == [*range(6)]
    assert len(starts) == 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("kills", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_recording_whose_process_had_worked_before_is_tried_in_a_new_one(
    kills, talks, detector, tmp_path, monkeypatch
):
    """What killed it may be an earlier recording; if it kills the new one as well, it has failed.

    The one after it gets a process of its own.
    """
    starts, killed = count_starts(monkeypatch), []
    request = parse(["analyze", str(talks / "c.MOV"), "--work", str(tmp_path), *MOTION])
    gone = replace(request, source=talks / "gone.mp4", files=())
    events = []
    for number, event in run_side_by_side([gone, request, gone], 1):
        events.append((number, event))
        if (
            number == 1
            and isinstance(event, StageProgress)
            and len(killed) < min(kills, len(starts))
        ):
            (process,) = multiprocessing.active_children()
            process.kill()
            process.join()
            killed.append(process.exitcode)

    outcomes = {number: event for number, event in events if isinstance(event, Outcome)}
    messages = [
        event.text for number, event in events if isinstance(event, Message) and number == 1
    ]
    assert killed == [-signal.SIGKILL] * kills
    assert any("was killed" in text and "tried again in a new one" in text for text in messages)
    assert outcomes[1].state == ("done" if kills == 1 else "failed")
    assert ("its process was killed" in outcomes[1].detail) == (kills == 2)
    assert "gone.mp4: no such file" in outcomes[2].detail
    assert len(starts) == kills + 1
    assert len([1 for number, event in events if isinstance(event, Started)]) == 3


@pytest.mark.parametrize(
    ("memory", "taken"), [([5] * 9, 4), ([5, 6, 7 + batch_worker.MAX_GROWTH_BYTES, 5], 3)]
)
def test_a_process_is_replaced_after_many_recordings_or_when_its_memory_grew(
    memory, taken, monkeypatch
):
    monkeypatch.setattr(batch_worker, "MAX_RECORDINGS", 4)
    monkeypatch.setattr(batch_worker, "_memory_bytes", iter(memory).__next__)
    monkeypatch.setattr(batch_worker, "run_request", lambda request, send: send(DONE))
    monkeypatch.setattr(batch_worker.streams, "silence_native_stderr", lambda: None)
    here, there = multiprocessing.Pipe()
    sent = []
    for _ in memory:
        here.send(parse(["analyze", "a.mp4"]))
    batch_worker._run_each(there, sent.append)

    assert sent == [DONE, Ready()] * (taken - 1) + [DONE]  # it does not ask for another one
    assert batch_worker.MAX_GROWTH_BYTES < batch_worker.PROCESS_MEMORY_BYTES


def test_the_memory_of_a_process_grows_by_what_it_holds():
    before = batch_worker._memory_bytes()
    with mmap.mmap(-1, 64 << 20) as block:  # NumPy may get memory that other tests have freed
        block.write(bytes(len(block)))
        growth = batch_worker._memory_bytes() - before
        assert growth > len(block) // 2 or sys.platform != "linux"


def running(group):
    """The processes of a group that still run; those that nobody has waited for do not."""
    fields = [
        path.read_text().rpartition(") ")[2].split() for path in Path("/proc").glob("[0-9]*/stat")
    ]
    return [row for row in fields if row[2] == str(group) and row[0] != "Z"]


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_ends_all_processes_and_keeps_what_is_finished(
    number, to_all, talks, cut_talks, make_clip, tmp_path
):
    """Ctrl-C at a terminal reaches all processes, SIGTERM only the one that it is sent to."""
    shutil.copytree(cut_talks[0] / "work", tmp_path, dirs_exist_ok=True)  # of c.MOV, so it is quick
    clip = make_clip("endless.mp4", seconds=30)
    words = ["batch", talks / "c.MOV", clip, "--work", tmp_path, "-o", tmp_path / "cuts", "-j", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", *map(str, words), "--scorer", "motion"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip
    finished, started = tmp_path / "cuts" / "c.otio", tmp_path / f"{clip.name}.speakerzoom"
    deadline = time.monotonic() + 60
    while not (finished.exists() and started.exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    (os.killpg if to_all else os.kill)(process.pid, number)
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, output) == (128 + number, ""), errors
    assert errors.splitlines()[-1].startswith("error: interrupted")
    assert "Traceback" not in errors
    while running(process.pid) and time.monotonic() < deadline:  # multiprocessing's own helper
        time.sleep(0.02)
    assert not running(process.pid)
    assert finished.stat().st_size > 500
    assert [path.name for path in finished.parent.iterdir()] == ["c.otio"]
    assert {path.name for path in started.iterdir()} <= {"media.json", ".lock", "unfinished"}


# --- what is refused before the start -------------------------------------------------------------


def refused(capsys, *words):
    """Run `batch`, which must fail with 1 and no result; return its lines on stderr."""
    assert main(["batch", *map(str, words)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


@pytest.fixture
def clashing(tmp_path):
    for name in ("talk.mp4", "Talk.mov", "day2/talk.mp4", "other.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_two_recordings_that_would_write_one_timeline_are_refused(clashing, capsys):
    lines = refused(capsys, clashing, clashing / "day2", "-o", clashing / "out")

    assert len(lines) == 2
    assert all("rename one of them, or run them separately" in line for line in lines)
    assert lines[1].startswith(f"error: {clashing / 'day2' / 'talk.mp4'}: its output would have")
    assert not (clashing / "out").exists()


def test_two_recordings_of_one_name_need_a_folder_each(clashing, capsys):
    sources = (clashing / "talk.mp4", clashing / "day2" / "talk.mp4")
    (line,) = refused(capsys, *sources, "--work", clashing / "results")

    assert "the same name as that of" in line
    requests = batch.requests_of_batch(parse(["batch", *map(str, sources)]))
    assert [(one.verb, one.source) for one in requests] == [("analyze", path) for path in sources]


def test_no_timeline_replaces_a_recording(clashing, capsys):
    (clashing / "out").mkdir()
    (clashing / "out" / "talk.otio").hardlink_to(clashing / "other.mp4")
    words = (clashing / "talk.mp4", clashing / "other.mp4", "-o", clashing / "out")

    (line,) = refused(capsys, *words)
    assert f"talk.otio: is {clashing / 'other.mp4'} itself" in line
    (line,) = refused(capsys, words[0], "-o", clashing / "a.mp4.speakerzoom")
    assert "is in the folder of the results" in line


def test_every_input_that_is_missing_is_one_line(clashing, capsys):
    lines = refused(capsys, clashing / "a.mp4", clashing / "talk.mp4", "b.mp4")

    assert [line.partition(": no such file")[0] for line in lines] == [
        f"error: {clashing / 'a.mp4'}",
        "error: b.mp4",
    ]
    (clashing / "empty").mkdir()
    (line,) = refused(capsys, clashing / "empty")
    assert "has no video files (.mp4, .mov, " in line


@pytest.mark.parametrize("name", ["talk.otio", "-"])
def test_a_file_in_place_of_the_output_folder_is_refused(name, clashing, capsys):
    (line,) = refused(capsys, clashing / "talk.mp4", "-o", name)

    assert line.startswith(
        f"error: -o {name}: is not a folder; name a folder, and choose the format"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "required: DIR|FILE"),
        ("a.mp4 --for fcp", "--for: needs -o DIR; without it recordings are only analyzed"),
        ("a.mp4 --min-shot 3s", "--min-shot: needs -o DIR"),
        ("a.mp4 --canvas 9:16", "--canvas: needs -o DIR"),
        ("a.mp4 -o out --resume --force", "--resume and --force exclude each other"),
        ("a.mp4 -o out --format .mlt --for fcp", "--for fcp: write .fcpxml, not .mlt"),
        ("a.mp4 -j 0", "count from 1"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(words, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(["batch", *words.split()])

    assert end.value.code == 2
    assert says in capsys.readouterr().err


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "suffix", "adapter"),
    [
        ("", ".otio", "speakerzoom_resolve_otio"),
        ("--for premiere", ".xml", "speakerzoom_premiere_xml"),
        ("--for premiere --format .otio", ".otio", "speakerzoom_premiere_otio"),
        ("--for fcp", ".fcpxml", "speakerzoom_fcpxml"),
        ("--format .mlt", ".mlt", "speakerzoom_mlt"),
    ],
)
def test_the_editor_or_the_format_chooses_the_suffix(words, suffix, adapter):
    (one,) = batch.requests_of_batch(parse(["batch", "v1.2.mp4", "-o", "out", *words.split()]))

    assert (one.verb, one.output, one.adapter) == ("cut", Path("out") / f"v1.2{suffix}", adapter)


def test_a_recording_that_is_named_twice_is_cut_once(talks):
    sources = batch.find_recordings([talks, talks / "b.mp4", talks / ".." / talks.name / "b.mp4"])

    assert [path.name for path in sources] == ["a.mp4", "b.mp4", "c.MOV"]


def test_each_recording_of_a_batch_is_analyzed_in_one_process(talks):
    words = ["batch", str(talks), "-j", "3"]
    requests = batch.requests_of_batch(parse(words))
    assert [build_job(one, no_stage_progress).jobs for one in requests] == [1, 1, 1]

    request = parse(["analyze", str(talks / "b.mp4"), "-j", "3"])
    assert build_job(request, no_stage_progress).jobs == 3
    request = parse(["analyze", str(talks / "b.mp4")])
    assert build_job(request, no_stage_progress).jobs == 0


def test_a_request_reaches_another_process_unchanged():
    media = Media(Path("talk.mov"), Fraction(25), 500, (64, 36))
    for time_, frame in (("45f", 45), ("1.5s", 38), ("00:00:01:12", 37)):
        for canvas, size in (("9:16", (36, 64)), ("source", (64, 36)), ("32x18", (32, 18))):
            words = ["batch", "a.mp4", "-o", "out", "--in", time_, "--canvas", canvas]
            request = pickle.loads(pickle.dumps(parse(words)))

            assert (request.begin(media), request.canvas(media)) == (frame, size)


# --- processes and cores --------------------------------------------------------------------------


def test_the_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr(batch_processes, "_cores", lambda: [0, 2, 4, 6, 7])
    shares = batch_processes._share_cores

    assert shares(1) == [()]  # no limit
    assert shares(2) == [(0, 2), (4, 6)]
    assert sorted(sum(shares(5), ())) == [0, 2, 4, 6, 7]
    assert [len(share) for share in shares(7)] == [1] * 7
    monkeypatch.setattr("os.sysconf", lambda name: 8 << 30 if name == "SC_PHYS_PAGES" else 1)
    assert batch_processes.default_processes() == 2
    monkeypatch.setattr("os.sysconf", lambda name: 1 << 30 if name == "SC_PHYS_PAGES" else 1)
    assert batch_processes.default_processes() == 1


def test_a_process_uses_as_many_threads_as_it_has_cores(monkeypatch):
    affinity, environment = [], {"OMP_NUM_THREADS": "7"}
    monkeypatch.setattr("os.environ", environment)
    monkeypatch.setattr("os.sched_setaffinity", lambda pid, cores: affinity.append(cores))
    batch_worker._limit_threads(())
    assert (affinity, environment) == ([], {"OMP_NUM_THREADS": "7"})

    batch_worker._limit_threads((2, 3))
    assert affinity == [(2, 3)]
    assert environment["OPENBLAS_NUM_THREADS"] == "2"
    assert environment["OMP_NUM_THREADS"] == "7"  # the user's own


def test_a_process_limits_its_threads_before_a_library_counts_the_cores():
    script = (
        "import sys; import otio_speakerzoom.cli.batch_worker, otio_speakerzoom.cli.batch_ray\n"
        "sys.exit(' '.join({'torch', 'numpy', 'cv2', 'av'} & {*sys.modules}) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert (run.returncode, run.stderr) == (0, "")


# --- the view -------------------------------------------------------------------------------------


def test_a_terminal_shows_bars_of_what_runs_and_a_line_for_what_is_finished(caplog):
    caplog.set_level(logging.DEBUG, "otio_speakerzoom")
    sources = [Path("a.mp4"), Path("b[red].mp4")]
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with batch_view.show_batch(sources, console, hidden=False) as view:
        for number in (0, 1):
            view.on_event(number, Started())
            view.on_event(number, StageProgress("find faces", 30, 120))
        view.on_event(0, Message(logging.WARNING, "no audio"))
        view.on_event(0, Message(logging.INFO, "6 shots"))
        view.on_event(0, Outcome("done", "out/a.otio"))
        assert [task.description for task in view._bars.tasks] == ["b[red].mp4"]
        assert (view._bars.tasks[0].percentage, view._bars.tasks[0].fields["stage"]) == (
            25,
            "find faces",
        )
        view.on_event(1, Outcome("failed", "out of memory"))

    assert [(r.levelname, r.getMessage().rpartition(" in ")[0] or r.getMessage())
            for r in caplog.records] == [
        ("WARNING", "a.mp4: no audio"),
        ("DEBUG", "a.mp4: 6 shots"),
        ("INFO", "[1/2] a.mp4: done"),
        ("ERROR", "b[red].mp4: out of memory"),
    ]  # fmt: skip
    assert [row[:2] + row[3:] for row in view.rows()] == [
        ("a.mp4", "done", "out/a.otio"),
        ("b[red].mp4", "failed", "out of memory"),
    ]


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(SpeakerZoomError, match="cannot be read \\(Permission denied\\)"):
        batch.find_recordings([tmp_path])


# --- one scorer for the whole batch ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "attempts", "chosen"),
    [
        ((), 1, "lr-asd"),
        (("--scorer", "auto"), 1, "lr-asd"),
        (("--scorer", "motion"), 0, ""),
    ],
)
def test_auto_is_decided_once_for_all_recordings(
    options, attempts, chosen, talks, tmp_path, monkeypatch
):
    calls = []
    monkeypatch.setattr(best_scorer, "get_best_scorer", lambda: calls.append(1) or "lr-asd")
    words = ["batch", str(talks), "--work", str(tmp_path), *options]
    requests = batch._with_auto_scorer(batch.requests_of_batch(parse(words)))

    assert len(calls) == attempts
    assert [request.auto_scorer for request in requests] == [chosen] * 3
    assert {build_job(request, no_stage_progress).auto_scorer for request in requests} == {chosen}


def test_nothing_is_fetched_where_every_recording_has_scores(talks, tmp_path, monkeypatch):
    monkeypatch.setattr(best_scorer, "get_best_scorer", lambda: pytest.fail("nothing to score"))
    monkeypatch.setattr(best_scorer, "best_scorer", lambda: "sync-asd")
    for name in ("a.mp4", "b.mp4", "c.MOV"):
        (tmp_path / f"{name}.speakerzoom").mkdir()
        (tmp_path / f"{name}.speakerzoom" / "scores.npz").touch()
    words = ["batch", str(talks), "--work", str(tmp_path)]

    requests = batch._with_auto_scorer(batch.requests_of_batch(parse(words)))
    assert {request.auto_scorer for request in requests} == {"sync-asd"}


def test_offline_lasts_as_long_as_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SPEAKERZOOM_OFFLINE", raising=False)
    states = []
    monkeypatch.setattr(batch, "run_batch", lambda *_: states.append(fetch.is_offline()) or 0)
    (tmp_path / "a.mp4").touch()

    assert main(["batch", str(tmp_path), "--offline"]) == 0
    assert main(["batch", str(tmp_path)]) == 0
    assert states == [True, False]
    assert not fetch.is_offline()
