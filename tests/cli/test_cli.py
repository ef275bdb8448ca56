"""The command as a user meets it: the sample cut end to end, wrong input, exit codes."""

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import generated_store
import opentimelineio as otio
import pytest
from commands import command
from conftest import REPOSITORY, SAMPLE, SHARED
from rich.console import Console

from otio_speakerzoom import store
from otio_speakerzoom.cli import doctor
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.progress import show_progress
from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.weights import fetch

BUNDLED = ("--scorer", "sync-asd")


@pytest.fixture(scope="session", autouse=True)
def detector():
    """Have the detector's file, or say why not; everything here begins with finding faces."""
    try:
        return fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def sample_work(tmp_path_factory, detector):
    """A folder with the sample, cut by the bundled scorer, and the run that cut it."""
    work = tmp_path_factory.mktemp("work")
    run = command("cut", SAMPLE, "--work", work, *BUNDLED, "-o", work / "talk.otio")
    return work, run


def results_of(work, name="two_talkers.mp4"):
    return work / f"{name}.speakerzoom"


def test_cutting_the_sample_works_and_only_the_result_is_on_stdout(sample_work):
    work, run = sample_work

    assert (run.returncode, run.stdout) == (0, f"{work / 'talk.otio'}\n")
    stages = (  # in order of the alphabet: the audio is analysed beside the frames
        "6 shots, 5 of them",
        "detect voice: done",
        "find faces and score speech: done",
        "scorer: sync-asd",
    )
    for line, begins in zip(sorted(run.stderr.splitlines()), stages, strict=True):
        assert line.startswith(begins)
    assert {path.name for path in results_of(work).iterdir()} == {
        "media.json", "detections.npz", "panels.npz", "tracks.npz", "people.json", "voice.npz",
        "scores.npz", "cutlist.json", "options.json", ".lock",
    }  # fmt: skip


