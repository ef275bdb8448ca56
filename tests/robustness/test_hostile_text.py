"""Names that are code for whoever reads them: terminals, browsers, spreadsheets, shells, Lua."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import HOSTILE, TEXT, cut_talk  # noqa: F401 (a fixture)
from lupa.luajit21 import LuaRuntime

from otio_speakerzoom import pipeline
from otio_speakerzoom.cli.main import main
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.plugins.recipe import recipe_of
from otio_speakerzoom.source import conform_command
from otio_speakerzoom.source.programs import shell_command

pytest_plugins = ["talks"]

CODES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys."""
FILE = "\x1b]0;mine\x07\x9b31m<img src=x onerror=alert(1)>$(touch ran)`touch ran`';touch ran;'.mp4"
PERSON = "=1+1\x1b[31m\x9b5m\u202e<script>alert(1)</script>\"]=os.execute('touch ran')--"


@pytest.fixture(scope="module")
def evil(cut_talk, tmp_path_factory):  # noqa: F811
    """A recording with an analysis and a cut, whose name and people are code."""
    folder = tmp_path_factory.mktemp("evil")
    shutil.copytree(cut_talk.parent, folder, dirs_exist_ok=True)
    source = (folder / cut_talk.name).rename(folder / FILE)
    (folder / f"{cut_talk.name}.speakerzoom").rename(folder / f"{FILE}.speakerzoom")
    people = folder / f"{FILE}.speakerzoom" / "people.json"
    rows = json.loads(people.read_text())
    for row in rows["people"]:
        row["name"] = PERSON
    people.write_text(json.dumps(rows))
    pipeline.cut(Job(source))
    return source


def test_messages_escape_terminal_codes(evil, capsys):
    assert main(["cut", str(evil), "-o", str(evil.with_name("cut.otio")), "-v"]) == 0
    assert main(["inspect", str(evil.with_name(f"no{FILE}"))]) == 1
    assert main(["review", str(evil.with_name(f"no{FILE}"))]) == 1
    with pytest.raises(SystemExit):
        main(["cut", f"--{FILE}"])
    text = capsys.readouterr().err

    assert text.count("error: ") == 3
    assert not CODES.search(text)
    HOSTILE.check(TEXT[0], "shown as escapes: `\\x1b]0;mine\\x07`")


def test_tables_escape_terminal_codes(evil, capsys):
    for words in ([], ["--review"]):
        assert main(["inspect", str(evil), *words]) == 0
    text = capsys.readouterr().out

    assert "\\u001b" in text
    assert not CODES.search(text)
    HOSTILE.check(TEXT[1], "shown as escapes: `\\u001b[31m`")


def test_check_escapes_terminal_codes(evil, tmp_path, capsys):
    path = tmp_path / "cut.otio"
    assert main(["export", str(evil), "-o", str(path)]) == 0
    address = r'(?<="target_url": ")[^"]*'
    path.write_text(re.sub(address, lambda _: r"file:///a\u001b[31m.mp4", path.read_text()))
    assert any(CODES.search(line) for line in check(path).problems)
    main(["check", str(path)])
    text = capsys.readouterr().out

    assert not CODES.search(text)
    HOSTILE.check(TEXT[2], "shown as escapes")


def test_json_on_a_terminal_has_no_codes(evil, capsysbinary, monkeypatch):
    for is_terminal in (False, True):
        monkeypatch.setattr(sys.stdout, "isatty", lambda answer=is_terminal: answer)
        assert main(["inspect", str(evil), "--json"]) == 0
        text = capsysbinary.readouterr().out.decode()
        document = json.loads(text)
        assert document["media"]["path"] == str(evil)
        assert document["people"][0]["name"] == PERSON
        assert bool(CODES.search(text)) is not is_terminal
    HOSTILE.check(TEXT[3], "escapes of JSON, which mean the same; a program gets UTF-8")


def test_the_name_of_a_result_is_escaped_on_a_terminal_only(evil, capsys, monkeypatch):
    out = evil.with_name("\x1b[2Jcut.otio")
    lines = []
    for is_terminal in (False, True):
        monkeypatch.setattr(sys.stdout, "isatty", lambda answer=is_terminal: answer)
        assert main(["export", str(evil), "-o", str(out)]) == 0
        lines.append(capsys.readouterr().out)

    assert lines[0] == f"{out}\n"
    assert not CODES.search(lines[1])
    HOSTILE.check(TEXT[4], "shown as escapes; a program gets the name as it is")


