"""What is in the wheel and in the source archive, and that both are always the same."""

import email
import subprocess
import tomllib
import zipfile

import pytest
from building import build, copy_checkout, names_in, unpack
from conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]

STRAYS = (
    "talk.mp4",
    "out/talk.otio",
    "samples/my_talk.mov",
    "samples/two_talkers.mp4.speakerzoom/cutlist.json",
    "weights/lr-asd_pretrain_AVA.model",
    "otio_speakerzoom/cli/__pycache__/run.cpython-311.pyc",
    "adapters/__pycache__/edl.cpython-311.pyc",
    "adapters/premiere/.DS_Store",
    "otio_speakerzoom/.DS_Store",
    ".venv/bin/python",
    ".hypothesis/examples/a",
)
"""Files that lie in a checkout after a while, and that nobody wants to receive."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The wheel and the source archive of a checkout in which strays lie."""
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout") / "project")
    for stray in STRAYS:
        (checkout / stray).parent.mkdir(parents=True, exist_ok=True)
        (checkout / stray).write_text("not ours to ship")
    return build(checkout, tmp_path_factory.mktemp("dist"))


def package_files():
    """Every file of the installed package and where it is in a checkout."""
    places = {
        "otio_speakerzoom": REPOSITORY / "otio_speakerzoom",
        "otio_speakerzoom/adapters": REPOSITORY / "adapters",
    }
    files = {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for name, folder in places.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name in ("sync-asd.npz", "weights.toml"):
        files[f"otio_speakerzoom/weights/{name}"] = REPOSITORY / "weights" / name
    return files


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(packages):
    names = {name for name in names_in(packages[".whl"]) if ".dist-info/" not in name}

    assert names == package_files().keys()
    suffixes = {name.rpartition(".")[2] for name in names}
    assert {"js", "css", "html", "json", "toml", "npz", "lua", "typed"} <= suffixes
    with zipfile.ZipFile(packages[".whl"]) as wheel:
        for name, path in package_files().items():
            assert wheel.read(name) == path.read_bytes(), name


def test_the_source_archive_has_what_is_under_version_control_and_nothing_else(packages):
    names = names_in(packages[".gz"]) - {"PKG-INFO"}
    assert {"pyproject.toml", "LICENSE", "Makefile", "tests/conftest.py"} <= names
    assert not names & set(STRAYS)
    if not (REPOSITORY / ".git").exists():  # these tests run from the archive itself
        return
    tracked, untracked = listed("--cached"), listed("--others", "--exclude-standard")

    assert tracked - names == set()
    assert names - tracked - untracked == set()


def listed(*options):
    """Names of the files that git lists with these options, as far as they are there."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name for name in run.stdout.split("\0") if name and (REPOSITORY / name).is_file()}


def test_the_wheel_is_the_same_from_the_tree_and_from_the_source_archive(
    packages, tmp_path, monkeypatch
):
    checkout = unpack(packages[".gz"], tmp_path / "unpacked")
    again = build(checkout, tmp_path / "dist", "wheel")
    assert again[".whl"].read_bytes() == packages[".whl"].read_bytes()

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = build(checkout, tmp_path / "dated", "wheel")
    assert dated[".whl"].read_bytes() != packages[".whl"].read_bytes()
    assert names_in(dated[".whl"]) == names_in(packages[".whl"])


def test_the_metadata_of_the_wheel_is_that_of_the_project(packages):
    with zipfile.ZipFile(packages[".whl"]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))

    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "MIT"
    required = {line.partition(";")[0] for line in metadata.get_all("Requires-Dist")}
    assert {line.replace(" ", "") for line in PROJECT["dependencies"]} <= required
