"""The project's own files: versions, and which tests may be skipped."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import REPOSITORY
from packaging.version import Version
from skips import LISTED, listed, unlisted

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = [
    *PROJECT["dependencies"],
    *(p for extra in PROJECT["optional-dependencies"].values() for p in extra),
]
OURS = f"{PROJECT['name']}["
LOWEST = REPOSITORY / ".ci" / "lowest.py"


def lowest():
    sys.path.insert(0, str(LOWEST.parent))
    try:
        import lowest
    finally:
        sys.path.pop(0)
    return lowest


def pinned(text):
    """{name: version} of lines such as name==1.2."""
    return {
        name.lower(): Version(version)
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    }


def test_every_package_has_a_lowest_version():
    floors = lowest().floors([package for package in PACKAGES if not package.startswith(OURS)])

    assert len(floors) >= 15
    with pytest.raises(ValueError, match="'torch<3' has no lowest version"):
        lowest().floors(["torch<3"])


def test_what_make_installs_is_no_older_than_the_lowest_version():
    floors = lowest().floors([package for package in PACKAGES if not package.startswith(OURS)])
    installed = pinned((REPOSITORY / "constraints.txt").read_text("utf-8"))
    extras = PROJECT["optional-dependencies"]
    optional = lowest().floors(extras["dlib"] + extras["ray"] + extras["samples"])

    assert {name.lower() for name in floors.keys() - optional.keys()} <= installed.keys()
    for name, lowest_version in floors.items():
        floor = Version(lowest_version)
        assert installed.get(name.lower(), floor) >= floor, name


def test_the_lowest_versions_are_those_of_all_that_the_tests_run_with():
    printed = subprocess.run([sys.executable, LOWEST], capture_output=True, text=True, check=True)
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]

    assert pinned(printed.stdout).keys() == {re.split("[<>=]", p)[0].lower() for p in needed}


# --- skips ----------------------------------------------------------------------------------------


def test_a_skip_is_allowed_for_a_listed_reason_only():
    reasons = ["Skipped: no CUDA device here", "Skipped: melt is not installed"]

    assert unlisted([*reasons, *reasons], listed()) == ["Skipped: melt is not installed"]


def test_every_listed_skip_says_why():
    for entry in tomllib.loads(LISTED.read_text("utf-8"))["skip"]:
        assert entry.keys() == {"reason", "why"}
        re.compile(entry["reason"])


@pytest.mark.parametrize(
    ("reason", "options", "code"),
    [
        ("melt is not installed", ["--fail-on-skips"], 1),
        ("no CUDA device here", ["--fail-on-skips"], 0),
        ("melt is not installed", [], 0),
    ],
)
def test_an_unlisted_skip_fails_with_the_option(reason, options, code, tmp_path):
    (tmp_path / "test_one.py").write_text(
        f"import pytest\n\n@pytest.mark.skip(reason='{reason}')\ndef test_one(): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "skips", "-q", *options, str(tmp_path)]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": ""},
    )  # fmt: skip

    assert run.returncode == code, run.stdout + run.stderr
    assert ("not in skips.toml: Skipped: melt" in run.stdout) == bool(code)
