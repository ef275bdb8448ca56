"""The pages and the parser agree: verbs, options, for which verbs they are, their values."""

import argparse
import re

import pytest
from conftest import REPOSITORY

from otio_speakerzoom.cli.parser import VERB_OPTIONS, build_parser
from otio_speakerzoom.pipeline.job import DEFAULTS

COMMANDS = (REPOSITORY / "docs" / "commands.md").read_text("utf-8")
PAGES = sorted(
    [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md"),
     *(REPOSITORY / "weights").glob("*.md"), *(REPOSITORY / "adapters").glob("*.md")]
)  # fmt: skip
OF_OTHER_PROGRAMS = {
    "--excludes", "--force-reinstall", "--no-binary", "--no-deps", "--only-binary", "--enable-gpl",
    "--enable-version", "--unknown",
}  # fmt: skip
"""Options that pages show of pip, of uv, of the build of FFmpeg, and the wrong one of a test."""


def verbs():
    """Every verb's parser, by its name."""
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    return choices


def options_of(verb):
    """The options of a verb that `--help` shows, by each of their names."""
    return {
        name: action
        for action in verbs()[verb]._actions
        for name in action.option_strings
        if action.help != argparse.SUPPRESS
    }


def rows():
    """Rows of the table of options: the cell of their names and that of their meaning."""
    table = COMMANDS[COMMANDS.index("| option | what it does |") :].partition("\n\n")[0]
    for line in table.splitlines()[2:]:
        names, meaning = re.split(r"(?<!\\)\|", line)[1:3]
        yield names.strip(), meaning.strip()


def test_the_list_of_commands_shows_every_verb_and_no_other():
    (block, *_) = re.findall(r"^```\n(.*?)^```", COMMANDS, re.MULTILINE | re.DOTALL)
    shown_verbs = set(re.findall(r"^speakerzoom (\w+)", block, re.MULTILINE))

    assert shown_verbs == VERB_OPTIONS.keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_option_that_a_page_shows_exists(page):
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text("utf-8")))
    ours = {"--help", "--version", *(name for verb in verbs() for name in options_of(verb))}

    assert named - ours - OF_OTHER_PROGRAMS == set()


def test_every_verb_that_the_table_names_for_an_option_has_it():
    checked = 0
    for names, meaning in rows():
        match = re.match(r"((?:`\w+`(?:, )?)+)[^:`]*:", meaning)
        wanted = (
            [verb for verb in re.findall(r"\w+", match[1]) if verb in VERB_OPTIONS] if match else []
        )
        for verb in wanted:
            for name in re.findall(r"(?<![\w-])--?[a-z][\w-]*", names):
                assert name in options_of(verb), (verb, name)
                checked += 1
    assert checked > 20


def test_the_values_in_the_table_are_those_of_the_parser():
    checked = set()
    for names, _ in rows():
        for name, text in re.findall(r"(--[a-z][\w-]*) ([a-z][\w-]*(?:\\\|[\w.-]+)+)", names):
            documented = sorted(text.split("\\|"))
            choices = [
                sorted(map(str, action.choices))
                for verb in verbs()
                if (action := options_of(verb).get(name)) and action.choices
            ]
            if choices:
                assert documented in choices, name
                checked.add(name)
    assert checked >= {
        "--device", "--encoder", "--layout", "--resolve-scaling", "--scorer", "--to", "--tracker",
    }  # fmt: skip


def test_the_values_that_pages_call_the_default_are():
    assert f"`{DEFAULTS.detector}` (the default)" in COMMANDS
    assert options_of("render")["--encoder"].default == "auto"
    assert "`auto` is x264" in COMMANDS
    assert options_of("cut")["--device"].default == "auto"
    assert options_of("review")["--port"].default == 0
    assert "else a free one" in COMMANDS