def test_the_sample_is_cut_as_its_readme_says(sample_work):
    work, _ = sample_work
    answers = json.loads(SAMPLE.with_suffix(".json").read_text())
    cut = json.loads((results_of(work) / "cutlist.json").read_text())
    seats = {face["person"]: face["box"] for face in answers["faces"]}

    def framing_at(second):
        shot = next(s for s in cut["shots"] if s["start"] <= second * 25 < s["end"])
        if shot["kind"] == "wide":
            return "wide"
        left, top, right, bottom = shot["crop"]
        middle = {who: ((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for who, b in seats.items()}
        inside = [w for w, (x, y) in middle.items() if left < x < right and top < y < bottom]
        return inside[0] if len(inside) == 1 else "both"

    for span in answers["must_cut"]:
        allowed = {"A or B": {"A", "B", "wide"}}.get(span["show"], {span["show"]})
        for frame in range(round(span["from_s"] * 25), round(span["to_s"] * 25)):
            assert framing_at(frame / 25) in allowed, (frame / 25, span)
    assert min(shot["end"] - shot["start"] for shot in cut["shots"]) >= 50


def test_a_second_run_computes_nothing_again(sample_work):
    work, _ = sample_work
    before = {path.name: path.stat().st_mtime_ns for path in results_of(work).iterdir()}
    run = command("cut", SAMPLE, "--work", work, *BUNDLED, "-o", work / "again.otio")

    assert run.returncode == 0
    assert "find faces" not in run.stderr
    assert {path.name: path.stat().st_mtime_ns for path in results_of(work).iterdir()} == before
    assert (work / "again.otio").read_bytes() == (work / "talk.otio").read_bytes()


@pytest.mark.parametrize(
    ("editor", "suffix"), [(e, s) for s, editors in FORMATS.items() for e in editors]
)
def test_every_dialect_is_written_from_the_stored_cut(sample_work, tmp_path, editor, suffix):
    work, _ = sample_work
    out = tmp_path / f"talk{suffix}"
    run = command("export", SAMPLE, "--work", work, "-o", out, "--for", editor)
    on_stdout = command("export", SAMPLE, "--work", work, "-o", "-", "--for", editor)

    assert (run.returncode, run.stdout) == (0, f"{out}\n")
    assert out.stat().st_size > 500  # a marker EDL of six shots has twice that
    if list(FORMATS[suffix]) == [editor]:
        assert on_stdout.stdout == out.read_text()


def test_media_root_renames_the_media_for_another_machine(sample_work, tmp_path):
    work, _ = sample_work
    out, root = tmp_path / "talk.xml", f"{SAMPLE.parent}=D:\\footage"
    run = command("export", SAMPLE, "--work", work, "-o", out, "--media-root", root)

    assert run.returncode == 0, run.stderr
    assert f"file://localhost/D%3A/footage/{SAMPLE.name}" in out.read_text()
    run = command("export", SAMPLE, "--work", work, "-o", out, "--media-root", "/nowhere=/x")
    assert (run.returncode, run.stdout) == (1, "")
    assert "is not in /nowhere" in run.stderr


def test_otio_reads_the_timeline_back(sample_work):
    work, _ = sample_work
    timeline = otio.adapters.read_from_file(str(work / "talk.otio"))
    shots = json.loads((results_of(work) / "cutlist.json").read_text())["shots"]
    clips = list(timeline.video_tracks()[0].find_clips())

    assert [clip.source_range.duration.value for clip in clips] == [
        shot["end"] - shot["start"] for shot in shots
    ]


def test_exporting_and_replanning_load_no_network_no_cv2_and_no_optimizer(sample_work, tmp_path):
    work, _ = sample_work
    script = (
        "import sys; from otio_speakerzoom.cli.main import main; code = main(sys.argv[1:]);"
        "bad = {'torch', 'mediapipe', 'cv2', 'scipy.optimize'} & sys.modules.keys();"
        "sys.exit(code or bool(bad) * 9)"
    )
    for verb in (["export"], ["cut", "--style", "calm", *BUNDLED]):
        arguments = [*verb, str(SAMPLE), "--work", str(work), "-o", str(tmp_path / "talk.xml")]
        run = subprocess.run([sys.executable, "-c", script, *arguments], check=False)

        assert run.returncode == 0
    command("cut", SAMPLE, "--work", work, *BUNDLED, "-o", work / "talk.otio")


def test_inspect_prints_the_same_as_tables_json_and_csv(sample_work, tmp_path):
    work, _ = sample_work
    tables = command("inspect", SAMPLE, "--work", work)
    document = json.loads(command("inspect", SAMPLE, "--work", work, "--json").stdout)
    command("inspect", SAMPLE, "--work", work, "--csv", tmp_path / "faces.csv")
    rows = list(csv.DictReader((tmp_path / "faces.csv").read_text().splitlines()))

    assert "Person 2" in tables.stdout
    assert [p["id"] for p in document["people"]] == [1, 2]
    assert all(20 < p["seen_s"] <= 22.4 and 5 < p["speaking_s"] < 16 for p in document["people"])
    assert ",".join(rows[0]) == (
        "frame,time_s,track,person,left,top,right,bottom,logit,speaking,heard"
    )
    assert len(rows) == sum(round(p["seen_s"] * 25) for p in document["people"])
    speaking = sum(int(row["speaking"]) for row in rows) / 25
    assert speaking == pytest.approx(sum(p["speaking_s"] for p in document["people"]), abs=0.01)


def test_inspect_reports_a_cut_against_labels_and_reviews_it(sample_work, tmp_path):
    options = ("inspect", SAMPLE, "--work", sample_work[0])
    labels = SAMPLE.with_suffix(".json")
    for suffix, begins in ((".html", b"<!DOCTYPE html>"), (".png", b"\x89PNG")):
        run = command(*options, "--labels", labels, "--report", tmp_path / f"cut{suffix}")

        assert run.returncode == 0, run.stderr
        assert (tmp_path / f"cut{suffix}").read_bytes().startswith(begins)
    assert "judged by two_talkers.json" in (tmp_path / "cut.html").read_text()
    assert "Doubtful first" in command(*options, "--review").stdout
    assert "must end in .html or .png" in command(*options, "--report", "cut.txt").stderr


def test_inspect_warns_of_audio_out_of_sync(own_work):
    folder = results_of(own_work)
    scores = store.load_scores(folder)
    outputs = {}
    for late in (0.08, 0.16, -0.2):
        store.save_scores(folder, replace(scores.value, av_offset_s=late), scores.input_digest)
        outputs[late] = command("inspect", SAMPLE, "--work", own_work).stdout
    document = json.loads(command("inspect", SAMPLE, "--work", own_work, "--json").stdout)

    assert "warning" not in outputs[0.08]
    assert "the audio comes about 160 ms after the lips" in outputs[0.16]
    assert "-itsoffset -0.16" in outputs[0.16]
    assert "the audio comes about 200 ms before the lips" in outputs[-0.2]
    assert document["sound"]["late_s"] == -0.2
    assert 5 < document["sound"]["heard_s"] <= 22.4
    assert document["sound"]["heard_unseen_s"] < 3


def test_the_audio_options_are_used_and_stored(own_work):
    run = command("analyze", SAMPLE, "--work", own_work, *BUNDLED, "--channels", "left")
    document = json.loads(command("inspect", SAMPLE, "--work", own_work, "--json").stdout)

    assert run.returncode == 0, run.stderr
    assert "find faces" not in run.stderr  # which does not depend on it
    assert document["sound"]["microphones"] == ["stream 1, channel 1"]
    assert "has no channel 7" in failing(
        "analyze", SAMPLE, "--work", own_work, *BUNDLED, "--channels", "7"
    )


@pytest.fixture
def own_work(sample_work, tmp_path):
    """A copy of the sample's results that a test may change."""
    folder = results_of(tmp_path)
    folder.mkdir()
    for path in results_of(sample_work[0]).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_inspect_ignores_stale_results_of_an_interrupted_run(own_work):
    folder = results_of(own_work)
    scores = store.load_scores(folder)
    tracks = store.load_tracks(folder)
    cut = tuple(replace(s, logits=s.logits[:5]) for s in scores.value.scores)
    store.save_scores(folder, replace(scores.value, scores=cut), "old")
    document = json.loads(command("inspect", SAMPLE, "--work", own_work, "--json").stdout)
    rows = command("inspect", SAMPLE, "--work", own_work, "--csv", own_work / "faces.csv")

    assert rows.returncode == 0, rows.stderr
    assert [person["speaking_s"] for person in document["people"]] == [0, 0]

    store.save_tracks(folder, tracks.value[:1], "new")
    assert "nothing is known yet" in failing("inspect", SAMPLE, "--work", own_work)


def edit(work, old, new, name="cutlist.json"):
    path = results_of(work) / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return path


def test_an_edited_cut_is_exported_and_only_force_overwrites_it(own_work):
    path = edit(own_work, '"reason": "', '"reason": "my own: ')
    mine = path.read_text()
    exported = command("export", SAMPLE, "--work", own_work, "-o", "-", "--for", "fcp")
    cut = ("cut", SAMPLE, "--work", own_work, *BUNDLED, "-o", own_work / "a.otio")
    again = command(*cut, "--style", "calm")

    assert "my own" in exported.stdout
    assert "my own" in (own_work / "a.otio").read_text()
    assert path.read_text() == mine
    assert again.returncode == 0
    assert "was edited and stays; --force" in again.stderr

    forced = command(*cut, "--force")
    assert forced.returncode == 0
    assert "my own" not in path.read_text()


def test_export_applies_locks_in_the_style_of_the_cut(own_work):
    cut = ("cut", SAMPLE, "--work", own_work, *BUNDLED, "--min-shot", "3s")
    assert command(*cut, "-o", own_work / "a.otio").returncode == 0
    lock = {"start": 130, "end": 170, "show": "wide"}
    (results_of(own_work) / "locks.json").write_text(
        json.dumps({"schema": "speakerzoom.locks/1", "locks": [lock]})
    )
    run = command("export", SAMPLE, "--work", own_work, "-o", own_work / "b.otio")
    shots = json.loads((results_of(own_work) / "cutlist.json").read_text())["shots"]

    assert (run.returncode, run.stderr) == (0, "")
    (locked,) = [shot for shot in shots if shot.get("locked")]
    assert (locked["start"], locked["end"], locked["kind"]) == (130, 170, "wide")
    assert min(s["end"] - s["start"] for s in shots if s is not locked) >= 75
    again = command(*cut, "-o", own_work / "c.otio")
    assert again.returncode == 0
    assert (own_work / "c.otio").read_bytes() == (own_work / "b.otio").read_bytes()

    edit(own_work, '"reason": "', '"reason": "my own: ')
    (results_of(own_work) / "locks.json").unlink()
    unapplied = command("export", SAMPLE, "--work", own_work, "-o", own_work / "d.otio")
    assert "is ignored, because the cut was edited" in unapplied.stderr


def test_a_name_in_people_json_reaches_the_timeline(own_work):
    edit(own_work, '"name": ""', '"name": "Eileen"', "people.json")
    run = command("cut", SAMPLE, "--work", own_work, *BUNDLED, "-o", own_work / "talk.fcpxml")

    assert run.returncode == 0
    assert "Eileen" in (own_work / "talk.fcpxml").read_text()
    assert "find faces" not in run.stderr


def test_a_part_of_an_analysed_source_is_cut_without_another_analysis(own_work):
    path = edit(own_work, '"name": ""', '"name": "Eileen"', "people.json")
    arrays = {p.name: p.read_bytes() for p in results_of(own_work).iterdir() if p.suffix == ".npz"}
    named = path.read_text()
    run = command("cut", SAMPLE, "--work", own_work, "--in", "1s",
                  "--out", "4s", "-o", own_work / "talk.otio")  # fmt: skip

    assert run.returncode == 0, run.stderr
    assert "find faces" not in run.stderr
    assert "Eileen" in (own_work / "talk.otio").read_text()
    assert path.read_text() == named
    assert {name: (results_of(own_work) / name).read_bytes() for name in arrays} == arrays


def test_a_part_of_the_cut_is_rendered_in_another_shape_and_nothing_changes(own_work):
    before = {path.name: path.read_bytes() for path in results_of(own_work).iterdir()}
    run = command("render", SAMPLE, "--work", own_work, *BUNDLED, "--canvas", "9:16",
                  "--in", "00:00:04:10", "--out", "250f", "-o", own_work / "part.mp4")  # fmt: skip
    film = probe(own_work / "part.mp4")

    assert run.returncode == 0, run.stderr
    assert (film.size, film.duration) == ((1080, 1920), 140)
    assert film.first_audio is not None
    assert {path.name: path.read_bytes() for path in results_of(own_work).iterdir()} == before


@pytest.mark.parametrize(
    ("words", "size", "frames"),
    [
        ("--shot 2", (1920, 1080), None),
        ("--from 3s --to 00:00:05:00 --height 180 --draft", (320, 180), 50),
        ("--in 2s --out 8s --from 10f --to 40f --height 180 --canvas 9:16", (102, 180), 30),
    ],
)
def test_a_part_of_the_film_is_rendered_small_and_nothing_changes(own_work, words, size, frames):
    before = {path.name: path.read_bytes() for path in results_of(own_work).iterdir()}
    run = command("render", SAMPLE, "--work", own_work, *BUNDLED, *words.split(),
                  "-o", own_work / "part.mp4")  # fmt: skip
    film = probe(own_work / "part.mp4")
    second = json.loads(before["cutlist.json"])["shots"][1]

    assert run.returncode == 0, run.stderr
    assert film.size == size
    assert film.duration == (frames or second["end"] - second["start"])
    assert {path.name: path.read_bytes() for path in results_of(own_work).iterdir()} == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--shot 99", "--shot 99: the film has"),
        ("--from 8s --to 3s", "--from and --to give frames 200 to 75 of the film"),
        ("--to 500s", "--from and --to give frames 0 to 12500 of the film"),
        ("--in 2s --out 3s --to 30f", "but it has frames 0 to 25; choose a part of it"),
        ("--height 1082", "--height 1082: the film has 1080 lines; choose fewer"),
    ],
)
def test_a_part_that_the_film_does_not_have_is_refused(own_work, words, says):
    line = failing("render", SAMPLE, "--work", own_work, *words.split(), "-o", own_work / "f.mp4")

    assert says in line
    assert not (own_work / "f.mp4").exists()


