"""Random command lines: times, sizes, options and files in every order."""

import argparse
import contextlib
import io
import shlex
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

from fuzzing import check_refusal
from mutators import TEXTS, damage_bytes

from otio_speakerzoom.cli import values
from otio_speakerzoom.cli.files import check_files
from otio_speakerzoom.cli.parser import VERB_OPTIONS, build_parser, parse
from otio_speakerzoom.cli.streams import one_line
from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.model import Media

pytest_plugins = ["fuzz_runs"]

WORDS = (
    "1", "0", "-1", "2", "01", "1.5s", "45f", "00:00:01:12", "00:00:01;12", "23:59:59:24",
    "9" * 9 + "f",
    "999999999.999999999s", "1e3s", "1920x1080", "9:16", "1:1", "source", "99999x99999", "16x16",
    "auto",
    "mix", "left", "calm", "lively", "12%", "0.12", "2s", "-0.5", "100%", "resolve", "premiere",
    "fcp",
    "shotcut", "kdenlive", "-", "--", "talk.mp4", "edited.otio", "out.fcpxml", "out.xml", "out.mlt",
    "out.mp4", "labels.json", "mine.toml", "none.mp4", "folder", "/a=/b", "=", "yunet", "motion",
    "iou", "cpu", "cuda:99", "8080", "99999", "stacked", "dim", "follow=smooth", "@talk.mp4", "%s",
)  # fmt: skip
"""Values that some option takes, and some that none does."""


@cache
def flags(verb):
    """Return the flags of a verb, but those that print a text and end the program."""
    parser = build_parser()
    (choices,) = (a.choices for a in parser._actions if isinstance(a.choices, dict))
    return [
        flag
        for action in choices[verb]._actions
        for flag in action.option_strings
        if not isinstance(action, argparse._HelpAction)
    ]


def random_command_line(random):
    """Return the words of a command line."""
    verb = random.choice((*VERB_OPTIONS, random.choice(TEXTS)))
    words = [verb]
    known = flags(verb) if verb in VERB_OPTIONS else ["--style"]
    for _ in range(random.choice((0, 1, 2, 2, 3, 5, 12))):
        flag = random.choice(known) if known else "-q"
        value = random.choice(WORDS) if random.random() < 0.85 else random.choice(TEXTS)
        kind = random.randrange(5)
        words += [[flag, value], [f"{flag}={value}"], [value], [flag], [flag[:-1], value]][kind]
    if random.random() < 0.5:
        words.insert(1, "talk.mp4")
    if random.random() < 0.2:
        at = random.randrange(len(words))
        words[at] = damage_bytes(random, words[at].encode("utf-8", "surrogatepass")).decode(
            "utf-8", "surrogateescape"
        )
    return [word.replace("\0", "") for word in words]  # which no system passes on


def try_command_line(folder, words):
    """Parse a command line: it is a request with checked files, or one line and exit code 2."""
    before = sorted(folder.rglob("*"))
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            request = parse(words)
    except SystemExit as end:
        _check_usage(end.code, errors.getvalue(), words)
        return False
    finally:
        assert sorted(folder.rglob("*")) == before
    assert request.verb in VERB_OPTIONS
    try:
        check_files(request)
    except SpeakerZoomError as error:
        names = [one_line(str(file.path)) for file in request.files]
        flags_of = (flag for file in request.files for flag in file.flags)
        line = SpeakerZoomError(one_line(str(error)))  # as it is printed
        check_refusal(line, *names, *flags_of, *map(one_line, words))
        return False
    finally:
        assert sorted(folder.rglob("*")) == before
    return True


def _check_usage(code, errors, words):
    """Check that wrong usage ends in one line."""
    assert code == 2, shlex.join(map(ascii, words))
    (line,) = errors.splitlines()
    assert line.startswith("error: ")
    assert len(line) < 1500


def test_a_random_command_line_is_a_request_or_one_line(fuzz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for name in ("talk.mp4", "edited.otio", "labels.json", "mine.toml"):
        Path(name).write_bytes(b"")
    fuzz("command lines", random_command_line, partial(try_command_line, tmp_path), count=60)


# --- times, sizes and shapes ----------------------------------------------------------------------

PARSERS = {
    "time": values.time, "canvas": values.canvas, "size": values.size, "height": values.height,
    "number": values.number, "channels": values.channels, "port": values.port,
    "shot": values.shot_number, "root": values.media_root,
}  # fmt: skip
SOURCES = tuple(
    Media(Path("talk.mp4"), Fraction(rate), 500, size, start=start, drop_frame=drop)
    for rate, size, start, drop in (
        ("25", (1920, 1080), 0, False), ("30000/1001", (1080, 1920), 107_892, True),
        ("24000/1001", (2, 2), 5, False), ("1", (9000, 3), 0, False),
    )
)  # fmt: skip


def random_value(random):
    name = random.choice(sorted(PARSERS))
    text = random.choice(WORDS) if random.random() < 0.8 else random.choice(TEXTS)
    if random.random() < 0.6:
        data = damage_bytes(random, text.encode("utf-8", "surrogatepass"))
        text = data.decode("utf-8", "surrogateescape")
    return name, text, random.choice(SOURCES)


def try_value(item):
    """Parse a value of the command line; what depends on the source is a whole number of frames."""
    name, text, media = item
    try:
        value = PARSERS[name](text)
    except argparse.ArgumentTypeError:
        return False
    if not callable(value):
        return True
    try:
        result = value(media)
    except SpeakerZoomError as error:
        check_refusal(error, media.path)
        return False
    if name == "canvas":
        assert all(type(side) is int and side > 0 and side % 2 == 0 for side in result), result
    else:
        assert type(result) is int
    return True


def test_a_random_time_or_size_is_exact_or_refused(fuzz):
    fuzz("times and sizes", random_value, try_value, count=400)
