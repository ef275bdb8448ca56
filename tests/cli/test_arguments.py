"""The command line: requests, files to read and write, how a run ends, messages."""

import argparse
import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
from av.error import PermissionError as NotPermitted
from rich.console import Console

from otio_speakerzoom.cli import streams, values
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.options import STYLE
from otio_speakerzoom.cli.parser import EXIT_CODES, build_parser, file_arguments, parse
from otio_speakerzoom.cli.progress import show_progress
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.cli.values import Folder, Input, Output
from otio_speakerzoom.cli.verbs import VERBS
from otio_speakerzoom.director.style import NEW_NAMES, STYLE_FIELDS
from otio_speakerzoom.errors import MediaError, SpeakerZoomError
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.model import Media
from otio_speakerzoom.render import encoders

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "docs" / "commands.md"


def verbs():
    """Every verb's parser, by its name."""
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    return choices


WRITTEN = [(verb, action.option_strings[0])
           for verb, parser in verbs().items() for action in parser._actions
           if isinstance(action.type, Output)]  # fmt: skip


def one_line(capsys):
    """The one line on stderr; nothing on stdout."""
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line.removeprefix("error: ")


# --- files that are read and written --------------------------------------------------------------


def test_every_argument_that_names_a_file_is_checked():
    for verb, parser in verbs().items():
        values_set = {action.dest: Path("a") for action in parser._actions}
        checked = {file.name for file in file_arguments(parser, values_set)}
        for action in parser._actions:
            names_a_file = "FILE" in (action.metavar or "") or action.metavar == "DIR"
            declared = isinstance(action.type, Input | Output | Folder)
            assert declared or not names_a_file, (verb, action.dest)
            assert action.type not in (Path, str, argparse.FileType), (verb, action.dest)
            assert (action.dest in checked) == declared
    assert len(WRITTEN) >= 7