class Page(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def test_no_name_becomes_a_tag_of_the_report(evil, tmp_path):
    path = tmp_path / "report.html"
    assert main(["inspect", str(evil), "--report", str(path)]) == 0
    text = path.read_text()
    page = Page(text)

    assert "alert(1)" in text
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "link", "a"}
    assert not {name for name in page.attributes if name.startswith("on") or "href" in name}
    HOSTILE.check(TEXT[5], "shown as text: the page has no script and no address")


def test_no_name_becomes_code_of_the_recipe(evil):
    cut_list = pipeline.current_cut(Job(evil))
    text = recipe_of(cut_list, evil.with_name("cut.otio")).text()
    lua = LuaRuntime(encoding=None)
    run = lua.eval("function(text) return setfenv(assert(loadstring(text)), {})() end")
    recipe = run(text.encode("ascii"))

    assert recipe[b"name"].decode() == evil.stem
    assert PERSON in "".join(row[b"name"].decode() for row in recipe[b"markers"].values())
    HOSTILE.check(TEXT[6], "strings in ASCII, with every other byte as an escape")


def test_the_csv_table_has_no_text_of_others(evil, tmp_path):
    path = tmp_path / "faces.csv"
    assert main(["inspect", str(evil), "--csv", str(path)]) == 0
    head, *rows = path.read_text().splitlines()
    cells = {cell for row in rows for cell in row.split(",")}

    assert re.fullmatch(r"[a-z_,]+", head)
    assert rows
    assert all(re.fullmatch(r"(-?\d+(\.\d+)?)?", cell) for cell in cells)
    HOSTILE.check(TEXT[7], "the table has numbers only: people by their number")


def test_a_printed_command_is_safe_to_paste(tmp_path, monkeypatch):
    source = tmp_path / f"{FILE[20:]}"
    command = conform_command(source, "fps=25")
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$OUT"\n')
    program.chmod(0o755)
    words = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "OUT": "words"}
    monkeypatch.chdir(tmp_path)
    name = shlex.split(command)[0]
    subprocess.run(command.replace(name, "ffmpeg", 1), shell=True, check=True,
                   env={**os.environ, **words})  # fmt: skip

    assert f"file:{source}" in Path("words").read_text().splitlines()
    assert "-protocol_whitelist\nfile\n-i\n" in Path("words").read_text()
    assert not Path("ran").exists()
    HOSTILE.check(TEXT[8], "quoted: the shell gives ffmpeg the name as it is")


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize(
    "name", ["talk.mp4\n", "talk\n\n", "\n", "two words' $(x) %s\\1\x1b\udcff\n", "a\nb.mp4"]
)
def test_a_name_that_ends_in_line_breaks_keeps_them_in_a_printed_command(name, shell):
    command = shell_command(["printf", "%s", f"file:{name}", "it's"], "linux")
    run = subprocess.run([shell, "-c", command], capture_output=True, check=True)

    assert command.isprintable()
    assert run.stdout == os.fsencode(f"file:{name}it's")


@pytest.mark.parametrize(
    ("words", "command"),
    [(["ffmpeg", "-i", r"file:C:\clips\a.mp4"], r"ffmpeg -i file:C:\clips\a.mp4"),
     (["ffmpeg", "two talkers.mp4"], 'ffmpeg "two talkers.mp4"'),
     ([r"C:\Program Files\ffmpeg.exe", "a"], r'& "C:\Program Files\ffmpeg.exe" a'),
     (["ffmpeg", "a & calc.mp4"], 'ffmpeg "a & calc.mp4"'),
     (["ffmpeg", "$(calc).mp4"], "ffmpeg '$(calc).mp4'"),
     (["ffmpeg", "it's `calc`.mp4"], "ffmpeg 'it''s `calc`.mp4'"),
     (["ffmpeg", "\u201d; calc; \u2018.mp4"], "ffmpeg '\u201d; calc; \u2018\u2018.mp4'"),
     (["ffmpeg", "@(1)", "#1", "{1}", "a,b"], 'ffmpeg "@(1)" "#1" "{1}" "a,b"')],
)  # fmt: skip
def test_a_command_for_windows_is_safe_to_paste(words, command):
    assert shell_command(words, "win32") == command
    HOSTILE.check(TEXT[9], "quoted: `$`, backquotes and curly quotes are no code")