# --- wrong usage and wrong input ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "required: VERB"),
        (["cut", "a.mp4"], "required: -o"),
        (
            ["cut", "a.mp4", "-o", "a.aaf"],
            "must end in .otio, .fcpxml, .xml, .mlt, .kdenlive or .edl",
        ),
        (["cut", "a.mp4", "-o", "a.mlt", "--for", "premiere"], "premiere: write .otio or .xml"),
        (["export", "a.mp4", "-o", "a.xml", "--resolve-scaling", "fill"], "--for resolve"),
        (["export", "a.mp4", "-o", "a.xml", "--media-root", "/a"], "/here/media=/there/media"),
        (["cut", "a.mp4", "-o", "a.otio", "--in", "5"], "a time is 1.5s, 45f"),
        (["cut", "a.mp4", "-o", "a.otio", "--canvas", "big"], "a canvas is"),
        (["cut", "a.mp4", "-o", "a.otio", "--canvas", "1921x1080"], "must be even"),
        (["cut", "a.mp4", "-o", "a.otio", "--scorer", "best"], "invalid choice"),
        (["analyze", "a.mp4", "--channels", "0"], "auto, mix, left, right or 1, 2"),
        (["analyze", "a.mp4", "--audio-stream", "0"], "count from 1"),
        (["render", "a.mp4", "-o", "a.gif"], "must end in .mp4"),
        (["render", "a.mp4", "-o", "a.mp4", "--height", "181"], "the height must be even"),
        (["render", "a.mp4", "-o", "a.mp4", "--height", "8"], "must be 16 to 16384 pixels"),
        (["render", "a.mp4", "-o", "a.mp4", "--shot", "0"], "count from 1"),
        (["render", "a.mp4", "-o", "a.mp4", "--shot", "1", "--to", "2s"], "leave out --from"),
        (["render", "a.mp4", "-o", "a.mp4", "--encoder", "x265"], "invalid choice"),
        (["weights", "fetch"], "needs a name"),
        (["weights", "fetch", "imaginary"], "imaginary"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_valid(arguments, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2
    assert says in capsys.readouterr().err


def failing(*arguments):
    """Run a command that must fail with 1; return the last line of stderr."""
    run = command(*arguments)
    assert (run.returncode, run.stdout) == (1, ""), run.stderr
    assert "Traceback" not in run.stderr
    return run.stderr.splitlines()[-1]


def test_an_invalid_source_is_one_line(tmp_path, sound_only):
    text = tmp_path / "diary.mp4"
    text.write_text("dear diary")
    out = ("-o", tmp_path / "talk.otio")

    assert "no such file" in failing("cut", tmp_path / "gone.mp4", *out)
    assert "not a video" in failing("cut", text, *out)
    assert "has no video" in failing("cut", sound_only, *out)
    assert "nothing is cut yet" in failing("export", SAMPLE, "--work", tmp_path, *out)
    assert "nothing is known yet" in failing("inspect", SAMPLE, "--work", tmp_path)
    assert not (tmp_path / "talk.otio").exists()
    assert not list(tmp_path.glob("gone*"))
    assert not list(tmp_path.glob("diary*.speakerzoom"))


def test_no_face_or_no_audio_gives_one_wide_shot_and_a_message(make_clip, silent_clip, tmp_path):
    faceless = make_clip("faceless.mp4")
    for clip, says in ((faceless, "no face is detected"), (silent_clip, "no audio")):
        out = tmp_path / f"{clip.stem}.otio"
        run = command("cut", clip, "--work", tmp_path, *BUNDLED, "-o", out)
        cut = json.loads((results_of(tmp_path, clip.name) / "cutlist.json").read_text())

        assert run.returncode == 0
        assert says in run.stderr
        assert [shot["kind"] for shot in cut["shots"]] == ["wide"]
        assert out.exists()


def test_a_range_outside_the_source_is_one_line(make_clip, tmp_path):
    clip = make_clip("short_range.mp4")
    line = failing("cut", clip, "--work", tmp_path, "--in", "3s", "-o", tmp_path / "a.otio")

    assert "frames 75 to 50" in line
    assert "0 to 50" in line


def test_the_source_is_never_overwritten(make_clip, tmp_path):
    clip = make_clip("precious.mp4")
    before = clip.read_bytes()
    line = failing("render", clip, "--work", tmp_path, *BUNDLED, "-o", clip)

    assert "is the source" in line
    assert clip.read_bytes() == before


def test_a_full_disk_is_one_line_and_leaves_no_half_file(make_clip, tmp_path):
    """A limit on file size stands in for a full disk: writes fail in the middle of a file."""
    clip = make_clip("large.mp4", seconds=4, size="640x360")
    work = ("--work", tmp_path / "work")
    assert command("cut", clip, *work, *BUNDLED, "-o", tmp_path / "a.otio").returncode == 0
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000));"
        "from otio_speakerzoom.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    for verb, name in (("export", "big.otio"), ("render", "big.mp4")):
        run = subprocess.run(
            [sys.executable, "-c", limited, verb, str(clip), *map(str, work), "-o",
             str(tmp_path / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert run.returncode == 1, run.stderr
        assert name in run.stderr.splitlines()[-1]
        assert "Traceback" not in run.stderr
        assert {path.name for path in tmp_path.iterdir()} == {"work", "a.otio"}


def interrupted(arguments, when, number=signal.SIGINT):
    """Start the command, send a signal as soon as `when()` holds, and return how it ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


@pytest.fixture
def long_film(make_clip, tmp_path):
    """Forty seconds, of which the analysis and the film take several."""
    quick = ("-preset", "ultrafast")
    clip = make_clip("endless.mp4", seconds=40, size="640x360", extra=quick)
    return Path(shutil.copy(clip, tmp_path / "talk.mp4"))


def test_ctrl_c_during_detection_leaves_no_result(long_film):
    folder = results_of(long_film.parent, "talk.mp4")
    arguments = ["render", long_film, *BUNDLED, "-o", long_film.with_name("film.mp4")]

    code, output, errors = interrupted(arguments, (folder / "media.json").exists)
    assert (code, output) == (130, "")
    assert errors.splitlines()[-1].startswith("error: interrupted")
    # No result, but perhaps what the next run goes on from.
    assert {path.name for path in folder.iterdir()} <= {"media.json", ".lock", "unfinished"}


def test_sigterm_during_render_leaves_the_cut_and_no_film(long_film):
    folder = generated_store.generate_analysis(long_film, 2)
    arguments = ["render", long_film, *BUNDLED, "-o", long_film.with_name("film.mp4")]

    def half_a_film():
        return any(path.stat().st_size for path in long_film.parent.glob(".film*.part.mp4"))

    code, output, _ = interrupted(arguments, half_a_film, signal.SIGTERM)
    assert (code, output) == (143, "")
    assert {path.name for path in long_film.parent.iterdir()} == {"talk.mp4", folder.name}
    assert (folder / "cutlist.json").exists()  # finished stages are stored


@pytest.mark.slow  # with other networks, `test_resumed_pass` does so
def test_a_killed_analysis_goes_on_to_the_same_bytes(sample_work, tmp_path):
    folder, arguments = results_of(tmp_path), ("analyze", SAMPLE, "--work", tmp_path, *BUNDLED)
    journal = folder / "unfinished" / "detections.journal"

    def has_faces():
        return journal.exists() and journal.stat().st_size > 1000

    code, _, _ = interrupted(arguments, has_faces, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (folder / "detections.npz").exists()
    run = command(*arguments)
    assert run.returncode == 0, run.stderr

    assert not journal.parent.exists()
    names = ("detections", "panels", "tracks", "voice", "scores")
    for name in (*(f"{name}.npz" for name in names), "people.json"):
        assert (folder / name).read_bytes() == (results_of(sample_work[0]) / name).read_bytes()


def test_ctrl_c_ends_the_work_even_where_its_exception_was_swallowed():
    with show_progress(Console(file=io.StringIO())) as on_stage:
        step = on_stage("work")
        step(1, 9)
        with suppress(KeyboardInterrupt):  # as python does in a destructor or a callback
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            step(2, 9)


def test_weights_and_doctor_show_what_is_installed():
    listed, machine = command("weights"), command("doctor")

    assert listed.returncode == 0
    assert "lr-asd" in listed.stdout
    assert "speakerzoom_fcpxml" in machine.stdout.replace("\n", "")
    assert "PyAV" in machine.stdout
    assert any(name in machine.stdout for name in ("sync-asd", "lr-asd", "talknet"))


@pytest.mark.parametrize("words", [["--help"], ["cut", "--help"]])
def test_help_is_instant_because_nothing_heavy_is_imported(words):
    script = (
        "import sys; from otio_speakerzoom.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'mediapipe', 'cv2', 'numpy', 'scipy', 'av', 'opentimelineio', 'rich'}\n"
        "sys.exit(' '.join(heavy & {*sys.modules}) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)

    assert (run.returncode, run.stderr) == (0, "")


# --- real footage ---------------------------------------------------------------------------------

FOOTAGE = SHARED / "footage"


@pytest.mark.footage
@pytest.mark.weights
@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="no labelled footage beside the project")
@pytest.mark.skipif(not (SHARED / "weights").is_dir(), reason="no published weights here")
@pytest.mark.parametrize(
    ("clip", "part"),
    [
        ("clips/debate_split_screen_25.avi", ["--out", "4s"]),
        ("composed/vfr_call.mkv", ["--out", "6s"]),
        pytest.param("clips/debate_split_screen_25.avi", [], marks=pytest.mark.slow),
        pytest.param("composed/vfr_call.mkv", [], marks=pytest.mark.slow),
    ],
)
def test_real_footage_is_cut_with_lr_asd(clip, part, tmp_path):
    out = tmp_path / "talk.xml"
    run = command("cut", FOOTAGE / clip, "--work", tmp_path, "--scorer", "lr-asd", *part, "-o", out)

    assert run.returncode == 0, run.stderr
    assert out.exists()
    cut = json.loads((results_of(tmp_path, Path(clip).name) / "cutlist.json").read_text())
    assert any(shot["kind"] == "single" for shot in cut["shots"])


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md"])
def test_the_documentation_names_no_verb_that_does_not_exist(page):
    lines = (REPOSITORY / page).read_text().splitlines()
    verbs = {line.split()[1] for line in lines if line.startswith("speakerzoom ")}

    assert verbs
    for verb in verbs:
        assert command(verb, "--help").returncode == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("__version__", "17.1.0", "PyAV 17.1.0 is too old: pip install 'av>="),
        ("filter.filters_available", {"crop", "format"}, "built without bwdif, hflip, lut3d"),
    ],
)
def test_doctor_reports_an_unsuitable_pyav(monkeypatch, name, value, says):
    monkeypatch.setattr(f"av.{name}", value)
    monkeypatch.setattr(doctor, "_checks", lambda: [("film", doctor._film)])
    console = Console(file=io.StringIO(), width=200)

    assert doctor.check_machine(console) == 1
    assert says in console.file.getvalue()


def test_doctor_requires_the_pyav_that_the_package_requires():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert f"av>={doctor.MIN_AV_VERSION}" in project["dependencies"]
