"""Runs verbs on a talk whose folder of results is damaged."""

import os
import shutil

from otio_speakerzoom.cli.main import main


def copy_of(cut_talk, tmp_path):
    """The folder of results of a copy of a talk."""
    shutil.copytree(cut_talk.parent, tmp_path / "talk")
    return tmp_path / "talk" / f"{cut_talk.name}.speakerzoom"


def run(folder, capsys, *words):
    """Run a verb on the talk, which works or fails in one line; return that, without the path."""
    before = content(folder)
    code = main([words[0], str(folder.with_suffix("")), *words[1:], "-q"])
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert "\n" not in said
    assert code == (1 if said else 0)
    if code:
        assert content(folder) == before, "a refused file was changed"
    return without_path(said.removeprefix("error: "), folder)


def without_path(text, folder):
    """A message with the names of files in place of their paths."""
    return text.replace(f"{folder}{os.sep}", "").replace(f"{folder.parent}{os.sep}", "")


def content(folder):
    """The bytes of all regular files of a folder that are not huge."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**25
    }
