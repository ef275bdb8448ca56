"""The version is written in pyproject.toml, and nowhere else: all others read it when they run."""

import io
import json
import re
import tomllib
import zipfile
from importlib.metadata import version

import pytest
from conftest import REPOSITORY

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.plugins.premiere_install import package
from otio_speakerzoom.plugins.resolve_script import script_text

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
SUFFIXES = {".css", ".html", ".js", ".json", ".lua", ".py", ".toml"}


def test_no_other_file_of_the_package_has_the_version():
    number = re.compile(rf"(?<![\d.]){re.escape(PROJECT['version'])}(?![\d.])")
    files = [
        path
        for folder in ("otio_speakerzoom", "adapters")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in SUFFIXES
    ]

    assert len(files) > 300
    assert not [path for path in files if number.search(path.read_text("utf-8"))]


def test_the_command_the_panel_and_the_script_have_the_version_of_the_installed_package(capsys):
    installed = version("otio-speakerzoom")
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{installed}\n"

    with zipfile.ZipFile(io.BytesIO(package())) as panel:
        manifest = json.loads(panel.read("manifest.json"))
    assert manifest["version"] == re.match(r"\d+\.\d+\.\d+", installed)[0]
    assert f'local VERSION = "{installed}"' in script_text("/mailbox")
