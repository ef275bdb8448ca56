"""Every number that a user may give has a range: beyond it, one line and exit code 2."""

import argparse
import re
import sys

import pytest
from tables import PAGE
from talk_folder import copy_of

from otio_speakerzoom.cli import options, values
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.cli.parser import build_parser
from otio_speakerzoom.director.style import STYLE_FIELDS
from otio_speakerzoom.director.style_fields import NumberField

pytest_plugins = ["talks"]

LARGEST = {
    "--jobs": "99",
    "--detect-every": "99",
    "--audio-stream": "99",
    "--channels": "99",
    "--port": "65535",
    "--height": str(values.MAX_SIDE_PX),
    "--shot": "999999",
    "--in": "999999999f",
    "--out": "999999999f",
    "--from": "999999999f",
    "--to": "999999999f",
    "--canvas": f"{values.MAX_SIDE_PX}x{values.MAX_SIDE_PX}",
}
"""The largest value of each option that is a number or contains some, but for values of a style."""
TEXTS = {"--ray", "--sequence", "--media-root"}
"""Options that are any text."""


def verbs():
    actions = build_parser()._actions
    return next(a for a in actions if isinstance(a, argparse._SubParsersAction)).choices


def numbers():
    """Each option with a value that is neither a file nor a choice: (verb, action)."""
    for name, verb in verbs().items():
        for action in verb._actions:
            is_file = isinstance(action.type, values.Input | values.Output | values.Folder)
            takes_none = action.nargs == 0
            if action.option_strings and not (is_file or takes_none or action.choices):
                yield name, action


NUMBERS = [
    (verb, action.option_strings[-1], action.dest)
    for verb, action in numbers()
    if action.option_strings[-1] not in TEXTS
]


def is_style(dest):
    return dest.startswith(options.STYLE)


def largest(flag, dest):
    """The largest value that an option takes, as it is written."""
    return (
        f"{STYLE_FIELDS[dest.removeprefix(options.STYLE)].maximum:f}"
        if is_style(dest)
        else (LARGEST[flag])
    )


def beyond(text):
    """A value with each number in it a thousand times as large."""
    return re.sub(
        r"\d+(\.\d+)?", lambda m: f"{float(m[0]) * 1000:f}" if m[1] else f"{m[0]}000", text
    )


def accepts(verb, flag, text):
    """Whether the parser of a verb takes a value; what it says of one that it does not."""
    action = next(a for a in verbs()[verb]._actions if flag in a.option_strings)
    try:
        return action.type(text) is not None
    except argparse.ArgumentTypeError:
        return False


def test_every_number_of_the_command_line_has_a_largest_value():
    flags = {flag for _, flag, dest in NUMBERS if not is_style(dest)}
    assert flags == set(LARGEST)
    assert {action.option_strings[-1] for _, action in numbers()} >= TEXTS
    styles = {dest.removeprefix(options.STYLE) for _, _, dest in NUMBERS if is_style(dest)}
    assert styles == {n for n, f in STYLE_FIELDS.items() if isinstance(f, NumberField)}


@pytest.mark.parametrize(("verb", "flag", "dest"), NUMBERS)
def test_a_number_a_thousand_times_beyond_its_range_is_wrong_usage(verb, flag, dest, capsys):
    text = largest(flag, dest)
    assert accepts(verb, flag, text)

    with pytest.raises(SystemExit) as ended:
        main([verb, f"{flag}={beyond(text)}"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.fullmatch(rf"error: argument .*{flag}.*: .*\n", said), said


@pytest.mark.slow
@pytest.mark.parametrize("end", ["minimum", "maximum"])
def test_the_ends_of_the_range_of_a_style_value_take_little_time_and_memory(
    end, cut_talk, tmp_path, capsys
):
    resource = pytest.importorskip("resource")  # which Windows lacks
    film = copy_of(cut_talk, tmp_path).with_suffix("")
    before = resource.getrusage(resource.RUSAGE_SELF)
    cuts = 0
    for name, field in STYLE_FIELDS.items():
        if not isinstance(field, NumberField):
            continue
        value = getattr(field, end) + (0.001 if field.excludes_minimum and end == "minimum" else 0)
        option = f"{values.style_flag(name)}={value:f}"
        code = main(["cut", str(film), "-o", f"{film}.otio", option, "-q"])
        said = capsys.readouterr().err
        assert code == 0 or re.fullmatch(r"error: .*\n", said), (option, said)
        assert "a bug in" not in said
        cuts += code == 0
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert cuts > 10
    # kilobytes on Linux, bytes on macOS: on both less than a gigabyte more
    unit = 1 if sys.platform == "darwin" else 1024
    assert (after.ru_maxrss - before.ru_maxrss) * unit < 2**30


def test_the_page_says_how_many_numbers_have_a_range():
    page = " ".join(PAGE.read_text("utf-8").split())
    assert f"{len(NUMBERS)} options of all verbs, 0 failures" in page