@pytest.fixture
def recording(tmp_path):
    """A file in place of a recording, which is never opened: every run is refused before."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"hours of work")
    (tmp_path / "edited.otio").write_text("{}")
    (tmp_path / "labels.json").write_text("{}")
    (tmp_path / "mine.toml").write_text("")
    return path


def arguments(verb, recording, flag, output):
    """A command line of that verb that writes to `output` by `flag`, otherwise to valid names."""
    words = [verb]
    for action in verbs()[verb]._actions:
        if isinstance(action.type, Input):
            value = {"timeline": "edited.otio", "labels": "labels.json", "style": "mine.toml"}
            words += action.option_strings[:1]
            words.append(str(recording.parent / value.get(action.dest, recording.name)))
        elif isinstance(action.type, Output) and (action.required or flag in action.option_strings):
            good = recording.parent / f"good{action.type.suffixes[0]}"
            words += [
                action.option_strings[0],
                str(output if flag in action.option_strings else good),
            ]
    return words


def suffix_of(verb, flag):
    (kind,) = (a.type for a in verbs()[verb]._actions if flag in a.option_strings)
    return kind.suffixes[0]


@pytest.mark.parametrize(("verb", "flag"), WRITTEN)
def test_no_output_overwrites_an_input_or_results(verb, flag, recording, capsys):
    folder, suffix = recording.parent, suffix_of(verb, flag)
    store = folder / "talk.mp4.speakerzoom"
    store.mkdir()
    (store / f"cutlist{suffix}").write_text("shots")
    (folder / f"soft{suffix}").symlink_to(recording)
    (folder / f"hard{suffix}").hardlink_to(recording)
    (folder / f"folder{suffix}").mkdir()
    (folder / f"into{suffix}").symlink_to(store / f"cutlist{suffix}")
    os.mkfifo(folder / f"pipe{suffix}")
    (folder / "file").write_text("")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lines = {
        f"soft{suffix}": "is the source itself",
        f"hard{suffix}": "is the source itself",
        f"folder{suffix}": "is a folder",
        f"pipe{suffix}": "is not a regular file",
        f"into{suffix}": "is in the folder of the results",
        f"talk.mp4.speakerzoom/cutlist{suffix}": "is in the folder of the results",
        f"talk.mp4.speakerzoom/new{suffix}": "is in the folder of the results",
        f"file/new{suffix}": "is a file, not a folder",
        "n" * 256 + suffix: "the name is too long",
    }
    for name, text in lines.items():
        code = main(arguments(verb, recording, flag, folder / name))

        assert code == 1, name
        line = one_line(capsys)
        assert line.startswith(f"{flag} {folder / name}"), line
        assert text in line
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_no_film_overwrites_another_recording(recording, capsys):
    other = recording.with_name("other.mp4")
    other.write_bytes(b"hours of work too")
    (recording.parent / "other.mp4.speakerzoom").mkdir()

    assert main(["render", str(recording), "-o", str(other)]) == 1
    assert "is a recording with results beside it" in one_line(capsys)
    assert other.read_bytes() == b"hours of work too"


@pytest.mark.parametrize(("verb", "flag"), WRITTEN)
def test_no_output_overwrites_another_input(verb, flag, recording, capsys):
    suffix = suffix_of(verb, flag)
    for action in verbs()[verb]._actions:
        if isinstance(action.type, Input) and action.dest != "source":
            name = {"labels": "labels.json", "style": "mine.toml"}[action.dest]
            link = recording.parent / f"{action.dest}{suffix}"
            link.hardlink_to(recording.parent / name)

            assert main(arguments(verb, recording, flag, link)) == 1
            assert f"is the file of --{action.dest} itself" in one_line(capsys)


def test_two_outputs_cannot_be_one_file(recording, capsys):
    one, other = recording.parent / "a.png", recording.parent / "x" / ".." / "A.png"

    assert main(["inspect", str(recording), "--sheet", str(one), "--report", str(other)]) == 1
    assert "is also --sheet's; give each its own name" in one_line(capsys)


def test_an_output_in_a_read_only_place_is_refused(recording, capsys, monkeypatch):
    there = recording.parent / "there.csv"
    there.write_text("")
    access = os.access  # which lets root do everything
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))

    assert main(["inspect", str(recording), "--csv", str(there)]) == 1
    assert "is write-protected" in one_line(capsys)
    assert main(["inspect", str(recording), "--csv", str(recording.parent / "new" / "a.csv")]) == 1
    assert f"{recording.parent} is not writable" in one_line(capsys)


@pytest.mark.parametrize(
    "name", ["con.csv", "NUL.csv", "Aux .csv", "lpt1.old.csv", "a:b.csv", "what?.csv", "a\nb.csv"]
)
def test_a_name_that_windows_takes_for_something_else_is_refused_there(
    name, recording, monkeypatch, capsys
):
    monkeypatch.chdir(recording.parent)
    words = ["inspect", str(recording), "--csv", name]
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(words) == 1
    assert "Windows has no files of that name" in one_line(capsys)

    monkeypatch.setattr(sys, "platform", "linux")
    assert main(words) == 1
    assert "Windows" not in one_line(capsys)


@pytest.mark.parametrize("name", ["console.csv", "null.csv", "com.csv", "a.con.csv", "lpt10.csv"])
def test_names_that_only_look_like_devices_are_allowed(name, recording, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "win32")

    assert main(["inspect", str(recording), "--csv", str(recording.parent / name)]) == 1
    assert "Windows" not in one_line(capsys)


def test_a_folder_that_windows_would_name_otherwise_is_refused_there(
    recording, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("results.", "results ", "PRN"):
        assert main(["inspect", str(recording), "--work", str(recording.parent / name)]) == 1
        assert "Windows has no files of that name" in one_line(capsys)


def test_an_unreadable_input_is_refused_and_never_waited_for(recording, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes(b"")
    lines = {
        (tmp_path / "gone.mp4",): "no such file; check the name of a recording",
        (tmp_path,): "is a folder; name a recording in it",
        ("https://example.org/talk.mp4",): "https://example.org/talk.mp4: is a URL",
        ("/dev/zero",): "is not a regular file",
        (tmp_path / "pipe",): "is not a regular file",
        (odd,): "is not UTF-8",
        (recording, "--labels", "/dev/zero"): "/dev/zero: is not a regular file",
        (recording, "--labels", tmp_path / "pipe"): "pipe: is not a regular file",
        (recording, "--labels", tmp_path): "is a folder; name a labels file in it",
        (recording, "--work", recording): "is a file, not a folder",
    }
    for words, text in lines.items():
        assert main(["inspect", *map(str, words)]) == 1
        assert text in one_line(capsys)
    pipe = str(tmp_path / "pipe")
    assert main(["render", str(recording), "--style", pipe, "-o", str(tmp_path / "a.mp4")]) == 1
    assert "pipe: is not a regular file" in one_line(capsys)
    assert main(["check", str(recording), "--dtd", pipe]) == 1
    assert "pipe: is not a regular file" in one_line(capsys)


def test_a_test_chart_overwrites_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "README.txt").write_text("my own notes")
    monkeypatch.chdir(tmp_path)

    assert main(["calibrate", "."]) == 1
    assert "has other files in it; choose a new or an empty folder" in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["README.txt"]
    assert (tmp_path / "README.txt").read_text() == "my own notes"


# --- the request ----------------------------------------------------------------------------------


def test_every_option_of_a_verb_is_a_field_of_its_request():
    names = {field.name for field in fields(Request)}
    for verb, parser in verbs().items():
        for action in parser._actions:
            if action.dest not in ("help", "resolve_scaling"):  # which becomes adapter_options
                assert action.dest in names or action.dest.startswith(STYLE), (verb, action.dest)


def test_a_request_has_the_values_and_the_files_of_the_command_line():
    request = parse(
        ["cut", "talk.mp4", "--style", "calm", "--min-shot", "3s", "--channels", "left", "-q",
         "-o", "a.otio", "--for", "resolve", "--resolve-scaling", "fill"]
    )  # fmt: skip

    assert (request.verb, request.source, request.output) == (
        "cut",
        Path("talk.mp4"),
        Path("a.otio"),
    )
    assert (request.style, request.style_values) == (Path("calm"), {"min_shot_seconds": 3.0})
    assert (request.channels, request.quiet, request.work, request.labels) == (1, 1, None, None)
    assert request.adapter == "speakerzoom_resolve_otio"
    assert request.adapter_options == {"scaling": "fill"}
    assert [(file.name, file.flags, file.path) for file in request.files] == [
        ("source", (), Path("talk.mp4")),
        ("style", ("--style",), Path("calm")),
        ("output", ("-o", "--output"), Path("a.otio")),
    ]


OLD_FLAGS = {
    "--caution 3": ("--wrong-speaker-penalty", 3.0),
    "--relief listener": ("--break-long-singles-with", "listener"),
    "--enter 1": ("--speech-threshold", 1.0),
    "--hide blur": ("--obscure-others", "blur"),
    "--off-screen-share 20%": ("--off-screen-prior", 0.2),
    "--turn 4s": ("--expected-turn", 4.0),
}


def test_there_is_an_old_flag_for_every_style_value_that_got_a_new_name():
    assert {words.split()[0] for words in OLD_FLAGS} == set(map(values.style_flag, NEW_NAMES))


@pytest.mark.parametrize("words", OLD_FLAGS)
def test_an_old_style_flag_works_and_names_the_new_one(words, capsys):
    old, (new, value) = words.split()[0], OLD_FLAGS[words]
    request = parse(["cut", "gone.mp4", "-o", "a.otio", *words.split()])

    assert list(request.style_values.values()) == [value]
    assert list(map(values.style_flag, request.style_values)) == [new]
    assert f" {old} " not in verbs()["cut"].format_help()
    assert f" {new} " in verbs()["cut"].format_help()

    assert main(["render", "gone.mp4", "-o", "a.mp4", *words.split()]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"warning: {old} is now called {new}; the old name still works"
    assert lines[1].startswith("error: gone.mp4: no such file")


# --- impossible requests --------------------------------------------------------------------------


@pytest.fixture
def no_frames(monkeypatch):
    """Fail where a frame is read."""

    def read(*arguments, **options):
        raise AssertionError("a frame is read")

    monkeypatch.setattr("otio_speakerzoom.faces.detectors.choose.choose_detector", read)
    monkeypatch.setattr("otio_speakerzoom.source.read_frames", read)
    monkeypatch.setenv("SPEAKERZOOM_OFFLINE", "1")
    monkeypatch.setenv("SPEAKERZOOM_WEIGHTS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/nonexistent")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--audio-stream 3", "--audio-stream 3: there is no such stream; choose 1"),
        ("--channels 5", "has no channel 5; --channels takes 1 or mix"),
        ("--in 100s", "--in and --out give frames"),
        ("--media-root /nowhere=/x", "is not in /nowhere"),
        ("--scorer talknet", "pretrain_TalkSet.model (sha256"),
        ("--device mps", "finds no MPS device here; choose --device cpu or auto"),
        ("--style slow", "slow: no such style"),
        ("--min-shot 20s", "max_shot_seconds: 25 s is too short for three shots"),
    ],
)
def test_an_impossible_request_is_refused_before_the_first_frame(
    words, says, no_frames, make_clip, tmp_path, capsys
):
    clip = make_clip("plan.mp4", seconds=1)
    cut = ["cut", str(clip), "--work", str(tmp_path), "-o", str(tmp_path / "a.xml")]

    assert main([*cut, *words.split()]) == 1
    assert says in one_line(capsys)
    assert not (tmp_path / "a.xml").exists()


def test_a_rate_that_the_format_does_not_have_is_refused_before_the_first_frame(
    no_frames, make_clip, tmp_path, capsys
):
    clip = make_clip("odd_rate.mp4", rate="25/2", seconds=1)

    assert main(["cut", str(clip), "--work", str(tmp_path), "-o", str(tmp_path / "a.xml")]) == 1
    assert "12.5" in (line := one_line(capsys).replace("25/2", "12.5"))
    assert "conform it first" in line


@pytest.mark.parametrize(
    ("codecs", "says"),
    [
        ({"libx264"}, "--encoder nvenc: the installed PyAV has no h264_nvenc; choose --encoder"),
        ({"libx264", "h264_nvenc"}, "--encoder nvenc: h264_nvenc does not work on this machine ("),
    ],
)
def test_an_encoder_that_is_not_there_is_refused_before_the_source_is_opened(
    codecs, says, no_frames, make_clip, tmp_path, monkeypatch, capsys
):
    def without_device():
        raise NotPermitted(1, "Operation not permitted")

    def open_source(*_):
        raise AssertionError("the source is opened")

    monkeypatch.setattr("av.codecs_available", codecs)
    context = SimpleNamespace(open=without_device)
    create = SimpleNamespace(create=lambda codec, mode: context)
    monkeypatch.setattr(encoders, "VideoCodecContext", create)
    monkeypatch.setattr("otio_speakerzoom.pipeline.open_session", open_source)
    film = tmp_path / "film.mp4"
    words = ["render", str(make_clip("plan.mp4", seconds=1)), "--work", str(tmp_path)]

    assert main([*words, "-o", str(film), "--encoder", "nvenc"]) == 1
    assert says in one_line(capsys)
    assert not film.exists()


def test_the_command_line_knows_every_encoder():
    assert ("auto", *encoders.ENCODERS) == values.FILM_ENCODERS


@pytest.mark.parametrize("words", ["--shot 1", "--from 1s", "--to 1s", "--height 90", "--draft"])
def test_only_a_cut_can_be_looked_at(words, no_frames, make_clip, tmp_path, capsys):
    clip, work = make_clip("plan.mp4", seconds=1), tmp_path / "work"
    film = str(tmp_path / "film.mp4")

    assert main(["render", str(clip), "--work", str(work), "-o", film, *words.split()]) == 1
    assert "nothing is cut yet; run `speakerzoom cut` on it first" in one_line(capsys)
    assert not work.exists()


@pytest.mark.parametrize("words", [["analyze"], ["render", "-o", "a.mp4"]])
def test_audio_options_without_audio_are_refused(words, no_frames, silent_clip, tmp_path, capsys):
    options = [str(silent_clip), "--work", str(tmp_path), "--channels", "left"]

    assert main([*words, *options]) == 1
    assert "has no audio to choose from; leave out" in one_line(capsys)


# --- how a run ends -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (MediaError("talk.mp4: is broken; mend it"), 1, "talk.mp4: is broken; mend it"),
        (PermissionError(13, "Permission denied", "/a/b"), 1, "/a/b: Permission denied; check its"),
        (OSError(28, "No space left on device", "/a"), 1, "/a: No space left on device; free some"),
        (BrokenPipeError(32, "Broken pipe", "/a"), 1, "/a: Broken pipe"),
        (MemoryError(), 1, "out of memory"),
        (ImportError("No module named 'torch'"), 1, "No module named 'torch'; `speakerzoom doctor"),
        (ZeroDivisionError("by\nzero"), 1, "a bug in speakerzoom (ZeroDivisionError: by zero)"),
        (KeyboardInterrupt(), 130, "interrupted; finished stages are saved"),
    ],
)  # fmt: skip
def test_every_error_is_one_line(error, code, says, monkeypatch, capsys, tmp_path):
    def fail(request, console):
        raise error

    monkeypatch.setitem(VERBS, "doctor", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert main(["doctor"]) == code
    assert one_line(capsys).startswith(says)
    logs = list(tmp_path.glob("speakerzoom-*.log"))
    assert len(logs) == isinstance(error, ZeroDivisionError)
    assert all("Traceback" in log.read_text() for log in logs)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_runs_cleanup_and_sets_the_exit_code(name, monkeypatch, capsys):
    cleanups = []

    def work(request, console):
        try:
            signal.raise_signal(getattr(signal, name))
        finally:
            cleanups.append(name)

    monkeypatch.setitem(VERBS, "doctor", work)
    before = signal.getsignal(getattr(signal, name))

    assert main(["doctor"]) == 128 + getattr(signal, name)
    assert 128 + getattr(signal, name) in EXIT_CODES
    assert cleanups == [name]
    assert one_line(capsys).startswith("interrupted")
    assert signal.getsignal(getattr(signal, name)) is before


def test_a_second_signal_does_not_disturb_cleanup(monkeypatch):
    cleanups = []

    def work(request, console):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGHUP)
            cleanups.append(True)

    monkeypatch.setitem(VERBS, "doctor", work)

    assert main(["doctor"]) == 143
    assert cleanups


def test_wrong_usage_is_one_line_that_points_to_help(capsys):
    with pytest.raises(SystemExit) as end:
        main(["cut", "a.mp4", "-o", "a.otio", "--min-shot", "200%"])

    assert end.value.code == 2
    line = one_line(capsys)
    assert line.startswith("argument --min-shot: 200%: give seconds, 2 or 2s; more than 0, up to")
    assert line.endswith("; see `speakerzoom cut --help`")


def started(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "otio_speakerzoom", *words],
        stderr=subprocess.PIPE, cwd=ROOT, **options,
    )  # fmt: skip


def test_a_full_stdout_is_one_line():
    with Path("/dev/full").open("w") as full:
        process = started("weights", stdout=full)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == b"error: stdout: No space left on device; free some space\n"


def test_a_closed_stdout_and_a_name_in_bytes_end_without_a_traceback(tmp_path):
    script = 'exec "$0" -m otio_speakerzoom "$@" >&-'
    run = subprocess.run(["sh", "-c", script, sys.executable, "weights"], cwd=ROOT,
                         capture_output=True, check=False)  # fmt: skip
    assert (run.returncode, run.stderr) == (0, b"")
    process = started("export", b"caf\xe9.mp4", "-o", "a.otio", stdout=subprocess.PIPE)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, b"")
    assert errors.startswith(b"error: caf\\udce9.mp4: no such file")


def test_ctrl_c_while_modules_load_ends_without_a_traceback():
    slow = (  # a module that is still loading when Ctrl-C comes
        "import sys, signal, types\n"
        "class Loader:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'rich.console': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Loader())\n"
        "from otio_speakerzoom.cli.main import main\n"
        "sys.exit(main(['doctor']))\n"
    )
    run = subprocess.run([sys.executable, "-c", slow], capture_output=True, text=True, check=False)

    assert run.returncode == 130
    assert run.stderr == "error: interrupted; finished stages are saved\n"


def test_a_reader_who_leaves_early_is_no_error():
    process = started("weights", stdout=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()

    assert (process.wait(60), errors) == (0, b"")


def test_a_name_cannot_break_the_line_or_command_the_terminal(capsys):
    assert main(["inspect", "a\nb\x1b[2Jc.mp4"]) == 1
    assert one_line(capsys).startswith("a\\nb\\x1b[2Jc.mp4: no such file")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--canvas", "99998x16"], "width and height must be 16 to 16384 pixels"),
        (["--canvas", "14x1080"], "width and height must be 16 to 16384 pixels"),
        (["--canvas", "9" * 5000 + ":1"], "a canvas is 1920x1080"),
        (["--canvas", "16:1"], "16:1: one side is over 10 times the other"),
        (["--in", "9" * 5000 + "f"], "a time is 1.5s"),
        (["--in", "9" * 5000 + "s"], "a time is 1.5s"),
    ],
)
def test_numbers_of_any_length_are_wrong_usage(words, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(["cut", "a.mp4", "-o", "a.otio", *words])

    assert end.value.code == 2
    line = one_line(capsys)
    assert len(line) < 600
    assert says in line


def test_a_document_on_stdout_is_utf_8_whatever_the_terminal(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", stdout)
    streams.write_document("Zoë …\n")

    assert stdout.buffer.getvalue().decode("utf-8") == "Zoë …\n"


# --- progress and messages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("fetch", "weights fetch needs a name; choose one of talknet, "),
        ("fetch nobody", "no weights are called nobody; choose one of talknet, "),
        ("list nobody", "no weights are called nobody; choose one of talknet, "),
    ],
)
def test_an_unknown_name_of_weights_is_refused_with_the_known_names(words, says, capsys):
    with pytest.raises(SystemExit) as end:
        main(["weights", *words.split()])

    assert end.value.code == 2
    assert one_line(capsys).startswith(says)


def test_a_slow_stage_shows_how_long_each_step_takes(monkeypatch):
    times = iter([0.0, 0.0, 8.2, 8.2, 8.2, 8.2])
    clock = SimpleNamespace(monotonic=lambda: next(times))  # the true one serves other threads
    monkeypatch.setattr("otio_speakerzoom.cli.progress.time", clock)
    console = Console(file=io.StringIO(), width=80)
    with show_progress(console) as on_stage:
        on_stage("listen")(1, 1)
        on_stage("find faces")(500, 500)

    listen, faces = console.file.getvalue().splitlines()
    assert "0/s" not in listen
    assert listen.endswith("s each)")
    assert faces.endswith("/s)")


# --- documentation --------------------------------------------------------------------------------


def test_the_documentation_and_help_name_every_exit_code():
    page = " ".join(COMMANDS.read_text().split())
    codes = ", ".join(f"{code} {words}" for code, words in EXIT_CODES.items())

    assert f"Exit codes: {codes}." in page
    assert codes in " ".join(build_parser().format_help().split())


def documented_options():
    """Every option in the table of options of docs/commands.md."""
    text = COMMANDS.read_text()
    table = text[text.index("| option | what it does |") : text.index("Progress and messages go")]
    rows = [
        re.split(r"(?<!\\)\|", line)[1] for line in table.splitlines()[2:] if line.startswith("|")
    ]
    return {word for row in rows for word in re.findall(r"(?<![\w-])--?[a-z][\w-]*", row)}


def test_the_documentation_names_every_option_and_no_other():
    general = {"--help", "-h", "--version"}
    options, of_style = set(), {values.style_flag(name) for name in STYLE_FIELDS}
    for parser in verbs().values():
        for action in parser._actions:
            if action.help != argparse.SUPPRESS:
                options.update(action.option_strings[:1])
    named = documented_options()

    assert named - options - general == set()
    assert options - named - general - of_style == set()


def test_the_verbs_that_read_timelines_name_every_format():
    for verb in ("import", "check"):
        (timeline,) = (a for a in verbs()[verb]._actions if a.dest == "timeline")
        assert set(re.findall(r"\.\w+", timeline.help)) == set(READERS), verb


def test_every_choice_of_an_option_is_documented():
    page = COMMANDS.read_text()
    for verb, parser in verbs().items():
        for action in parser._actions:
            if action.choices and not action.dest.startswith("style_") and action.option_strings:
                missing = [word for word in action.choices if word not in page]
                assert not missing, (verb, action.dest)


def test_a_timecode_with_impossible_parts_is_refused():
    media = Media(Path("talk.mov"), Fraction(25), 500, (64, 64))
    assert values.time("00:00:01:24")(media) == 49
    with pytest.raises(SpeakerZoomError, match="a timecode ends in 24 at most, not 25"):
        values.time("00:00:01:25")(media)
    for text in ("00:00:60:00", "00:60:00:00"):
        with pytest.raises(argparse.ArgumentTypeError, match="a time is"):
            values.time(text)
