"""Builds the wheel and the source archive as `make dist` does, without a network."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import REPOSITORY

NOT_OURS = (".git", ".venv*", "out", "dist", "build", "*.speakerzoom", "__pycache__", ".*_cache")
"""What lies in a checkout, and is left out of copies of it."""


def copy_checkout(folder):
    """Copy this checkout, or unpacked source archive, into a folder that is not there yet."""
    shutil.copytree(REPOSITORY, folder, ignore=shutil.ignore_patterns(*NOT_OURS))
    return folder


def build(checkout, folder, *targets):
    """Build these targets of a checkout, or all; return the files by their suffix."""
    pytest.importorskip("hatchling", reason="hatchling is not installed; run make setup")
    options = [word for target in targets for word in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": ""}
    run = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return {path.suffix: path for path in Path(folder).iterdir()}


def unpack(archive, folder):
    """Unpack a source archive; return the one folder in it."""
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    (checkout,) = folder.iterdir()
    return checkout


def names_in(archive):
    """Names of the files in a wheel, or in a source archive without its top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as files:
            return set(files.namelist())
    with tarfile.open(archive) as files:
        members = [member.name for member in files.getmembers() if member.isfile()]
    return {name.partition("/")[2] for name in members}
